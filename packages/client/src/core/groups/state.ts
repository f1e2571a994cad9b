/**
 * The groups in memory: a mirror of their records, the MLS state of those in use, and where reading and sending stand. What is here
 * can be made again from the vault.
 */
import type { MlsDelta, MlsGroup, MlsSnapshot } from "@sotto/crypto";
import { StorageError, type Entry } from "@sotto/protocol";
import { merge } from "../decisions.ts";
import { nextOrder, notify, type Step } from "../step.ts";
import type { View } from "../vault-store.ts";
import { parseGroupData } from "./data.ts";
import { groupNames, type GroupRecord, type PendingCommit } from "./records.ts";

/** Where reading a group's log stands. */
interface GroupReader {
  phase: "detached" | "attaching" | "attached";
  /** The log's newest seq when it was attached, and its epoch then. */
  head: number;
  epoch: number;
  /** The greatest seq that came since. */
  read: number;
  /** Came, and not taken in yet. */
  readonly waiting: Entry[];
  /** Waits for a lookup or a timer. */
  busy: boolean;
  failures: number;
  /** How often the entry at the front failed by a fault of ours. */
  faults: number;
  /** How many messages in a row did not open. */
  unreadable: number;
  /** Accounts whose lists were asked for because of the entry at the front. */
  readonly asked: Set<string>;
  /** Whether everything was taken in that was there when this connection began. */
  caughtUp: boolean;
}

/** A group at work. */
export interface GroupLive {
  record: GroupRecord;
  /** Loaded when it is first needed. */
  mls: MlsGroup | undefined;
  /** The state after our own Commit under way, if it was made in this run. */
  pendingNext: MlsGroup | undefined;
  readonly reader: GroupReader;
  /** A commit of ours is stored; `sent`: it is under way to the server. */
  pending: PendingCommit | undefined;
  commitSent: boolean;
  /** Planning or committing waits for lookups, KeyPackages or a timer. */
  planning: boolean;
  planFailures: number;
  /** Devices without a KeyPackage, and when to ask again. */
  readonly uninvitable: Map<string, number>;
  /** Whether every leaf of this epoch was found to be a device in use, by the lists that are known now. */
  leavesChecked: boolean;
  /** Intents that wait: orders. */
  readonly intents: number[];
  tasksBusy: boolean;
  taskFailures: number;
}

/** Every group, and what is to be looked at. */
export interface GroupsState {
  readonly byId: Map<string, GroupLive>;
  readonly woken: Set<string>;
}

const newReader = (): GroupReader => ({
  phase: "detached",
  head: 0,
  epoch: 0,
  read: 0,
  waiting: [],
  busy: false,
  failures: 0,
  faults: 0,
  unreadable: 0,
  asked: new Set(),
  caughtUp: false,
});

/** Reads the groups from the vault. */
export async function loadGroups(view: View): Promise<GroupsState> {
  const groups: GroupsState = { byId: new Map(), woken: new Set() };
  for (const { value: id } of await view.page(groupNames.groups)) {
    const record = await view.get(groupNames.group(id));
    if (record === undefined) continue;
    const live = newGroupLive(record);
    live.pending = await view.get(groupNames.pending(id));
    for (const { order } of await view.page(groupNames.intents(id))) live.intents.push(order);
    groups.byId.set(id, live);
  }
  return groups;
}

function newGroupLive(record: GroupRecord): GroupLive {
  return {
    record,
    mls: undefined,
    pendingNext: undefined,
    reader: newReader(),
    pending: undefined,
    commitSent: false,
    planning: false,
    planFailures: 0,
    uninvitable: new Map(),
    leavesChecked: false,
    intents: [],
    tasksBusy: false,
    taskFailures: 0,
  };
}

/** Stores a new group with its state. */
export async function addGroup(
  step: Step,
  record: Omit<GroupRecord, "listed" | "conversation"> & { readonly conversation?: string },
  mls: MlsGroup,
): Promise<GroupLive> {
  const live = await addLostGroup(step, record);
  await saveEpoch(step, live, mls);
  return live;
}

/** The same of one that this device has no state of. */
export async function addLostGroup(
  step: Step,
  record: Omit<GroupRecord, "listed" | "conversation"> & { readonly conversation?: string },
): Promise<GroupLive> {
  const listed = nextOrder(step);
  const conversation = record.conversation ?? `g${listed}`;
  const ahead = groupNames.decidedAhead(record.id);
  const decided = merge(record.decided, await step.draft.get(ahead));
  step.draft.delete(ahead);
  const complete: GroupRecord = { ...record, decided, conversation, listed };
  const live = newGroupLive(complete);
  step.draft.putItem(groupNames.groups, listed, record.id);
  step.draft.put(groupNames.group(record.id), complete);
  if (complete.kind !== "pair") step.draft.put(groupNames.groupOfConversation(conversation), record.id);
  step.live.groups.byId.set(record.id, live);
  wakeGroup(step, record.id);
  return live;
}

/** What a group that takes the place of another takes over, beside the messages. */
export function shownOf({
  unread,
  last,
  decided,
  draft,
}: GroupRecord): Pick<GroupRecord, "unread"> & Partial<GroupRecord> {
  return {
    unread,
    ...(last !== undefined && { last }),
    ...(decided !== undefined && { decided }),
    ...(draft !== undefined && { draft }),
  };
}

/** Changes a group's record. */
export function putGroup(step: Step, live: GroupLive, changes: Partial<GroupRecord>): void {
  const { state, data, accounts } = live.record;
  live.record = { ...live.record, ...changes };
  const { id, kind } = live.record;
  step.draft.put(groupNames.group(id), live.record);
  const seen = state !== live.record.state || data !== live.record.data || accounts !== live.record.accounts;
  if (kind !== "group" || !seen) return;
  notify(step, { type: "conversation", peer: parseGroupData(live.record.data).name, groupId: id });
}

/** Has a group looked at when the steps of this turn are done. */
export function wakeGroup(step: Step, id: string): void {
  step.live.groups.woken.add(id);
}

/** Has every group looked at. */
export function wakeGroups(step: Step): void {
  for (const id of step.live.groups.byId.keys()) wakeGroup(step, id);
}

/** The MLS state of a group, from memory or the vault. @throws StorageError `vault_damaged` when it cannot be restored. */
export async function mlsOf(step: Step, live: GroupLive): Promise<MlsGroup> {
  if (live.mls !== undefined) return live.mls;
  const { id } = live.record;
  const base = await step.draft.get(groupNames.state(id));
  if (base === undefined) throw new StorageError("vault_damaged", "the vault holds no state of that group");
  const secrets = await step.draft.page(groupNames.secrets(id));
  live.mls = await step.env.mls.restore(
    { base, secrets: secrets.map(({ order, value }) => ({ id: order, bytes: value })) },
    step.live.own.deviceKey,
  );
  return live.mls;
}

/** Whether nothing is left to bring to the server: no change of the group, and no invitation to it. */
export const isSettled = ({ record, intents, pending }: GroupLive): boolean =>
  (record.state !== "joined" && record.state !== "creating") ||
  (record.tasks.length === 0 && intents.length === 0 && pending === undefined);

/** Stores the state of a new epoch, and deletes every secret of the one before. */
export async function saveEpoch(step: Step, live: GroupLive, mls: MlsGroup): Promise<void> {
  await saveStored(step, live.record.id, step.env.mls.snapshot(mls));
  live.mls = mls;
  live.leavesChecked = false;
}

/** Stores what a snapshot holds in place of what was there. */
async function saveStored(step: Step, id: string, stored: MlsSnapshot): Promise<void> {
  for (const { order } of await step.draft.page(groupNames.secrets(id))) {
    step.draft.deleteItem(groupNames.secrets(id), order);
  }
  step.draft.put(groupNames.state(id), stored.base);
  for (const secret of stored.secrets) step.draft.putItem(groupNames.secrets(id), secret.id, secret.bytes);
}

/** Stores what one message changed: it takes the place of the secrets that the message used up. */
export function saveDelta(step: Step, live: GroupLive, mls: MlsGroup, delta: MlsDelta): void {
  for (const { id, bytes } of delta) step.draft.putItem(groupNames.secrets(live.record.id), id, bytes);
  live.mls = mls;
}

/** Deletes a group's state, since nothing is to be read with it any more; its messages stay. */
export async function dropState(step: Step, live: GroupLive): Promise<void> {
  const { id } = live.record;
  for (const { order } of await step.draft.page(groupNames.secrets(id))) {
    step.draft.deleteItem(groupNames.secrets(id), order);
  }
  step.draft.delete(groupNames.state(id));
  step.draft.delete(groupNames.pending(id));
  live.mls = undefined;
  live.pending = undefined;
  live.pendingNext = undefined;
  // Whatever was under way is of the state that is gone; nothing must wait for it.
  live.commitSent = false;
  live.planning = false;
  live.planFailures = 0;
}

const mostSteps = 64;

/** The group that goes on where this one did: itself, or what took its place. */
export function presentOf(step: Pick<Step, "live">, group: GroupLive): GroupLive {
  let present = group;
  for (let steps = 0; steps < mostSteps && present.record.state === "replaced"; steps++) {
    const next = step.live.groups.byId.get(present.record.successor ?? "");
    if (next === undefined) break;
    present = next;
  }
  return present;
}

/** The group of a conversation that is no contact's. */
export async function groupOfConversation(
  step: Pick<Step, "draft" | "live">,
  conversation: string,
): Promise<GroupLive | undefined> {
  const id = await step.draft.get(groupNames.groupOfConversation(conversation));
  return id === undefined ? undefined : step.live.groups.byId.get(id);
}

/** The pair groups of a contact's conversations that can be sent to, the one that both sides prefer first: the lowest id. */
export function pairGroups(step: Pick<Step, "live">, conversations: readonly string[]): readonly GroupLive[] {
  return [...step.live.groups.byId.values()]
    .filter(
      ({ record }) =>
        record.kind === "pair" &&
        conversations.includes(record.conversation) &&
        ["creating", "joined", "healing"].includes(record.state),
    )
    .toSorted((a, b) => (a.record.id < b.record.id ? -1 : 1));
}
