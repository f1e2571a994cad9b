/** The recovery key: kept, and the keeping tried by its last group. */
import { useState, type ReactNode } from "react";
import { useEngineState } from "../app/context.tsx";
import { firstSteps } from "../app/first-steps.ts";
import { AskRecoveryKey, RecoveryKey } from "../recovery/recovery-key.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { TextField } from "../ui/controls.tsx";
import { useFlow } from "./flow.tsx";
import { Step } from "./step.tsx";

/** Shows it. */
export function KeyStep(): ReactNode {
  const f = useFirstRunText();
  const state = useEngineState();
  const { saved, secrets, setSecrets, next } = useFlow();
  const { recoveryKey } = secrets;
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState(false);
  const of =
    state.phase === "open" ? state.self : { identifier: saved.identifier, serverOrigin: location.origin };

  const done = (kept: boolean): void => {
    // They go on though nothing is left to keep.
    firstSteps.show(true);
    firstSteps.setKeyToKeep(kept ? undefined : "later");
    next();
  };
  const confirm = (): void => {
    const last = recoveryKey?.slice(-4) ?? "";
    if (plain(typed).slice(-4) === last) done(true);
    else setWrong(true);
  };

  return (
    <Step
      title={f.keyTitle}
      text={f.keyText}
      action={recoveryKey === undefined ? undefined : f.next}
      onNext={confirm}
      footer={
        <button type="button" className="text-button" onClick={() => done(false)}>
          {f.keyLater}
        </button>
      }
    >
      {recoveryKey === undefined ? (
        <AskRecoveryKey
          onKey={(key) => (key === undefined ? done(true) : setSecrets({ recoveryKey: key }))}
        />
      ) : (
        <>
          <RecoveryKey recoveryKey={recoveryKey} of={of} />
          <TextField
            label={f.keyConfirm}
            hint={f.keyConfirmHint}
            error={wrong ? f.keyConfirmWrong : undefined}
            autoComplete="off"
            autoCapitalize="characters"
            spellCheck={false}
            dir="ltr"
            value={typed}
            onChange={(event) => {
              setTyped(event.target.value);
              setWrong(false);
            }}
          />
        </>
      )}
    </Step>
  );
}

/** As recovery keys are read: case, and letters that look like digits, do not matter. */
const plain = (text: string): string =>
  text.toUpperCase().replaceAll(/[\s-]/g, "").replaceAll("O", "0").replaceAll(/[IL]/g, "1");
