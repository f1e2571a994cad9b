/**
 * This device's RSA keys. Rotating retires the pair before: it opens what is under way until that is too old. Revoking revokes every pair
 * before, and deletes them here. Both take effect with the device list (see devices/own-list.ts).
 */
import { generateClassicKey } from "@sotto/crypto";
import { LIMITS } from "@sotto/protocol";
import { saveOwn } from "./devices/own-list.ts";
import type { Env } from "./env.ts";
import type { OwnClassicKey } from "./records.ts";
import { nowSec, type Step } from "./step.ts";

/** Makes a pair; slow, so it is done before the step that proposes it. */
export async function makeClassicKey(env: Env): Promise<OwnClassicKey> {
  return { ...(await generateClassicKey(env.crypto)), retiredAt: 0 };
}

/** Deletes retired keys once nothing that is encrypted to them would be taken any more. */
export async function pruneRetired(step: Step): Promise<void> {
  const { own } = step.live;
  const oldest = nowSec(step) - LIMITS.maxMessageAgeSec - LIMITS.maxClockSkewSec;
  const kept = own.classicKeys.filter((key) => key.retiredAt === 0 || key.retiredAt >= oldest);
  if (kept.length < own.classicKeys.length) saveOwn(step, { ...own, classicKeys: kept });
}
