/** A fingerprint, in groups that the eye can follow; copied, it is one word. */
import type { ReactNode } from "react";
import "./fingerprint.css";

/** @param value 43 characters of base64url. */
export function Fingerprint({
  value,
  label,
}: {
  readonly value: string;
  readonly label?: string;
}): ReactNode {
  return (
    <code
      className="fingerprint"
      aria-label={label}
      role={label === undefined ? undefined : "group"}
      translate="no"
    >
      {value.match(/.{1,4}/g)?.map((group, i) => (
        <span key={i}>{group}</span>
      ))}
    </code>
  );
}
