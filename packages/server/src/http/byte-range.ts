/** The header Range, as far as blobs need it: one range of bytes, open or closed (RFC 9110 §14.1.2). */

/** Which bytes are wanted. */
export interface ByteRange {
  readonly from: number;
  /** One past the last. */
  readonly to: number;
  /** Whether only a part was asked for. */
  readonly partial: boolean;
}

/** Reads the header; undefined when it asks for nothing that is there. A form that we do not serve counts as no range. */
export function parseByteRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(header ?? "") ?? [];
  if (first === undefined) return { from: 0, to: size, partial: false };
  const from = Number(first);
  const to = last === undefined ? size : Math.min(size, Number(last) + 1);
  return from < to ? { from, to, partial: true } : undefined;
}
