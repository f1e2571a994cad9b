/** Fills a store with so many logs and so many entries, spread over them, as a server would have written them. */
import { createHash } from "node:crypto";
import { EntryKind, logId, type LogId } from "@sotto/protocol";
import type { Store, StoreOperation } from "@sotto/server/parts";

/** How much a store holds. */
export interface Size {
  readonly logs: number;
  readonly entries: number;
}

const tokenHash = new Uint8Array(32).fill(7);
const body = new Uint8Array(256).fill(9);
const perCommit = 1000;

/** The id of a log by its number: as random as real ones, and found again. */
export const nthLog = (nth: number): LogId =>
  logId(createHash("sha256").update(`growth ${nth}`).digest().subarray(0, 16));

/** An append of 256 bytes to a log. @param nowSec what its age is counted from. */
export function append(nth: number, nowSec: number): StoreOperation {
  return {
    type: "append",
    log: nthLog(nth),
    tokenHash,
    epoch: 0,
    kind: EntryKind.MESSAGE,
    body,
    nextTokenHash: undefined,
    nowSec,
  };
}

/** Makes the logs, then appends. Neighbouring entries belong to different logs, as with a real load. */
export async function fill(store: Store, { logs, entries }: Size, nowSec: number): Promise<void> {
  const created = (nth: number): StoreOperation => ({
    type: "create-log",
    log: nthLog(nth),
    epoch: 0,
    tokenHash,
    nowSec,
  });
  await inCommits(store, logs, created);
  // A step that shares no divisor with the number of logs visits all of them in a scattered order.
  const step = 7919;
  await inCommits(store, entries, (nth) => append((nth * step) % logs, nowSec));
}

async function inCommits(
  store: Store,
  count: number,
  operation: (nth: number) => StoreOperation,
): Promise<void> {
  for (let from = 0; from < count; from += perCommit) {
    const length = Math.min(perCommit, count - from);
    const results = await store.commit(Array.from({ length }, (_, i) => operation(from + i)));
    const refused = results.find((result) => !result.ok);
    if (refused !== undefined) throw new Error(`the store refused: ${JSON.stringify(refused)}`);
  }
}
