/**
 * Joining a group by a Welcome: opened with the KeyPackage that it is for, completed with the ratchet tree, and kept only when every leaf
 * is a device of its account and the group is what it says.
 */
import type { MlsGroup, MlsMember } from "@sotto/crypto";
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
import { pinned } from "../directory.ts";
import { lookUp, type Found } from "../lookups.ts";
import { addNotice } from "../notices.ts";
import { nowSec, type Step } from "../step.ts";
import { askAnew } from "./asking-anew.ts";
import { checkContinued } from "./continuing.ts";
import { parseGroupData } from "./data.ts";
import { enterAgain, enterNew } from "./entering.ts";
import { accountsOf } from "./epoch.ts";
import { askOthers } from "./vouching.ts";
import { type ItemVerdict, retryLater, goOn, lookAgainLater } from "./held-items.ts";
import { keyPackageOf, useUp } from "./key-packages.ts";
import { isLive } from "./level.ts";
import { noteShared } from "./losing.ts";
import { accountOfMember, checkJoin } from "./membership.ts";
import { nameOfAccount } from "./naming.ts";
import { groupNames } from "./records.ts";
import { hasSuccessor, replacedBy, takePlaceOf, tookPlaceMeanwhile } from "./replacing.ts";
import { fetchSideLog } from "./side-logs.ts";
import type { GroupLive } from "./state.ts";
import { onlyNonce } from "./welcoming.ts";

const done: ItemVerdict = { type: "done" };
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
  if (keyPackage === undefined) {
    const error = invalid("SOTTO-WELCOME-1", "a Welcome for a KeyPackage that is used up");
    return askAnew(step, order, item, error);
  }
  const opened = await mls.openWelcome(item.welcome, keyPackage, step.live.own.deviceKey);
  if (!equalBytes(opened.groupId, item.logId)) throw invalid("SOTTO-WELCOME-2", "a Welcome of another group");
  const known = step.live.groups.byId.get(id);
  if (known?.record.state === "joined" && known.record.epoch >= opened.epoch) return done;
  const meanwhile = known?.record.state === "replaced" ? tookPlaceMeanwhile(step, known) : undefined;
  // Another took its place, for everybody.
  if (known?.record.state === "replaced" && meanwhile === undefined) return done;

  const tree = treeOf(step, order, item);
  if (tree === undefined) return fetchTree(step, order, item);
  const { group, sender } = await mls.join(opened, tree, nowSec(step));
  // Before anybody is asked about it, or refused: who made it in vain may have been lost since.
  if (known === undefined && hasSuccessor(step, group)) return done;
  const old = known === undefined ? replacedBy(step, group, sender) : undefined;
  if (old === "another is") return done;
  if (old === "wait") return lookAgainLater(step, order, 60_000);
  if (old === "unread") return lookAgainLater(step, order);
  const checked = await check(step, order, group, sender);
  if (checked !== undefined) return checked;
  if (known !== undefined) {
    if (parseGroupData(group.groupData).kind !== known.record.kind)
      throw invalid("SOTTO-WELCOME-4", "a group does not become something else");
    // Its log may say that this device was taken out, and who has come since.
    if (known.record.state === "joined" && !isLive(known)) return lookAgainLater(step, order);
    if (!(await holdAgainst(step, known, group, sender))) return done;
    if (known.record.state === "joined") return stillIn(step, order);
  }
  if (known === undefined && old === undefined) checkRoom(step, group);
  // What was written in the group whose place it takes back is read first.
  if (meanwhile?.record.state === "joined" && !isLive(meanwhile)) return lookAgainLater(step, order);
  await useUp(step, keyPackage);
  step.draft.put(used, nowSec(step));
  const come = { item, mls: group, sender: accountOfMember(sender), ciphersuite: opened.ciphersuite };
  if (known === undefined) await enterNew(step, come, old);
  else await enterAgain(step, come, known);
  if (known !== undefined && meanwhile !== undefined) await takePlaceOf(step, meanwhile, known);
  return done;
}

/** Anybody can invite: what that makes a device keep and read has an end, and the person is told of it. */
function checkRoom(step: Step, group: MlsGroup): void {
  const { kind } = parseGroupData(group.groupData);
  const accounts = accountsOf(group);
  // What heals counts: a group whose log never was is given up at once, and would make room for the next.
  const inUse = [...step.live.groups.byId.values()].filter(
    ({ record }) =>
      record.kind === kind &&
      (record.state === "joined" || record.state === "healing") &&
      (kind === "group" || record.accounts.every((account) => accounts.includes(account))),
  );
  if (inUse.length >= (kind === "group" ? mostGroups : mostPairs))
    throw new ValidationError("quota_exceeded", "this device is in too many groups of that kind already");
}

/**
 * Only its own people let this device into a group again, as the same thing that it was: log ids are no secret from whoever was removed,
 * nor from the server. After leaving, an invitation may come from anybody, as for any other group. False: it is refused, and told.
 */
async function holdAgainst(
  step: Step,
  known: GroupLive,
  group: MlsGroup,
  sender: MlsMember,
): Promise<boolean> {
  const { record } = known;
  const data = parseGroupData(group.groupData);
  const outside = data.kind === "group" && (record.state === "left" || record.state === "removed");
  if (outside && group.epoch <= record.epoch) throw invalid("SOTTO-WELCOME-5", "an old Welcome");
  if (!outside && !record.accounts.includes(accountOfMember(sender)))
    throw invalid("SOTTO-WELCOME-6", "a Welcome of somebody who is not in that group");
  const accounts = accountsOf(group);
  const same =
    accounts.length === record.accounts.length && record.accounts.every((one) => accounts.includes(one));
  if (data.kind !== "group" && !same) throw invalid("SOTTO-WELCOME-7", "a pair keeps its two people");
  if (record.lost === undefined || record.lost.why === "own") return true;
  const next = { accounts, data, sender: accountOfMember(sender), isLater: group.epoch > record.epoch };
  try {
    checkContinued(record, next, step.live.own.account);
    return true;
  } catch (cause) {
    if (record.lost.why !== "log" || !(cause instanceof ValidationError)) throw cause;
    // Others go on in that log from what is older than, or other than, what we knew: it is not the one that we lost.
    noteShared(step, known);
    await addNotice(step, {
      type: "refused",
      from: await nameOfAccount(step, next.sender),
      code: cause.code,
    });
    return false;
  }
}

/** A group that this device is in: its log says first that it was taken out, or the Welcome is not believed. */
function stillIn(step: Step, order: number): ItemVerdict {
  const error = invalid("SOTTO-WELCOME-8", "a Welcome to a group that this device is in");
  if ((step.live.heldItems.failures.get(order) ?? 0) >= mostLooks) throw error;
  return { type: "again", error };
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
  if (checked.type === "revoked") return askOthers(step, order, group, sender);
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

function invalid(id: string, what: string): ValidationError {
  return new ValidationError("mls_invalid", `${id}: ${what}`);
}
