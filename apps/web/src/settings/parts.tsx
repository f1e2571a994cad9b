/** What the pages of the settings are made of. */
import { useId, type ReactNode } from "react";
import { hrefOf } from "../app/route.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import "./settings.css";

/** A heading, a box, and a line about it. */
export function Part({
  title,
  hint,
  children,
}: {
  readonly title?: string;
  readonly hint?: ReactNode;
  readonly children: ReactNode;
}): ReactNode {
  const id = useId();
  return (
    <section className="part" aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && <h2 id={id}>{title}</h2>}
      <div className="group">{children}</div>
      {hint !== undefined && <p>{hint}</p>}
    </section>
  );
}

/** A row that opens a page of the settings. */
export function PageRow({
  page,
  icon,
  title,
  hint,
}: {
  readonly page: string;
  readonly icon: IconName;
  readonly title: string;
  readonly hint?: string;
}): ReactNode {
  return (
    <a className="group__row" href={hrefOf({ screen: "settings", page })}>
      <Icon name={icon} />
      <span className="group__words">
        {title}
        {hint !== undefined && <small>{hint}</small>}
      </span>
      <Icon name="down" />
    </a>
  );
}

/** One of several, drawn as a row. */
export function Choice({
  name,
  label,
  checked,
  onChoose,
}: {
  readonly name: string;
  readonly label: string;
  readonly checked: boolean;
  readonly onChoose: () => void;
}): ReactNode {
  return (
    <label className="choice">
      <span>{label}</span>
      <input type="radio" name={name} checked={checked} onChange={onChoose} />
    </label>
  );
}

/** A name and what it is. */
export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
