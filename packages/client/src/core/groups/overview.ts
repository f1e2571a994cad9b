/** Groups as the SDK gives them out, and finding one by what people call it. */
import { UsageError, parseId, parseIdentifier } from "@sotto/protocol";
import type { Doctor, Group, GroupMember } from "../../api.ts";
import { findContact, knownContact, peerName, shownName } from "../contacts.ts";
import { refOf, type ConversationRef } from "../conversations.ts";
import type { Engine } from "../engine.ts";
import { connectionState } from "../session.ts";
import type { Step } from "../step.ts";
import { parseGroupData } from "./data.ts";
import { accountOfMember } from "./membership.ts";
import { nameOfGroup } from "./naming.ts";
import { mlsOf, presentOf, type GroupLive } from "./state.ts";

/** The groups of people, newest last: neither those that others took the place of, nor those that were declined, or left and deleted. */
export function groupsOf(step: Pick<Step, "live">): readonly GroupLive[] {
  return [...step.live.groups.byId.values()].filter(
    ({ record }) => record.kind === "group" && record.state !== "replaced" && !isGone(record),
  );
}

const isGone = ({ deleted, declined, state }: GroupLive["record"]): boolean =>
  declined === true || (deleted === true && (state === "left" || state === "removed"));

/** The group of that name or id; undefined when there is none. @throws UsageError `group_ambiguous`. */
export function matchGroup(step: Pick<Step, "live">, text: string): GroupLive | undefined {
  const trimmed = text.trim();
  const groups = groupsOf(step);
  if (parseId(trimmed) !== undefined) {
    const byId = step.live.groups.byId.get(trimmed);
    // Whoever has its old id means the group that goes on.
    if (byId?.record.kind === "group" && !isGone(byId.record)) return presentOf(step, byId);
  }
  // Others give groups their names: one that is called like a person must not get what is meant for that person.
  if (namesPerson(trimmed)) return undefined;
  const named = groups.filter(({ record }) => parseGroupData(record.data).name === trimmed);
  const inUse = named.filter(({ record }) => record.state === "joined" || record.state === "healing");
  const found = inUse.length > 0 ? inUse : named;
  if (found.length > 1) {
    const ids = found.map(({ record }) => record.id).join(", ");
    throw new UsageError("group_ambiguous", `several groups have that name; use an id: ${ids}`);
  }
  return found[0];
}

function namesPerson(text: string): boolean {
  try {
    parseIdentifier(text);
    return true;
  } catch {
    return false;
  }
}

/** The group of that name or id. @throws UsageError `group_unknown`, `group_ambiguous`. */
export async function findGroup(step: Pick<Step, "live">, text: string): Promise<GroupLive> {
  const group = matchGroup(step, text);
  if (group === undefined)
    throw new UsageError("group_unknown", "this device knows no group of that name or id");
  return group;
}

/** The conversation with a peer, or of a group. @throws UsageError `contact_unknown`, `group_ambiguous`. */
export async function findConversation(step: Step, text: string): Promise<ConversationRef> {
  const group = matchGroup(step, text);
  return refOf(group === undefined ? { contact: await knownContact(step.draft, text) } : { group });
}

/** A group as the SDK gives it out. */
export function toGroup(step: Pick<Step, "live">, { record }: GroupLive): Group {
  const data = parseGroupData(record.data);
  const state = record.state === "creating" || record.state === "replaced" ? "joined" : record.state;
  return {
    id: record.id,
    name: data.name,
    epoch: record.epoch,
    state,
    admin: data.admins.includes(step.live.own.account),
    members: record.accounts.length,
    ...(data.picture !== "" && { picture: data.picture }),
  };
}

/** The people of a group. */
export async function groupMembers(step: Step, text: string): Promise<readonly GroupMember[]> {
  const group = await findGroup(step, text);
  const { own } = step.live;
  const data = parseGroupData(group.record.data);
  const leaves = group.record.state === "joined" ? (await mlsOf(step, group)).members : [];
  const members: GroupMember[] = [];
  for (const account of group.record.accounts) {
    const contact = account === own.account ? undefined : await findContact(step.draft, { account });
    members.push({
      identifier:
        account === own.account ? own.identifier : contact === undefined ? account : peerName(contact),
      accountId: account,
      name: contact === undefined ? "" : shownName(contact),
      role: data.admins.includes(account) ? "admin" : "member",
      verified: account === own.account || contact?.verified === true,
      devices: leaves.filter((leaf) => accountOfMember(leaf) === account).length,
      self: account === own.account,
    });
  }
  return members;
}

/** The state of things. */
export function doctor(engine: Engine): Promise<Doctor> {
  return engine.run(async (step) => {
    const { session, groups, queues, outbox, keyPackages, devices } = step.live;
    const queued =
      [...queues.byConversation.values()].reduce((sum, queue) => sum + queue.orders.length, 0) +
      [...outbox.queues.values()].reduce((sum, queue) => sum + queue.orders.length, 0);
    const conversations: Doctor["conversations"][number][] = [];
    for (const { record, intents, pending } of groups.byId.values()) {
      if (record.state === "replaced") continue;
      conversations.push({
        id: record.id,
        name: await nameOfGroup(step, record),
        kind: record.kind,
        epoch: record.epoch,
        members: record.accounts.length,
        state: record.state,
        pending: intents.length + (pending === undefined ? 0 : 1) + record.tasks.length,
      });
    }
    return {
      vault: "open",
      connection: connectionState(session),
      problem: session.problem?.code,
      clockAheadMs: session.clockAheadMs,
      queued,
      keyPackages: { left: keyPackages.left.get("x-wing") },
      linking: devices.jobs.length,
      conversations,
    };
  });
}
