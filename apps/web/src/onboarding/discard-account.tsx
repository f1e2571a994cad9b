/** Giving up what was begun in this browser. */
import type { ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { firstSteps } from "../app/first-steps.ts";
import { useFirstRunText } from "../text/first-run.ts";
import { Confirm } from "../ui/confirm.tsx";
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
  const f = useFirstRunText();
  const calls = useCalls();
  const { set } = useFlow();
  const discard = async (): Promise<void> => {
    await calls.destroy();
    setResetTimes(undefined);
    firstSteps.setKeyToKeep(undefined);
    firstSteps.show(false);
    set({ path: "register", step: "welcome", identifier: "", typed: "", code: undefined });
  };
  return (
    <Confirm
      label={label ?? f.discard}
      warning={warning ?? f.discardText}
      action={action ?? f.discardAction}
      onConfirm={discard}
    />
  );
}
