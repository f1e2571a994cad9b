/**
 * Logs, epochs, slots and entries in SQLite. Every method that writes is called inside a transaction of the store.
 */
import { timingSafeEqual } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { EntryKind, type LogId, type SlotId } from "@sotto/protocol";
import {
  advanceSlot,
  checkAppend,
  checkToken,
  firstCursor,
  refuseEnded,
  refuseLog,
  type LogLimits,
  type SlotState,
} from "../../core/logs/decide.ts";
import type { EpochState, LogState, StoredEntry, StoreOperation, StoreResult } from "../../core/store.ts";
import { LogCache, type CachedLog } from "./log-cache.ts";

type Of<Type extends StoreOperation["type"]> = Extract<StoreOperation, { type: Type }>;

const maxCachedLogs = 65_536;
const logsPerSweep = 10_000;

const equalSecrets = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b);
const slotUnknown: StoreResult = Object.freeze({ ok: false, code: "slot_unknown" });
const quotaExceeded: StoreResult = Object.freeze({ ok: false, code: "quota_exceeded" });

/** The log tables of one database. */
export class LogTable {
  readonly #cache = new LogCache(maxCachedLogs);
  readonly #dirty: CachedLog[] = [];
  readonly #limits: LogLimits;
  readonly #sql: ReturnType<typeof statements>;
  #entries: number;
  #entriesBefore: number;
  /** Logs up to this number were looked at, in this turn, whether they are still of use. */
  #sweptNum = 0;

  constructor(database: DatabaseSync, limits: LogLimits) {
    this.#limits = limits;
    this.#sql = statements(database);
    this.#entries = this.#entriesBefore = Number(this.#sql.countEntries.get()?.["n"] ?? 0);
  }

  /** How many entries are stored. */
  get entries(): number {
    return this.#entries;
  }

  /** Carries out one operation. */
  apply(operation: StoreOperation): StoreResult {
    switch (operation.type) {
      case "append":
        return this.#append(operation);
      case "ack":
        return this.#ack(operation);
      case "create-log":
        return this.#createLog(operation);
      case "open-slot":
        return this.#openSlot(operation);
      case "close-slot":
        return this.#closeSlot(operation);
    }
  }

  /** Writes the states that changed, at the end of a transaction. */
  flush(): void {
    for (const log of this.#dirty) {
      this.#sql.updateLog.run(log.headSeq, log.trimmedSeq, log.epoch, log.heldBytes, log.num);
      log.dirty = false;
    }
    this.#dirty.length = 0;
  }

  /** After a commit. */
  committed(): void {
    this.#entriesBefore = this.#entries;
    this.#cache.age();
  }

  /** After a rollback: what was remembered may be wrong. */
  rolledBack(): void {
    this.#entries = this.#entriesBefore;
    this.#dirty.length = 0;
    this.#cache.clear();
  }

  #append(append: Of<"append">): StoreResult {
    const log = this.#find(append.log);
    const named = log && this.#epoch(log, append.epoch);
    const refusal = checkAppend(log, named, append, equalSecrets);
    if (refusal !== undefined) return refusal;
    if (log === undefined) return refuseLog();
    if (!this.#hasRoom(log, append.body.length)) return quotaExceeded;
    const seq = ++log.headSeq;
    this.#touch(log);
    this.#sql.insertEntry.run(log.num, seq, append.epoch, append.kind, append.nowSec, append.body);
    this.#entries++;
    if (append.kind === EntryKind.COMMIT && append.nextTokenHash !== undefined) {
      this.#startEpoch(log, seq, append.nextTokenHash);
    }
    return { ok: true, seq };
  }

  #startEpoch(log: CachedLog, commitSeq: number, tokenHash: Uint8Array): void {
    this.#sql.endEpoch.run(commitSeq, log.num, log.epoch);
    log.epoch++;
    log.present = { tokenHash: Uint8Array.from(tokenHash), startSeq: commitSeq, endedBySeq: undefined };
    this.#sql.insertEpoch.run(log.num, log.epoch, tokenHash, commitSeq);
  }

  #hasRoom(log: CachedLog, bytes: number): boolean {
    if (log.headSeq - log.trimmedSeq >= this.#limits.maxEntries) return false;
    if (log.heldBytes + bytes > this.#limits.maxBytes) return false;
    log.heldBytes += bytes;
    return true;
  }

  #ack(ack: Of<"ack">): StoreResult {
    const log = this.#find(ack.log);
    if (log === undefined) return refuseLog();
    const through = Math.min(ack.seq, log.headSeq);
    if (ack.slot === undefined) {
      if (log.kind !== "inbox") return slotUnknown;
      this.#trim(log, through);
      return { ok: true, seq: log.trimmedSeq };
    }
    const slot = this.#readSlot(log.num, ack.slot);
    if (slot === undefined) return slotUnknown;
    const next = advanceSlot(slot, through, ack.nowSec);
    if (next !== slot) this.#sql.updateSlot.run(next.cursor, next.usedAtSec, log.num, ack.slot);
    // Only the slot that was furthest behind can let entries go.
    if (next.cursor > slot.cursor && slot.cursor <= (log.lowestCursor ?? slot.cursor)) {
      this.#trimToSlots(log);
    }
    return { ok: true, seq: next.cursor };
  }

  #createLog(create: Of<"create-log">): StoreResult {
    if (this.#find(create.log) !== undefined) return { ok: false, code: "log_exists" };
    const num = Number(this.#sql.insertLog.run(create.log, 0, create.epoch, create.nowSec).lastInsertRowid);
    this.#sql.insertEpoch.run(num, create.epoch, create.tokenHash, 0);
    return { ok: true, seq: 0 };
  }

  #openSlot(open: Of<"open-slot">): StoreResult {
    const log = this.#find(open.log);
    const named = log && this.#epoch(log, open.epoch);
    const refusal = checkToken(log, named, open, equalSecrets);
    if (refusal !== undefined) return refusal;
    if (log === undefined || named === undefined) return refuseLog();
    const known = this.#readSlot(log.num, open.slot);
    if (known !== undefined) {
      const { usedAtSec } = advanceSlot(known, known.cursor, open.nowSec);
      this.#sql.updateSlot.run(known.cursor, usedAtSec, log.num, open.slot);
      return { ok: true, seq: known.cursor };
    }
    if (named.endedBySeq !== undefined) return refuseEnded(named.endedBySeq, log.epoch);
    const slots = Number(this.#sql.countSlots.get(log.num)?.["n"] ?? 0);
    if (slots >= this.#limits.maxSlots) return { ok: false, code: "slot_limit" };
    const cursor = firstCursor(log, named, open.afterSeq);
    this.#sql.insertSlot.run(log.num, open.slot, cursor, open.nowSec);
    log.lowestCursor = undefined;
    return { ok: true, seq: cursor };
  }

  #closeSlot(close: Of<"close-slot">): StoreResult {
    const log = this.#find(close.log);
    if (log === undefined) return slotUnknown;
    if (Number(this.#sql.deleteSlot.run(log.num, close.slot).changes) === 0) return slotUnknown;
    this.#trimToSlots(log);
    return { ok: true, seq: 0 };
  }

  /** The log's state. */
  readLog(id: LogId): LogState | undefined {
    const log = this.#find(id);
    if (log === undefined) return undefined;
    const { kind, headSeq, trimmedSeq, epoch } = log;
    return { kind, headSeq, trimmedSeq, epoch };
  }

  readEpoch(id: LogId, epoch: number): EpochState | undefined {
    const log = this.#find(id);
    return log && this.#epoch(log, epoch);
  }

  readCursor(id: LogId, slot: SlotId | undefined): number | undefined {
    const log = this.#find(id);
    if (log === undefined) return undefined;
    if (slot === undefined) return log.kind === "inbox" ? log.trimmedSeq : undefined;
    return this.#readSlot(log.num, slot)?.cursor;
  }

  readEntries(
    id: LogId,
    afterSeq: number,
    throughSeq: number,
    maxEntries: number,
    maxBytes: number,
  ): StoredEntry[] {
    const log = this.#find(id);
    if (log === undefined) return [];
    const entries: StoredEntry[] = [];
    let bytes = 0;
    for (const row of this.#sql.readEntries.iterate(log.num, afterSeq, throughSeq, maxEntries)) {
      const entry = row as unknown as StoredEntry;
      bytes += entry.body.length;
      if (entries.length > 0 && bytes > maxBytes) break;
      entries.push(entry);
    }
    return entries;
  }

  /** Whether a log of this id exists. */
  has(id: Uint8Array): boolean {
    return this.#find(id) !== undefined;
  }

  /** Adds a device's inbox. */
  createInbox(id: LogId): void {
    this.#sql.insertLog.run(id, 1, 0, 0);
  }

  /** Deletes a log with all that belongs to it. */
  deleteLog(id: LogId): void {
    const log = this.#find(id);
    if (log === undefined) return;
    this.#entries -= Number(this.#sql.deleteEntries.run(log.num, log.headSeq).changes);
    this.#sql.deleteLog.run(log.num);
    this.#cache.drop(id);
  }

  /** Deletes what is older than a time, at most `limit` entries, slots and logs. Returns how many went. */
  expire(beforeSec: number, limit: number): number {
    const last = new Map<number, { id: LogId; seq: number }>();
    let found = 0;
    for (const row of this.#sql.oldestEntries.iterate(limit)) {
      const { log, id, seq, storedAtSec } = row as unknown as {
        log: number;
        id: LogId;
        seq: number;
        storedAtSec: number;
      };
      if (storedAtSec >= beforeSec) break;
      last.set(log, { id, seq: Math.max(seq, last.get(log)?.seq ?? 0) });
      found++;
    }
    for (const { id, seq } of last.values()) {
      const log = this.#find(id);
      if (log !== undefined) this.#trim(log, seq);
    }
    found += this.#expireSlots(beforeSec, limit - found);
    return found + this.#expireLogs(beforeSec, limit - found);
  }

  /**
   * Deletes conversation logs that are old, empty and without a reader. Looks at a part of all logs each time, so that no
   * transaction is long.
   */
  #expireLogs(beforeSec: number, limit: number): number {
    if (limit <= 0) return 0;
    const from = this.#sweptNum;
    const logs = this.#sql.unusedLogs.all(from, from + logsPerSweep, beforeSec, limit) as unknown as {
      num: number;
      id: LogId;
    }[];
    for (const { num, id } of logs) {
      this.#sql.deleteEpochs.run(num);
      this.#sql.deleteLog.run(num);
      this.#cache.drop(id);
    }
    if (logs.length < limit) {
      const last = Number(this.#sql.lastNum.get()?.["num"] ?? 0);
      this.#sweptNum = from + logsPerSweep < last ? from + logsPerSweep : 0;
    }
    return logs.length;
  }

  #expireSlots(beforeSec: number, limit: number): number {
    const slots = this.#sql.unusedSlots.all(beforeSec, limit) as unknown as {
      log: number;
      id: LogId;
      slot: Uint8Array;
    }[];
    for (const { log, slot } of slots) this.#sql.deleteSlot.run(log, slot);
    for (const { id } of slots) {
      const log = this.#find(id);
      if (log !== undefined) this.#trimToSlots(log);
    }
    return slots.length;
  }

  #trim(log: CachedLog, throughSeq: number): void {
    if (throughSeq <= log.trimmedSeq) return;
    log.heldBytes = throughSeq === log.headSeq ? 0 : log.heldBytes - this.#sumBytes(log, throughSeq);
    log.trimmedSeq = throughSeq;
    this.#touch(log);
    this.#entries -= Number(this.#sql.deleteEntries.run(log.num, throughSeq).changes);
  }

  /** Bytes of the bodies up to a seq. Costs time for each, so what a log holds is kept in its row. */
  #sumBytes(log: CachedLog, throughSeq: number): number {
    return Number(this.#sql.sumBytes.get(log.num, throughSeq)?.["bytes"] ?? 0);
  }

  /** Deletes what every slot has acked. A log without slots keeps its entries until they expire. */
  #trimToSlots(log: CachedLog): void {
    const lowest = this.#sql.lowestCursor.get(log.num)?.["cursor"];
    log.lowestCursor = typeof lowest === "number" ? lowest : undefined;
    if (log.lowestCursor !== undefined) this.#trim(log, log.lowestCursor);
  }

  #readSlot(num: number, slot: SlotId): SlotState | undefined {
    return this.#sql.readSlot.get(num, slot) as unknown as SlotState | undefined;
  }

  #touch(log: CachedLog): void {
    if (log.dirty) return;
    log.dirty = true;
    this.#dirty.push(log);
  }

  #epoch(log: CachedLog, epoch: number): EpochState | undefined {
    if (epoch === log.epoch) return log.present;
    if (log.kind === "inbox") return undefined;
    return this.#loadEpoch(log.num, epoch);
  }

  #loadEpoch(num: number, epoch: number): EpochState | undefined {
    const row = this.#sql.readEpoch.get(num, epoch) as
      | { token_hash: Uint8Array; start_seq: number; ended_by_seq: number | null }
      | undefined;
    if (row === undefined) return undefined;
    return {
      tokenHash: row.token_hash,
      startSeq: row.start_seq,
      endedBySeq: row.ended_by_seq ?? undefined,
    };
  }

  #find(id: Uint8Array): CachedLog | undefined {
    return this.#cache.get(id, this.#load);
  }

  readonly #load = (id: Uint8Array): CachedLog | undefined => {
    const row = this.#sql.readLog.get(id) as
      | Record<"num" | "is_inbox" | "head_seq" | "trimmed_seq" | "epoch" | "held_bytes", number>
      | undefined;
    if (row === undefined) return undefined;
    const kind = row.is_inbox === 1 ? "inbox" : "conversation";
    return {
      num: row.num,
      kind,
      headSeq: row.head_seq,
      trimmedSeq: row.trimmed_seq,
      epoch: row.epoch,
      present: kind === "inbox" ? undefined : this.#loadEpoch(row.num, row.epoch),
      heldBytes: row.held_bytes,
      lowestCursor: undefined,
      dirty: false,
    };
  };
}

function statements(database: DatabaseSync) {
  const sql = (text: string): StatementSync => database.prepare(text);
  return {
    readLog: sql("SELECT num, is_inbox, head_seq, trimmed_seq, epoch, held_bytes FROM logs WHERE id = ?"),
    insertLog: sql(
      "INSERT INTO logs (id, is_inbox, head_seq, trimmed_seq, epoch, made_at_sec) VALUES (?, ?, 0, 0, ?, ?)",
    ),
    updateLog: sql("UPDATE logs SET head_seq = ?, trimmed_seq = ?, epoch = ?, held_bytes = ? WHERE num = ?"),
    deleteLog: sql("DELETE FROM logs WHERE num = ?"),
    deleteEpochs: sql("DELETE FROM epochs WHERE log = ?"),
    lastNum: sql("SELECT max(num) AS num FROM logs"),
    unusedLogs: sql(
      `SELECT num, id FROM logs WHERE num > ? AND num <= ? AND is_inbox = 0 AND made_at_sec < ?
       AND NOT EXISTS (SELECT 1 FROM slots WHERE log = logs.num) AND NOT EXISTS (SELECT 1 FROM entries WHERE log = logs.num)
       LIMIT ?`,
    ),
    readEpoch: sql("SELECT token_hash, start_seq, ended_by_seq FROM epochs WHERE log = ? AND epoch = ?"),
    insertEpoch: sql("INSERT INTO epochs (log, epoch, token_hash, start_seq) VALUES (?, ?, ?, ?)"),
    endEpoch: sql("UPDATE epochs SET ended_by_seq = ? WHERE log = ? AND epoch = ?"),
    readSlot: sql("SELECT cursor, used_at_sec AS usedAtSec FROM slots WHERE log = ? AND slot = ?"),
    countSlots: sql("SELECT count(*) AS n FROM slots WHERE log = ?"),
    insertSlot: sql("INSERT INTO slots (log, slot, cursor, used_at_sec) VALUES (?, ?, ?, ?)"),
    updateSlot: sql("UPDATE slots SET cursor = ?, used_at_sec = ? WHERE log = ? AND slot = ?"),
    deleteSlot: sql("DELETE FROM slots WHERE log = ? AND slot = ?"),
    lowestCursor: sql("SELECT min(cursor) AS cursor FROM slots WHERE log = ?"),
    unusedSlots: sql(
      "SELECT log, id, slot FROM slots JOIN logs ON logs.num = log WHERE used_at_sec < ? LIMIT ?",
    ),
    insertEntry: sql(
      "INSERT INTO entries (log, seq, epoch, kind, stored_at_sec, body) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    deleteEntries: sql("DELETE FROM entries WHERE log = ? AND seq <= ?"),
    readEntries: sql(
      "SELECT seq, epoch, kind, body FROM entries WHERE log = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
    ),
    oldestEntries: sql(
      "SELECT log, id, seq, stored_at_sec AS storedAtSec FROM entries JOIN logs ON logs.num = log ORDER BY entries.num LIMIT ?",
    ),
    sumBytes: sql("SELECT coalesce(sum(length(body)), 0) AS bytes FROM entries WHERE log = ? AND seq <= ?"),
    countEntries: sql("SELECT count(*) AS n FROM entries"),
  };
}
