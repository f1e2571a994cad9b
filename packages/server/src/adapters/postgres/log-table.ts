/**
 * Logs, epochs, slots and entries in PostgreSQL. A batch first locks the rows of its logs in the order of their ids, so that two batches
 * never wait for each other, and holds them until it is committed: the entries of a log become visible in the order of their seqs.
 */
import { toHex, type LogId, type SlotId } from "@sotto/protocol";
import type { LogLimits, SlotState } from "../../core/logs/decide.ts";
import { idKey } from "../../core/logs/id-key.ts";
import type { EpochState, LogState, StoredEntry, StoreOperation, StoreResult } from "../../core/store.ts";
import { bytesArray, numbersArray } from "./binary.ts";
import type { Connections, Row, Transaction } from "./connections.ts";
import { LogBatch, type BatchLog } from "./log-batch.ts";
import { SQL } from "./log-statements.ts";
import { writeBatch } from "./log-writes.ts";

/** The log tables of one database. */
export class LogTable {
  readonly #connections: Connections;
  readonly #limits: LogLimits;

  constructor(connections: Connections, limits: LogLimits) {
    this.#connections = connections;
    this.#limits = limits;
  }

  /** See Store.commit. */
  async commit(operations: readonly StoreOperation[]): Promise<readonly StoreResult[]> {
    if (operations.length === 0) return [];
    return this.#connections.transaction(async (transaction) => {
      const logs = await lockLogs(transaction, operations);
      await lookUpRarities(transaction, logs, operations, this.#limits);
      const batch = new LogBatch(logs, this.#limits);
      const results = operations.map((operation) => batch.apply(operation));
      writeBatch(transaction, [...logs.values()]);
      return results;
    });
  }

  async readLog(log: LogId): Promise<LogState | undefined> {
    const [row] = await this.#connections.rows(SQL.readLog, log);
    return (
      row && {
        kind: row["is_inbox"] === true ? "inbox" : "conversation",
        headSeq: row["head_seq"] as number,
        trimmedSeq: row["trimmed_seq"] as number,
        epoch: row["epoch"] as number,
      }
    );
  }

  async readHeads(logs: readonly LogId[]): Promise<readonly number[]> {
    const heads = logs.map(() => 0);
    if (logs.length === 0) return heads;
    for (const row of await this.#connections.rows(SQL.readHeads, bytesArray("uuid", logs))) {
      heads[(row["nth"] as number) - 1] = row["head_seq"] as number;
    }
    return heads;
  }

  async readEpoch(log: LogId, epoch: number): Promise<EpochState | undefined> {
    const [row] = await this.#connections.rows(SQL.readEpoch, log, epoch);
    return (
      row && {
        tokenHash: row["token_hash"] as Uint8Array,
        startSeq: row["start_seq"] as number,
        endedBySeq: (row["ended_by_seq"] as number | null) ?? undefined,
      }
    );
  }

  async readCursor(log: LogId, slot: SlotId | undefined): Promise<number | undefined> {
    const [row] =
      slot === undefined
        ? await this.#connections.rows(SQL.readInboxCursor, log)
        : await this.#connections.rows(SQL.readCursor, log, slot);
    return row?.["cursor"] as number | undefined;
  }

  async readEntries(
    log: LogId,
    afterSeq: number,
    throughSeq: number,
    maxEntries: number,
    maxBytes: number,
  ): Promise<readonly StoredEntry[]> {
    const rows = await this.#connections.rows(
      SQL.readEntries,
      log,
      afterSeq,
      throughSeq,
      maxEntries,
      maxBytes,
    );
    return rows as unknown as readonly StoredEntry[];
  }
}

/** Locks the logs that operations name, and reads what nearly every batch needs. */
async function lockLogs(
  transaction: Transaction,
  operations: readonly StoreOperation[],
): Promise<Map<string, BatchLog>> {
  const ids = new Map<string, LogId>();
  const withSlots = new Map<string, LogId>();
  const slots = new Map<string, SlotId>();
  for (const operation of operations) {
    const key = idKey(operation.log);
    ids.set(key, operation.log);
    if (!("slot" in operation) || operation.slot === undefined) continue;
    withSlots.set(key, operation.log);
    slots.set(idKey(operation.slot), operation.slot);
  }
  const named = [
    bytesArray("uuid", [...withSlots.values()]),
    bytesArray("uuid", [...slots.values()]),
  ] as const;
  // One round trip: each statement sees what was committed before the locks were held.
  const [logRows, slotRows, otherRows] = await Promise.all([
    transaction.rows(SQL.lockLogs, bytesArray("uuid", [...ids.values()])),
    slots.size > 0 ? transaction.rows(SQL.namedSlots, ...named) : [],
    slots.size > 0 ? transaction.rows(SQL.otherSlots, ...named) : [],
  ]);
  const logs = new Map(logRows.map(batchLog).map((log) => [idKey(log.id), log]));
  for (const row of slotRows) {
    const id = row["slot"] as SlotId;
    const stored: SlotState = { cursor: row["cursor"] as number, usedAtSec: row["used_at_sec"] as number };
    logs.get(idKey(row["log_id"] as LogId))?.slots.set(idKey(id), { id, stored, state: stored });
  }
  for (const row of otherRows) {
    const log = logs.get(idKey(row["log_id"] as LogId));
    const lowest = (row["lowest"] as number | null) ?? undefined;
    if (log !== undefined) log.otherSlots = { lowest, count: row["count"] as number };
  }
  return logs;
}

/** Reads what few batches need: epochs that ended, and sizes of entries that go from a log that is nearly full. */
async function lookUpRarities(
  transaction: Transaction,
  logs: ReadonlyMap<string, BatchLog>,
  operations: readonly StoreOperation[],
  { maxBytes }: LogLimits,
): Promise<void> {
  const epochs = new Map<string, { log: BatchLog; epoch: number }>();
  const newBytes = new Map<BatchLog, number>();
  for (const operation of operations) {
    const log = logs.get(idKey(operation.log));
    if (log === undefined) continue;
    if ("epoch" in operation && operation.epoch < log.epoch) {
      epochs.set(`${toHex(log.id)} ${operation.epoch}`, { log, epoch: operation.epoch });
    }
    if (operation.type === "append") newBytes.set(log, (newBytes.get(log) ?? 0) + operation.body.length);
  }
  const full = [...newBytes]
    .filter(([log, bytes]) => log.mostBytes + bytes > maxBytes)
    .map(([log]) => ({ log, through: mostTrimmed(log, operations) }))
    .filter(({ log, through }) => through > log.trimmedSeq);
  if (epochs.size === 0 && full.length === 0) return;
  const wanted = [...epochs.values()];
  const [epochRows, sizeRows] = await Promise.all([
    transaction.rows(
      SQL.endedEpochs,
      bytesArray(
        "uuid",
        wanted.map(({ log }) => log.id),
      ),
      numbersArray(wanted.map(({ epoch }) => epoch)),
    ),
    transaction.rows(
      SQL.entrySizes,
      bytesArray(
        "uuid",
        full.map(({ log }) => log.id),
      ),
      numbersArray(full.map(({ through }) => through)),
    ),
  ]);
  for (const row of epochRows) {
    logs.get(idKey(row["log_id"] as LogId))?.ended.set(row["epoch"] as number, {
      tokenHash: row["token_hash"] as Uint8Array,
      startSeq: row["start_seq"] as number,
      endedBySeq: row["ended_by_seq"] as number,
      isNew: false,
    });
  }
  for (const { log } of full) {
    const own = sizeRows.filter((row) => idKey(row["log_id"] as LogId) === idKey(log.id));
    log.sizes = own.map((row) => row["size"] as number);
  }
}

/** No operation of the batch can let more stored entries go than up to this seq. */
function mostTrimmed(log: BatchLog, operations: readonly StoreOperation[]): number {
  const key = idKey(log.id);
  if (log.kind === "conversation") return Math.min(log.otherSlots.lowest ?? log.headSeq, log.headSeq);
  let most = 0;
  for (const operation of operations) {
    if (operation.type === "ack" && idKey(operation.log) === key) most = Math.max(most, operation.seq);
  }
  return Math.min(most, log.headSeq);
}

function batchLog(row: Row): BatchLog {
  const headSeq = row["head_seq"] as number;
  const trimmedSeq = row["trimmed_seq"] as number;
  return {
    id: row["log_id"] as LogId,
    kind: row["is_inbox"] === true ? "inbox" : "conversation",
    isNew: false,
    madeAtSec: 0,
    headSeq,
    trimmedSeq,
    epoch: row["epoch"] as number,
    tokenHash: (row["token_hash"] as Uint8Array | null) ?? undefined,
    startSeq: row["start_seq"] as number,
    mostBytes: row["held_bytes"] as number,
    addedBytes: 0,
    stored: { headSeq, trimmedSeq },
    sizes: [],
    added: [],
    ended: new Map(),
    slots: new Map(),
    otherSlots: { lowest: undefined, count: 0 },
    changed: false,
  };
}
