/**
 * An account may be removed from a group, or leave it, while a device of it has lost its state, or does not believe the invitation to it:
 * that device cannot read so, and asks to be added anew for ever. Its account's other devices, and who decides in the group, tell it.
 * Whoever is asked and is out of the group says that as well: if nobody else is in it, the device goes on alone.
 * @see spec/PROTOCOL.md, Healing
 */
import { create } from "@bufbuild/protobuf";
import {
  LABELS,
  NotMemberSchema,
  SealedContentSchema,
  ValidationError,
  equalBytes,
  labelled,
  toHex,
  type NotMember,
  type RejoinRequest,
} from "@sotto/protocol";
import { isFresh, pinned } from "../directory.ts";
import { bytesOf } from "../hex.ts";
import { lookUp } from "../lookups.ts";
import { nowSec, type Step } from "../step.ts";
import { deciders } from "./continuing.ts";
import { mostEpoch } from "./data.ts";
import { finishItem, goOnSoon, type ItemVerdict } from "./held-items.ts";
import { findDevice } from "./inviting.ts";
import { leaveRemoved, noteLeaving } from "./leaving.ts";
import { groupNames } from "./records.ts";
import { putGroup, type GroupLive } from "./state.ts";
import { leaveInInbox } from "./tasks.ts";
import { sealedItem } from "./welcoming.ts";

const done: ItemVerdict = { type: "done" };
const answerEverySec = 300;

/** Whom this device can tell an account that asks to be not in a group any more: itself, or the account that asks. */
export function goneOf({ own }: Step["live"], { record }: GroupLive, asker: string): string | undefined {
  if (record.kind !== "group") return undefined;
  if (record.state === "removed" || record.state === "left") {
    return asker === own.account || record.accounts.includes(asker) ? own.account : undefined;
  }
  if (record.state !== "joined" || record.accounts.includes(asker)) return undefined;
  const isGone = record.gone?.includes(asker) === true && deciders(record).includes(own.account);
  return isGone ? asker : undefined;
}

/** Whom we did not take along into the group that we made in the place of one: an account that asks for that one, and cannot read why. */
export function keptOut(
  { own }: Step["live"],
  { record: made }: GroupLive,
  asker: string,
): string | undefined {
  const isOut = made.without?.includes(asker) === true && !made.accounts.includes(asker);
  return isOut && made.state === "joined" && deciders(made).includes(own.account) ? asker : undefined;
}

/** Answers the request of a device whose account, or our own, is not in the group any more. @param gone that account. */
export async function tellGone(
  step: Step,
  { record }: GroupLive,
  request: RejoinRequest,
  gone: string,
): Promise<void> {
  const { own } = step.live;
  const device = toHex(request.deviceId);
  const answered = await step.draft.get(groupNames.rejoined(record.id, device));
  const agoSec = nowSec(step) - (answered ?? 0);
  if (answered !== undefined && agoSec >= 0 && agoSec < answerEverySec) return;
  const asker = await findDevice(step, toHex(request.accountId), request.deviceId);
  if (asker === undefined) return;
  step.draft.put(groupNames.rejoined(record.id, device), nowSec(step));
  const said = {
    logId: bytesOf(record.id),
    accountId: bytesOf(own.account),
    deviceId: bytesOf(own.device),
    askerDeviceId: request.deviceId,
    epoch: epochWithout(record, request),
    goneAccountId: bytesOf(gone),
  };
  const signature = await step.env.crypto.ed25519Sign(own.deviceKey.privateKey, notMemberTranscript(said));
  const value = create(NotMemberSchema, { ...said, signature });
  const content = create(SealedContentSchema, { content: { case: "notMember", value } });
  leaveInInbox(step, toHex(asker.inboxId), await sealedItem(step, asker.inboxKey, content));
}

/** An epoch that a group had, or would have had, without an account. Whoever is out of it knows the last that they were in. */
function epochWithout({ state, epoch }: GroupLive["record"], request: RejoinRequest): bigint {
  if (state === "joined") return BigInt(epoch);
  // What took its place did so whatever it came to where the asker was.
  const last = state === "replaced" && request.epoch > BigInt(epoch) ? request.epoch : BigInt(epoch);
  return last + 1n;
}

/** Takes in that this account, or whoever says so, is not in a group any more. @throws ValidationError `mls_invalid`. */
export async function takeNotMember(step: Step, order: number, answer: NotMember): Promise<ItemVerdict> {
  const { own, groups, heldItems } = step.live;
  const id = toHex(answer.logId);
  const account = toHex(answer.accountId);
  const gone = toHex(answer.goneAccountId);
  if (answer.epoch > mostEpoch) throw new ValidationError("mls_invalid", "SOTTO-REJOIN-2: no epoch");
  const isOurs = gone === own.account;
  // An honest one may know less than we do, or be an admin only since.
  const counts = (epoch: number, decide: readonly string[]): boolean =>
    answer.epoch > BigInt(epoch) &&
    (isOurs ? account === own.account || decide.includes(account) : gone === account);
  const group = groups.byId.get(id);
  const isLost =
    group?.record.kind === "group" &&
    group.record.state === "healing" &&
    counts(group.record.epoch, deciders(group.record));
  const doubted = [...heldItems.doubted].filter(
    ([, one]) => isOurs && one.log === id && counts(one.epoch, one.deciders),
  );
  if (!isLost && doubted.length === 0) return done;
  const known = await pinned(step, account);
  const asked = heldItems.asked.get(order) ?? new Set();
  if (account !== own.account && !isFresh(step, known) && !asked.has(account)) {
    heldItems.asked.set(order, asked.add(account));
    await lookUp(step, { account }, async (later) => goOnSoon(later, order), "contact");
    return { type: "wait" };
  }
  const listed = known?.list.list.devices.find((one) => equalBytes(one.deviceId, answer.deviceId));
  const signed =
    listed?.revokedAtSec === 0n &&
    toHex(answer.askerDeviceId) === own.device &&
    (await step.env.crypto.ed25519Verify(listed.signatureKey, notMemberTranscript(answer), answer.signature));
  if (!signed)
    throw new ValidationError("mls_invalid", "SOTTO-REJOIN-2: not signed by a device in use, to us");
  for (const [invitation] of doubted) finishItem(step, invitation);
  if (isLost && isOurs) {
    await leaveRemoved(step, group, account);
    putGroup(step, group, { toldOut: true });
  } else if (isLost) noteOut(step, group, account, Number(answer.epoch));
  return done;
}

/** Somebody else is out of the group that we lost. They will hold what we make in its place against the epoch in which they went. */
function noteOut(step: Step, group: GroupLive, account: string, epoch: number): void {
  const { lost } = group.record;
  if (lost === undefined) return;
  putGroup(step, group, { lost: { ...lost, leftBy: Math.max(lost.leftBy ?? 0, epoch) } });
  noteLeaving(step, group, account);
}

/** What the answer signs. */
function notMemberTranscript(
  answer: Pick<NotMember, "logId" | "accountId" | "deviceId" | "askerDeviceId" | "epoch" | "goneAccountId">,
): Uint8Array {
  const epoch = new DataView(new ArrayBuffer(8));
  epoch.setBigUint64(0, answer.epoch);
  const { logId, accountId, deviceId, askerDeviceId, goneAccountId } = answer;
  const numbered = new Uint8Array(epoch.buffer);
  return labelled(LABELS.notMember, logId, accountId, deviceId, askerDeviceId, numbered, goneAccountId);
}
