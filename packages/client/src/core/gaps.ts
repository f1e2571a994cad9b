/**
 * Counting what one device sends us: a jump in `n` shows that something is missing, and what comes late closes the gap. So a server
 * that swallows a message is seen with the next one that it lets through.
 */
import type { GapRecord } from "./records.ts";

/** What counting one message came to. */
export interface Counted {
  readonly record: GapRecord;
  /** How many were newly found missing. */
  readonly missing: number;
  /** Whether this one had been missing. */
  readonly late: boolean;
}

// A sender who leaves holes on purpose must not fill the disk: the oldest are forgotten.
const mostRanges = 64;

/** Counts message `n` (1, 2, 3 …) of a sending device. */
export function countMessage(before: GapRecord | undefined, n: number): Counted {
  const { highest, missing } = before ?? { highest: 0, missing: [] };
  if (n > highest) {
    const gap = n - highest - 1;
    const ranges = gap === 0 ? missing : [...missing, [highest + 1, n - 1] as const];
    return { record: { highest: n, missing: ranges.slice(-mostRanges) }, missing: gap, late: false };
  }
  const index = missing.findIndex(([first, last]) => n >= first && n <= last);
  const range = missing[index];
  if (range === undefined) return { record: { highest, missing }, missing: 0, late: false };
  const parts = [[range[0], n - 1] as const, [n + 1, range[1]] as const].filter(
    ([first, last]) => first <= last,
  );
  return {
    record: { highest, missing: missing.toSpliced(index, 1, ...parts).slice(-mostRanges) },
    missing: 0,
    late: true,
  };
}
