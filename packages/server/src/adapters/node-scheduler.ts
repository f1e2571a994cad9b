/** Time and timers of Node for the delivery service. */
import type { ClockPort, SchedulerPort } from "../core/session/ports.ts";

/** Runs callbacks in the event loop: `soon` is after the input of this turn was read. */
export const nodeScheduler: SchedulerPort = {
  soon: (callback) => void setImmediate(callback),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The system's clocks. @param nowMs milliseconds since 1970. */
export function nodeClock(nowMs: () => number = Date.now): ClockPort {
  return { nowMs, monotonicMs: () => performance.now() };
}
