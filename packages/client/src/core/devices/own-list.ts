/**
 * Changing the account's own device list. A change is stored before it is published; publishing is repeated until the server has it,
 * whatever breaks in between; only then does it take effect. When another device's change came first, ours is made anew on top of it.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  decodeSignedDeviceList,
  findDevice,
  nextDeviceList,
  restoreDeviceList,
  signDeviceList,
  type VerifiedDeviceList,
} from "@sotto/crypto";
import {
  ClassicKeySchema,
  DeviceSchema,
  InternalError,
  LIMITS,
  SignedDeviceListSchema,
  UsageError,
  decode,
  equalBytes,
  isClassicKeyOutdated,
  type DeviceList,
  type SottoError,
} from "@sotto/protocol";
import { pin, pinned } from "../directory.ts";
import { wakeGroups } from "../groups/state.ts";
import { wakeQueues } from "../groups/queue.ts";
import { deviceOf } from "../hex.ts";
import { lookUp, type Found } from "../lookups.ts";
import { addNotice } from "../notices.ts";
import { wakeAll } from "../outbox-queue.ts";
import { pauseMs } from "../reconnect.ts";
import { names, type DeviceListProposal, type ListChange, type OwnAccount } from "../records.ts";
import { isReady, request, type Answer } from "../session.ts";
import { nowSec, type Step } from "../step.ts";
import { noteNewerList } from "./noticing.ts";
import { tellIdentity } from "./own-group.ts";

/** The group of callers who wait until a change of the own list was published. */
export const LIST_PUBLISHED = "own list published";

/** Stores a change of the own list, and has it published. @throws UsageError `usage` while another is under way. */
export async function proposeChange(step: Step, change: ListChange): Promise<void> {
  const { own } = step.live;
  if (own.proposal !== undefined) {
    if (isSame(own.proposal.change, change)) return;
    throw new UsageError(
      "usage",
      "another change of this account is under way; try again once it is published",
    );
  }
  await propose(step, await ownList(step), change);
  await publish(step);
}

/** Whether two changes want the same: asking twice is asking once. */
function isSame(a: ListChange, b: ListChange): boolean {
  if (a.type === "classic-key" && b.type === "classic-key") return a.oldKeys === b.oldKeys;
  if (a.type === "add-device" && b.type === "add-device") return equalBytes(a.device, b.device);
  if (a.type === "revoke-device" && b.type === "revoke-device") return a.device === b.device;
  return a.type === "identity" && b.type === "identity";
}

async function propose(step: Step, list: VerifiedDeviceList, change: ListChange): Promise<void> {
  const { own, session } = step.live;
  const next = nextDeviceList(list, nowSec(step));
  applyChange(next, own, change);
  const signed = await signDeviceList(
    step.env.crypto,
    next,
    own.identityKey.privateKey,
    change.type === "identity" ? change.next.privateKey : undefined,
  );
  const deviceList = toBinary(SignedDeviceListSchema, signed);
  saveOwn(step, { ...own, proposal: { deviceList, change, at: Number(next.createdAtSec) } });
  session.publishing = false;
}

function applyChange(list: DeviceList, own: OwnAccount, change: ListChange): void {
  const now = list.createdAtSec;
  switch (change.type) {
    case "classic-key":
      return addClassicKey(list, own, change.newKey.publicKey, change.oldKeys);
    case "add-device": {
      if (list.devices.length >= LIMITS.maxDevices) {
        throw new UsageError("usage", `an account can have ${LIMITS.maxDevices} devices in its life`);
      }
      const device = decode(DeviceSchema, change.device);
      for (const key of device.classicKeys) key.addedAtSec = now;
      list.devices.push({ ...device, addedAtSec: now, revokedAtSec: 0n });
      return;
    }
    case "revoke-device": {
      const device = findDevice(list, deviceOf(change.device));
      if (device === undefined) throw new UsageError("device_unknown", "this account has no such device");
      if (device.revokedAtSec === 0n) device.revokedAtSec = now;
      return;
    }
    case "identity":
      list.identityKey = change.next.publicKey;
      return;
  }
}

function addClassicKey(
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

/** The account's own list as it is pinned here. */
export async function ownList(step: Step): Promise<VerifiedDeviceList> {
  const known = await pinned(step, step.live.own.account);
  if (known === undefined) throw new InternalError("internal", "the vault holds no device list of its own");
  return known.list;
}

/** Stores what this device knows of its account. */
export function saveOwn(step: Step, own: OwnAccount): void {
  step.draft.put(names.own, own);
  step.live.own = own;
}

async function publish(step: Step): Promise<void> {
  const { own, session } = step.live;
  if (own.proposal === undefined || session.publishing || !isReady(step)) return;
  if (!isOurs(await ownList(step), own)) return;
  session.publishing = true;
  const sent = own.proposal.deviceList;
  const deviceList = decodeSignedDeviceList(sent);
  request(
    step,
    (number) => ({
      case: "putDeviceList",
      value: { $typeName: "sotto.v1.PutDeviceList", request: number, deviceList },
    }),
    async (later, answer) => {
      // Of a list that was made anew meanwhile, or has arrived: it says nothing of the one that may be on its way now.
      const present = later.live.own.proposal?.deviceList;
      if (present === undefined || !equalBytes(present, sent)) return;
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
  if (code === "device_list_invalid" || code === "log_exists") {
    const { proposal: _, ...own } = step.live.own;
    saveOwn(step, own);
    const error = ofClock(step, answer.error);
    return void step.effects.push({
      type: "settle",
      settle: () => step.waiters.reject(LIST_PUBLISHED, error),
    });
  }
  step.live.session.publishFailures += 1;
  const delayMs = pauseMs(step.live.session.publishFailures, retryAfterMs, step.env.random());
  step.effects.push({ type: "timer", name: "publish", delayMs, run: publish });
}

/** The server takes no list that is dated more than a day ahead of its clock: then this device's clock is what must be put right. */
function ofClock(step: Step, error: SottoError): SottoError {
  const isAhead = (step.live.session.clockAheadMs ?? 0) > 86_400_000;
  if (error.code !== "device_list_invalid" || !isAhead) return error;
  return new UsageError("clock_wrong", "this device's clock is ahead by more than a day", { cause: error });
}

/** The server has the proposal: it takes effect. */
async function adopt(step: Step): Promise<void> {
  const { proposal, ...own } = step.live.own;
  if (proposal === undefined) return;
  const { identityHistory } = await ownList(step);
  const history =
    proposal.change.type === "identity"
      ? [...identityHistory, proposal.change.next.publicKey]
      : identityHistory;
  const list = await restoreDeviceList(step.env.crypto, proposal.deviceList, history);
  const before = await ownList(step);
  pin(step, own.account, list);
  await noteNewerList(step, own.account, before, list);
  await takeEffect(step, own, proposal);
}

async function takeEffect(step: Step, own: OwnAccount, { change, at }: DeviceListProposal): Promise<void> {
  switch (change.type) {
    case "classic-key": {
      const before =
        change.oldKeys === "revoked"
          ? []
          : own.classicKeys.map((key) => (key.retiredAt === 0 ? { ...key, retiredAt: at } : key));
      saveOwn(step, { ...own, classicKeys: [...before, change.newKey] });
      break;
    }
    case "identity":
      saveOwn(step, { ...own, identityKey: change.next });
      await tellIdentity(step);
      break;
    default:
      saveOwn(step, own);
  }
  step.live.session.publishFailures = 0;
  step.effects.push({ type: "settle", settle: () => step.waiters.resolve(LIST_PUBLISHED) });
  wakeAll(step);
  wakeQueues(step);
  // Devices that came or went, come into the groups or leave them.
  wakeGroups(step);
}

/** Finds out what the server has: our proposal, or another device's change, on top of which ours is made anew. */
async function reconcile(step: Step): Promise<void> {
  await lookUp(step, { account: step.live.own.account }, async (later, found) => {
    if (found.type !== "found") return reconcileLater(later, found);
    wakeGroups(later);
    const { proposal, ...own } = later.live.own;
    if (proposal === undefined) return;
    if (hasArrived(found.list.list, own, proposal.change)) return takeEffect(later, own, proposal);
    if (!isOurs(found.list, own)) return;
    await propose(later, found.list, proposal.change);
    await publish(later);
  });
}

/** Whether we have the identity key that signs what follows a list. Where another device rotated it, that one tells us; our change waits. */
const isOurs = ({ list }: VerifiedDeviceList, { identityKey }: Pick<OwnAccount, "identityKey">): boolean =>
  equalBytes(list.identityKey, identityKey.publicKey);

/** We have the account's new identity key now: a change that waited for it is made anew on top. */
export async function goOnWithChange(step: Step): Promise<void> {
  if (step.live.own.proposal !== undefined) await reconcile(step);
}

function hasArrived(list: DeviceList, own: OwnAccount, change: ListChange): boolean {
  switch (change.type) {
    case "classic-key":
      return (
        findDevice(list, deviceOf(own.device))?.classicKeys.some((key) =>
          equalBytes(key.publicKey, change.newKey.publicKey),
        ) === true
      );
    case "add-device": {
      const { deviceId } = decode(DeviceSchema, change.device);
      return list.devices.some((device) => equalBytes(device.deviceId, deviceId));
    }
    case "revoke-device":
      return (findDevice(list, deviceOf(change.device))?.revokedAtSec ?? 0n) > 0n;
    case "identity":
      return equalBytes(list.identityKey, change.next.publicKey);
  }
}

/** Tries again: a revocation must not wait for the next connection. */
function reconcileLater(step: Step, found: Found): void {
  const { session } = step.live;
  // The next sign-in tells the version anew.
  if (!isReady(step)) return;
  session.publishFailures += 1;
  const hintMs = found.type === "failed" ? found.error.retryAfterMs : undefined;
  const delayMs = pauseMs(session.publishFailures, hintMs, step.env.random());
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
