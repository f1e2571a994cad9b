/**
 * What a log answers to an operation, decided from its state alone. Every storage adapter asks these functions, so that
 * all of them give the same answers; the conformance suite shows that they ask in the right order.
 *
 * Invariants: epochs only go forward; the first COMMIT for an epoch wins; an unknown log, a wrong token and a log of the
 * wrong kind are one and the same refusal.
 */
import { EntryKind } from "@sotto/protocol";
import type { EpochState, LogState, StoreOperation, StoreResult } from "../store.ts";

/** How much a log may hold. */
export interface LogLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly maxSlots: number;
}

/** A refusal. */
export type Refusal = Extract<StoreResult, { ok: false }>;
/** An append. */
export type AppendOperation = Extract<StoreOperation, { type: "append" }>;
/** What an operation shows to prove that it may touch an epoch. */
export interface TokenClaim {
  readonly epoch: number;
  readonly tokenHash: Uint8Array | undefined;
}
/** Compares hashes in constant time. */
export type EqualSecrets = (a: Uint8Array, b: Uint8Array) => boolean;

const refused: Refusal = Object.freeze({ ok: false, code: "log_refused" });

/** The refusal for a log, token or kind that does not fit. */
export function refuseLog(): Refusal {
  return refused;
}

/** The refusal for an operation on an epoch that a Commit ended. */
export function refuseEnded(winnerSeq: number, current: number): Refusal {
  return { ok: false, code: "epoch_ended", winnerSeq, current };
}

/**
 * Whether an append fits the log and its present epoch. undefined: it does, quotas aside.
 * @param named the state of the epoch that the append names, when the log has it.
 */
export function checkAppend(
  log: LogState | undefined,
  named: EpochState | undefined,
  append: Pick<AppendOperation, "epoch" | "kind" | "tokenHash" | "nextTokenHash">,
  equalSecrets: EqualSecrets,
): Refusal | undefined {
  if (log === undefined) return refused;
  const commits = append.kind === EntryKind.COMMIT;
  if (commits !== (append.nextTokenHash !== undefined)) return refused;
  if (log.kind === "inbox") {
    const fits = append.epoch === 0 && append.tokenHash === undefined && !commits;
    return fits ? undefined : refused;
  }
  const wrong = checkToken(log, named, append, equalSecrets);
  if (wrong !== undefined) return wrong;
  return named?.endedBySeq === undefined ? undefined : refuseEnded(named.endedBySeq, log.epoch);
}

/** Whether the token opens the epoch that it names, ended or not, for reading. undefined: it does. */
export function checkToken(
  log: LogState | undefined,
  named: EpochState | undefined,
  claim: TokenClaim,
  equalSecrets: EqualSecrets,
): Refusal | undefined {
  if (log?.kind !== "conversation" || named === undefined || claim.tokenHash === undefined) return refused;
  return equalSecrets(claim.tokenHash, named.tokenHash) ? undefined : refused;
}

/** Where a new slot begins: after what the asker has, never before its epoch nor among entries that are gone. */
export function firstCursor(log: LogState, named: EpochState, afterSeq: number | undefined): number {
  const wanted = afterSeq === undefined ? log.headSeq : Math.min(afterSeq, log.headSeq);
  return Math.max(wanted, named.startSeq, log.trimmedSeq);
}

/** A reader's place in a log. */
export interface SlotState {
  readonly cursor: number;
  /** When it was last used, to the day: an ack that moves nothing seldom has to be written. */
  readonly usedAtSec: number;
}

const secondsPerDay = 86_400;

/** What an ack makes of a slot; the slot itself when nothing is to be written. */
export function advanceSlot(slot: SlotState, throughSeq: number, nowSec: number): SlotState {
  if (throughSeq <= slot.cursor && nowSec - slot.usedAtSec < secondsPerDay) return slot;
  return {
    cursor: Math.max(slot.cursor, throughSeq),
    usedAtSec: Math.max(slot.usedAtSec, nowSec),
  };
}
