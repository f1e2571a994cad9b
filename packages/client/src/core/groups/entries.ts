/**
 * Taking one entry of a conversation log in. A message is opened, checked and applied in one change set with the ratchet that it used
 * up; a Commit is staged, held against the rules, and only then becomes the next epoch. Whatever fails changes nothing.
 */
import type { MlsGroup, MlsMember, StagedCommit, Unprotected } from "@sotto/crypto";
import {
  EntryKind,
  InternalError,
  SottoError,
  StorageError,
  ValidationError,
  equalBytes,
  type Entry,
  type ErrorCode,
} from "@sotto/protocol";
import { isBarredAccount } from "../barred.ts";
import { isFresh, pinned } from "../directory.ts";
import { lookUp, type Found } from "../lookups.ts";
import { addNotice, passNotice } from "../notices.ts";
import { nowSec, type Step } from "../step.ts";
import { askClaim, isClaimOpen } from "./claims.ts";
import { parseContent, parseGroupEntry } from "./content.ts";
import { parseGroupData } from "./data.ts";
import {
  accountOfMember,
  checkCommit,
  deviceOfMember,
  isRevokedBefore,
  standing,
  type Checked,
  type ListOf,
} from "./membership.ts";
import { leaveIfDue, leaveRemoved } from "./leaving.ts";
import { nameOfAccount, tellChanges } from "./naming.ts";
import { groupNames } from "./records.ts";
import { applyContent, showUnreadable } from "./show.ts";
import { noteTimer } from "./timer.ts";
import { mlsOf, putGroup, saveDelta, type GroupLive } from "./state.ts";
import { enterEpoch } from "./epoch.ts";
import { dropPending, settleIntents } from "./pending.ts";
import { adoptPending } from "./adopting.ts";
import { doubtState, loseState } from "./losing.ts";
import { takeOwnEntry } from "./sent.ts";

/** What came of an entry: taken in, or what must come first. */
export type Verdict =
  | { readonly type: "done" | "new-epoch" | "stopped" }
  | { readonly type: "again"; readonly fault: SottoError }
  | { readonly type: "ask"; readonly ask: (then: (step: Step) => Promise<void>) => Promise<void> };

const done: Verdict = { type: "done" };

/** Takes one entry in. @param lastTry a fault of ours is told as a refusal now, instead of trying again. */
export async function takeEntry(
  step: Step,
  group: GroupLive,
  entry: Entry,
  lastTry: boolean,
): Promise<Verdict> {
  const takeBack = step.draft.savepoint();
  try {
    return await take(step, group, entry);
  } catch (cause) {
    if (cause instanceof StorageError && cause.code !== "vault_damaged") throw cause;
    takeBack();
    return afterFailure(step, group, entry, cause, lastTry);
  }
}

async function afterFailure(
  step: Step,
  group: GroupLive,
  entry: Entry,
  cause: unknown,
  lastTry: boolean,
): Promise<Verdict> {
  const error =
    cause instanceof SottoError
      ? cause
      : new InternalError("internal", "an entry could not be taken in", { cause });
  if (error.code === "message_replayed") {
    passNotice(step, { type: "refused", from: undefined, code: error.code });
    return done;
  }
  if (error.code === "internal" && !lastTry) return { type: "again", fault: error };
  if (error.code === "vault_damaged") {
    await loseState(step, group);
    return { type: "stopped" };
  }
  if (entry.kind === EntryKind.COMMIT) {
    await addNotice(step, { type: "refused", from: undefined, code: error.code });
    await stopAt(step, group, entry);
    return { type: "stopped" };
  }
  await showUnreadable(step, group, error.code);
  group.reader.unreadable += 1;
  if (group.reader.unreadable >= mostUnreadable) doubtState(step, group);
  return done;
}

/** Nothing is read beyond a Commit that cannot be taken in. @param by who signed it, when by the group's own state nobody may send it. */
async function stopAt(step: Step, group: GroupLive, entry: Entry, by?: string): Promise<void> {
  const refused = await step.env.crypto.sha256(entry.body);
  await loseState(step, group, { why: "commit", refused, ...(by !== undefined && { by }) });
}

/** After so many in a row that do not open, our own state may be the fault. */
const mostUnreadable = 3;

async function take(step: Step, group: GroupLive, entry: Entry): Promise<Verdict> {
  const { pending } = group;
  if (pending !== undefined && entry.kind === EntryKind.COMMIT && equalBytes(entry.body, pending.body)) {
    await adoptPending(step, group, pending, Number(entry.seq));
    return inNewEpoch(step, group, true);
  }
  if (entry.kind === EntryKind.MESSAGE && (await takeOwnEntry(step, group, entry))) return done;
  const body = parseGroupEntry(entry.body);
  if (body.case !== "mlsMessage") throw refused("SOTTO-ENTRY-1", "an entry of an unknown form");
  const mls = await mlsOf(step, group);
  const opened = await step.env.mls.unprotect(mls, body.value);
  if (opened.type !== "application") {
    if (entry.kind !== EntryKind.COMMIT) throw refused("SOTTO-ENTRY-2", "a Commit in the place of a message");
    if (opened.type === "own-commit") {
      // What followed from it was here once: this device was put back to an older copy.
      await loseState(step, group);
      return { type: "stopped" };
    }
    return takeCommit(step, group, mls, opened.commit, entry);
  }
  if (entry.kind !== EntryKind.MESSAGE) throw refused("SOTTO-ENTRY-2", "a message in the place of a Commit");
  return takeMessage(step, group, mls, opened);
}

async function takeMessage(
  step: Step,
  group: GroupLive,
  mls: MlsGroup,
  opened: Extract<Unprotected, { type: "application" }>,
): Promise<Verdict> {
  const { sender } = opened;
  if (sender.leafIndex === mls.ownLeafIndex) {
    await loseState(step, group);
    return { type: "stopped" };
  }
  const account = accountOfMember(sender);
  if (group.record.kind === "pair" && (await isBarredAccount(step.draft, account))) {
    // Read, so that what follows can be, and dropped.
    saveDelta(step, group, opened.group, opened.delta);
    group.reader.unreadable = 0;
    return done;
  }
  let refusal: ErrorCode | undefined;
  try {
    const content = parseContent(opened.plaintext);
    if (await isClaimOpen(step, account, content.claim)) {
      const claim = content.claim as string;
      return { type: "ask", ask: (then) => askClaim(step, account, claim, then) };
    }
    if (await isRevoked(step, sender, content.sentAtMs))
      throw refused("SOTTO-ENTRY-3", "a message from a revoked device");
    await applyContent(step, group, sender, content);
  } catch (cause) {
    if (!(cause instanceof ValidationError)) throw cause;
    refusal = cause.code;
  }
  // Authentic, whatever it says: the key that opened it is used up. After leaving there is none at all.
  if (group.record.state === "joined") saveDelta(step, group, opened.group, opened.delta);
  group.reader.unreadable = 0;
  if (refusal !== undefined) {
    await addNotice(step, { type: "refused", from: await nameOfAccount(step, account), code: refusal });
  }
  return done;
}

async function isRevoked(step: Step, sender: MlsMember, sentAtMs: number): Promise<boolean> {
  const known = await pinned(step, accountOfMember(sender));
  return known !== undefined && isRevokedBefore(sender, known.list.list, sentAtMs);
}

async function takeCommit(
  step: Step,
  group: GroupLive,
  mls: MlsGroup,
  commit: StagedCommit,
  entry: Entry,
): Promise<Verdict> {
  const { listOf, stale } = await listsFor(step, group, commit);
  const checked = await allowed(step, group, mls, commit, entry, listOf);
  if (checked === "forbidden") return { type: "stopped" };
  if (checked.type === "ask") return { type: "ask", ask: (then) => askLists(step, group, stale, then) };
  if (commit.removesSelf) {
    await beRemoved(step, group, mls, commit);
    return { type: "stopped" };
  }
  const before = group.record;
  await enterEpoch(step, group, step.env.mls.applyCommit(commit));
  await noteAdded(step, group, commit.added);
  await dropPending(step, group);
  const by = accountOfMember(commit.sender);
  await noteTimer(step, group, {
    by,
    before: parseGroupData(before.data).timerSec,
    after: parseGroupData(group.record.data).timerSec,
  });
  await tellChanges(step, group, { by, before, after: group.record, leaving: before.leaving ?? [] });
  return inNewEpoch(step, group, false);
}

/** A Commit was taken in; if it was the one that our leaving waited for, nothing more is read. */
async function inNewEpoch(step: Step, group: GroupLive, ours: boolean): Promise<Verdict> {
  await leaveIfDue(step, group, ours);
  return { type: group.record.state === "joined" ? "new-epoch" : "stopped" };
}

/** Devices that were added need not be added anew: requests from before are answered. */
async function noteAdded(step: Step, group: GroupLive, added: readonly MlsMember[]): Promise<void> {
  const { id } = group.record;
  for (const member of added) {
    const device = deviceOfMember(member);
    step.draft.put(groupNames.rejoined(id, device), nowSec(step));
    for (const order of group.intents.slice()) {
      const intent = await step.draft.item(groupNames.intents(id), order);
      if (intent?.type === "rejoin" && intent.device === device) await settleIntents(step, group, [order]);
    }
  }
}

/**
 * Holds a Commit against the rules. One that breaks them is told, and the group has to be made anew: without whoever sent it if the group's
 * own state, which all members share, forbids it. What only device lists forbid may be the server's doing, which shows us others.
 */
async function allowed(
  step: Step,
  group: GroupLive,
  mls: MlsGroup,
  commit: StagedCommit,
  entry: Entry,
  listOf: ListOf,
): Promise<Checked | "forbidden"> {
  const before = { record: group.record, members: mls.members };
  try {
    return checkCommit(commit, before, listOf);
  } catch (cause) {
    if (!(cause instanceof ValidationError)) throw cause;
    const sender = accountOfMember(commit.sender);
    await addNotice(step, { type: "refused", from: await nameOfAccount(step, sender), code: cause.code });
    await stopAt(step, group, entry, isBrokenAnyhow(commit, before) ? sender : undefined);
    return "forbidden";
  }
}

/** Whether a Commit breaks a rule whatever the device lists say. */
function isBrokenAnyhow(commit: StagedCommit, before: Parameters<typeof checkCommit>[1]): boolean {
  try {
    checkCommit(commit, before, () => undefined);
    return false;
  } catch (cause) {
    if (cause instanceof ValidationError) return true;
    throw cause;
  }
}

/** People and data after a Commit. */
function afterCommit(mls: MlsGroup, { record }: GroupLive, { added, removed, groupData }: StagedCommit) {
  const gone = new Set(removed.map(({ leafIndex }) => leafIndex));
  const members = [...mls.members.filter(({ leafIndex }) => !gone.has(leafIndex)), ...added];
  return { accounts: [...new Set(members.map(accountOfMember))], data: groupData ?? record.data };
}

async function beRemoved(step: Step, group: GroupLive, mls: MlsGroup, commit: StagedCommit): Promise<void> {
  const { own } = step.live;
  const by = accountOfMember(commit.sender);
  const comesBack = commit.added.some(
    (member) => accountOfMember(member) === own.account && deviceOfMember(member) === own.device,
  );
  if (comesBack) {
    // Its Welcome is on its way, to what this Commit makes of the group; should it not come, it is asked for after a while.
    const { accounts, data } = afterCommit(mls, group, commit);
    await loseState(step, group, { why: "commit" });
    return putGroup(step, group, { accounts, data, askedRejoinAtMs: step.env.nowMs() });
  }
  await leaveRemoved(step, group, by);
}

/** Lists as they are known, if they are new enough to say who is who. */
async function listsFor(
  step: Step,
  group: GroupLive,
  commit: StagedCommit,
): Promise<{ readonly listOf: ListOf; readonly stale: readonly string[] }> {
  const lists = new Map<string, ReturnType<ListOf>>();
  const stale: string[] = [];
  const touched = new Set([...commit.added, ...commit.removed].map(accountOfMember));
  for (const account of touched) {
    const known = await pinned(step, account);
    const asked = group.reader.asked.has(account);
    const { list } = known?.list ?? {};
    const isInUse = (member: MlsMember) => list !== undefined && standing(member, list) === "in-use";
    const its = (members: readonly MlsMember[]) => members.filter((one) => accountOfMember(one) === account);
    // What this says otherwise than the list that is known, a newer one may say.
    const settled = its(commit.added).every(isInUse) && !its(commit.removed).some(isInUse);
    if (known !== undefined && (asked || (isFresh(step, known) && settled)))
      lists.set(account, known.list.list);
    else if (asked) throw refused("SOTTO-COMMIT-8", "nobody knows an account that was added");
    else stale.push(account);
  }
  return { listOf: (account) => lists.get(account), stale };
}

async function askLists(
  step: Step,
  group: GroupLive,
  accounts: readonly string[],
  then: (step: Step) => Promise<void>,
): Promise<void> {
  let left = accounts.length;
  for (const account of accounts) {
    const onFound = async (later: Step, found: Found): Promise<void> => {
      // A failure of the network is asked again; an answer, whatever it is, counts.
      if (found.type !== "failed" || found.error.code.startsWith("device_list"))
        group.reader.asked.add(account);
      left -= 1;
      if (left === 0) await then(later);
    };
    await lookUp(step, { account }, onFound, "contact");
  }
}

function refused(id: string, what: string): ValidationError {
  return new ValidationError("message_refused", `${id}: ${what}`);
}
