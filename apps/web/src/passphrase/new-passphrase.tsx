/** Choosing a passphrase: shown or repeated, with its strength. A weak one is warned of once, and taken then. */
import { useDeferredValue, useMemo, useState, type ReactNode } from "react";
import { useFirstRunText } from "../text/first-run.ts";
import { Notice, TextField } from "../ui/controls.tsx";
import { SecretField } from "./secret-field.tsx";
import { StrengthMeter, useDuration, useStrength } from "./strength-meter.tsx";

/** A passphrase being chosen. */
export interface NewPassphrase {
  readonly fields: ReactNode;
  /** It was warned of: the next take() gives it all the same. */
  readonly warned: boolean;
  /** The passphrase; undefined when something is missing, which is shown then. */
  take(): string | undefined;
  /** Empties the fields. */
  clear(): void;
}

const weakBelow = 2;

/** @param of whose it is: words that a thief tries first. @param label of the field. */
export function useNewPassphrase(of: string, label?: string): NewPassphrase {
  const f = useFirstRunText();
  const duration = useDuration();
  const estimate = useStrength();
  const [passphrase, setPassphrase] = useState("");
  const [repeated, setRepeated] = useState("");
  const [shown, setShown] = useState(false);
  const [suggested, setSuggested] = useState(false);
  const [problem, setProblem] = useState<"missing" | "repeat">();
  const [warnedOf, setWarnedOf] = useState<string>();
  const measured = useDeferredValue(passphrase);
  const strength = useMemo(
    () => (measured === "" ? undefined : estimate?.strengthOf(measured, of.split(/[^\p{L}\d]+/u))),
    [measured, estimate, of],
  );
  const warned = warnedOf !== undefined && warnedOf === passphrase;

  const change = (next: string): void => {
    setPassphrase(next);
    setSuggested(false);
    setProblem(undefined);
  };

  const fields = (
    <>
      {/* So that password managers know what the passphrase belongs to. */}
      <input
        type="text"
        name="username"
        autoComplete="username"
        value={of === "" ? "Sotto" : of}
        readOnly
        hidden
      />
      <SecretField
        label={label ?? f.passphrase}
        error={problem === "missing" ? f.passphraseMissing : undefined}
        hint={suggested ? f.suggested : undefined}
        autoComplete="new-password"
        data-first
        value={passphrase}
        shown={shown}
        onShow={setShown}
        onChange={(event) => change(event.target.value)}
      />
      <div className="meter-row">
        <StrengthMeter strength={strength} />
        {estimate !== undefined && (
          <button
            type="button"
            className="text-button"
            onClick={() => {
              change(estimate.suggestPassphrase());
              setShown(true);
              setSuggested(true);
            }}
          >
            {f.suggest}
          </button>
        )}
      </div>
      {!shown && (
        <TextField
          label={f.repeat}
          error={problem === "repeat" ? f.repeatWrong : undefined}
          type="password"
          autoComplete="new-password"
          value={repeated}
          onChange={(event) => {
            setRepeated(event.target.value);
            setProblem(undefined);
          }}
        />
      )}
      {warned && strength !== undefined && (
        <Notice kind="warn" live>
          <strong>{f.weakTitle}</strong>
          <p>{f.weakText(duration(strength.seconds))}</p>
        </Notice>
      )}
    </>
  );

  return {
    fields,
    warned,
    take() {
      if (passphrase === "") setProblem("missing");
      else if (!shown && repeated !== passphrase) setProblem("repeat");
      else if (strength !== undefined && strength.level < weakBelow && !warned) setWarnedOf(passphrase);
      else return passphrase;
      return undefined;
    },
    clear() {
      change("");
      setRepeated("");
    },
  };
}
