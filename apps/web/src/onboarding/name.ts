/** A name as others may see it: what no name can hold is left out. The same as packages/client/src/core/display-name.ts asks for. */

/** Most characters of a name. */
export const NAME_LETTERS = 64;

const forbidden = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** What is left of what was typed; empty: no name. */
export const cleanName = (typed: string): string =>
  Array.from(typed.replaceAll(forbidden, "").trim()).slice(0, NAME_LETTERS).join("").trim();
