/** The offer to unlock by a finger, a face or a PIN from now on. */
import { useState, type ReactNode } from "react";
import { useCalls, useEngineState } from "../app/context.tsx";
import { NoPrfError, makePasskey } from "../passkey/ceremony.ts";
import { useFirstRunText } from "../text/first-run.ts";
import { Button } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { useFlow } from "./flow.tsx";
import { Step } from "./step.tsx";

/** Offers it. */
export function PasskeyStep(): ReactNode {
  const f = useFirstRunText();
  const calls = useCalls();
  const state = useEngineState();
  const { next } = useFlow();
  const [problem, setProblem] = useState<string>();
  const [working, setWorking] = useState(false);

  const add = async (): Promise<void> => {
    setWorking(true);
    setProblem(undefined);
    try {
      const { secret, ...passkey } = await makePasskey(
        state.phase === "open" ? state.self.identifier : "Sotto",
      );
      await calls.addPasskey(passkey, secret);
      next();
      return;
    } catch (cause) {
      setProblem(cause instanceof NoPrfError ? f.passkeyNoPrf : f.passkeyFailed);
    }
    setWorking(false);
  };

  return (
    <Step
      title={f.passkeyTitle}
      text={f.passkeyText}
      problem={problem}
      picture={<Icon name="finger" className="first__picture" />}
    >
      <div className="first__choices">
        <Button kind="primary" disabled={working} onClick={() => void add()}>
          {f.passkeyAdd}
        </Button>
        <Button kind="quiet" disabled={working} onClick={next}>
          {f.passkeyNot}
        </Button>
      </div>
    </Step>
  );
}
