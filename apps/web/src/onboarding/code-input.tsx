/** Six digits in six boxes: one real field lies over them, so that pasting, autofill and screen readers work as with any other. */
import { useId, useState, type ReactNode } from "react";
import { useFirstRunText } from "../text/first-run.ts";

/** Digits of a one-time password. */
export const CODE_DIGITS = 6;

/** @param onFull called with a whole code, as soon as it is there. */
export function CodeInput({
  value,
  error,
  disabled,
  onChange,
  onFull,
}: {
  readonly value: string;
  readonly error: string | undefined;
  readonly disabled: boolean;
  readonly onChange: (value: string) => void;
  readonly onFull: (value: string) => void;
}): ReactNode {
  const f = useFirstRunText();
  const id = useId();
  const [focused, setFocused] = useState(false);
  const next = Math.min(value.length, CODE_DIGITS - 1);

  const change = (typed: string): void => {
    const digits = typed.replaceAll(/\D/g, "").slice(0, CODE_DIGITS);
    onChange(digits);
    if (digits.length === CODE_DIGITS && digits !== value) onFull(digits);
  };

  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>
        {f.code}
      </label>
      <div className={error === undefined ? "code" : "code code--wrong"}>
        <div className="code__boxes" aria-hidden="true">
          {Array.from({ length: CODE_DIGITS }, (_, i) => (
            <span key={i} className={focused && i === next ? "code__box code__box--next" : "code__box"}>
              {value[i] ?? ""}
            </span>
          ))}
        </div>
        <input
          id={id}
          className="code__input"
          inputMode="numeric"
          pattern="[0-9]*"
          autoComplete="one-time-code"
          // Spaces and dashes of what is pasted are dropped.
          maxLength={20}
          data-first
          readOnly={disabled}
          value={value}
          aria-describedby={`${id}-error`}
          aria-invalid={error !== undefined}
          onFocus={() => setFocused(true)}
          onBlur={() => setFocused(false)}
          onSelect={({ currentTarget }) => {
            // The caret is not shown, so it stays where the next digit goes.
            const end = currentTarget.value.length;
            if (currentTarget.selectionStart === currentTarget.selectionEnd)
              currentTarget.setSelectionRange(end, end);
          }}
          onChange={(event) => change(event.target.value)}
        />
      </div>
      <div id={`${id}-error`} className="field__error">
        {error}
      </div>
    </div>
  );
}
