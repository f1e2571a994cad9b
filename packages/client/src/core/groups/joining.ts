/**
 * Joining a group by a Welcome: opened with the KeyPackage that it is for, completed with the ratchet tree, and kept only when every leaf
 * is a device of its account and the group is what it says.
 */
import type { MlsGroup, MlsMember, OpenedWelcome } from "@sotto/crypto";
import {
  LABELS,
  RefusedError,
  TransportError,
  ValidationError,
  equalBytes,
  toHex,
  utf8,
  type SideLog,
  type WelcomeItem,
} from "@sotto/protocol";
import { ensureContact, findContact } from "../contacts.ts";
import { pinned } from "../directory.ts";
import { lookUp, type Found } from "../lookups.ts";
import { addNotice } from "../notices.ts";
import { nowSec, type Step } from "../step.ts";
import { parseGroupData, type CheckedData } from "./data.ts";
import { keyPackageOf, useUp } from "./key-packages.ts";
import { accountOfMember, checkJoin } from "./membership.ts";
import { nameOfAccount, nameOfGroup } from "./naming.ts";
import { resendUndelivered, wakeQueuesOf } from "./queue.ts";
import { groupNames, type GroupRecord } from "./records.ts";
import { fetchSideLog } from "./side-logs.ts";
import { addGroup, dropState, putGroup, saveEpoch, shownOf, wakeGroup, type GroupLive } from "./state.ts";
import { moveTimerWish, noteTimer, timerOfContact } from "./timer.ts";
import { onlyNonce } from "./welcoming.ts";
import { isLive } from "./level.ts";
import { accessToken } from "./epoch.ts";
import { type ItemVerdict, retryLater, goOn } from "./held-items.ts";

const done: ItemVerdict = { type: "done" };
const updateSoonMs = 5_000;
const mostGroups = 2_000;
/** With the same people. */
const mostPairs = 16;
const mostLooks = 6;
const askAgainMs = 2_000;

/** Takes a Welcome in. @throws ValidationError, CryptoError, CodecError when it is refused for good. */
export async function takeWelcome(step: Step, order: number, item: WelcomeItem): Promise<ItemVerdict> {
  const { mls } = step.env;
  const id = toHex(item.logId);
  // Left here twice, since an answer was lost on the way; a last resort would open it again.
  const used = groupNames.usedWelcome(toHex(await step.env.crypto.sha256(item.welcome)));
  if ((await step.draft.get(used)) !== undefined) return done;
  const keyPackage = await keyPackageOf(step, mls.welcomeRef(item.welcome));
  if (keyPackage === undefined)
    throw invalid("SOTTO-WELCOME-1", "a Welcome for a KeyPackage that is used up");
  const opened = await mls.openWelcome(item.welcome, keyPackage, step.live.own.deviceKey);
  if (!equalBytes(opened.groupId, item.logId)) throw invalid("SOTTO-WELCOME-2", "a Welcome of another group");
  const known = step.live.groups.byId.get(id);
  if (known?.record.state === "joined" && known.record.epoch >= opened.epoch) return done;

  const tree = treeOf(step, order, item);
  if (tree === undefined) return fetchTree(step, order, item);
  const { group, sender } = await mls.join(opened, tree, nowSec(step));
  const checked = await check(step, order, group, sender);
  if (checked !== undefined) return checked;
  if (known === undefined) checkRoom(step, group);
  else checkReturn(known.record, group, sender);
  if (known?.record.state === "joined") return stillIn(step, order, known);
  // What was written in the group whose place it takes is read first.
  const old = replacedBy(step, parseGroupData(group.groupData).kind, sender, item);
  if (old?.record.state === "joined" && !isLive(old)) return readFirst(step, order);
  await useUp(step, keyPackage);
  step.draft.put(used, nowSec(step));
  await enter(step, known, item, group, sender, opened);
  return done;
}

/** Anybody can invite: what that makes a device keep and read has an end, and the person is told of it. */
function checkRoom(step: Step, group: MlsGroup): void {
  const { kind } = parseGroupData(group.groupData);
  const accounts = new Set(group.members.map(accountOfMember));
  // What heals counts: a group whose log never was is given up at once, and would make room for the next.
  const inUse = [...step.live.groups.byId.values()].filter(
    ({ record }) =>
      record.kind === kind &&
      (record.state === "joined" || record.state === "healing") &&
      (kind === "group" || record.accounts.every((account) => accounts.has(account))),
  );
  if (inUse.length >= (kind === "group" ? mostGroups : mostPairs))
    throw new ValidationError("quota_exceeded", "this device is in too many groups of that kind already");
}

/**
 * Only its own people let this device into a group again, as the same thing that it was: log ids are no secret from whoever was removed,
 * nor from the server. After leaving, an invitation may come from anybody, as for any other group.
 */
function checkReturn(record: GroupRecord, group: MlsGroup, sender: MlsMember): void {
  const { kind } = parseGroupData(group.groupData);
  if (kind !== record.kind) throw invalid("SOTTO-WELCOME-4", "a group does not become something else");
  const outside = kind === "group" && (record.state === "left" || record.state === "removed");
  if (outside && group.epoch <= record.epoch) throw invalid("SOTTO-WELCOME-5", "an old Welcome");
  if (!outside && !record.accounts.includes(accountOfMember(sender)))
    throw invalid("SOTTO-WELCOME-6", "a Welcome of somebody who is not in that group");
  const accounts = new Set(group.members.map(accountOfMember));
  const same = accounts.size === record.accounts.length && record.accounts.every((one) => accounts.has(one));
  if (kind !== "group" && !same) throw invalid("SOTTO-WELCOME-7", "a pair keeps its two people");
}

/** A group that this device is in: its log says first that it was taken out, or the Welcome is not believed. */
function stillIn(step: Step, order: number, known: GroupLive): ItemVerdict {
  const error = invalid("SOTTO-WELCOME-8", "a Welcome to a group that this device is in");
  if ((step.live.heldItems.failures.get(order) ?? 0) >= mostLooks && isLive(known)) throw error;
  return { type: "again", error };
}

function readFirst(step: Step, order: number): ItemVerdict {
  step.effects.push({
    type: "timer",
    name: `welcome ${order}`,
    delayMs: askAgainMs,
    run: async (then) => goOn(then, order),
  });
  return { type: "wait" };
}

function treeOf(step: Step, order: number, item: WelcomeItem): Uint8Array | undefined {
  return item.tree.case === "inlineTree" ? item.tree.value : step.live.heldItems.trees.get(order);
}

async function fetchTree(step: Step, order: number, item: WelcomeItem): Promise<ItemVerdict> {
  if (item.tree.case !== "sideTree") throw invalid("SOTTO-WELCOME-3", "a Welcome without a ratchet tree");
  const side: SideLog = item.tree.value;
  await fetchSideLog(step, side, async (later, sealed) => {
    if (sealed instanceof Uint8Array) {
      try {
        const tree = await later.env.crypto.aesGcmOpen(side.key, onlyNonce(), sealed, utf8(LABELS.sideLog));
        later.live.heldItems.trees.set(order, tree);
      } catch {
        later.live.heldItems.trees.set(order, new Uint8Array());
      }
      return goOn(later, order);
    }
    await retryLater(later, order, new TransportError("connection_lost", "the ratchet tree is not there"));
  });
  return { type: "wait" };
}

/** Holds the members against their device lists. undefined: they fit. */
async function check(
  step: Step,
  order: number,
  group: MlsGroup,
  sender: MlsMember,
): Promise<ItemVerdict | undefined> {
  const { heldItems, own } = step.live;
  const asked = heldItems.asked.get(order) ?? new Set();
  heldItems.asked.set(order, asked);
  const lists = new Map();
  for (const account of new Set(group.members.map(accountOfMember))) {
    const known = await pinned(step, account);
    // A list that was asked for now, or that knows all of the account's leaves.
    const fits =
      known !== undefined &&
      group.members.every(
        (member) =>
          accountOfMember(member) !== account ||
          known.list.list.devices.some(
            (device) =>
              equalBytes(device.deviceId, member.deviceId) &&
              equalBytes(device.signatureKey, member.signatureKey),
          ),
      );
    if (known !== undefined && (fits || asked.has(account))) lists.set(account, known.list.list);
    else if (asked.has(account)) throw invalid("SOTTO-JOIN-4", "a member's account is unknown");
  }
  const checked = checkJoin(
    { members: group.members, sender, data: group.groupData, ownAccount: own.account },
    (account) => lists.get(account),
  );
  if (checked.type === "fine") return undefined;
  let left = checked.accounts.length;
  let trouble: RefusedError | undefined;
  for (const account of checked.accounts) {
    const onFound = async (later: Step, found: Found): Promise<void> => {
      if (found.type !== "failed" || found.error.code.startsWith("device_list")) asked.add(account);
      else if (found.error instanceof RefusedError) trouble = found.error;
      left -= 1;
      if (left > 0) return;
      later.effects.push({
        type: "timer",
        name: `join ${order}`,
        delayMs: trouble === undefined ? 0 : Math.max(trouble.retryAfterMs ?? 0, askAgainMs),
        run: async (then) => goOn(then, order),
      });
    };
    await lookUp(step, { account }, onFound, "contact");
  }
  return { type: "wait" };
}

async function enter(
  step: Step,
  known: GroupLive | undefined,
  item: WelcomeItem,
  mls: MlsGroup,
  sender: MlsMember,
  opened: OpenedWelcome,
): Promise<void> {
  const { own } = step.live;
  const data = parseGroupData(mls.groupData);
  const old = replacedBy(step, data.kind, sender, item);
  const accounts = [...new Set(mls.members.map(accountOfMember))];
  const after = Number(item.afterSeq);
  const timerBefore = await timerOf(step, data, accounts, known ?? old);
  const missed = known === undefined ? 0 : Math.max(0, after - known.record.cursor - 1);
  // Everybody who joined updates, but not all at once.
  const updateDueAtMs =
    step.env.nowMs() + Math.floor(updateSoonMs * mls.members.length * (0.5 + step.env.random()));
  const fresh: Omit<GroupRecord, "listed" | "conversation" | "unread"> = {
    id: toHex(item.logId),
    kind: data.kind,
    state: "joined",
    ciphersuite: opened.ciphersuite,
    epoch: mls.epoch,
    token: await accessToken(step, mls),
    slot: toHex(item.slotId),
    cursor: after,
    data: mls.groupData,
    accounts,
    tasks: [],
    updateDueAtMs,
    sentSinceUpdate: 0,
    ownSent: [],
    deleted: false,
  };
  let group: GroupLive;
  if (known === undefined) {
    const peer = accounts.find((account) => account !== own.account);
    const contact =
      data.kind === "pair" && peer !== undefined ? await ensureContact(step, { account: peer }) : undefined;
    // What takes the place of another group goes on with its messages.
    const conversation = contact?.conversations[0] ?? old?.record.conversation;
    group = await addGroup(
      step,
      {
        ...fresh,
        ...(conversation !== undefined && { conversation }),
        ...(old !== undefined && data.kind === "group" ? shownOf(old.record) : { unread: 0 }),
      },
      mls,
    );
  } else {
    group = known;
    const wasHealing = known.record.state === "healing";
    await dropState(step, group);
    putGroup(step, group, fresh);
    group.reader.phase = "detached";
    group.reader.waiting.length = 0;
    group.reader.failures = 0;
    await saveEpoch(step, group, mls);
    wakeGroup(step, group.record.id);
    if (wasHealing) {
      const conversation = await nameOfGroup(step, group.record);
      await addNotice(step, { type: "healed", conversation, missed });
    }
  }
  if (old !== undefined && old !== group) {
    await dropState(step, old);
    putGroup(step, old, { state: "replaced" });
    if (data.kind === "pair") await resendUndelivered(step, old);
  }
  const by = accountOfMember(sender);
  // The own devices have the line about it in the history that they share.
  const timerAfter = await timerOf(step, data, accounts, group);
  if (by !== own.account) await noteTimer(step, group, { by, before: timerBefore, after: timerAfter });
  if (data.kind === "pair") await moveTimerWish(step, group, old === group ? undefined : old);
  await wakeQueuesOf(step, group);
  if (data.kind === "group") {
    await addNotice(step, {
      type: "group_changed",
      group: data.name,
      groupId: group.record.id,
      by: await nameOfAccount(step, accountOfMember(sender)),
      change: { kind: "joined", who: [own.identifier] },
    });
  }
}

/** How long texts are kept in the conversation that a group is for, as it stands at this moment. */
async function timerOf(
  step: Step,
  data: CheckedData,
  accounts: readonly string[],
  group: GroupLive | undefined,
): Promise<number> {
  const peer = accounts.find((account) => account !== step.live.own.account);
  if (data.kind !== "pair" || peer === undefined) {
    return group === undefined ? 0 : parseGroupData(group.record.data).timerSec;
  }
  const contact = await findContact(step.draft, { account: peer });
  return contact === undefined ? 0 : timerOfContact(step, contact);
}

/** The group that a new one takes the place of: only its members can do that, and in a group of people its admins. */
function replacedBy(
  step: Step,
  kind: GroupRecord["kind"],
  sender: MlsMember,
  item: WelcomeItem,
): GroupLive | undefined {
  const old =
    item.replacesLogId.length === 0 ? undefined : step.live.groups.byId.get(toHex(item.replacesLogId));
  if (old === undefined || old.record.kind !== kind) return undefined;
  const account = accountOfMember(sender);
  if (!old.record.accounts.includes(account)) return undefined;
  const data = parseGroupData(old.record.data);
  return data.kind === "group" && !data.admins.includes(account) ? undefined : old;
}

function invalid(id: string, what: string): ValidationError {
  return new ValidationError("mls_invalid", `${id}: ${what}`);
}
