/** The order of storage keys: unsigned bytes, a prefix before what continues it. Every storage adapter keeps it. */

/** Negative, zero or positive, as `a` comes before, is, or comes after `b`. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
