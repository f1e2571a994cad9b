/**
 * Whether the history of a log is linearizable: whether each append, compare-and-set and look can have happened at one moment between its
 * call and its return, in one order that explains every answer.
 *
 * In general that order has to be searched for. A log tells it: what is stored stands in the order of its seqs. What is left to show is
 * that this order fits the clock (`order.ts`), that it obeys the rules of epochs, and that every answer agrees with it.
 */
import type { AppendCall, Fault, FaultKind, LogHistory, ReadEntry } from "./history.ts";
import { checkOrder } from "./order.ts";

/** All that is wrong with a history; nothing when it is linearizable. */
export function checkLog(history: LogHistory): readonly Fault[] {
  const faults: Fault[] = [];
  const add = (kind: FaultKind, text: string): void => void faults.push({ kind, text });
  const calls = new Map(history.appends.map((call) => [call.id, call]));
  checkStored(history, calls, add);
  checkEpochs(history, add);
  checkAnswers(history, add);
  checkGiven(history, add);
  // With what is stored in doubt, its order says nothing.
  return faults.length > 0 ? faults : checkOrder(history, calls);
}

type Add = (kind: FaultKind, text: string) => void;

/** Each entry is an append of somebody, once, as it was appended, and the seqs have no gaps. */
function checkStored({ first, entries }: LogHistory, calls: ReadonlyMap<string, AppendCall>, add: Add): void {
  const seen = new Map<string, number>();
  entries.forEach(({ seq, id, kind, epoch }, i) => {
    if (seq !== first.seq + 1 + i) add("gap", `entry ${i} has seq ${seq} and not ${first.seq + 1 + i}`);
    const before = seen.get(id);
    if (before !== undefined) add("doubled", `${id} is stored under ${before} and ${seq}`);
    seen.set(id, seq);
    const call = calls.get(id);
    if (call === undefined || call.kind !== kind || call.epoch !== epoch) {
      add("invented", `${kind} ${id} of epoch ${epoch} is stored under ${seq}, which nobody appended`);
    } else if (call.outcome.type === "refused" || call.outcome.type === "ended") {
      add("invented", `${id} is stored under ${seq}, and was refused`);
    }
  });
}

/** Epochs only go forward, each by one Commit. */
function checkEpochs({ first, entries }: LogHistory, add: Add): void {
  const winners = new Map<number, number>();
  let present = first.epoch;
  for (const { seq, kind, epoch } of entries) {
    const winner = winners.get(epoch);
    if (kind === "commit" && winner !== undefined) add("two winners", `${winner} and ${seq} end ${epoch}`);
    else if (epoch !== present) add("wrong epoch", `${seq} is of epoch ${epoch}, when ${present} was`);
    if (kind !== "commit") continue;
    winners.set(epoch, seq);
    present = Math.max(present, epoch + 1);
  }
}

/** What was answered agrees with what is stored. */
function checkAnswers({ appends, entries }: LogHistory, add: Add): void {
  const bySeq = entryBySeq(entries);
  for (const { id, epoch, outcome } of appends) {
    if (outcome.type === "stored" && bySeq.get(outcome.seq)?.id !== id) {
      const there = bySeq.get(outcome.seq)?.id ?? "nothing";
      add("lost", `${id} was acknowledged under ${outcome.seq}, where ${there} is`);
    }
    if (outcome.type !== "ended") continue;
    const winner = bySeq.get(outcome.winnerSeq);
    if (winner?.kind !== "commit" || winner.epoch !== epoch || outcome.current <= epoch) {
      add(
        "wrong winner",
        `${id} of epoch ${epoch} was told of ${outcome.winnerSeq}, and epoch ${outcome.current}`,
      );
    }
  }
}

/** Each follower was given what is stored, in order, without gaps. */
function checkGiven({ given, entries }: LogHistory, add: Add): void {
  const bySeq = entryBySeq(entries);
  for (const list of given) {
    list.forEach(({ seq, id, epoch }, i) => {
      const before = list[i - 1]?.seq;
      if (before !== undefined && seq !== before + 1) add("gap", `a follower got ${seq} after ${before}`);
      const stored = bySeq.get(seq);
      if (stored?.id !== id || stored.epoch !== epoch) {
        add("lost", `a follower got ${id} under ${seq}, where ${stored?.id ?? "nothing"} is`);
      }
    });
  }
}

const entryBySeq = (entries: readonly ReadEntry[]): ReadonlyMap<number, ReadEntry> =>
  new Map(entries.map((entry) => [entry.seq, entry]));
