/**
 * A discrete-event engine: virtual time in milliseconds, and a queue of what happens when. Of two things at the same time the one that was
 * planned first happens first, so that a seed decides a run to its last digit.
 */
import { SeededRandom } from "@sotto/testkit/random";

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly event: () => void;
}

/** Virtual time. */
export class Engine {
  readonly random: SeededRandom;
  /** Milliseconds since the run began. */
  nowMs = 0;
  /** A binary heap. */
  readonly #heap: Planned[] = [];
  #planned = 0;

  /** @param seed decides everything that the run leaves to chance. */
  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  /** Plans an event. @param delayMs from now on, at least 0. @throws RangeError when it is negative or not a number. */
  after(delayMs: number, event: () => void): void {
    if (!(delayMs >= 0)) throw new RangeError(`nothing can happen in ${delayMs} ms`);
    this.#push({ atMs: this.nowMs + delayMs, order: this.#planned++, event });
  }

  /** Exponentially distributed with this mean: the pauses between arrivals that know nothing of each other. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.random.float());
  }

  /** Lets things happen until nothing is planned before `untilMs`, where the clock then stands. */
  run(untilMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      this.nowMs = next.atMs;
      next.event();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /** Calls back at arrivals of a Poisson process, from now on until the clock stands at `untilMs`. */
  arrivals(perSec: number, untilMs: number, arrive: () => void): void {
    if (perSec <= 0) return;
    const next = (): void => {
      const pauseMs = this.exponential(1_000 / perSec);
      if (this.nowMs + pauseMs > untilMs) return;
      this.after(pauseMs, () => {
        arrive();
        next();
      });
    };
    next();
  }

  #push(event: Planned): void {
    const heap = this.#heap;
    let i = heap.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as Planned;
      if (!isBefore(event, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): Planned {
    const heap = this.#heap;
    const first = heap[0] as Planned;
    const last = heap.pop() as Planned;
    const length = heap.length;
    if (length === 0) return first;
    let i = 0;
    for (let child = 1; child < length; child = 2 * i + 1) {
      if (child + 1 < length && isBefore(heap[child + 1] as Planned, heap[child] as Planned)) child += 1;
      if (!isBefore(heap[child] as Planned, last)) break;
      heap[i] = heap[child] as Planned;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

const isBefore = (a: Planned, b: Planned): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
