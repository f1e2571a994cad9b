/**
 * A clock that stands still until it is told to move, with timers that fire in order of their time. Between two timers
 * it lets everything run that was waiting for a promise or a finished cryptographic call, so that what a timer starts
 * has settled before the next one fires.
 */

/** Cancels a timer. */
type Cancel = () => void;

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time under the test's control. Its `nowMs` and `setTimer` fit the client's Env. */
export class VirtualClock {
  private time: number;
  private order = 0;
  private readonly timers = new Set<Timer>();

  /** @param startMs milliseconds since 1970-01-01 UTC; the default is a day in 2026. */
  constructor(startMs = Date.UTC(2026, 10, 1)) {
    this.time = startMs;
  }

  readonly nowMs = (): number => this.time;

  readonly setTimer = (delayMs: number, callback: () => void): Cancel => {
    // Whole milliseconds, as clocks tell.
    const timer = { atMs: this.time + Math.ceil(Math.max(0, delayMs)), order: this.order++, callback };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  };

  /** Timers that wait. */
  get pending(): number {
    return this.timers.size;
  }

  /** Moves on by this many milliseconds; resolves when all that became due has run and settled. */
  async advance(byMs: number): Promise<void> {
    const until = this.time + byMs;
    await settle();
    for (let timer = this.next(until); timer !== undefined; timer = this.next(until)) {
      this.timers.delete(timer);
      this.time = Math.max(this.time, timer.atMs);
      timer.callback();
      await settle();
    }
    this.time = until;
  }

  /** Moves on at once, as after a sleep of the machine: what was due meanwhile runs late, in its order, when the clock moves next. */
  jump(byMs: number): void {
    this.time += byMs;
  }

  /** Moves from timer to timer until the condition holds. @throws Error after `withinMs` of virtual time. */
  async advanceUntil(condition: () => boolean, withinMs = 3_600_000): Promise<void> {
    const until = this.time + withinMs;
    await settle();
    while (!condition()) {
      const timer = this.next(until);
      if (timer === undefined) throw new Error(`the condition did not come true within ${withinMs} ms`);
      await this.advance(timer.atMs - this.time);
    }
  }

  private next(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.atMs > untilMs) continue;
      if (
        first === undefined ||
        timer.atMs < first.atMs ||
        (timer.atMs === first.atMs && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  }
}

/** How often the event loop turns before we call it settled: enough for chains of awaited cryptography. */
const SETTLE_TURNS = 8;

/** Lets promises and finished background work run. */
export async function settle(turns = SETTLE_TURNS): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => void setImmediate(resolve));
}
