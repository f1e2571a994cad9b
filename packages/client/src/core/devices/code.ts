/**
 * The codes that people carry from screen to screen: Crockford's base32, in groups of four. Letters that look like digits are read as
 * these, and case does not count. Pure.
 */
import { UsageError } from "@sotto/protocol";

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Writes bytes (a multiple of 5) as groups of four characters: 10 bytes as ABCD-EFGH-JKMN-PQRS. */
export function formatCode(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return (text.match(/.{1,4}/g) ?? []).join("-");
}

/** Reads what formatCode() wrote, as people type it. @throws UsageError `usage`. */
export function parseCode(text: string, length: number): Uint8Array {
  const plain = text
    .replace(/^sotto-link:/i, "")
    .toUpperCase()
    .replace(/[\s-]/g, "")
    .replace(/O/g, "0")
    .replace(/[IL]/g, "1");
  const values = [...plain].map((letter) => alphabet.indexOf(letter));
  if (values.length * 5 !== length * 8 || values.includes(-1)) {
    const groups = (length * 8) / 20;
    throw new UsageError("usage", `that is no code: it has ${groups} groups of four letters and digits`);
  }
  const bytes = new Uint8Array(length);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const value of values) {
    held = (held << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at] = (held >> bits) & 255;
    at += 1;
    held &= (1 << bits) - 1;
  }
  return bytes;
}
