/** The server's group commit in virtual time: when it commits is decided as packages/server/src/core/group-commit.ts decides it. */
import { DEFAULT_GROUP_COMMIT } from "@sotto/server/group-commit";
import type { Engine } from "./engine.ts";

const { distanceMs, maxOperations, ackDelayMs } = DEFAULT_GROUP_COMMIT;

/** Carries a batch out; calls back when it is durable, or failed. */
export type Commit<T> = (operations: readonly T[], acks: number, done: () => void) => void;

/** One node's committer. Acks are only counted: who moves the same cursor again while it waits joins what waits. */
export class GroupCommitModel<T> {
  readonly #engine: Engine;
  readonly #commit: Commit<T>;
  readonly #readers: number;
  #operations: T[] = [];
  #acks = 0;
  #running = false;
  #lastEndMs = Number.NEGATIVE_INFINITY;
  /** Only the newest plan counts; older ones find that they are. */
  #plan = 0;
  #planned: "no" | "soon" | "distant" | "patient" = "no";

  /** @param readers cursors that there are: no more can wait at once. */
  constructor(engine: Engine, commit: Commit<T>, readers = Number.POSITIVE_INFINITY) {
    this.#engine = engine;
    this.#commit = commit;
    this.#readers = readers;
  }

  submit(operation: T): void {
    this.#operations.push(operation);
    this.#schedule();
  }

  submitAcks(count: number): void {
    this.#acks = Math.min(this.#readers, this.#acks + count);
    if (this.#planned === "no" && !this.#running) this.#later("patient", ackDelayMs);
  }

  #schedule(): void {
    if (this.#planned === "soon" || this.#running) return;
    const sinceMs = this.#engine.nowMs - this.#lastEndMs;
    if (this.#operations.length >= maxOperations || sinceMs >= distanceMs) this.#later("soon", 0);
    else if (this.#planned !== "distant") this.#later("distant", distanceMs - sinceMs);
  }

  #later(planned: "soon" | "distant" | "patient", delayMs: number): void {
    this.#planned = planned;
    const plan = ++this.#plan;
    this.#engine.after(delayMs, () => {
      if (plan === this.#plan) this.#start();
    });
  }

  #start(): void {
    this.#planned = "no";
    if (this.#running || (this.#operations.length === 0 && this.#acks === 0)) return;
    this.#running = true;
    const [operations, acks] = [this.#operations, this.#acks];
    this.#operations = [];
    this.#acks = 0;
    this.#commit(operations, acks, () => {
      this.#running = false;
      this.#lastEndMs = this.#engine.nowMs;
      if (this.#operations.length > 0) this.#schedule();
      else if (this.#acks > 0) this.#later("patient", ackDelayMs);
    });
  }
}
