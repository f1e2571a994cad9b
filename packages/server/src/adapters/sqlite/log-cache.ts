/**
 * The states of logs in use, so that an append need not ask the database for them. Bounded: two generations, of which
 * the older goes when the younger is full.
 *
 * Invariant: a state that a transaction changed is not dropped before it is written; generations change between
 * transactions only.
 */
import { idKey } from "../../core/logs/id-key.ts";
import type { EpochState, LogState } from "../../core/store.ts";

/** A log's state with what this adapter keeps beside it. */
export interface CachedLog {
  readonly num: number;
  readonly kind: LogState["kind"];
  headSeq: number;
  trimmedSeq: number;
  epoch: number;
  /** The present epoch; undefined for inboxes. */
  present: EpochState | undefined;
  /** Bytes of the bodies that the log holds. */
  heldBytes: number;
  /** The cursor of the slot that is furthest behind; undefined when it must be asked for. */
  lowestCursor: number | undefined;
  /** Changed by the transaction that runs. */
  dirty: boolean;
}

/** Log states by id. */
export class LogCache {
  readonly #maxPerGeneration: number;
  #young = new Map<string, CachedLog>();
  #old = new Map<string, CachedLog>();

  constructor(maxLogs: number) {
    this.#maxPerGeneration = Math.ceil(maxLogs / 2);
  }

  /** The log's state; `load` is asked when it is not here, and undefined is not remembered. */
  get(id: Uint8Array, load: (id: Uint8Array) => CachedLog | undefined): CachedLog | undefined {
    const key = idKey(id);
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const log = this.#old.get(key) ?? load(id);
    if (log !== undefined) this.#young.set(key, log);
    return log;
  }

  /** Between two transactions: makes room. */
  age(): void {
    if (this.#young.size < this.#maxPerGeneration) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  /** Forgets one log that was deleted. */
  drop(id: Uint8Array): void {
    this.#young.delete(idKey(id));
    this.#old.delete(idKey(id));
  }

  /** Forgets everything, after a transaction that was undone. */
  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
