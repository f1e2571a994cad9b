/** Names that people choose for themselves, and for each other. Pure. */
import { LIMITS } from "@sotto/protocol";

/** Control characters, line and paragraph separators, halves of surrogate pairs, and what turns the direction of text. */
const forbidden = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const mostBytes = 256;

/** Whether a text can be somebody's name: 1 to 64 characters, nothing that moves or hides others, no space at its ends. */
export function isDisplayName(name: string): boolean {
  const length = Array.from(name).length;
  return (
    length >= 1 &&
    length <= LIMITS.maxDisplayNameLength &&
    new TextEncoder().encode(name).length <= mostBytes &&
    name.trim() === name &&
    !forbidden.test(name)
  );
}
