/**
 * Protobuf by hand, for the frames that come so often that the generated code would take most of the time: a reader of what
 * is in plain form, and a writer into buffers of the right size. Tests hold both against protobuf-es.
 */

/** No bytes, shared. */
export const noBytes = new Uint8Array(0);

/** The greatest uint32. */
export const mostUint32 = 0xffff_ffff;

/** Reads varints and views of a message, and remembers when something was not plain. */
export class PlainReader {
  readonly bytes: Uint8Array;
  at = 0;
  failed = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads a length; where what it counts ends, or -1 when that is not within `limit`. */
  end(limit: number): number {
    const length = this.safeInteger();
    const end = this.at + length;
    if (this.failed || end > limit) {
      this.failed = true;
      return -1;
    }
    return end;
  }

  /** Bytes with their length before them, as a view. */
  view(limit: number): Uint8Array {
    const end = this.end(limit);
    if (end < 0) return noBytes;
    const view = this.bytes.subarray(this.at, end);
    this.at = end;
    return view;
  }

  /** A varint of at most `most`. */
  upTo(most: number): number {
    const value = this.safeInteger();
    if (value > most) this.failed = true;
    return value;
  }

  /**
   * Reads fields up to `end`, in ascending order and each at most once, as encoders write them. Whether that is all there was.
   * @param read reads what follows a tag; false for a tag that it does not know.
   */
  fields(end: number, read: (tag: number) => boolean): boolean {
    let before = 0;
    while (this.at < end) {
      const tag = this.bytes[this.at++] as number;
      if (tag <= before || !read(tag) || this.failed) return false;
      before = tag;
    }
    return this.at === end;
  }

  /** A varint of at most seven bytes, which is below 2^49. */
  safeInteger(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 7; i++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) break;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
    this.failed = true;
    return 0;
  }
}

/** A varint field; proto3 leaves out those that are 0. Returns where it ends. */
export function putField(out: Uint8Array, start: number, tag: number, value: number): number {
  if (value === 0) return start;
  out[start] = tag;
  return putVarint(out, start + 1, value);
}

/** A field of bytes with their length. Returns where it ends. */
export function putBytes(out: Uint8Array, start: number, tag: number, bytes: Uint8Array): number {
  out[start] = tag;
  const at = putVarint(out, start + 1, bytes.length);
  out.set(bytes, at);
  return at + bytes.length;
}

/** Bytes of a base-128 varint of a non-negative integer up to 2^53. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest /= 128) bytes++;
  return bytes;
}

/** Returns where it ends. */
export function putVarint(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x8000_0000) {
    out[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 128) {
    out[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

/** A field's number, at most 15, and its value. */
export type WireField = readonly [number, number | Uint8Array];

/** A message that is itself a field: its tag and length, then its fields. Those that are 0 or empty are left out, as in proto3. */
export function encodeMessage(number: number, fields: readonly WireField[]): Uint8Array {
  let size = 0;
  for (const [, value] of fields) size += valueBytes(value);
  const out = new Uint8Array(1 + varintBytes(size) + size);
  out[0] = lengthDelimited(number);
  let at = putVarint(out, 1, size);
  for (const [field, value] of fields) {
    if (typeof value === "number") at = putField(out, at, field << 3, value);
    else if (value.length > 0) at = putBytes(out, at, lengthDelimited(field), value);
  }
  return out;
}

const lengthDelimited = (number: number): number => (number << 3) | 2;

/** With its tag, of one byte, and a length. */
function valueBytes(value: number | Uint8Array): number {
  if (typeof value === "number") return value === 0 ? 0 : 1 + varintBytes(value);
  return value.length === 0 ? 0 : 1 + varintBytes(value.length) + value.length;
}
