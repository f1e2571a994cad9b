/**
 * Which signatures and wrapped keys came before. They are kept by the period of the message's own date, as long as a message so old
 * would still be taken; whole periods are then forgotten. A signature covers its date; a wrapped key may come again under another.
 */
import { LIMITS, toHex } from "@sotto/protocol";
import { names } from "./records.ts";
import { nowSec, type Step } from "./step.ts";

const periodSec = 30 * 86_400;
// 13 digits of 4 bits: an order must stay a safe integer.
const orderDigits = 13;

const periodOf = (timestampSec: number): number => Math.floor(timestampSec / periodSec);
const orderOf = (hash: string): number => Number.parseInt(hash.slice(0, orderDigits), 16);

/** What a message is known again by. */
interface Seen {
  readonly timestampSec: number;
  /** SHA-256 of its signature. */
  readonly hash: Uint8Array;
  /** SHA-256 of its wrapped key. */
  readonly keyHash: Uint8Array;
}

/** Whether a message's signature or wrapped key was remembered. */
export async function wasSeen(step: Step, { timestampSec, hash, keyHash }: Seen): Promise<boolean> {
  if (await isIn(step, periodOf(timestampSec), hash)) return true;
  const now = nowSec(step);
  const last = periodOf(now + LIMITS.maxClockSkewSec);
  for (let period = periodOf(now - LIMITS.maxMessageAgeSec); period <= last; period++) {
    if (await isIn(step, period, keyHash)) return true;
  }
  return false;
}

/** Remembers a message that was decrypted. */
export function rememberSeen(step: Step, { timestampSec, hash, keyHash }: Seen): void {
  const list = names.seen(periodOf(timestampSec));
  for (const text of [toHex(hash), toHex(keyHash)]) step.draft.putItem(list, orderOf(text), text);
}

async function isIn(step: Step, period: number, hash: Uint8Array): Promise<boolean> {
  const text = toHex(hash);
  return (await step.draft.item(names.seen(period), orderOf(text))) === text;
}

const forgottenAtOnce = 1_000;
// A device may have been away for a while.
const periodsLookedAt = 12;

/** Forgets some of what is too old to be taken in anyway. */
export async function forgetOldSeen(step: Step): Promise<void> {
  const last = periodOf(nowSec(step) - LIMITS.maxMessageAgeSec) - 1;
  for (let period = last; period > last - periodsLookedAt; period--) {
    const list = names.seen(period);
    for (const { order } of await step.draft.page(list, { limit: forgottenAtOnce })) {
      step.draft.deleteItem(list, order);
    }
  }
}
