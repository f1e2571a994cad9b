/**
 * Making a group: everybody is added before the server hears of it, so its log begins with the epoch in which all are there. What is left
 * to do with the server is stored with the group.
 */
import { UsageError, toHex, type SottoError } from "@sotto/protocol";
import { accountOf, deviceOf } from "../hex.ts";
import { nowSec, type Step } from "../step.ts";
import { updateEveryMs } from "./adopting.ts";
import { encodeGroupData, type CheckedData } from "./data.ts";
import { findInvitees, isHopeless, type Invitee } from "./inviting.ts";
import { accountOfMember } from "./membership.ts";
import { wakeQueuesOf } from "./queue.ts";
import type { GroupTask } from "./records.ts";
import { addGroup, putGroup, type GroupLive } from "./state.ts";
import { welcomeTasks, joinerOf } from "./welcoming.ts";
import { accessToken } from "./epoch.ts";

/** What becomes of making a group. */
export type Made = { readonly group: GroupLive } | { readonly error: SottoError };

/** What to make. */
export interface NewGroup {
  readonly data: CheckedData;
  /** Accounts of others. */
  readonly accounts: readonly string[];
  /** Of pairs: the contact's list of messages. */
  readonly conversation?: string;
  /** left out: who cannot be added stays out, instead of the whole being given up. */
  readonly unreachable?: "left out";
  /** Asked again when it could be made: a group that was healed meanwhile needs no other in its place. */
  readonly isWanted?: () => boolean;
}

/** The callers who wait until the server has a group. */
export const madeGroup = (id: string): string => `made ${id}`;

/** Makes a group. `then` is called exactly once, in this step or a later one. */
export async function makeGroup(
  step: Step,
  wanted: NewGroup,
  then: (step: Step, made: Made) => Promise<void>,
): Promise<void> {
  const { own } = step.live;
  const accounts = [own.account, ...wanted.accounts.filter((account) => account !== own.account)];
  const asked = accounts.map((account) => ({ account }));
  await findInvitees(step, asked, step.env.ciphersuite, async (later, { invitees, error }) => {
    const stopped = error !== undefined && (wanted.unreachable === undefined || !isHopeless(error));
    if (stopped) return then(later, { error });
    if (wanted.isWanted?.() === false) {
      return then(later, {
        error: new UsageError("group_unknown", "there is nothing any more to make it for"),
      });
    }
    const reached = new Set(invitees.map((invitee) => invitee.account));
    const missing = wanted.accounts.find((account) => account !== own.account && !reached.has(account));
    if (missing !== undefined && wanted.unreachable === undefined) {
      return then(later, {
        error: new UsageError("no_usable_key", "a person has no device that can be in groups"),
      });
    }
    await then(later, { group: await make(later, wanted, invitees) });
  });
}

async function make(step: Step, wanted: NewGroup, invitees: readonly Invitee[]): Promise<GroupLive> {
  const { env, live } = step;
  const groupId = env.crypto.randomBytes(16);
  const id = toHex(groupId);
  const first = await env.mls.createGroup({
    groupId,
    ciphersuite: env.ciphersuite,
    client: { accountId: accountOf(live.own.account), deviceId: deviceOf(live.own.device) },
    signatureKey: live.own.deviceKey,
    groupData: encodeGroupData(wanted.data),
    nowSec: nowSec(step),
  });
  const made =
    invitees.length === 0
      ? { next: first, welcomes: [], tree: new Uint8Array() }
      : await env.mls.commit(first, { add: invitees.map(({ keyPackage }) => keyPackage) });
  const joiners = invitees.map((invitee, i) => joinerOf(step, invitee, made.welcomes[i] as Uint8Array));
  const mls = made.next;
  const token = await accessToken(step, mls);
  const slot = toHex(env.crypto.randomBytes(16));
  const openSlots = [slot, ...joiners.map((joiner) => joiner.slot)].map((one): GroupTask => ({
    type: "open-slot",
    slot: one,
    afterSeq: 0,
  }));
  const welcomes = await welcomeTasks(step, id, { joiners, tree: made.tree }, 0);
  return addGroup(
    step,
    {
      id,
      kind: wanted.data.kind,
      state: "creating",
      ...(wanted.conversation !== undefined && { conversation: wanted.conversation }),
      ciphersuite: env.ciphersuite,
      epoch: mls.epoch,
      token,
      slot,
      cursor: 0,
      data: mls.groupData,
      accounts: [...new Set(mls.members.map(accountOfMember))],
      tasks: [
        { type: "create-log", epoch: mls.epoch, tokenHash: await env.crypto.sha256(token) },
        ...openSlots,
        ...welcomes,
      ],
      updateDueAtMs: env.nowMs() + updateEveryMs,
      sentSinceUpdate: 0,
      ownSent: [],
      unread: 0,
    },
    mls,
  );
}

/** The server has the log: the group is in use. */
export async function noteLogMade(step: Step, group: GroupLive): Promise<void> {
  if (group.record.state === "creating") putGroup(step, group, { state: "joined" });
  const { id } = group.record;
  step.effects.push({ type: "settle", settle: () => step.waiters.resolve(madeGroup(id)) });
  await wakeQueuesOf(step, group);
}
