/** What a round came to: whether its logs are as they were told, and how long people waited. */
import { checkLog, type ReadEntry } from "@sotto/testkit/linearizability";
import type { ChaosLog } from "./chaos-log.ts";
import type { Follower } from "./follower.ts";
import type { Writer } from "./writer.ts";

/** Of the appends of a round. */
export interface AppendCounts {
  readonly acknowledged: number;
  readonly commits: number;
  /** Refused because another Commit had won. */
  readonly lostRaces: number;
  /** Not answered, and of these, those that are stored. */
  readonly unknown: number;
  readonly unknownStored: number;
}

/** All that is wrong with a log. @param entries what it holds in the end. */
export function findFaults(log: ChaosLog, entries: readonly ReadEntry[]): string[] {
  return checkLog(log.history(entries)).map(({ kind, text }) => `${log.name}: ${kind}: ${text}`);
}

/** Counts what became of appends. @param ends what each log holds in the end. */
export function countAppends(ends: ReadonlyMap<ChaosLog, readonly ReadEntry[]>): AppendCounts {
  const counts = { acknowledged: 0, commits: 0, lostRaces: 0, unknown: 0, unknownStored: 0 };
  for (const [log, entries] of ends) {
    const stored = new Set(entries.map(({ id }) => id));
    for (const { id, kind, outcome } of log.appends) {
      if (outcome.type === "stored") counts.acknowledged += 1;
      if (outcome.type === "stored" && kind === "commit") counts.commits += 1;
      if (outcome.type === "ended" && kind === "commit") counts.lostRaces += 1;
      if (outcome.type === "unknown") counts.unknown += 1;
      if (outcome.type === "unknown" && stored.has(id)) counts.unknownStored += 1;
    }
  }
  return counts;
}

/** How long it took until each writer had something acknowledged, and each reader was given something, that began after a moment. */
export function recovery(
  writers: readonly Writer[],
  followers: readonly Follower[],
  fromMs: number,
): number | undefined {
  const later = writers.map(({ acknowledged }) => acknowledged.filter(({ callMs }) => callMs > fromMs));
  const served = later.map((own) => own[0]?.atMs ?? Number.POSITIVE_INFINITY);
  const ids = later.flat().map(({ id }) => id);
  const given = followers.map((follower) =>
    Math.min(...ids.map((id) => follower.givenAtMs.get(id) ?? Number.POSITIVE_INFINITY)),
  );
  const atMs = Math.max(...served, ...given);
  return Number.isFinite(atMs) ? atMs - fromMs : undefined;
}

/** The longest time within which nobody had anything acknowledged. */
export function silence(writers: readonly Writer[], fromMs: number, toMs: number): number {
  const times = writers.flatMap(({ acknowledged }) => acknowledged.map(({ atMs }) => atMs));
  const within = [
    fromMs,
    ...times.filter((atMs) => atMs > fromMs && atMs < toMs).toSorted((a, b) => a - b),
    toMs,
  ];
  return Math.max(...within.slice(1).map((atMs, i) => atMs - (within[i] as number)));
}
