/** A group that this device was let into becomes one of its own: a new one, one that takes another's place, or one that it had lost. */
import type { MlsCiphersuite, MlsGroup } from "@sotto/crypto";
import { toHex, type WelcomeItem } from "@sotto/protocol";
import { isBarredAccount } from "../barred.ts";
import { ensureContact, findContact } from "../contacts.ts";
import { noteKeptHistory } from "../devices/history-import.ts";
import { askForHistory } from "../devices/history-wanted.ts";
import { addNotice } from "../notices.ts";
import type { Step } from "../step.ts";
import { parseGroupData } from "./data.ts";
import { decline } from "./declining.ts";
import { accessToken, accountsOf } from "./epoch.ts";
import { noteAdmitted } from "./links/asked.ts";
import { accountOfMember, deviceOfMember } from "./membership.ts";
import { nameOfAccount, nameOfGroup, tellChanges } from "./naming.ts";
import { wakeQueuesOf } from "./queue.ts";
import type { GroupRecord } from "./records.ts";
import { noteRemade } from "./remaking.ts";
import { missedIn, takePlaceOf } from "./replacing.ts";
import { addGroup, dropState, putGroup, saveEpoch, shownOf, wakeGroup, type GroupLive } from "./state.ts";
import { moveTimerWish, noteTimer, timerOfContact } from "./timer.ts";

const updateSoonMs = 5_000;

/** What a Welcome that holds came to. */
export interface Come {
  readonly item: WelcomeItem;
  readonly mls: MlsGroup;
  /** The account that let us in. */
  readonly sender: string;
  readonly ciphersuite: MlsCiphersuite;
}

type Fresh = Omit<GroupRecord, "listed" | "conversation" | "unread">;

async function freshRecord(step: Step, { item, mls, ciphersuite }: Come): Promise<Fresh> {
  // Everybody who joined updates, but not all at once.
  const updateInMs = Math.floor(updateSoonMs * mls.members.length * (0.5 + step.env.random()));
  return {
    id: toHex(item.logId),
    kind: parseGroupData(mls.groupData).kind,
    state: "joined",
    ciphersuite,
    epoch: mls.epoch,
    token: await accessToken(step, mls),
    slot: toHex(item.slotId),
    cursor: Number(item.afterSeq),
    data: mls.groupData,
    accounts: accountsOf(mls),
    changedAt: mls.epoch,
    tasks: [],
    updateDueAtMs: step.env.nowMs() + updateInMs,
    sentSinceUpdate: 0,
    ownSent: [],
    deleted: false,
    declined: false,
    toldOut: false,
  };
}

/** Takes part in a group that was not known. @param old the one whose place it takes. */
export async function enterNew(step: Step, come: Come, old: GroupLive | undefined): Promise<void> {
  const fresh = await freshRecord(step, come);
  const timerBefore = await timerOf(step, fresh, old);
  const peer = fresh.accounts.find((account) => account !== step.live.own.account);
  const contact =
    fresh.kind === "pair" && peer !== undefined ? await ensureContact(step, { account: peer }) : undefined;
  // What takes the place of another group goes on with its messages.
  const conversation = contact?.conversations[0] ?? old?.record.conversation;
  const isGroup = fresh.kind === "group";
  const record = {
    ...fresh,
    ...(conversation !== undefined && { conversation }),
    ...(isGroup && old !== undefined ? shownOf(old.record) : { unread: 0 }),
    invitedBy: inviterOf(step, fresh.kind, old?.record, come.sender),
  };
  const group = await addGroup(step, record, come.mls);
  await noteKeptHistory(step, group);
  await noteAdmitted(step, group);
  if (old === undefined && (await declines(step, group, come.sender))) return;
  await tellJoined(step, group, come.sender);
  if (old === undefined) {
    if (fresh.kind === "pair") await moveTimerWish(step, group, undefined);
  } else {
    const before = old.record;
    const { replaces } = parseGroupData(fresh.data);
    const isLater = replaces.some(({ id, epoch }) => id === before.id && epoch > before.epoch);
    const missed = isLater ? {} : missedIn(old);
    await takePlaceOf(step, old, group);
    if (fresh.kind !== "pair") await noteRemade(step, group.record.conversation);
    if (fresh.kind === "account") await askForHistory(step);
    if (isGroup) await tellHealed(step, group, before, missed, come.sender);
  }
  // A further device of somebody gets the line about it with the history.
  if (!isFurther(step, come)) await tellTimer(step, group, come.sender, timerBefore);
  await wakeQueuesOf(step, group);
}

/** Whether another device of this account is in the group. */
const isFurther = ({ live: { own } }: Step, { mls }: Come): boolean =>
  mls.members.some((leaf) => accountOfMember(leaf) === own.account && deviceOfMember(leaf) !== own.device);

/** Takes part again in a group that was lost, left, or taken away. */
export async function enterAgain(step: Step, come: Come, group: GroupLive): Promise<void> {
  const before = group.record;
  const fresh = await freshRecord(step, come);
  const timerBefore = await timerOf(step, fresh, group);
  await dropState(step, group);
  const gone = (before.gone ?? []).filter((account) => !fresh.accounts.includes(account));
  const invitedBy = inviterOf(step, fresh.kind, before, come.sender);
  putGroup(step, group, { ...fresh, gone, lost: undefined, successor: undefined, invitedBy });
  group.reader.phase = "detached";
  group.reader.waiting.length = 0;
  group.reader.failures = 0;
  await saveEpoch(step, group, come.mls);
  wakeGroup(step, group.record.id);
  const missed = before.lost?.why === "log" ? {} : { missed: Math.max(0, fresh.cursor - before.cursor - 1) };
  if (before.state !== "healing" && (await declines(step, group, come.sender))) return;
  await noteAdmitted(step, group);
  if (before.state === "healing") await tellHealed(step, group, before, missed, come.sender);
  if (fresh.kind === "account") await askForHistory(step);
  await tellJoined(step, group, come.sender);
  await tellTimer(step, group, come.sender, timerBefore);
  if (fresh.kind === "pair") await moveTimerWish(step, group, undefined);
  await wakeQueuesOf(step, group);
}

/** Who let this account in: at first, and again after it was out. */
function inviterOf(
  step: Step,
  kind: GroupRecord["kind"],
  before: GroupRecord | undefined,
  sender: string,
): string | undefined {
  if (kind !== "group" || sender === step.live.own.account) return before?.invitedBy;
  const wasIn = before !== undefined && before.state !== "left" && before.state !== "removed";
  return wasIn ? before.invitedBy : sender;
}

/** Whoever is blocked lets us into no group: it is declined. */
async function declines(step: Step, group: GroupLive, sender: string): Promise<boolean> {
  if (group.record.kind !== "group" || !(await isBarredAccount(step.draft, sender))) return false;
  await decline(step, group);
  return true;
}

/** How long texts are kept in the conversation that a group is for, as it stands at this moment. */
async function timerOf(
  step: Step,
  { kind, accounts }: Pick<GroupRecord, "kind" | "accounts">,
  group: GroupLive | undefined,
): Promise<number> {
  const peer = accounts.find((account) => account !== step.live.own.account);
  if (kind !== "pair" || peer === undefined) {
    return group === undefined ? 0 : parseGroupData(group.record.data).timerSec;
  }
  const contact = await findContact(step.draft, { account: peer });
  return contact === undefined ? 0 : timerOfContact(step, contact);
}

async function tellTimer(step: Step, group: GroupLive, by: string, before: number): Promise<void> {
  const after = await timerOf(step, group.record, group);
  await noteTimer(step, group, { by, before, after });
}

/** Tells that this device was put right, and whatever else is different. */
async function tellHealed(
  step: Step,
  group: GroupLive,
  before: GroupRecord,
  missed: { readonly missed?: number },
  by: string,
): Promise<void> {
  const conversation = await nameOfGroup(step, group.record);
  await addNotice(step, { type: "healed", conversation, ...missed });
  const { leaving = [] } = before;
  await tellChanges(step, group, { by, before, after: group.record, leaving });
}

async function tellJoined(step: Step, { record }: GroupLive, sender: string): Promise<void> {
  if (record.kind !== "group") return;
  await addNotice(step, {
    type: "group_changed",
    group: parseGroupData(record.data).name,
    groupId: record.id,
    by: await nameOfAccount(step, sender),
    change: { kind: "joined", who: [step.live.own.identifier] },
  });
}
