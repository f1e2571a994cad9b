/**
 * This device's clock beside the server's, which is told at each connection. It decides nothing: a server could say anything. But a person
 * whose clock is wrong must hear of it, since messages carry times, and what is dated ahead waits.
 */
import { UsageError } from "@sotto/protocol";
import { addNotice } from "./notices.ts";
import type { Step } from "./step.ts";

/** Clocks that differ by no more agree. */
const toleranceMs = 60_000;
/** Nobody registers, links or recovers with a clock that is ahead by more: no server takes device lists of tomorrow. */
const mostToBeginMs = 86_400_000;
/** Whatever a server says, this is more than any clock is wrong. */
const mostMs = 100 * 365 * 86_400_000;

/** How far a clock is ahead of the server's, negative when behind; 0 when they agree as far as can be told, or nothing was said. */
function aheadMs(serverTimeMs: number, askedAtMs: number, answeredAtMs: number): number {
  const tookMs = answeredAtMs - askedAtMs;
  if (serverTimeMs === 0 || tookMs < 0) return 0;
  // The server said it somewhere between the question and the answer.
  const ahead = Math.round(askedAtMs + tookMs / 2 - serverTimeMs);
  if (Math.abs(ahead) <= toleranceMs + tookMs / 2) return 0;
  return Math.min(mostMs, Math.max(-mostMs, ahead));
}

/** Takes in what the server's clock shows, and tells when this one turns out wrong, wrong by something else, or right again. */
export async function noteServerTime(step: Step, serverTimeMs: number): Promise<void> {
  const { session } = step.live;
  const ahead = aheadMs(serverTimeMs, session.helloAtMs, step.env.nowMs());
  const told = session.clockAheadMs ?? 0;
  session.clockAheadMs = ahead;
  const isNews = Math.abs(ahead - told) > toleranceMs || (ahead === 0) !== (told === 0);
  if (isNews) await addNotice(step, { type: "clock_wrong", aheadMs: ahead });
}

/**
 * Refuses to begin with a clock that is far off, since nothing would come of it.
 * @throws UsageError `clock_wrong`.
 */
export function checkClock(serverTimeMs: number, askedAtMs: number, answeredAtMs: number): void {
  const ahead = aheadMs(serverTimeMs, askedAtMs, answeredAtMs);
  if (Math.abs(ahead) <= mostToBeginMs) return;
  const days = Math.round(Math.abs(ahead) / 86_400_000);
  throw new UsageError(
    "clock_wrong",
    `this device's clock is ${days} ${days === 1 ? "day" : "days"} ${ahead > 0 ? "ahead of" : "behind"} the server's`,
  );
}
