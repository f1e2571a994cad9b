/**
 * Messages that disappear: when the time of one begins, when it is over, and waking up for that. A message that was sent counts from then,
 * one that came in from when it was shown.
 */
import { names, type MessagePlace, type MessageRecord } from "./records.ts";
import { nowSec, type Step } from "./step.ts";
import type { View } from "./vault-store.ts";

/** What lives in memory. */
export interface ExpiryState {
  /** When the first message is to go, in seconds; undefined: none. Early is no harm. */
  nextSec: number | undefined;
  /** For when the timer is set. */
  armedSec: number | undefined;
}

// In the list of those whose time runs, the order is the second in which it is over and, below it, a number of its own.
const perSecond = 2 ** 21;
const longestTimerMs = 86_400_000;

/** Reads when the first message is to go. */
export async function loadExpiry(view: View): Promise<ExpiryState> {
  const [first] = await view.page(names.expiring, { limit: 1 });
  return { nextSec: first && Math.floor(first.order / perSecond), armedSec: undefined };
}

/** Begins a message's time, if it has one and it does not run yet. Returns the record to keep. @param fromSec since when it runs. */
export async function startTime(
  step: Step,
  place: MessagePlace,
  record: MessageRecord,
  fromSec: number,
): Promise<MessageRecord> {
  if (record.expiresAfterSec === undefined || record.expiresAt !== undefined) return record;
  const expiresAt = fromSec + record.expiresAfterSec;
  await noteExpiry(step, place, expiresAt);
  return { ...record, expiresAt };
}

/** Notes when a message is to go. */
export async function noteExpiry(step: Step, place: MessagePlace, expiresAt: number): Promise<void> {
  const { expiry } = step.live;
  let order = expiresAt * perSecond + (place.order % perSecond);
  while ((await step.draft.item(names.expiring, order)) !== undefined) order += 1;
  step.draft.putItem(names.expiring, order, { conversation: place.conversation, order: place.order });
  expiry.nextSec = Math.min(expiry.nextSec ?? expiresAt, expiresAt);
}

/** Takes off the list what is due; at most so many. The rest stays due. */
export async function takeExpired(step: Step, limit: number): Promise<readonly MessagePlace[]> {
  const { expiry } = step.live;
  const now = nowSec(step);
  if (expiry.nextSec === undefined || expiry.nextSec > now) return [];
  const due = await step.draft.page(names.expiring, { below: (now + 1) * perSecond, limit });
  for (const { order } of due) step.draft.deleteItem(names.expiring, order);
  const [next] = await step.draft.page(names.expiring, { limit: 1 });
  expiry.nextSec = next && Math.floor(next.order / perSecond);
  return due.map(({ value }) => value);
}

/** Sets the timer for the first message that is to go. What is done then is done at the beginning of every batch of steps. */
export function armExpiry(step: Step): void {
  const { expiry } = step.live;
  if (expiry.nextSec === undefined || expiry.nextSec === expiry.armedSec) return;
  expiry.armedSec = expiry.nextSec;
  const delayMs = Math.max(0, expiry.nextSec * 1000 - step.env.nowMs());
  step.effects.push({
    type: "timer",
    name: "expiry",
    delayMs: Math.min(longestTimerMs, delayMs),
    run: async (later) => {
      later.live.expiry.armedSec = undefined;
    },
  });
}
