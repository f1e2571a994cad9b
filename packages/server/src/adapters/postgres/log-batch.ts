/**
 * What a batch of operations makes of the logs that it names, decided in memory: their rows were read and locked before, and what
 * changed is written after. So a batch costs a few statements, however many operations it holds.
 *
 * Of a log's slots only those are here that the batch names, and of all others the lowest cursor and how many they are: enough to decide
 * everything, however many readers a log has.
 */
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
} from "../../core/logs/decide.ts";
import { idKey } from "../../core/logs/id-key.ts";
import type { EpochState, LogState, StoredEntry, StoreOperation, StoreResult } from "../../core/store.ts";

type Of<Type extends StoreOperation["type"]> = Extract<StoreOperation, { type: Type }>;

/** A slot that the batch names. */
export interface NamedSlot {
  readonly id: SlotId;
  /** undefined: there is none (any more). */
  state: SlotState | undefined;
  /** As it lies in the database. */
  readonly stored: SlotState | undefined;
}

/** A log that the batch names, as it is and as it becomes. */
export interface BatchLog {
  readonly id: LogId;
  readonly kind: LogState["kind"];
  readonly isNew: boolean;
  readonly madeAtSec: number;
  headSeq: number;
  trimmedSeq: number;
  epoch: number;
  tokenHash: Uint8Array | undefined;
  startSeq: number;
  /** At least the bytes that it holds: of old entries that go, only known sizes are taken off. */
  mostBytes: number;
  /** Bytes of the entries that this batch adds and keeps. */
  addedBytes: number;
  /** What is stored already. */
  readonly stored: { readonly headSeq: number; readonly trimmedSeq: number };
  /** Sizes of the oldest stored entries, from `stored.trimmedSeq + 1` on; looked up only when they may decide whether there is room. */
  sizes: readonly number[];
  added: (StoredEntry & { readonly storedAtSec: number })[];
  /** Epochs that ended: before, and in this batch. */
  readonly ended: Map<number, EpochState & { readonly endedBySeq: number; readonly isNew: boolean }>;
  readonly slots: Map<string, NamedSlot>;
  /** Of the slots that are not named. */
  otherSlots: { readonly lowest: number | undefined; readonly count: number };
  changed: boolean;
}

const equalSecrets = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b);
const slotUnknown: StoreResult = Object.freeze({ ok: false, code: "slot_unknown" });
const quotaExceeded: StoreResult = Object.freeze({ ok: false, code: "quota_exceeded" });

/** The logs of one batch. */
export class LogBatch {
  /** By id. */
  readonly logs: Map<string, BatchLog>;
  readonly #limits: LogLimits;

  constructor(logs: Map<string, BatchLog>, limits: LogLimits) {
    this.logs = logs;
    this.#limits = limits;
  }

  /** Decides one operation, after those before it. */
  apply(operation: StoreOperation): StoreResult {
    const log = this.logs.get(idKey(operation.log));
    switch (operation.type) {
      case "append":
        return this.#append(log, operation);
      case "ack":
        return ack(log, operation);
      case "create-log":
        return this.#createLog(log, operation);
      case "open-slot":
        return this.#openSlot(log, operation);
      case "close-slot":
        return closeSlot(log, operation);
    }
  }

  #append(log: BatchLog | undefined, append: Of<"append">): StoreResult {
    const { epoch, kind, body, nextTokenHash, nowSec } = append;
    const refusal = checkAppend(log, log && epochOf(log, epoch), append, equalSecrets);
    if (refusal !== undefined) return refusal;
    if (log === undefined) return refuseLog();
    const { maxEntries, maxBytes } = this.#limits;
    if (log.headSeq - log.trimmedSeq >= maxEntries || log.mostBytes + body.length > maxBytes) {
      return quotaExceeded;
    }
    const seq = ++log.headSeq;
    log.mostBytes += body.length;
    log.addedBytes += body.length;
    log.added.push({ seq, epoch, kind, body, storedAtSec: nowSec });
    log.changed = true;
    if (kind === EntryKind.COMMIT && nextTokenHash !== undefined && log.tokenHash !== undefined) {
      const { tokenHash, startSeq } = log;
      log.ended.set(epoch, { tokenHash, startSeq, endedBySeq: seq, isNew: true });
      log.epoch++;
      log.tokenHash = nextTokenHash;
      log.startSeq = seq;
    }
    return { ok: true, seq };
  }

  #createLog(known: BatchLog | undefined, create: Of<"create-log">): StoreResult {
    if (known !== undefined) return { ok: false, code: "log_exists" };
    this.logs.set(idKey(create.log), {
      id: create.log,
      kind: "conversation",
      isNew: true,
      madeAtSec: create.nowSec,
      headSeq: 0,
      trimmedSeq: 0,
      epoch: create.epoch,
      tokenHash: create.tokenHash,
      startSeq: 0,
      mostBytes: 0,
      addedBytes: 0,
      stored: { headSeq: 0, trimmedSeq: 0 },
      sizes: [],
      added: [],
      ended: new Map(),
      slots: new Map(),
      otherSlots: { lowest: undefined, count: 0 },
      changed: true,
    });
    return { ok: true, seq: 0 };
  }

  #openSlot(log: BatchLog | undefined, open: Of<"open-slot">): StoreResult {
    const named = log && epochOf(log, open.epoch);
    const refusal = checkToken(log, named, open, equalSecrets);
    if (refusal !== undefined) return refusal;
    if (log === undefined || named === undefined) return refuseLog();
    const key = idKey(open.slot);
    const known = log.slots.get(key);
    if (known?.state !== undefined) {
      known.state = advanceSlot(known.state, known.state.cursor, open.nowSec);
      return { ok: true, seq: known.state.cursor };
    }
    if (named.endedBySeq !== undefined) return refuseEnded(named.endedBySeq, log.epoch);
    let count = log.otherSlots.count;
    for (const { state } of log.slots.values()) if (state !== undefined) count++;
    if (count >= this.#limits.maxSlots) return { ok: false, code: "slot_limit" };
    const cursor = firstCursor(log, named, open.afterSeq);
    const state = { cursor, usedAtSec: open.nowSec };
    if (known === undefined) log.slots.set(key, { id: open.slot, state, stored: undefined });
    else known.state = state;
    return { ok: true, seq: cursor };
  }
}

function ack(log: BatchLog | undefined, { slot, seq, nowSec }: Of<"ack">): StoreResult {
  if (log === undefined) return refuseLog();
  const through = Math.min(seq, log.headSeq);
  if (slot === undefined) {
    if (log.kind !== "inbox") return slotUnknown;
    trim(log, through);
    return { ok: true, seq: log.trimmedSeq };
  }
  const named = log.slots.get(idKey(slot));
  if (named?.state === undefined) return slotUnknown;
  const before = named.state.cursor;
  named.state = advanceSlot(named.state, through, nowSec);
  if (named.state.cursor > before) trimToSlots(log);
  return { ok: true, seq: named.state.cursor };
}

function closeSlot(log: BatchLog | undefined, { slot }: Of<"close-slot">): StoreResult {
  const named = log?.slots.get(idKey(slot));
  if (log === undefined || named?.state === undefined) return slotUnknown;
  named.state = undefined;
  trimToSlots(log);
  return { ok: true, seq: 0 };
}

function epochOf(log: BatchLog, epoch: number): EpochState | undefined {
  if (epoch !== log.epoch) return log.ended.get(epoch);
  const { tokenHash, startSeq } = log;
  return tokenHash && { tokenHash, startSeq, endedBySeq: undefined };
}

/** Lets go of what every slot has acked. A log without slots keeps its entries until they expire. */
function trimToSlots(log: BatchLog): void {
  let lowest = log.otherSlots.lowest ?? Number.POSITIVE_INFINITY;
  for (const { state } of log.slots.values()) lowest = Math.min(lowest, state?.cursor ?? lowest);
  if (Number.isFinite(lowest)) trim(log, lowest);
}

/** Lets go of entries up to a seq. */
function trim(log: BatchLog, throughSeq: number): void {
  const { trimmedSeq, stored } = log;
  if (throughSeq <= trimmedSeq) return;
  log.trimmedSeq = throughSeq;
  log.changed = true;
  for (let seq = trimmedSeq + 1; seq <= Math.min(throughSeq, stored.headSeq); seq++) {
    const size = log.sizes[seq - stored.trimmedSeq - 1];
    if (size === undefined) break;
    log.mostBytes -= size;
  }
  const gone = log.added
    .filter(({ seq }) => seq <= throughSeq)
    .reduce((sum, { body }) => sum + body.length, 0);
  if (gone > 0 || throughSeq > stored.headSeq) log.added = log.added.filter(({ seq }) => seq > throughSeq);
  log.addedBytes -= gone;
  log.mostBytes -= gone;
  // None of the old ones is left, whatever they weighed.
  if (throughSeq >= stored.headSeq) log.mostBytes = log.addedBytes;
}
