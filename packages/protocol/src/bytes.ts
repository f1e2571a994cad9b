/**
 * Small helpers over byte arrays that the platform lacks in Node 24 and in browsers alike.
 * None of them is secret-independent in time: secrets are compared by the CryptoProvider.
 */

/** Joins byte arrays into a new one. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Whether two public byte arrays are equal. Not constant in time. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a string. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** The string that UTF-8 bytes hold. @throws TypeError when they are not valid UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += hexDigits[byte];
  return text;
}

/** Bytes of lower- or upper-case hexadecimal; undefined when the text is not that. */
export function parseHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

// By hand: in Node 24, btoa and atob with their detour over binary strings take 10 to 30 times as long (measured).
const base64Chars = utf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const base64Values = new Uint8Array(256).fill(0xff);
for (const [value, char] of base64Chars.entries()) base64Values[char] = value;
const padding = 0x3d;
const base64Char = (value: number): number => base64Chars[value & 63] ?? 0;

/** Standard base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  const chars = new Uint8Array(4 * Math.ceil(bytes.length / 3)).fill(padding);
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const [one = 0, two = 0, three = 0] = [bytes[from], bytes[from + 1], bytes[from + 2]];
    chars[to] = base64Char(one >> 2);
    chars[to + 1] = base64Char((one << 4) | (two >> 4));
    if (from + 1 < bytes.length) chars[to + 2] = base64Char((two << 2) | (three >> 6));
    if (from + 2 < bytes.length) chars[to + 3] = base64Char(three);
  }
  return decoder.decode(chars);
}

/** Bytes of canonical standard base64 (RFC 4648 §4 with padding); undefined for anything else, so that one value has one text. */
export function parseBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined;
  const pads = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - pads);
  let bits = 0;
  for (let from = 0, to = 0; from < text.length - pads; from++) {
    const code = text.charCodeAt(from);
    const value = code < 256 ? (base64Values[code] ?? 0xff) : 0xff;
    if (value === 0xff) return undefined;
    bits = (bits << 6) | value;
    // Every char but the first of four completes a byte.
    const left = 2 * (3 - (from & 3));
    if (left < 6) bytes[to++] = bits >> left;
  }
  // What stands beyond the last byte must be zero.
  if ((bits & (pads === 2 ? 15 : pads === 1 ? 3 : 0)) !== 0) return undefined;
  return bytes;
}

/** base64url without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Bytes of canonical unpadded base64url; undefined for anything else. */
export function parseBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const padded = text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4);
  return parseBase64(padded);
}
