/**
 * The bus of a server that is many processes over one database. Readers of this node are woken at once; those of others by
 * a transport that may lose, double and delay. So this node also looks at the heads of all logs that are read here, every
 * moment: what the transport lost arrives by that.
 */
import type { LogId } from "@sotto/protocol";
import type { Bus, Notice, Wake } from "../core/bus.ts";
import { idKey } from "../core/logs/id-key.ts";
import type { SchedulerPort } from "../core/session/ports.ts";
import type { Store } from "../core/store.ts";
import { LocalBus } from "./local-bus.ts";

/** Carries wakes and notices between nodes, as well as it can. It brings nothing back to the node that sent it. */
export interface BusTransport {
  send(log: LogId, wake: Wake): void;
  /** Calls back for what other nodes send for the log, until the returned function is called. */
  listen(log: LogId, listener: (wake: Wake) => void): () => void;
  tell(notice: Notice): void;
  hear(listener: (notice: Notice) => void): void;
  close(): Promise<void>;
}

/** What the bus works with. */
export interface SharedBusDeps {
  readonly store: Pick<Store, "readHeads">;
  readonly scheduler: Pick<SchedulerPort, "after">;
  /** Left out: nodes learn from each other by looking at the store alone. */
  readonly transport?: BusTransport | undefined;
  /** The store could not be read; it is read again in a moment. */
  readonly failed: (error: unknown) => void;
  /** Between two looks at the heads. */
  readonly pollMs?: number;
}

/** With the time that a look takes, what a lost wake-up costs stays under 2 s. */
const defaultPollMs = 1_500;
const logsAtOnce = 1_000;

/** A log that is read here. */
interface Read {
  readonly log: LogId;
  readers: number;
  readonly stop: (() => void) | undefined;
}

/** Wakes the readers of this node, and of the others. */
export class SharedBus implements Bus {
  readonly #deps: SharedBusDeps;
  readonly #local = new LocalBus();
  readonly #read = new Map<string, Read>();
  #cancelPoll: () => void;
  #closed = false;

  constructor(deps: SharedBusDeps) {
    this.#deps = deps;
    this.#cancelPoll = this.#pollLater();
  }

  publish(log: LogId, wake: Wake): void {
    this.#local.publish(log, wake);
    this.#deps.transport?.send(log, wake);
  }

  subscribe(log: LogId, listener: (wake: Wake) => void): () => void {
    const key = idKey(log);
    const read = this.#read.get(key) ?? this.#begin(log, key);
    read.readers += 1;
    const unsubscribe = this.#local.subscribe(log, listener);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      unsubscribe();
      read.readers -= 1;
      if (read.readers > 0) return;
      read.stop?.();
      this.#read.delete(key);
    };
  }

  tell(notice: Notice): void {
    this.#deps.transport?.tell(notice);
  }

  hear(listener: (notice: Notice) => void): void {
    this.#deps.transport?.hear(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelPoll();
    this.#read.clear();
    await this.#local.close();
    await this.#deps.transport?.close();
  }

  #begin(log: LogId, key: string): Read {
    const stop = this.#deps.transport?.listen(log, (wake) => this.#local.publish(log, wake));
    const read = { log, readers: 0, stop };
    this.#read.set(key, read);
    return read;
  }

  #pollLater(): () => void {
    return this.#deps.scheduler.after(this.#deps.pollMs ?? defaultPollMs, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    try {
      const logs = [...this.#read.values()].map(({ log }) => log);
      for (let i = 0; i < logs.length && !this.#closed; i += logsAtOnce) {
        await this.#look(logs.slice(i, i + logsAtOnce));
      }
    } catch (error) {
      if (!this.#closed) this.#deps.failed(error);
    }
    if (!this.#closed) this.#cancelPoll = this.#pollLater();
  }

  /** A reader that has everything does nothing with this. */
  async #look(logs: readonly LogId[]): Promise<void> {
    const heads = await this.#deps.store.readHeads(logs);
    logs.forEach((log, i) => this.#local.publish(log, { type: "stored", headSeq: heads[i] ?? 0 }));
  }
}
