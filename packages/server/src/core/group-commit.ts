/**
 * Group commit: operations that arrive close together share one transaction, and so one fsync. One commit runs at a time;
 * what arrives meanwhile makes the next one.
 *
 * When nothing happened lately an append is committed at once; under load commits keep a distance, which makes them
 * larger and the work for each operation smaller. Acks never force a commit of their own: they go with the next one, or
 * after a while.
 *
 * Invariant: an operation is answered, and readers are woken, only after the transaction that holds it is durable.
 */
import type { LogId, SlotId } from "@sotto/protocol";
import type { Bus } from "./bus.ts";
import { endOfDaySec } from "./logs/day.ts";
import { idKey } from "./logs/id-key.ts";
import type { CommittedBatch } from "./session/ports.ts";
import { StoreAway, type Store, type StoredEntry, type StoreOperation, type StoreResult } from "./store.ts";

/** Who waits for an operation. */
export interface CommitSink {
  /** The operation is durable or was refused; undefined: storage failed and nothing was changed. */
  settled(request: number, operation: StoreOperation, result: StoreResult | undefined): void;
}

/** A reader's cursor that is to be stored. One object serves a reader for its whole life, and always tells its newest. */
export interface PendingAck {
  readonly log: LogId;
  /** undefined for inboxes. */
  readonly slot: SlotId | undefined;
  /** The newest seq acked. */
  acked: number;
  /** Set while it waits for a commit; belongs to the committer. */
  ackQueued: boolean;
}

/** What a committer is given. */
export interface GroupCommitDeps {
  readonly store: Store;
  readonly bus: Bus;
  readonly scheduler: {
    soon(callback: () => void): void;
    after(delayMs: number, callback: () => void): () => void;
  };
  readonly clock: { nowMs(): number; monotonicMs(): number };
  readonly events: {
    committed(batch: CommittedBatch): void;
    commitFailed(error: unknown): void;
    sessionFailed(error: unknown): void;
  };
}

/** When commits happen. */
export interface GroupCommitOptions {
  /** Commits under load are at least this far apart. */
  readonly distanceMs: number;
  /** A queue this long is committed without waiting. */
  readonly maxOperations: number;
  /** Longest that an ack waits for others' appends. */
  readonly ackDelayMs: number;
  /** More bytes than this waiting: further appends are refused. */
  readonly maxQueuedBytes: number;
}

/** The options that were measured best on two cores. */
export const DEFAULT_GROUP_COMMIT: GroupCommitOptions = {
  distanceMs: 2,
  maxOperations: 512,
  ackDelayMs: 20,
  maxQueuedBytes: 67_108_864,
};

/** Most transactions that fail within one commit before the rest is given up. */
const mostFailures = 256;

/** Gathers operations and commits them together. */
export class GroupCommitter {
  readonly #deps: GroupCommitDeps;
  readonly #options: GroupCommitOptions;
  #operations: StoreOperation[] = [];
  #sinks: CommitSink[] = [];
  #requests: number[] = [];
  /** When each of them came, by the monotonic clock. */
  #submittedAtMs: number[] = [];
  #acks: PendingAck[] = [];
  #queuedBytes = 0;
  #running: Promise<void> | undefined;
  /** The commit that is scheduled: as soon as input is read, after the distance, after an ack's patience, or none. */
  #scheduled: "no" | "soon" | "distant" | "patient" = "no";
  #cancelLater: (() => void) | undefined;
  #lastEndMs = Number.NEGATIVE_INFINITY;

  constructor(deps: GroupCommitDeps, options: GroupCommitOptions = DEFAULT_GROUP_COMMIT) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Bytes of appends that wait for their commit. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Queues an operation; `sink` hears once what became of it. Bodies must not change until then. */
  submit(operation: StoreOperation, sink: CommitSink, request: number): void {
    const bytes = operation.type === "append" ? operation.body.length : 0;
    if (this.#queuedBytes + bytes > this.#options.maxQueuedBytes) {
      sink.settled(request, operation, undefined);
      return;
    }
    this.#queuedBytes += bytes;
    this.#operations.push(operation);
    this.#sinks.push(sink);
    this.#requests.push(request);
    this.#submittedAtMs.push(this.#deps.clock.monotonicMs());
    this.#schedule();
  }

  /** Queues a cursor, whose newest value at the time of the commit is stored. */
  submitAck(ack: PendingAck): void {
    if (ack.ackQueued) return;
    ack.ackQueued = true;
    this.#acks.push(ack);
    if (this.#scheduled === "no" && this.#running === undefined) this.#waitForCompany();
  }

  /** Commits what waits; resolves when nothing does. */
  async flush(): Promise<void> {
    while (this.#running !== undefined || this.#operations.length > 0 || this.#acks.length > 0) {
      if (this.#running === undefined) this.#start();
      await this.#running;
    }
  }

  #schedule(): void {
    if (this.#scheduled === "soon" || this.#running !== undefined) return;
    const sinceMs = this.#deps.clock.monotonicMs() - this.#lastEndMs;
    const { distanceMs, maxOperations } = this.#options;
    if (this.#operations.length >= maxOperations || sinceMs >= distanceMs) {
      this.#cancelLater?.();
      this.#cancelLater = undefined;
      this.#scheduled = "soon";
      this.#deps.scheduler.soon(this.#start);
    } else if (this.#scheduled !== "distant") {
      this.#later("distant", distanceMs - sinceMs);
    }
  }

  #waitForCompany(): void {
    this.#later("patient", this.#options.ackDelayMs);
  }

  #later(scheduled: "distant" | "patient", delayMs: number): void {
    this.#cancelLater?.();
    this.#scheduled = scheduled;
    this.#cancelLater = this.#deps.scheduler.after(delayMs, this.#start);
  }

  readonly #start = (): void => {
    this.#cancelLater?.();
    this.#cancelLater = undefined;
    this.#scheduled = "no";
    if (this.#running !== undefined || (this.#operations.length === 0 && this.#acks.length === 0)) return;
    this.#running = this.#commit().finally(() => {
      this.#running = undefined;
      if (this.#operations.length > 0) this.#schedule();
      else if (this.#acks.length > 0) this.#waitForCompany();
    });
  };

  async #commit(): Promise<void> {
    const startMs = this.#deps.clock.monotonicMs();
    const sinks = this.#sinks;
    const requests = this.#requests;
    const submittedAtMs = this.#submittedAtMs;
    const submitted = this.#operations;
    const acks = this.#takeAcks();
    this.#operations = [];
    this.#sinks = [];
    this.#requests = [];
    this.#submittedAtMs = [];
    this.#queuedBytes = 0;
    // Acks go first, so that the appends can use the room that they make.
    const operations = acks.length === 0 ? submitted : [...acks, ...submitted];
    const failures: unknown[] = [];
    const results = await this.#store(operations, failures);
    if (failures.length > 0) this.#deps.events.commitFailed(failures[0]);
    this.#lastEndMs = this.#deps.clock.monotonicMs();
    const batch = { appendedBytes: 0, appendMs: [] as number[] };
    const wakes = new Map<string, { readonly log: LogId; readonly entries: StoredEntry[] }>();
    for (let i = 0; i < submitted.length; i++) {
      const operation = submitted[i] as StoreOperation;
      const result = results[acks.length + i];
      if (operation.type === "append" && result?.ok === true) {
        batch.appendMs.push(this.#lastEndMs - (submittedAtMs[i] as number));
        batch.appendedBytes += operation.body.length;
        const { epoch, kind, body } = operation;
        const key = idKey(operation.log);
        const entry = { seq: result.seq, epoch, kind, body };
        const stored = wakes.get(key);
        if (stored === undefined) wakes.set(key, { log: operation.log, entries: [entry] });
        else stored.entries.push(entry);
      }
      this.#guarded(() => (sinks[i] as CommitSink).settled(requests[i] as number, operation, result));
    }
    for (const { log, entries } of wakes.values()) {
      const headSeq = (entries.at(-1) as StoredEntry).seq;
      this.#guarded(() => this.#deps.bus.publish(log, { type: "stored", headSeq, entries }));
    }
    if (results.every((result) => result === undefined)) return;
    this.#deps.events.committed({
      operations: operations.length,
      ...batch,
      acks: acks.length,
      durationMs: this.#lastEndMs - startMs,
    });
  }

  /**
   * Stores operations in one transaction. When that fails its halves are tried, so that one operation that the store
   * chokes on fails alone, and not all that came in the same moment; undefined stands for those that failed.
   */
  async #store(
    operations: readonly StoreOperation[],
    failures: unknown[],
  ): Promise<readonly (StoreResult | undefined)[]> {
    try {
      return await this.#deps.store.commit(operations);
    } catch (error) {
      failures.push(error);
      // So many halves in vain: it is the store that fails, not some operations.
      const isHopeless = error instanceof StoreAway || failures.length > mostFailures;
      if (operations.length === 1 || isHopeless) return operations.map(() => undefined);
    }
    const middle = operations.length >> 1;
    const first = await this.#store(operations.slice(0, middle), failures);
    return [...first, ...(await this.#store(operations.slice(middle), failures))];
  }

  /** One listener's failure is told, and keeps neither the others from hearing nor the process from running. */
  #guarded(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#deps.events.sessionFailed(error);
    }
  }

  #takeAcks(): StoreOperation[] {
    const nowSec = endOfDaySec(this.#deps.clock.nowMs());
    const operations = this.#acks.map((ack): StoreOperation => {
      ack.ackQueued = false;
      return { type: "ack", log: ack.log, slot: ack.slot, seq: ack.acked, nowSec };
    });
    this.#acks = [];
    return operations;
  }
}
