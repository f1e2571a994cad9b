/**
 * How records lie in the vault, under the seal: JSON in UTF-8, byte arrays as {"$b": base64}, padded with spaces to a multiple of
 * 64 bytes so that lengths tell little. What is read was authenticated by the seal, so its shape is trusted.
 */
import { InternalError, fromUtf8, parseBase64, toBase64, utf8 } from "@sotto/protocol";

const paddedTo = 64;

/** Encodes a record of plain data and byte arrays. */
export function encodeRecord(value: unknown): Uint8Array {
  const text = utf8(
    JSON.stringify(value, (_, member: unknown) =>
      member instanceof Uint8Array ? { $b: toBase64(member) } : member,
    ),
  );
  const padded = new Uint8Array(Math.ceil(text.length / paddedTo) * paddedTo).fill(0x20);
  padded.set(text);
  return padded;
}

/** Decodes what encodeRecord() made. */
export function decodeRecord<T>(bytes: Uint8Array): T {
  const text = fromUtf8(bytes);
  // Looking at each member takes several times as long as parsing: only where there are bytes among them. No text can hold this unescaped.
  if (!text.includes('{"$b":')) return JSON.parse(text) as T;
  return JSON.parse(text, (_, member: unknown) => {
    if (typeof member !== "object" || member === null || !("$b" in member)) return member;
    const decoded = typeof member.$b === "string" ? parseBase64(member.$b) : undefined;
    if (decoded === undefined) throw new InternalError("internal", "a record holds malformed bytes");
    return decoded;
  }) as T;
}
