/**
 * How long to wait before the next try: exponential with full jitter, so that clients that lost the same server do not come
 * back at the same instant.
 */

const firstMs = 500;
const longestMs = 30_000;

/**
 * Milliseconds to wait before a try, between 0 and a ceiling that doubles from 0.5 s to 30 s.
 * @param failures tries that failed in a row, at least 1.
 * @param random uniform in [0, 1).
 */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 16));
  return Math.floor(ceiling * random);
}

/**
 * Milliseconds to wait after a failure: as long as the server said, with jitter, and no less than after as many failures without a word.
 * @param hintMs what the server said; undefined: nothing.
 */
export function pauseMs(failures: number, hintMs: number | undefined, random: number): number {
  return Math.max(hintMs === undefined ? 0 : hintedMs(hintMs, random), backoffMs(failures, random));
}

/** Milliseconds to wait when the server said how long: that, and up to half as much again but at most 5 s. */
export function hintedMs(hintMs: number, random: number): number {
  return Math.floor(hintMs + Math.min(5_000, Math.max(500, hintMs / 2)) * random);
}
