/** Coming back with the recovery key, and what came back. */
import { useState, type ReactNode } from "react";
import { useFirstRunText } from "../text/first-run.ts";
import { TextField } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { useFlow } from "./flow.tsx";
import { Step } from "./step.tsx";

const letters = 32;
const count = (typed: string): number => typed.replaceAll(/[\s-]/g, "").length;

/** Asks for the key. */
export function KeyEntryStep(): ReactNode {
  const f = useFirstRunText();
  const { secrets, setSecrets, next, start } = useFlow();
  // Whoever is sent back here typed one that did not open the account.
  const [problem, setProblem] = useState(secrets.typedKey === "" ? undefined : f.keyEntryWrong);
  const { typedKey } = secrets;
  return (
    <Step
      title={f.keyEntryTitle}
      text={f.keyEntryText}
      action={f.next}
      onNext={() => (count(typedKey) === letters ? next() : setProblem(f.keyEntryShort(count(typedKey))))}
      footer={
        <button type="button" className="text-button" onClick={() => start("reset")}>
          {f.keyLost}
        </button>
      }
    >
      <TextField
        label={f.keyLabel}
        className="field__input--key"
        error={problem}
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        dir="ltr"
        data-first
        value={typedKey}
        onChange={(event) => {
          setSecrets({ typedKey: event.target.value });
          setProblem(undefined);
        }}
      />
    </Step>
  );
}

/** Says that it worked, and what did not come back. */
export function RecoveredStep(): ReactNode {
  const f = useFirstRunText();
  const { next } = useFlow();
  return (
    <Step
      title={f.recoveredTitle}
      text={f.recoveredText}
      picture={<Icon name="shield" className="first__picture" />}
      action={f.next}
      onNext={next}
    />
  );
}
