/**
 * Changing this device's RSA key through the device list. The new pair is stored before the list is published; publishing is repeated
 * until the server has it, whatever breaks in between; only then do the keys take effect.
 *
 * Rotating retires the pair before: it opens what is under way until that is too old. Revoking revokes every pair before, and deletes
 * them here.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  decodeSignedDeviceList,
  findDevice,
  generateClassicKey,
  nextDeviceList,
  restoreDeviceList,
  signDeviceList,
  type VerifiedDeviceList,
} from "@sotto/crypto";
import {
  ClassicKeySchema,
  InternalError,
  LIMITS,
  SignedDeviceListSchema,
  UsageError,
  equalBytes,
  isClassicKeyOutdated,
  type DeviceList,
} from "@sotto/protocol";
import { pin, pinned } from "./directory.ts";
import type { Env } from "./env.ts";
import { deviceOf } from "./hex.ts";
import { lookUp, type Found } from "./lookups.ts";
import { addNotice } from "./notices.ts";
import { wakeAll } from "./outbox-queue.ts";
import { backoffMs } from "./reconnect.ts";
import { names, type OwnAccount, type OwnClassicKey } from "./records.ts";
import { isReady, request, type Answer } from "./session.ts";
import { nowSec, type Step } from "./step.ts";

/** The group of callers who wait until a change of keys was published. */
export const KEYS_PUBLISHED = "keys published";

/** Makes a pair; slow, so it is done before the step that proposes it. */
export async function makeClassicKey(env: Env): Promise<OwnClassicKey> {
  return { ...(await generateClassicKey(env.crypto)), retiredAt: 0 };
}

/** Stores the next device list with a new key, and has it published. @throws UsageError `usage`. */
export async function proposeKey(
  step: Step,
  newKey: OwnClassicKey,
  oldKeys: "retired" | "revoked",
): Promise<void> {
  const { own } = step.live;
  if (own.proposal !== undefined) {
    if (own.proposal.oldKeys === oldKeys) return;
    throw new UsageError("usage", "another change of keys is under way; try again once it is published");
  }
  await propose(step, await ownList(step), newKey, oldKeys);
  await publish(step);
}

async function propose(
  step: Step,
  list: VerifiedDeviceList,
  newKey: OwnClassicKey,
  oldKeys: "retired" | "revoked",
): Promise<void> {
  const { own, session } = step.live;
  const next = nextDeviceList(list, nowSec(step));
  addKey(next, own, newKey.publicKey, oldKeys);
  const signed = await signDeviceList(step.env.crypto, next, own.identityKey.privateKey);
  const deviceList = toBinary(SignedDeviceListSchema, signed);
  saveOwn(step, { ...own, proposal: { deviceList, newKey, oldKeys, at: Number(next.createdAtSec) } });
  session.publishing = false;
}

function addKey(
  list: DeviceList,
  own: OwnAccount,
  publicKey: Uint8Array,
  oldKeys: "retired" | "revoked",
): void {
  const device = findDevice(list, deviceOf(own.device));
  if (device === undefined) throw new InternalError("internal", "this device is not on its own list");
  while (device.classicKeys[0] && isClassicKeyOutdated(device.classicKeys[0], list.createdAtSec)) {
    device.classicKeys.shift();
  }
  if (device.classicKeys.length >= LIMITS.maxClassicKeys) {
    throw new UsageError(
      "usage",
      `a device can have ${LIMITS.maxClassicKeys} keys in three months, and it had them`,
    );
  }
  for (const key of device.classicKeys) {
    if (oldKeys === "revoked" && key.revokedAtSec === 0n) key.revokedAtSec = list.createdAtSec;
    else if (oldKeys === "retired" && key.retiredAtSec === 0n && key.revokedAtSec === 0n) {
      key.retiredAtSec = list.createdAtSec;
    }
  }
  device.classicKeys.push(create(ClassicKeySchema, { publicKey, addedAtSec: list.createdAtSec }));
}

async function ownList(step: Step): Promise<VerifiedDeviceList> {
  const known = await pinned(step, step.live.own.account);
  if (known === undefined) throw new InternalError("internal", "the vault holds no device list of its own");
  return known.list;
}

function saveOwn(step: Step, own: OwnAccount): void {
  step.draft.put(names.own, own);
  step.live.own = own;
}

async function publish(step: Step): Promise<void> {
  const { own, session } = step.live;
  if (own.proposal === undefined || session.publishing || !isReady(step)) return;
  session.publishing = true;
  const deviceList = decodeSignedDeviceList(own.proposal.deviceList);
  request(
    step,
    (number) => ({
      case: "putDeviceList",
      value: { $typeName: "sotto.v1.PutDeviceList", request: number, deviceList },
    }),
    async (later, answer) => {
      later.live.session.publishing = false;
      await afterPublish(later, answer);
    },
  );
}

async function afterPublish(step: Step, answer: Answer): Promise<void> {
  if (answer.type === "done") return adopt(step);
  if (answer.type !== "refused") return;
  const { code, retryAfterMs } = answer.error;
  if (code === "version_conflict") return reconcile(step);
  if (code === "device_list_invalid") {
    const { proposal: _, ...own } = step.live.own;
    saveOwn(step, own);
    const { error } = answer;
    return void step.effects.push({
      type: "settle",
      settle: () => step.waiters.reject(KEYS_PUBLISHED, error),
    });
  }
  step.live.session.publishFailures += 1;
  const pauseMs = backoffMs(step.live.session.publishFailures, step.env.random());
  const delayMs = Math.max(retryAfterMs ?? 0, pauseMs);
  step.effects.push({ type: "timer", name: "publish", delayMs, run: publish });
}

/** The server has the proposal: it takes effect. */
async function adopt(step: Step): Promise<void> {
  const { proposal, ...own } = step.live.own;
  if (proposal === undefined) return;
  const list = await restoreDeviceList(step.env.crypto, proposal.deviceList, [own.identityKey.publicKey]);
  pin(step, own.account, list);
  takeEffect(step, own, proposal);
}

function takeEffect(step: Step, own: OwnAccount, proposal: NonNullable<OwnAccount["proposal"]>): void {
  const { newKey, oldKeys, at } = proposal;
  const before =
    oldKeys === "revoked"
      ? []
      : own.classicKeys.map((key) => (key.retiredAt === 0 ? { ...key, retiredAt: at } : key));
  saveOwn(step, { ...own, classicKeys: [...before, newKey] });
  step.live.session.publishFailures = 0;
  step.effects.push({ type: "settle", settle: () => step.waiters.resolve(KEYS_PUBLISHED) });
  wakeAll(step);
}

/** Finds out what the server has: our proposal, or another device's change, on top of which ours is made anew. */
async function reconcile(step: Step): Promise<void> {
  await lookUp(step, { account: step.live.own.account }, async (later, found) => {
    if (found.type !== "found") return reconcileLater(later, found);
    const { proposal, ...own } = later.live.own;
    if (proposal === undefined) return;
    const device = findDevice(found.list.list, deviceOf(own.device));
    const arrived = device?.classicKeys.some((key) => equalBytes(key.publicKey, proposal.newKey.publicKey));
    if (arrived === true) return takeEffect(later, own, proposal);
    await propose(later, found.list, proposal.newKey, proposal.oldKeys);
    await publish(later);
  });
}

/** Tries again: a revocation must not wait for the next connection. */
function reconcileLater(step: Step, found: Found): void {
  const { session } = step.live;
  // The next sign-in tells the version anew.
  if (!isReady(step)) return;
  session.publishFailures += 1;
  const hintMs = found.type === "failed" ? (found.error.retryAfterMs ?? 0) : 0;
  const delayMs = Math.max(hintMs, backoffMs(session.publishFailures, step.env.random()));
  step.effects.push({ type: "timer", name: "reconcile", delayMs, run: reconcileNow });
}

async function reconcileNow(step: Step): Promise<void> {
  if (isReady(step)) await reconcile(step);
}

/** Takes in which version of the own list the server has, after signing in. */
export async function noteOwnVersion(step: Step, version: number): Promise<void> {
  const own = await ownList(step);
  if (version > own.version) return reconcile(step);
  if (version < own.version) {
    const from = step.live.own.identifier;
    await addNotice(step, { type: "refused", from, code: "device_list_rolled_back" });
  }
  await publish(step);
}

/** Deletes retired keys once nothing that is encrypted to them would be taken any more. */
export async function pruneRetired(step: Step): Promise<void> {
  const { own } = step.live;
  const oldest = nowSec(step) - LIMITS.maxMessageAgeSec - LIMITS.maxClockSkewSec;
  const kept = own.classicKeys.filter((key) => key.retiredAt === 0 || key.retiredAt >= oldest);
  if (kept.length < own.classicKeys.length) saveOwn(step, { ...own, classicKeys: kept });
}
