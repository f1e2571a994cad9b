/**
 * Which signatures came before. They are kept by the period of the message's own date, as long as a message so old would still be
 * taken; whole periods are then forgotten.
 */
import { LIMITS, toHex } from "@sotto/protocol";
import { names } from "./records.ts";
import { nowSec, type Step } from "./step.ts";

const periodSec = 30 * 86_400;
// 13 digits of 4 bits: an order must stay a safe integer.
const orderDigits = 13;

const periodOf = (timestampSec: number): number => Math.floor(timestampSec / periodSec);
const orderOf = (hash: string): number => Number.parseInt(hash.slice(0, orderDigits), 16);

/** Whether a signature (by its SHA-256) was remembered. */
export async function wasSeen(step: Step, timestampSec: number, hash: Uint8Array): Promise<boolean> {
  const text = toHex(hash);
  return (await step.draft.item(names.seen(periodOf(timestampSec)), orderOf(text))) === text;
}

/** Remembers a signature. */
export function rememberSeen(step: Step, timestampSec: number, hash: Uint8Array): void {
  const text = toHex(hash);
  step.draft.putItem(names.seen(periodOf(timestampSec)), orderOf(text), text);
}

const forgottenAtOnce = 1_000;

/** Forgets some of what is too old to be taken in anyway. */
export async function forgetOldSeen(step: Step): Promise<void> {
  const last = periodOf(nowSec(step) - LIMITS.maxMessageAgeSec) - 1;
  for (const period of [last, last - 1]) {
    const list = names.seen(period);
    for (const { order } of await step.draft.page(list, { limit: forgottenAtOnce })) {
      step.draft.deleteItem(list, order);
    }
  }
}
