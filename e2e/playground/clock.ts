/** A clock for everybody in this process, so that a year passes in a minute. Timers run as ever. */

/** The process's time, under the playground's control. */
export interface PretendClock {
  /** Goes to that time, in milliseconds since 1970-01-01 UTC; never back. */
  goTo(atMs: number): void;
  /** Back to the real time. */
  release(): void;
}

/** Has Date.now() begin at that time, for the server and everybody's clients alike: they agree, as far as they can tell. */
export function pretend(startMs: number): PretendClock {
  const real = Date.now;
  let aheadMs = startMs - real();
  Date.now = () => Math.round(real() + aheadMs);
  return {
    goTo(atMs) {
      aheadMs = Math.max(aheadMs, atMs - real());
    },
    release() {
      Date.now = real;
    },
  };
}
