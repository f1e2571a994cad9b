/**
 * Whether the order of what is stored fits the clock. Entry i can take effect from the latest call of those up to it, and must have by the
 * earliest return of those from it on. Whoever looks in between (a look, a refusal, a follower) says that an entry was there by then, or
 * was not yet: that narrows both.
 */
import type { AppendCall, Fault, LogHistory } from "./history.ts";

/** Something that was seen: entries up to number `atLeast` were there, those after number `atMost` were not. Numbers count from 1. */
interface Sight {
  readonly atLeast: number;
  readonly atMost: number;
  readonly callMs: number;
  readonly atMs: number;
  readonly text: string;
}

/** What does not fit. @param calls by id; each entry has one. */
export function checkOrder(history: LogHistory, calls: ReadonlyMap<string, AppendCall>): readonly Fault[] {
  const { entries } = history;
  const faults: Fault[] = [];
  // Number 0 is how the log was in the beginning; one more stands for what is not there yet.
  const called: number[] = [Number.NEGATIVE_INFINITY];
  const returned: number[] = [Number.POSITIVE_INFINITY];
  for (const { id } of entries) {
    const call = calls.get(id);
    called.push(call?.callMs ?? Number.NEGATIVE_INFINITY);
    returned.push(call?.outcome.type === "stored" ? call.outcome.atMs : Number.POSITIVE_INFINITY);
  }
  const latestCall = runningMax(called);
  for (let n = 1; n < called.length; n++) {
    const [by, from] = [returned[n] as number, latestCall[n - 1] as number];
    if (by >= from) continue;
    const later = called.indexOf(from);
    faults.push({
      kind: "reordered",
      text: `${entries[later - 1]?.id} began ${from - by} ms after ${entries[n - 1]?.id} was acknowledged, and stands before it`,
    });
  }
  if (faults.length > 0) return faults;
  // Sights narrow each other as well: what one saw, no later one may miss.
  const sights = allSights(history);
  for (const { atLeast, atMost, callMs, atMs } of sights) {
    const [there, next] = [returned[atLeast], called[atMost + 1]];
    if (there !== undefined) returned[atLeast] = Math.min(there, atMs);
    if (next !== undefined) called[atMost + 1] = Math.max(next, callMs);
  }
  const seenFrom = runningMax(called);
  const seenBy = runningMinFromEnd(returned);
  for (const { atLeast, atMost, callMs, atMs, text } of sights) {
    // The last entry after which this sight can still have been.
    const last = lastAtMost(seenFrom, atMs, atMost);
    const fits = last >= atLeast && callMs <= (seenBy[last + 1] ?? Number.POSITIVE_INFINITY);
    if (!fits) faults.push({ kind: "went back", text });
  }
  return faults;
}

function allSights({ first, appends, looks, given, entries }: LogHistory): readonly Sight[] {
  // Epoch → number of the entry that began it, and of the last one before it ended.
  const began = new Map([[first.epoch, 0]]);
  const ended = new Map<number, number>();
  entries.forEach(({ kind, epoch }, i) => {
    if (kind !== "commit") return;
    ended.set(epoch, i);
    began.set(epoch + 1, i + 1);
  });
  const none = entries.length + 1;
  const within = (epoch: number) => ({
    atLeast: began.get(epoch) ?? none,
    atMost: ended.get(epoch) ?? entries.length,
  });
  const sights: Sight[] = [];
  for (const { head, epoch, callMs, atMs } of looks) {
    const text = `a look from ${callMs} to ${atMs} ms saw head ${head} in epoch ${epoch}`;
    const number = head - first.seq;
    const { atLeast, atMost } = within(epoch);
    const agrees = number >= atLeast && number <= atMost;
    sights.push({ atLeast: agrees ? number : none, atMost: number, callMs, atMs, text });
  }
  for (const { id, callMs, outcome } of appends) {
    if (outcome.type !== "ended") continue;
    const { atMs, current } = outcome;
    const text = `${id} was refused from ${callMs} to ${atMs} ms, when epoch ${current} was said to be`;
    sights.push({ ...within(current), callMs, atMs, text });
  }
  for (const { seq, atMs } of given.flat()) {
    const text = `a follower had ${seq} at ${atMs} ms`;
    const atLeast = seq - first.seq;
    sights.push({ atLeast, atMost: entries.length, callMs: Number.NEGATIVE_INFINITY, atMs, text });
  }
  return sights;
}

/** The greatest index up to `most` at which a rising list is not above a limit; -1 when there is none. */
function lastAtMost(rising: readonly number[], limit: number, most: number): number {
  let [low, high] = [-1, Math.min(most, rising.length - 1)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((rising[middle] as number) <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}

function runningMax(numbers: readonly number[]): number[] {
  let most = Number.NEGATIVE_INFINITY;
  return numbers.map((number) => (most = Math.max(most, number)));
}

function runningMinFromEnd(numbers: readonly number[]): number[] {
  let least = Number.POSITIVE_INFINITY;
  return numbers.map((_, i) => (least = Math.min(least, numbers.at(-1 - i) as number))).reverse();
}
