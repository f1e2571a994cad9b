/**
 * Held messages that are dated ahead of this device's clock: rightly signed, and waiting for their time, since the one clock or the
 * other is wrong. They lie in the vault among what is held, and hold up nobody. A signature says that an account wrote them, not that it
 * means well: so they are bounded in bytes, for each account and all together.
 */
import { LIMITS } from "@sotto/protocol";

/** A message that waits for its time. */
export interface EarlyEntry {
  readonly order: number;
  readonly seq: number;
  readonly account: string;
  readonly bytes: number;
  /** Not before this, in seconds since 1970-01-01 UTC. */
  readonly untilSec: number;
}

/** What waits for its time, and how many bytes of each account. */
export interface EarlyState {
  readonly entries: Set<EarlyEntry>;
  readonly bytes: Map<string, number>;
  totalBytes: number;
}

const mostBytesOfAccount = 4 * 1_048_576;
const mostBytes = 32 * 1_048_576;
// A clock that is wrong by more cannot sign in: it finds the server's certificate not valid yet, or no longer.
const longestWaitSec = LIMITS.maxCertificateLifetimeSec;

/** Nothing waits. */
export const newEarly = (): EarlyState => ({ entries: new Set(), bytes: new Map(), totalBytes: 0 });

/** Sets a message aside; false when it would wait too long, or too much waits already. */
export function setAside(early: EarlyState, entry: EarlyEntry, nowSec: number): boolean {
  const ofAccount = (early.bytes.get(entry.account) ?? 0) + entry.bytes;
  if (entry.untilSec - nowSec > longestWaitSec) return false;
  if (ofAccount > mostBytesOfAccount || early.totalBytes + entry.bytes > mostBytes) return false;
  early.entries.add(entry);
  early.bytes.set(entry.account, ofAccount);
  early.totalBytes += entry.bytes;
  return true;
}

/** Takes out those whose time has come, in the order in which they came in. */
export function takeDue(early: EarlyState, nowSec: number): readonly EarlyEntry[] {
  const due = [...early.entries].filter((entry) => entry.untilSec <= nowSec);
  for (const entry of due) {
    early.entries.delete(entry);
    early.totalBytes -= entry.bytes;
    const left = (early.bytes.get(entry.account) ?? 0) - entry.bytes;
    if (left > 0) early.bytes.set(entry.account, left);
    else early.bytes.delete(entry.account);
  }
  return due.toSorted((a, b) => a.order - b.order);
}

/** When the next one is due, in seconds; undefined when none waits. */
export function nextDueSec(early: EarlyState): number | undefined {
  let next: number | undefined;
  for (const { untilSec } of early.entries) if (next === undefined || untilSec < next) next = untilSec;
  return next;
}
