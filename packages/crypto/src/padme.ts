/** Padmé (Nikitin et al., PETS 2019): lengths that leak O(log log n) bits and cost at most 12 % more. */

/** The length to which so many bytes are padded. */
export function padmeLength(length: number): number {
  if (length < 2) return length;
  const exponent = Math.floor(Math.log2(length));
  const kept = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** Math.max(0, exponent - kept);
  return Math.ceil(length / step) * step;
}
