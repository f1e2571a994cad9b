/** Giving up what was begun in this browser: pressed twice. */
import { useState, type ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { firstSteps } from "../app/first-steps.ts";
import { useText } from "../text/index.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { Button, Notice } from "../ui/controls.tsx";
import { useFlow } from "./flow.tsx";
import { setResetTimes } from "./steps.ts";

/** @param label of the first button. @param warning what is lost. @param action the text of the second button. */
export function DiscardAccount({
  label,
  warning,
  action,
}: {
  readonly label?: string;
  readonly warning?: string;
  readonly action?: string;
}): ReactNode {
  const t = useText();
  const f = useFirstRunText();
  const calls = useCalls();
  const { set } = useFlow();
  const [asked, setAsked] = useState(false);

  const discard = async (): Promise<void> => {
    await calls.destroy();
    setResetTimes(undefined);
    firstSteps.setKeyToKeep(undefined);
    firstSteps.show(false);
    set({ path: "register", step: "welcome", identifier: "", typed: "", code: undefined });
  };

  if (!asked) {
    return (
      <button type="button" className="text-button" onClick={() => setAsked(true)}>
        {label ?? f.discard}
      </button>
    );
  }
  return (
    <Notice kind="warn" live>
      <p>{warning ?? f.discardText}</p>
      <div className="notice__actions">
        <Button kind="danger" onClick={() => void discard()}>
          {action ?? f.discardAction}
        </Button>
        <Button kind="quiet" onClick={() => setAsked(false)}>
          {t.common.cancel}
        </Button>
      </div>
    </Notice>
  );
}
