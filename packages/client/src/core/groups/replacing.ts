/**
 * A group takes the place of another: which one does when several were made, and what goes over to it. Whoever knew a later epoch of the old
 * one made the better one; of equals it is the one with the lower id; and what took the place of the better one counts before what took
 * that of the other. So everybody ends in the same, in whatever order they hear of them.
 */
import type { MlsGroup, MlsMember } from "@sotto/crypto";
import { toHex } from "@sotto/protocol";
import type { Step } from "../step.ts";
import { bringAlong, keepOut } from "./bringing-along.ts";
import { checkSuccessor, deciders, deciding, type Continued } from "./continuing.ts";
import { parseGroupData, type CheckedData } from "./data.ts";
import { accountsOf } from "./epoch.ts";
import { isLive } from "./level.ts";
import { accountOfMember } from "./membership.ts";
import { moveIntents } from "./pending.ts";
import { resendUndelivered } from "./queue.ts";
import type { GroupRecord } from "./records.ts";
import { dropState, presentOf, putGroup, type GroupLive } from "./state.ts";
import { moveTimerWish } from "./timer.ts";

/** More than that is no number that an honest server says. */
const mostMissed = 100_000;
/** How long a group that this device has lost stands in the way of another that would take the same place. */
const patienceMs = 1_800_000;
/** And how long whoever is asked for it after that has to answer: a machine that slept did not ask. */
const answerMs = 60_000;

/** Of the groups whose place a group takes, the last that is known here. */
export function replacedIn(step: Pick<Step, "live">, data: CheckedData): Known | undefined {
  for (const { id, epoch } of data.replaces) {
    const old = step.live.groups.byId.get(id);
    if (old !== undefined) return { old, epoch };
  }
  return undefined;
}

interface Known {
  readonly old: GroupLive;
  /** The last epoch that was known to whoever made the group that took its place. */
  readonly epoch: number;
}

/**
 * The group whose place a new one takes, should this device know it; "another is": a better one has it already; "wait": so it is, but this
 * device has lost that one; "unread": what lies in the one that has the place says first who may.
 * @throws ValidationError when the new one may not.
 */
export function replacedBy(
  step: Step,
  next: MlsGroup,
  sender: MlsMember,
): GroupLive | "another is" | "wait" | "unread" | undefined {
  const data = parseGroupData(next.groupData);
  const made = { accounts: accountsOf(next), data, sender: accountOfMember(sender) };
  const own = step.live.own.account;
  const heir = { id: toHex(next.groupId), replaces: data.replaces };
  const known = replacedIn(step, data);
  const related = known === undefined ? relatedTo(step, next, made) : [];
  const old = known?.old ?? related.find((group) => !isOut(group));
  if (old === undefined) {
    return related.some((group) => countsBefore(heirOf(group), heir)) ? "another is" : undefined;
  }
  const present = presentOf(step, old);
  if (present.record.state === "joined" && !isLive(present)) return "unread";
  if (isInvitation(present, data)) return undefined;
  if (known !== undefined) {
    checkSuccessor(old.record, { ...made, isLater: known.epoch > old.record.epoch }, own);
    if (present === old) return old;
  }
  const { record } = present;
  const continued = { ...made, isLater: true };
  if (!countsBefore(heir, heirOf(present))) {
    // Nobody is told of one that gets no place: whoever made it may not have heard of what became of the other.
    if (record.state !== "healing") return "another is";
    if (!isGivenUp(record, step.env.nowMs())) return "wait";
    checkSuccessor(record, continued, own);
    return old;
  }
  // Its maker may not have heard who went from the one that is given up for it: those who go over take them out. Whoever left does not go.
  if (record.state === "left") return "another is";
  if (record.state !== "removed") checkSuccessor({ ...record, gone: [] }, continued, own);
  return old;
}

/**
 * Whether a group that this device lost stands in the way of another no more: it asked to be let in half an hour later still, and nobody
 * answered. The clock may have been set back since.
 */
export function isGivenUp(
  { lost, askedRejoinAtMs: askedMs = 0 }: Pick<GroupRecord, "lost" | "askedRejoinAtMs">,
  nowMs: number,
): boolean {
  const lostMs = lost?.atMs ?? 0;
  return (nowMs < lostMs || askedMs - lostMs >= patienceMs) && Math.abs(nowMs - askedMs) >= answerMs;
}

/**
 * What has the place of a group that this device lost, and gave up for one that counts less, since nobody answered for long. Who then does
 * answer is in the one that was given up, like everybody else: it takes its place back. undefined: a group was replaced for good.
 */
export function tookPlaceMeanwhile(step: Pick<Step, "live">, group: GroupLive): GroupLive | undefined {
  const present = presentOf(step, group);
  return countsBefore(heirOf(group), heirOf(present)) ? present : undefined;
}

/**
 * Groups that come from one that a new one comes from as well: a device that was let in later was never in that one itself, and would go on
 * in both, or in one that everybody else gave up for another which it is out of.
 */
function relatedTo(step: Pick<Step, "live">, next: MlsGroup, made: Omit<Continued, "isLater">): GroupLive[] {
  const { kind, replaces } = made.data;
  const line = new Set(replaces.map(({ id }) => id));
  const own = step.live.own.account;
  const among =
    kind === "group"
      ? [...step.live.groups.byId.values()].filter((group) => isVouched(group, next, made, own))
      : ofSamePeople(step, kind, next);
  return among.filter(
    ({ record: { state, data } }) =>
      state !== "replaced" && parseGroupData(data).replaces.some(({ id }) => line.has(id)),
  );
}

/**
 * Whether who let this device into the one of two groups that counts decides in the other, or is its own device. Ids are no secret:
 * somebody else could name what both come from in a group of theirs, and so keep this device out of the other.
 */
function isVouched(
  group: GroupLive,
  { groupId }: MlsGroup,
  { accounts, data, sender }: Omit<Continued, "isLater">,
  own: string,
): boolean {
  const { kind, invitedBy = own } = group.record;
  if (kind !== "group") return false;
  const nextCounts = countsBefore({ id: toHex(groupId), replaces: data.replaces }, heirOf(group));
  return nextCounts
    ? sender === own || deciders(group.record).includes(sender)
    : invitedBy === own || deciding(data, accounts).includes(invitedBy);
}

/** The pairs with the same person, or groups of the own devices, that this device knows. */
function ofSamePeople(step: Pick<Step, "live">, kind: CheckedData["kind"], group: MlsGroup): GroupLive[] {
  if (kind === "group") return [];
  const accounts = accountsOf(group);
  return [...step.live.groups.byId.values()].filter(
    ({ record }) =>
      record.kind === kind &&
      record.accounts.length === accounts.length &&
      record.accounts.every((account) => accounts.includes(account)),
  );
}

/** Whether this device's account is in a group no more. */
const isOut = ({ record: { state } }: GroupLive): boolean => state === "left" || state === "removed";

/**
 * Whether what took the place of a group that this device is out of was made by somebody who knew that, and asks it in again: it is like any
 * other group then, and takes no place here. Whoever knew no later epoch may not have heard that we left; but where
 * others told us that we are out, their log may have come to none.
 */
function isInvitation(group: GroupLive, { replaces }: CheckedData): boolean {
  const { record } = group;
  const isLater = (epoch: number) => epoch > record.epoch || record.toldOut === true;
  return isOut(group) && replaces.some(({ id, epoch }) => id === record.id && isLater(epoch));
}

/** A group, with those whose place it took, the last first. */
type Heir = Pick<CheckedData, "replaces"> & { readonly id: string };

/**
 * Whether one group is to have the place that another has: it took that of the other; or of the two groups by which they come from the
 * last that both go back to, its own knew a later epoch there, or as late a one and has the lower id. What came of those two afterwards
 * counts for nothing: whoever hears of the ones in between, and whoever does not, must come to the same.
 */
export function countsBefore(one: Heir, other: Heir): boolean {
  const [line, otherLine] = [lineOf(one), lineOf(other)];
  const at = line.findIndex(({ id }) => otherLine.some((theirs) => theirs.id === id));
  const [from, heir] = [line[at], line[at - 1]];
  // They have nothing in common, or the other took its place.
  if (from === undefined || heir === undefined) return false;
  const otherAt = otherLine.findIndex(({ id }) => id === from.id);
  const [otherFrom, otherHeir] = [otherLine[otherAt], otherLine[otherAt - 1]];
  if (otherFrom === undefined || otherHeir === undefined) return true;
  return from.epoch === otherFrom.epoch ? heir.id < otherHeir.id : from.epoch > otherFrom.epoch;
}

const heirOf = ({ record: { id, data } }: GroupLive): Heir => ({
  id,
  replaces: parseGroupData(data).replaces,
});

const lineOf = ({ id, replaces }: Heir) => [{ id, epoch: 0 }, ...replaces];

/**
 * Whether a pair, or the group of the own devices, is one that another took the place of before this device was let into it. Of other groups
 * nobody's word would do: whoever is in none of them could name it in their own, and keep this device out.
 */
export function hasSuccessor(step: Pick<Step, "live">, group: MlsGroup): boolean {
  const id = toHex(group.groupId);
  const { kind } = parseGroupData(group.groupData);
  return ofSamePeople(step, kind, group).some((one) => comesFrom(one, id));
}

/** Has a group take the place of another, and of the one that had it until now: wishes and messages go on in it. */
export async function takePlaceOf(step: Step, old: GroupLive, next: GroupLive): Promise<void> {
  for (const group of new Set([old, presentOf(step, old)])) {
    const wasOut = isOut(group);
    await dropState(step, group);
    putGroup(step, group, { state: "replaced", successor: next.record.id, tasks: [] });
    if (group.record.kind === "pair") await moveTimerWish(step, next, group);
    await moveIntents(step, group, next);
    const isGivenUpFor = !wasOut && isForsaken(group, next);
    if (isGivenUpFor) {
      bringAlong(step, group, next);
      keepOut(step, group, next);
    }
    if (group.record.kind === "pair" || isGivenUpFor) await resendUndelivered(step, group);
  }
  putGroup(step, next, { tookPlaceAtMs: step.env.nowMs() });
}

/** Whether a group is given up for one that does not come from it: who had not read there goes over without, and whoever comes later. */
const isForsaken = ({ record: { id, kind } }: GroupLive, next: GroupLive): boolean =>
  kind === "group" && !comesFrom(next, id);

/** Whether a group took the place of another, at whatever remove. */
const comesFrom = ({ record }: GroupLive, id: string): boolean =>
  parseGroupData(record.data).replaces.some((one) => one.id === id);

/** How many entries of a group were not taken in, as far as its log said; absent when the log itself was lost. */
export function missedIn({ reader, record }: GroupLive): { readonly missed?: number } {
  if (record.lost?.why === "log") return {};
  const refused = record.lost?.why === "commit" ? 1 : 0;
  return { missed: Math.min(mostMissed, Math.max(0, reader.head - record.cursor - refused)) };
}
