/**
 * Changing a group: what is wanted is compared with what is, made into one Commit, and stored with the state that follows before it is
 * sent. The log says which Commit of an epoch won; whoever lost looks anew at what is still wanted, on top of the winner.
 */
import type { MlsMember } from "@sotto/crypto";
import { EntryKind, LIMITS, UsageError, equalBytes, toHex, type SottoError } from "@sotto/protocol";
import { pinned } from "../directory.ts";
import { bytesOf } from "../hex.ts";
import { pauseMs } from "../reconnect.ts";
import { isReady, request, type Answer } from "../session.ts";
import { nowSec, type Step } from "../step.ts";
import { groupEntry } from "./content.ts";
import { encodeGroupData, mostInvites, parseGroupData, type CheckedData, type Invite } from "./data.ts";
import { findInvitees, isHopeless, type Invitee, type Wanted } from "./inviting.ts";
import { deviceChanges, isHalfMade, listedForMs, removable, unheardOf } from "./leaves.ts";
import { accountOfMember, deviceOfMember, isOwnerless, mayChange } from "./membership.ts";
import { groupNames, type Intent, type PendingCommit } from "./records.ts";
import { mlsOf, saveDelta, wakeGroup, type GroupLive } from "./state.ts";
import { joinerOf, tellMembers } from "./welcoming.ts";
import { isLive } from "./level.ts";
import { accessToken } from "./epoch.ts";
import { loseState } from "./losing.ts";
import { settleIntents } from "./pending.ts";

/** A device that could not be added, for want of a KeyPackage, is not asked for again before this time; sooner when messages wait for it. */
const retryInviteMs = 600_000;
const retryHeldUpMs = 15_000;
/** One that came onto its list just now publishes KeyPackages a moment later: then it is asked for soon, and ever more seldom. */
const retryNewMs = 3_000;
/** So many KeyPackages and a full UpdatePath stay below the limit of a Commit. */
const mostAddedAtOnce = 250;
const updateEverySent = 200;

/** What is to be changed in a group now. */
interface Plan {
  readonly wanted: readonly Wanted[];
  readonly remove: readonly MlsMember[];
  /** Accounts whose last leaf, if it is among those, waits for another device of theirs to come in. */
  readonly awaited: ReadonlySet<string>;
  /** Those of them that are to come in anew with the same Commit, or to stay. */
  readonly comeBack: readonly MlsMember[];
  readonly data: CheckedData | undefined;
  readonly update: boolean;
  readonly intents: readonly number[];
}

/** Goes on with what is wanted, if anything is and nothing is under way. */
export async function pumpChanges(step: Step, group: GroupLive): Promise<void> {
  if (!isReady(step) || !isLive(group) || group.planning) return;
  if (group.pending !== undefined) return sendPending(step, group, group.pending);
  if (await isHalfMade(step, group, await mlsOf(step, group))) {
    return loseState(step, group, { why: "own", silent: true });
  }
  const plan = await planOf(step, group);
  if (plan === undefined) return;
  group.planning = true;
  const { epoch } = group.record;
  await findInvitees(step, plan.wanted, group.record.ciphersuite, async (later, { invitees, error }) => {
    group.planning = false;
    // What was planned for another epoch is looked at anew.
    const isOver = !isLive(group) || group.record.epoch !== epoch;
    if (isOver || group.pending !== undefined) return wakeGroup(later, group.record.id);
    const mls = await mlsOf(later, group);
    const room = LIMITS.maxGroupDevices - mls.members.length;
    const most = Math.max(0, Math.min(mostAddedAtOnce, room));
    const joiners = invitees.slice(0, most);
    const joining = new Set(joiners.map(({ account }) => account));
    const found = new Set(joiners.map(({ device }) => toHex(device.deviceId)));
    // Whoever cannot be let in anew is not thrown out for it: they would know nothing that leads them back.
    const stays = (member: MlsMember) => plan.comeBack.includes(member) && !found.has(deviceOfMember(member));
    const due = plan.remove.filter((member) => !stays(member));
    const remove = removable(group, mls, due, joining, plan);
    const worthIt = invitees.length > 0 || remove.length > 0 || plan.data !== undefined || plan.update;
    const heldUp = remove.length < due.length;
    // A question that got lost says nothing about who can be added: it is asked again.
    const isAnswered = error === undefined || isHopeless(error);
    const retryMs = heldUp ? retryHeldUpMs : retryInviteMs;
    const missingMs = isAnswered
      ? await noteMissing(later, group, plan.wanted, invitees, retryMs)
      : undefined;
    if (heldUp || missingMs !== undefined) lookAgain(later, group, missingMs ?? retryMs);
    if (error !== undefined && !worthIt) return setback(later, group, error);
    // What waits to be sent waits on when a removal is held up; to look at it again would only bring us back here.
    if (!worthIt && heldUp && plan.intents.length === 0) return undefined;
    if (!worthIt) return settleIntents(later, group, plan.intents, noKey());
    await makeCommit(later, group, { ...plan, remove }, joiners, {
      complete: error === undefined && (invitees.length <= most || most === room),
    });
  });
}

/** Whether a Commit is due before messages go out in a pair: devices are missing, or are to be removed. */
export async function isChangeDue(step: Step, group: GroupLive): Promise<boolean> {
  if (group.planning || group.pending !== undefined || group.intents.length > 0) return true;
  const { wanted, remove } = await deviceChanges(step, group, await mlsOf(step, group));
  return wanted.length > 0 || remove.length > 0;
}

async function planOf(step: Step, group: GroupLive): Promise<Plan | undefined> {
  const mls = await mlsOf(step, group);
  const { record } = group;
  const before = parseGroupData(record.data);
  const { wanted, remove, awaited } = await deviceChanges(step, group, mls);
  const accounts = new Set(mls.members.map(accountOfMember));
  let data = before;
  let update = record.sentSinceUpdate >= updateEverySent || record.updateDueAtMs <= step.env.nowMs();
  const orders: number[] = [];
  const comeBack: MlsMember[] = [];
  for (const order of group.intents.slice()) {
    const intent = await step.draft.item(groupNames.intents(record.id), order);
    if (intent === undefined) continue;
    const admins = adminsWith(data, intent, accounts);
    const leaderless = data.kind === "group" && !admins.some((admin) => accounts.has(admin));
    if (leaderless || !mayChange(before, record.leaving ?? [], step.live.own.account, intent)) {
      await settleIntents(step, group, [order], forbidden());
      continue;
    }
    orders.push(order);
    data = { ...data, admins };
    if (intent.type === "add") {
      // Asked for twice, perhaps on two devices: they are added once.
      const gone = intent.unlessGone === true ? (record.gone ?? []) : [];
      const known = new Set([...accounts, ...wanted.map(({ account }) => account), ...gone]);
      for (const account of intent.accounts) if (!known.has(account)) wanted.push({ account });
    } else if (intent.type === "remove") {
      const gone = mls.members.filter((member) => intent.accounts.includes(accountOfMember(member)));
      remove.push(...gone.filter((member) => !remove.includes(member)));
      for (const account of intent.accounts) awaited.delete(account);
    } else if (intent.type === "rename") {
      data = { ...data, name: intent.name };
    } else if (intent.type === "picture") {
      data = { ...data, picture: intent.sha256 };
    } else if (intent.type === "timer") {
      data = { ...data, timerSec: intent.seconds };
    } else if (intent.type === "invite" || intent.type === "revoke-invite") {
      data = { ...data, invites: invitesWith(data.invites, intent, nowSec(step)) };
    } else if (intent.type === "rejoin") {
      const { account, device } = intent;
      const leaf = mls.members.find((m) => accountOfMember(m) === account && deviceOfMember(m) === device);
      if (leaf === undefined) continue;
      if (!remove.includes(leaf)) {
        remove.push(leaf);
        comeBack.push(leaf);
      }
      wanted.push({ account, devices: [device] });
    } else if (intent.type === "update") {
      update = true;
    }
  }
  data = { ...data, admins: adminsAfter(step, group, data, remove, [...accounts]) };
  const changed = !equalBytes(encodeGroupData(data), record.data);
  const something = wanted.length > 0 || remove.length > 0 || changed || update;
  if (!something) {
    // All that was wanted is so already: somebody else did it.
    await settleIntents(step, group, orders);
    return undefined;
  }
  return { wanted, remove, awaited, comeBack, data: changed ? data : undefined, update, intents: orders };
}

/** The links after a change that was wanted; what is over goes with it. */
function invitesWith(
  invites: readonly Invite[],
  intent: Extract<Intent, { readonly type: "invite" | "revoke-invite" }>,
  now: number,
): readonly Invite[] {
  const secret = intent.type === "invite" ? intent.invite.secret : intent.secret;
  const others = invites.filter((one) => one.secret !== secret && one.expiresAt > now);
  return (intent.type === "invite" ? [...others, intent.invite] : others).slice(-mostInvites);
}

/** The admins after a change that was wanted. */
function adminsWith(data: CheckedData, intent: Intent, accounts: ReadonlySet<string>): readonly string[] {
  if (intent.type !== "remove" && intent.type !== "admins") return data.admins;
  const others = data.admins.filter((admin) => !intent.accounts.includes(admin));
  const isNew = intent.type === "admins" && intent.admin;
  return isNew ? [...others, ...intent.accounts.filter((account) => accounts.has(account))] : others;
}

/** Those who leave are admins no more; were they all, everybody who is left becomes one. */
function adminsAfter(
  step: Step,
  { record }: GroupLive,
  data: CheckedData,
  remove: readonly MlsMember[],
  accounts: readonly string[],
): readonly string[] {
  const { leaving = [] } = record;
  const ownerless = isOwnerless(data, leaving);
  if (!ownerless && !data.admins.includes(step.live.own.account)) return data.admins;
  if (!remove.some((member) => leaving.includes(accountOfMember(member)))) return data.admins;
  const stays = (account: string) => !leaving.includes(account);
  return ownerless ? accounts.filter(stays) : data.admins.filter(stays);
}

/** Notes which devices cannot be added, and need not be asked for again before a while. Returns in how many milliseconds the first of all is. */
async function noteMissing(
  step: Step,
  group: GroupLive,
  wanted: readonly Wanted[],
  invitees: readonly Invitee[],
  retryMs: number,
): Promise<number | undefined> {
  const now = step.env.nowMs();
  const found = new Set(invitees.map(({ device }) => toHex(device.deviceId)));
  for (const { account, devices = [] } of wanted) {
    const listed = (await pinned(step, account))?.list.list.devices ?? [];
    for (const device of devices.filter((one) => !found.has(one))) {
      const known = listed.find(({ deviceId }) => toHex(deviceId) === device);
      const ageMs = known === undefined ? retryMs : listedForMs(step, known);
      group.uninvitable.set(device, now + Math.min(retryMs, Math.max(retryNewMs, ageMs)));
    }
  }
  const waits = [...group.uninvitable.values()].filter((atMs) => atMs > now);
  return waits.length === 0 ? undefined : Math.min(...waits) - now;
}

async function makeCommit(
  step: Step,
  group: GroupLive,
  plan: Plan,
  invitees: readonly Invitee[],
  { complete }: { readonly complete: boolean },
): Promise<void> {
  const mls = await mlsOf(step, group);
  // Whoever is already in, under another leaf that stays, is not added twice.
  const staying = new Set(mls.members.filter((member) => !plan.remove.includes(member)).map(deviceOfMember));
  const joining = invitees.filter(({ device }) => !staying.has(toHex(device.deviceId)));
  const made = await step.env.mls.commit(mls, {
    add: joining.map(({ keyPackage }) => keyPackage),
    remove: plan.remove.map((member) => member.leafIndex),
    ...(plan.data !== undefined && { groupData: encodeGroupData(plan.data) }),
  });
  saveDelta(step, group, made.group, made.delta);
  const pending: PendingCommit = {
    epoch: group.record.epoch,
    body: groupEntry(made.commit),
    next: step.env.mls.snapshot(made.next),
    nextToken: await accessToken(step, made.next),
    joiners: joining.map((invitee, index) => joinerOf(step, invitee, made.welcomes[index] as Uint8Array)),
    tree: made.tree,
    intents: await carriedOut(step, group, plan, joining, complete),
    tasks: await tellMembers(step, group, await unheardOf(step, group, mls, plan.remove)),
  };
  step.draft.put(groupNames.pending(group.record.id), pending);
  group.pending = pending;
  group.pendingNext = made.next;
  await sendPending(step, group, pending);
}

/**
 * Which wanted changes a Commit carries out. People who are not among those who join come with a later one; when there is nothing to add
 * them with, whoever waits is told.
 */
async function carriedOut(
  step: Step,
  group: GroupLive,
  plan: Plan,
  invitees: readonly Invitee[],
  complete: boolean,
): Promise<readonly number[]> {
  const joining = new Set(invitees.map(({ account }) => account));
  const devices = new Set(invitees.map(({ device }) => toHex(device.deviceId)));
  const isIn = (intent: Intent | undefined): boolean => {
    if (intent?.type === "rejoin") return devices.has(intent.device);
    if (intent?.type !== "add") return true;
    return intent.accounts.every(
      (account) => joining.has(account) || group.record.accounts.includes(account),
    );
  };
  const orders: number[] = [];
  for (const order of plan.intents) {
    const intent = await step.draft.item(groupNames.intents(group.record.id), order);
    if (isIn(intent)) orders.push(order);
    else if (complete) await settleIntents(step, group, [order], noKey());
  }
  return orders;
}

/** Sends a Commit of ours; before it, the slots of those who join, so that nothing after it is deleted before they read it. */
async function sendPending(step: Step, group: GroupLive, pending: PendingCommit): Promise<void> {
  if (group.commitSent || pending.epoch !== group.record.epoch) return;
  group.commitSent = true;
  const { id, epoch, token } = group.record;
  for (const { slot } of pending.joiners) {
    request(
      step,
      (number) => ({
        case: "openSlot",
        value: {
          $typeName: "sotto.v1.OpenSlot",
          request: number,
          logId: bytesOf(id),
          slotId: bytesOf(slot),
          accessToken: token,
          epoch: BigInt(epoch),
        },
      }),
      async () => {},
    );
  }
  const nextTokenHash = await step.env.crypto.sha256(pending.nextToken);
  request(
    step,
    (number) => ({
      case: "append",
      value: {
        $typeName: "sotto.v1.Append",
        request: number,
        logId: bytesOf(id),
        accessToken: token,
        epoch: BigInt(epoch),
        kind: EntryKind.COMMIT,
        body: pending.body,
        nextTokenHash,
        wakes: false,
      },
    }),
    async (later, answer) => onAnswer(later, group, answer),
  );
}

/** Taken: the log brings it back, in its place. Refused: somebody else was first, and the log brings theirs. */
async function onAnswer(step: Step, group: GroupLive, answer: Answer): Promise<void> {
  if (answer.type !== "refused" || answer.error.code === "epoch_ended") return;
  group.commitSent = false;
  group.planning = true;
  await setback(step, group, answer.error);
}

async function setback(step: Step, group: GroupLive, error: SottoError): Promise<void> {
  if (!isReady(step)) return;
  group.planning = true;
  group.planFailures += 1;
  step.effects.push({
    type: "timer",
    name: `changes ${group.record.id}`,
    delayMs: pauseMs(group.planFailures, error.retryAfterMs, step.env.random()),
    run: async (later) => {
      group.planning = false;
      wakeGroup(later, group.record.id);
    },
  });
}

function lookAgain(step: Step, group: GroupLive, delayMs: number): void {
  step.effects.push({
    type: "timer",
    name: `held up ${group.record.id}`,
    delayMs,
    run: async (later) => wakeGroup(later, group.record.id),
  });
}

function forbidden(): UsageError {
  return new UsageError("group_forbidden", "only admins of that group may do this, and it needs one");
}

function noKey(): UsageError {
  return new UsageError("no_usable_key", "none of their devices can be added to a group");
}
