/** Small helpers over bytes. */
import { parseHex } from "@sotto/protocol";

/** Bytes of hexadecimal that a test wrote itself. */
export function hex(text: string): Uint8Array {
  const bytes = parseHex(text);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}

/** A copy with one bit of one byte turned. Negative indexes count from the end. */
export function flipped(bytes: Uint8Array, index: number, bit = 0): Uint8Array {
  const copy = bytes.slice();
  const at = index < 0 ? bytes.length + index : index;
  copy[at] = copy[at]! ^ (1 << bit);
  return copy;
}

/** A promise of an error's code; a value when nothing was thrown, another error as it is. */
export async function codeOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Error && "code" in error && "retryAfterMs" in error) return error.code;
    throw error;
  }
  return "nothing was thrown";
}
