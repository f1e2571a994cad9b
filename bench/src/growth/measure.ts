/** What a filled store costs to use: appends to any of its logs, reading any of them, retention beside appends. */
import type { Store } from "@sotto/server/parts";
import { append, nthLog, type Size } from "./fill.ts";

/** What one measurement came to. Times are microseconds of the wall clock. */
export interface Costs {
  readonly appendUs: number;
  readonly readUs: number;
  /** Resident memory of the process that held the store, in MiB. */
  readonly rssMiB: number;
}

/** What retention came to. */
export interface RetentionCosts {
  readonly expiredPerSec: number;
  readonly appendsPerSec: number;
  /** The longest that a group commit took meanwhile, in ms. */
  readonly longestMs: number;
}

/** As many as a busy server's group commit holds. */
const perCommit = 256;

/** Appends to random logs and reads random logs. @param rounds group commits, and as many reads of 10 logs. */
export async function measure(store: Store, size: Size, rounds: number, nowSec: number): Promise<Costs> {
  const random = (): number => Math.floor(Math.random() * size.logs);
  const appends = async (times: number): Promise<number> => {
    const startMs = performance.now();
    for (let i = 0; i < times; i++) {
      await store.commit(Array.from({ length: perCommit }, () => append(random(), nowSec)));
    }
    return (1000 * (performance.now() - startMs)) / (times * perCommit);
  };
  await appends(Math.ceil(rounds / 5));
  const appendUs = await appends(rounds);
  const reads = 10 * rounds;
  const startMs = performance.now();
  for (let i = 0; i < reads; i++) {
    const log = nthLog(random());
    const state = await store.readLog(log);
    if (state === undefined) throw new Error("a log is missing");
    await store.readEntries(log, Math.max(state.trimmedSeq, state.headSeq - 16), state.headSeq, 16, 65_536);
  }
  const readUs = (1000 * (performance.now() - startMs)) / reads;
  return { appendUs, readUs, rssMiB: process.memoryUsage.rss() / 2 ** 20 };
}

/**
 * Lets everything older than `beforeSec` expire, a thousand rows at a time as the server does, between group commits that come as fast
 * as they are taken.
 */
export async function measureRetention(
  store: Store,
  size: Size,
  beforeSec: number,
  nowSec: number,
  forMs: number,
): Promise<RetentionCosts> {
  let [expired, appended, longestMs] = [0, 0, 0];
  const startMs = performance.now();
  while (performance.now() - startMs < forMs) {
    const oneMs = performance.now();
    expired += await store.expire(beforeSec, 1000);
    const operations = Array.from({ length: perCommit }, () =>
      append(Math.floor(Math.random() * size.logs), nowSec),
    );
    await store.commit(operations);
    appended += perCommit;
    longestMs = Math.max(longestMs, performance.now() - oneMs);
  }
  const seconds = (performance.now() - startMs) / 1000;
  return { expiredPerSec: expired / seconds, appendsPerSec: appended / seconds, longestMs };
}
