/** The controls that every screen is made of. */
import { useId, type ButtonHTMLAttributes, type InputHTMLAttributes, type ReactNode } from "react";
import "./controls.css";
import { Icon, type IconName } from "./icon.tsx";

/** A button with a text. */
export function Button({
  kind = "plain",
  className = "",
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & {
  readonly kind?: "plain" | "primary" | "danger" | "quiet";
}): ReactNode {
  return <button type="button" {...rest} className={`button button--${kind} ${className}`} />;
}

/** A button with a picture; `label` is what it is called. */
export function IconButton({
  icon,
  label,
  className = "",
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { readonly icon: IconName; readonly label: string }): ReactNode {
  return (
    <button type="button" aria-label={label} title={label} {...rest} className={`icon-button ${className}`}>
      <Icon name={icon} />
    </button>
  );
}

/** A labelled line of input, with a hint and what is wrong with it. */
export function TextField({
  label,
  hint,
  error,
  end,
  rowClassName = "",
  className = "",
  ...rest
}: InputHTMLAttributes<HTMLInputElement> & {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  /** After the line of input, in the same row. */
  readonly end?: ReactNode;
  readonly rowClassName?: string;
}): ReactNode {
  const id = useId();
  const about = `${id}-about`;
  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>
        {label}
      </label>
      <div className={`field__row ${rowClassName}`}>
        <input
          {...rest}
          id={id}
          className={`field__input ${className}`}
          aria-describedby={about}
          aria-invalid={error !== undefined}
        />
        {end}
      </div>
      <div id={about} className={error === undefined ? "field__hint" : "field__error"}>
        {error ?? hint}
      </div>
    </div>
  );
}

/** Something that people must know. */
export function Notice({
  kind = "plain",
  live = kind === "error",
  children,
}: {
  readonly kind?: "plain" | "warn" | "error";
  /** Read out as it appears. */
  readonly live?: boolean;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div className={`notice notice--${kind}`} role={live ? "alert" : "note"}>
      {children}
    </div>
  );
}
