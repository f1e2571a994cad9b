/** Tries again what may succeed later: a gateway that is busy, a network that is away. */
import { setTimeout as sleep } from "node:timers/promises";

/** Pauses between tries, in milliseconds; as many tries as pauses and one. All within the life of a code. */
export const DELIVERY_PAUSES_MS: readonly number[] = [1_000, 5_000, 20_000];

/** An attempt that failed for good: trying again would change nothing. */
export class FinalFailure extends Error {
  override name = "FinalFailure";
}

/**
 * Runs an attempt until it succeeds. Pauses vary by up to a fifth, so that many do not come back at once.
 * @param signal ends the pauses.
 * @throws the last attempt's error; at once when it is a FinalFailure.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  pausesMs: readonly number[],
  signal: AbortSignal,
): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof FinalFailure || signal.aborted) throw error;
    }
    await sleep(pauseMs * (0.8 + 0.4 * Math.random()), undefined, { signal, ref: false });
  }
  return attempt();
}
