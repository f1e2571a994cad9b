/**
 * Others' requests to be added anew, believed when a device in use signed them: answered by one Commit that removes and adds, or, where this
 * device lost the group in the same way, a sign that its log is over for everybody.
 */
import { RejoinReason, ValidationError, equalBytes, toHex, type RejoinRequest } from "@sotto/protocol";
import { isFresh, pinned } from "../directory.ts";
import { lookUp } from "../lookups.ts";
import { nowSec, type Step } from "../step.ts";
import { deciders } from "./continuing.ts";
import { rejoinTranscript } from "./healing.ts";
import { type ItemVerdict, goOnSoon, lookAgainLater } from "./held-items.ts";
import { isLive } from "./level.ts";
import { hasState, noteAsker, noteShared } from "./losing.ts";
import { accountOfMember, deviceOfMember } from "./membership.ts";
import { goneOf, keptOut, tellGone } from "./not-member.ts";
import { addIntent } from "./pending.ts";
import { groupNames } from "./records.ts";
import { mlsOf, presentOf, putGroup, wakeGroup, type GroupLive } from "./state.ts";

const done: ItemVerdict = { type: "done" };
const oldestSec = 7 * 86_400;
/** For clocks that differ. */
const newestSec = 86_400;
/** A device that asks about a group which was replaced may find the new one in its inbox in the same moment. */
const findsItSec = 600;

/** Takes a request in. @throws ValidationError `mls_invalid`. */
export async function takeRejoin(step: Step, order: number, request: RejoinRequest): Promise<ItemVerdict> {
  const named = step.live.groups.byId.get(toHex(request.logId));
  const account = toHex(request.accountId);
  const age = nowSec(step) - Number(request.madeAtSec);
  if (named === undefined || age > oldestSec || age < -newestSec) return done;
  const group = presentOf(step, named);
  const { state } = group.record;
  const gone = named === group ? goneOf(step.live, group, account) : keptOut(step.live, group, account);
  const isGone = gone !== undefined;
  if (!isGone && !named.record.accounts.includes(account)) return done;
  if (!isGone && state !== "joined" && state !== "healing" && state !== "creating") return done;
  // What we have not read yet may say what the request is about.
  if (state !== "healing" && !(isGone && state !== "joined") && !isLive(group))
    return lookAgainLater(step, order);
  const known = await pinned(step, account);
  const asked = step.live.heldItems.asked.get(order) ?? new Set();
  if (account !== step.live.own.account && !isFresh(step, known) && !asked.has(account)) {
    step.live.heldItems.asked.set(order, asked.add(account));
    await lookUp(step, { account }, async (later) => goOnSoon(later, order), "contact");
    return { type: "wait" };
  }
  const listed = known?.list.list.devices.find((one) => equalBytes(one.deviceId, request.deviceId));
  const signed =
    listed !== undefined &&
    (await step.env.crypto.ed25519Verify(listed.signatureKey, rejoinTranscript(request), request.signature));
  if (!signed)
    throw new ValidationError("mls_invalid", "SOTTO-REJOIN-1: not signed by a device of that account");
  // It may have asked before it was revoked: that is nobody's fault, and nothing to be told.
  if (listed.revokedAtSec !== 0n) return done;
  if (isGone) await tellGone(step, named, request, gone);
  else if (state === "healing") compare(step, named, group, request);
  else if (await hasState(step, group)) await addAnew(step, named, group, request);
  return done;
}

/** We lost it as well: in the same way? */
function compare(step: Step, named: GroupLive, group: GroupLive, request: RejoinRequest): void {
  if (named !== group) {
    // Whoever still asks for the one before does not have the one that took its place, which we lost.
    if (request.reason !== RejoinReason.LOST && isAfter(group, request)) noteShared(step, group);
    return;
  }
  noteAsker(step, group, toHex(request.deviceId), Number(request.epoch));
  const { lost } = group.record;
  const sameCommit =
    lost?.refused !== undefined &&
    request.reason === RejoinReason.COMMIT &&
    equalBytes(request.refusedCommit, lost.refused);
  if (sameCommit) noteShared(step, group);
  if (lost?.why === "log" && request.reason === RejoinReason.LOG) {
    noteShared(step, group, Number(request.epoch));
  }
}

/** Whether a request about a group that was replaced was made when what took its place should have been found. */
function isAfter({ record }: GroupLive, request: RejoinRequest): boolean {
  return Number(request.madeAtSec) > Math.floor((record.tookPlaceAtMs ?? 0) / 1000) + findsItSec;
}

async function addAnew(
  step: Step,
  named: GroupLive,
  group: GroupLive,
  request: RejoinRequest,
): Promise<void> {
  const { record } = group;
  const account = toHex(request.accountId);
  const device = toHex(request.deviceId);
  const madeAtSec = Number(request.madeAtSec);
  if (record.missing?.includes(account) === true) {
    putGroup(step, group, { missing: record.missing.filter((one) => one !== account) });
    return void addIntent(step, group, { type: "add", accounts: [account] });
  }
  // Whoever leaves is not brought back.
  if (record.leaving?.includes(account) === true) return;
  if (!isOursToAnswer(step, named, group, request)) return;
  if (named !== group && !isAfter(group, request)) return;
  const mls = await mlsOf(step, group);
  const leaf = mls.members.find((m) => accountOfMember(m) === account && deviceOfMember(m) === device);
  // It had no KeyPackages when it was looked for, just after it came onto the list.
  if (leaf === undefined && group.uninvitable.delete(device)) wakeGroup(step, record.id);
  if (leaf === undefined || leaf.leafIndex === mls.ownLeafIndex) return;
  // A leaf that came after the request is the answer to it.
  const answered = await step.draft.get(groupNames.rejoined(record.id, device));
  if (answered !== undefined && answered >= madeAtSec) return;
  for (const waiting of group.intents) {
    const intent = await step.draft.item(groupNames.intents(record.id), waiting);
    if (intent?.type === "rejoin" && intent.device === device) return;
  }
  // Once is enough: told again by the server, it changes nothing. A device that still needs it asks anew.
  step.draft.put(groupNames.rejoined(record.id, device), Math.max(nowSec(step), madeAtSec));
  addIntent(step, group, { type: "rejoin", account, device });
}

/**
 * Whether a device would be let in by us. One that gave a group up because of its log takes changes that it does not know of from those
 * who decide in the group only; we need not try where it will refuse.
 */
function isOursToAnswer(step: Step, named: GroupLive, group: GroupLive, request: RejoinRequest): boolean {
  const { record } = group;
  const account = toHex(request.accountId);
  if (record.kind !== "group" || account === step.live.own.account) return true;
  if (deciders(record).includes(step.live.own.account)) return true;
  if (named !== group) return false;
  if (request.reason === RejoinReason.LOST) return true;
  const epoch = Number(request.epoch);
  return epoch <= record.epoch && (record.changedAt ?? 0) <= epoch;
}
