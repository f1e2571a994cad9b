/** A place where work is done: so many servers, one queue, first come first served. A core, a pool of connections, a lock. */
import type { Engine } from "./engine.ts";

interface Job {
  readonly serviceMs: () => number;
  readonly done: () => void;
  readonly cameAtMs: number;
}

/** Counts what it does from its making on. */
export class Station {
  readonly #engine: Engine;
  readonly #servers: number;
  #queue: Job[] = [];
  /** Jobs of the queue that are gone already: taking from the front of an array costs its length. */
  #taken = 0;
  #busy = 0;
  #busyMs = 0;
  #served = 0;
  #waitedMs = 0;
  #peak = 0;

  constructor(engine: Engine, servers: number) {
    this.#engine = engine;
    this.#servers = servers;
  }

  /** Jobs that wait, beside those that are served. */
  get waiting(): number {
    return this.#queue.length - this.#taken;
  }

  /** The most that ever waited. */
  get peak(): number {
    return this.#peak;
  }

  /** Mean wait of the jobs whose service began, in milliseconds. */
  get meanWaitMs(): number {
    return this.#served === 0 ? 0 : this.#waitedMs / this.#served;
  }

  /** Service given so far, in milliseconds of one server; that which is under way counts whole. */
  get busyMs(): number {
    return this.#busyMs;
  }

  /** Queues a job. @param serviceMs how long it takes; a function is asked when its service begins. */
  serve(serviceMs: number | (() => number), done: () => void): void {
    const asked = typeof serviceMs === "number" ? () => serviceMs : serviceMs;
    this.#queue.push({ serviceMs: asked, done, cameAtMs: this.#engine.nowMs });
    this.#next();
    this.#peak = Math.max(this.#peak, this.waiting);
  }

  /** Takes a server for as long as the work needs, which is not known before: it calls `release` when it is over. */
  hold(work: (release: () => void) => void): void {
    // A job of its own kind: its service ends by the call.
    this.#queue.push({
      serviceMs: () => Number.NaN,
      done: () => work(this.#free),
      cameAtMs: this.#engine.nowMs,
    });
    this.#next();
    this.#peak = Math.max(this.#peak, this.waiting);
  }

  readonly #free = (): void => {
    this.#busy -= 1;
    this.#next();
  };

  #next(): void {
    while (this.#busy < this.#servers && this.waiting > 0) {
      const job = this.#queue[this.#taken++] as Job;
      if (this.#taken > 1_024 && this.#taken * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#taken);
        this.#taken = 0;
      }
      this.#busy += 1;
      this.#served += 1;
      this.#waitedMs += this.#engine.nowMs - job.cameAtMs;
      const serviceMs = job.serviceMs();
      if (Number.isNaN(serviceMs)) {
        job.done();
        continue;
      }
      this.#busyMs += serviceMs;
      this.#engine.after(serviceMs, () => {
        this.#busy -= 1;
        job.done();
        this.#next();
      });
    }
  }
}
