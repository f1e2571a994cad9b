/** Logs in memory: the part of MemoryStore that keeps them. */
import { timingSafeEqual } from "node:crypto";
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
} from "../core/logs/decide.ts";
import { idKey } from "../core/logs/id-key.ts";
import type { EpochState, LogState, StoredEntry, StoreOperation, StoreResult } from "../core/store.ts";

type Of<Type extends StoreOperation["type"]> = Extract<StoreOperation, { type: Type }>;
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

interface KeptEntry extends StoredEntry {
  readonly storedAtSec: number;
}

interface Log {
  readonly state: Writable<LogState>;
  readonly madeAtSec: number;
  entries: KeptEntry[];
  bytes: number;
  readonly epochs: Map<number, EpochState>;
  readonly slots: Map<string, SlotState>;
}

const copy = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);
const equalSecrets = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b);

function newLog(kind: LogState["kind"], epoch: number, madeAtSec: number): Log {
  return {
    state: { kind, headSeq: 0, trimmedSeq: 0, epoch },
    madeAtSec,
    entries: [],
    bytes: 0,
    epochs: new Map(),
    slots: new Map(),
  };
}

/** All logs. */
export class MemoryLogs {
  readonly #logs = new Map<string, Log>();
  readonly #limits: LogLimits;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  /** How many logs there are. */
  get size(): number {
    return this.#logs.size;
  }

  /** How many entries they hold. */
  get entries(): number {
    return [...this.#logs.values()].reduce((sum, { entries }) => sum + entries.length, 0);
  }

  has(log: LogId): boolean {
    return this.#logs.has(idKey(log));
  }

  createInbox(log: LogId): void {
    this.#logs.set(idKey(log), newLog("inbox", 0, 0));
  }

  /** Deletes a log with all that is in it. */
  delete(log: LogId): void {
    this.#logs.delete(idKey(log));
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

  #append(append: Of<"append">): StoreResult {
    const log = this.#logs.get(idKey(append.log));
    const refusal = checkAppend(log?.state, log?.epochs.get(append.epoch), append, equalSecrets);
    if (refusal !== undefined) return refusal;
    if (log === undefined) return refuseLog();
    if (
      log.entries.length >= this.#limits.maxEntries ||
      log.bytes + append.body.length > this.#limits.maxBytes
    ) {
      return { ok: false, code: "quota_exceeded" };
    }
    const seq = ++log.state.headSeq;
    const { epoch, kind, nowSec, nextTokenHash } = append;
    log.entries.push({ seq, epoch, kind, body: copy(append.body), storedAtSec: nowSec });
    log.bytes += append.body.length;
    if (kind === EntryKind.COMMIT && nextTokenHash !== undefined) {
      const ended = log.epochs.get(epoch);
      if (ended !== undefined) log.epochs.set(epoch, { ...ended, endedBySeq: seq });
      log.state.epoch = epoch + 1;
      log.epochs.set(epoch + 1, { tokenHash: copy(nextTokenHash), startSeq: seq, endedBySeq: undefined });
    }
    return { ok: true, seq };
  }

  #ack({ log: id, slot: slotId, seq, nowSec }: Of<"ack">): StoreResult {
    const log = this.#logs.get(idKey(id));
    if (log === undefined) return refuseLog();
    const through = Math.min(seq, log.state.headSeq);
    if (slotId === undefined) {
      if (log.state.kind !== "inbox") return { ok: false, code: "slot_unknown" };
      trim(log, through);
      return { ok: true, seq: log.state.trimmedSeq };
    }
    const slot = log.slots.get(idKey(slotId));
    if (slot === undefined) return { ok: false, code: "slot_unknown" };
    const next = advanceSlot(slot, through, nowSec);
    log.slots.set(idKey(slotId), next);
    if (next.cursor > slot.cursor) trimToSlots(log);
    return { ok: true, seq: next.cursor };
  }

  #createLog({ log: id, epoch, tokenHash, nowSec }: Of<"create-log">): StoreResult {
    const key = idKey(id);
    if (this.#logs.has(key)) return { ok: false, code: "log_exists" };
    const log = newLog("conversation", epoch, nowSec);
    log.epochs.set(epoch, { tokenHash: copy(tokenHash), startSeq: 0, endedBySeq: undefined });
    this.#logs.set(key, log);
    return { ok: true, seq: 0 };
  }

  #openSlot(open: Of<"open-slot">): StoreResult {
    const log = this.#logs.get(idKey(open.log));
    const named = log?.epochs.get(open.epoch);
    const refusal = checkToken(log?.state, named, open, equalSecrets);
    if (refusal !== undefined) return refusal;
    if (log === undefined || named === undefined) return refuseLog();
    const key = idKey(open.slot);
    const known = log.slots.get(key);
    if (known !== undefined) {
      log.slots.set(key, advanceSlot(known, known.cursor, open.nowSec));
      return { ok: true, seq: known.cursor };
    }
    if (named.endedBySeq !== undefined) return refuseEnded(named.endedBySeq, log.state.epoch);
    if (log.slots.size >= this.#limits.maxSlots) return { ok: false, code: "slot_limit" };
    const cursor = firstCursor(log.state, named, open.afterSeq);
    log.slots.set(key, { cursor, usedAtSec: open.nowSec });
    return { ok: true, seq: cursor };
  }

  #closeSlot({ log: id, slot }: Of<"close-slot">): StoreResult {
    const log = this.#logs.get(idKey(id));
    if (log === undefined || !log.slots.delete(idKey(slot))) return { ok: false, code: "slot_unknown" };
    trimToSlots(log);
    return { ok: true, seq: 0 };
  }

  readLog(log: LogId): LogState | undefined {
    const state = this.#logs.get(idKey(log))?.state;
    return state && { ...state };
  }

  readEpoch(log: LogId, epoch: number): EpochState | undefined {
    return this.#logs.get(idKey(log))?.epochs.get(epoch);
  }

  readCursor(log: LogId, slot: SlotId | undefined): number | undefined {
    const found = this.#logs.get(idKey(log));
    if (slot !== undefined) return found?.slots.get(idKey(slot))?.cursor;
    return found?.state.kind === "inbox" ? found.state.trimmedSeq : undefined;
  }

  readEntries(
    log: LogId,
    afterSeq: number,
    throughSeq: number,
    maxEntries: number,
    maxBytes: number,
  ): readonly StoredEntry[] {
    const found: StoredEntry[] = [];
    let bytes = 0;
    for (const { seq, epoch, kind, body } of this.#logs.get(idKey(log))?.entries ?? []) {
      if (seq <= afterSeq) continue;
      if (seq > throughSeq || found.length >= maxEntries) break;
      bytes += body.length;
      if (found.length > 0 && bytes > maxBytes) break;
      found.push({ seq, epoch, kind, body: copy(body) });
    }
    return found;
  }

  expire(beforeSec: number, limit: number): number {
    let gone = 0;
    for (const [key, log] of this.#logs) {
      let last = 0;
      for (const entry of log.entries) {
        if (entry.storedAtSec >= beforeSec || gone >= limit) break;
        last = entry.seq;
        gone++;
      }
      trim(log, last);
      const { size } = log.slots;
      for (const [slotKey, slot] of log.slots) {
        if (slot.usedAtSec >= beforeSec || gone >= limit) continue;
        log.slots.delete(slotKey);
        gone++;
      }
      if (log.slots.size < size) trimToSlots(log);
      const isUsed = log.state.kind === "inbox" || log.entries.length > 0 || log.slots.size > 0;
      if (!isUsed && log.madeAtSec < beforeSec && gone < limit) {
        this.#logs.delete(key);
        gone++;
      }
    }
    return gone;
  }

  clear(): void {
    this.#logs.clear();
  }
}

/** Deletes entries up to a seq. */
function trim(log: Log, throughSeq: number): void {
  if (throughSeq <= log.state.trimmedSeq) return;
  log.state.trimmedSeq = throughSeq;
  const gone = log.entries.findIndex(({ seq }) => seq > throughSeq);
  for (const { body } of log.entries.splice(0, gone === -1 ? log.entries.length : gone)) {
    log.bytes -= body.length;
  }
}

/** Deletes what every slot has acked. A log without slots keeps its entries until they expire. */
function trimToSlots(log: Log): void {
  if (log.slots.size === 0) return;
  let lowest = Number.POSITIVE_INFINITY;
  for (const { cursor } of log.slots.values()) lowest = Math.min(lowest, cursor);
  trim(log, lowest);
}
