/** A round sign for a person or group: a picture, or initials on a colour that stays the same. Decoration: the name stands beside it. */
import type { ReactNode } from "react";

// Dark enough for white text (4.5:1).
const hues = [162, 205, 232, 265, 310, 345, 20, 88];

function hueOf(key: string): number {
  let sum = 7;
  for (const char of key) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 65_521;
  return hues[sum % hues.length] ?? 162;
}

function initialsOf(name: string): string {
  const words = name.match(/\p{L}[\p{L}\p{M}]*/gu);
  if (words === null) return name.replaceAll(/\D/g, "").slice(-2);
  const [first = "", ...rest] = words;
  const last = rest.at(-1) ?? "";
  return `${[...first][0] ?? ""}${[...last][0] ?? ""}`.toLocaleUpperCase();
}

/** @param of what decides the colour. @param size in CSS pixels. @param picture its address; initials until there is one. */
export function Avatar({
  name,
  of,
  size = 44,
  picture,
}: {
  readonly name: string;
  readonly of: string;
  readonly size?: number;
  readonly picture?: string | undefined;
}): ReactNode {
  const style = { width: size, height: size, fontSize: size * 0.36, background: `hsl(${hueOf(of)} 45% 33%)` };
  return (
    <span className="avatar" style={style} aria-hidden="true">
      {picture === undefined ? (
        initialsOf(name)
      ) : (
        <img className="avatar__picture" src={picture} alt="" draggable={false} />
      )}
    </span>
  );
}
