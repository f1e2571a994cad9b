/** A phone number with its country: formatted as it is typed, and the country follows a number that begins with +. */
import { useId, useMemo, type ReactNode } from "react";
import { useLanguage } from "../text/index.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { Icon } from "../ui/icon.tsx";
import type { CountryCode, Phones } from "./phones.ts";

/** @param phones undefined until it was fetched: then numbers are typed with + and their country. */
export function PhoneInput({
  phones,
  country,
  value,
  error,
  onChange,
}: {
  readonly phones: Phones | undefined;
  readonly country: CountryCode;
  readonly value: string;
  readonly error: string | undefined;
  readonly onChange: (value: string, country: CountryCode) => void;
}): ReactNode {
  const f = useFirstRunText();
  const { language } = useLanguage();
  const id = useId();
  const countries = useMemo(() => phones?.countriesIn(language) ?? [], [phones, language]);
  const chosen = countries.find(({ code }) => code === country);

  const change = (input: HTMLInputElement): void => {
    const typed = input.value;
    // Formatting moves the caret to the end: what is mended in the middle is left as it is.
    const atEnd = input.selectionStart === typed.length;
    const grows = typed.length > value.length;
    if (phones === undefined) return onChange(typed, country);
    const formatted = phones.formatTyped(typed, country);
    onChange(atEnd && grows ? formatted.text : typed, formatted.country ?? country);
  };

  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>
        {f.phone}
      </label>
      <div className="phone">
        <span className="phone__country">
          <span className="phone__flag" aria-hidden="true">
            {chosen?.flag ?? "🌐"}
          </span>
          <span aria-hidden="true">{chosen?.calling ?? "+"}</span>
          <Icon name="down" />
          <select
            aria-label={f.country}
            autoComplete="off"
            value={country}
            disabled={countries.length === 0}
            onChange={(event) => onChange(value, event.target.value as CountryCode)}
          >
            {countries.map(({ code, name, calling, flag }) => (
              <option key={code} value={code}>
                {`${name} (${calling}) ${flag}`}
              </option>
            ))}
          </select>
        </span>
        <input
          id={id}
          className="field__input"
          type="tel"
          inputMode="tel"
          autoComplete="tel"
          dir="ltr"
          data-first
          value={value}
          aria-describedby={`${id}-error`}
          aria-invalid={error !== undefined}
          onChange={(event) => change(event.target)}
        />
      </div>
      <div id={`${id}-error`} className="field__error">
        {error}
      </div>
    </div>
  );
}
