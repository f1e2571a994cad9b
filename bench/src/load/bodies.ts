/**
 * The bodies that travel: a letter (m for message, r for receipt), a number of twelve digits, and random base64 up to the
 * wanted length. Text, since one of the peers carries nothing else.
 */
import { randomBytes } from "node:crypto";

const DIGITS = 12;

/** Makes bodies of one kind and length. */
export class BodyFactory {
  readonly #bytes: Buffer;

  constructor(kind: "m" | "r", length: number) {
    this.#bytes = Buffer.from(randomBytes(length).toString("base64").slice(0, length), "latin1");
    this.#bytes[0] = kind.charCodeAt(0);
  }

  /** The body with this number. The buffer is used again at the next call. */
  make(id: number): Buffer {
    let rest = id;
    for (let at = DIGITS; at > 0; at--) {
      this.#bytes[at] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    return this.#bytes;
  }
}

/** The number that a body carries. */
export function bodyId(body: Buffer): number {
  let id = 0;
  for (let at = 1; at <= DIGITS; at++) id = id * 10 + body[at]! - 48;
  return id;
}
