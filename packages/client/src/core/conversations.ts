/**
 * Messages as people see them: kept per conversation in the order in which this device met them, shown once, with a status that only
 * moves forward. A page of history reads that page and nothing else.
 */
import type { ErrorCode } from "@sotto/protocol";
import { UsageError } from "@sotto/protocol";
import type { ClientEvent, HistoryOptions, Message, MessageStatus } from "../api.ts";
import { contactOfId, findContact, peerName, putContact, shownName } from "./contacts.ts";
import { startTime } from "./expiry.ts";
import { parseGroupData } from "./groups/data.ts";
import { groupNames, type GroupRecord } from "./groups/records.ts";
import { findIn } from "./message-names.ts";
import { accountName, richMembers, type SelfName } from "./message-view.ts";
import {
  names,
  type ContactRecord,
  type MessagePlace,
  type MessageRecord,
  type NamedPlace,
} from "./records.ts";
import { notify, nowSec, type Step } from "./step.ts";
import type { Item, View } from "./vault-store.ts";

/** The group of callers who wait for a message to come in. */
export const MESSAGE_IN = "message in";

const rank: Record<MessageStatus, number> = {
  queued: 0,
  failed: 1,
  sent: 2,
  delivered: 3,
  received: 3,
  read: 4,
};

/** The message at a place. */
export const messageAt = (view: View, place: MessagePlace): Promise<MessageRecord | undefined> =>
  view.item(names.messages(place.conversation), place.order);

/** The contact that a conversation belongs to. */
export async function contactOf(view: View, conversation: string): Promise<ContactRecord | undefined> {
  const id = await view.get(names.contactOfConversation(conversation));
  return id === undefined ? undefined : contactOfId(view, id);
}

/** Moves an outgoing message's status forward, tells it, and lets go who waited for it. */
export async function advanceStatus(
  step: Step,
  place: MessagePlace,
  status: MessageStatus,
  problem?: ErrorCode,
): Promise<void> {
  const message = await messageAt(step.draft, place);
  if (message === undefined || rank[status] <= rank[message.status]) return;
  const { problem: _, ...rest } = message;
  const changed: MessageRecord = { ...rest, status, ...(problem !== undefined && { problem }) };
  const kept = status === "failed" ? changed : await startTime(step, place, changed, nowSec(step));
  step.draft.putItem(names.messages(place.conversation), place.order, kept);
  const contact = await contactOf(step.draft, place.conversation);
  if (kept !== changed) await tellChanged(step, place, "expiry", kept);
  notify(step, {
    type: "status",
    id: message.id,
    peer: await nameOfConversation(step.draft, contact, place.conversation),
    status,
    ...(problem !== undefined && { problem }),
  });
}

/** What a conversation is shown as: the peer, or the group's name. */
export async function nameOfConversation(
  view: View,
  contact: ContactRecord | undefined,
  conversation: string,
): Promise<string> {
  if (contact !== undefined) return peerName(contact);
  const id = await view.get(groupNames.groupOfConversation(conversation));
  const group = id === undefined ? undefined : await view.get(groupNames.group(id));
  return group === undefined ? "" : parseGroupData(group.data).name;
}

/** Marks incoming messages as shown, at a time in seconds. Returns those that were not before, as they were kept. */
export async function markShown(
  step: Step,
  places: readonly MessagePlace[],
  atSec = nowSec(step),
): Promise<readonly MessageRecord[]> {
  const shown: MessageRecord[] = [];
  for (const place of places) {
    const message = await messageAt(step.draft, place);
    if (message === undefined || !(await unlist(step, place))) continue;
    const read: MessageRecord = { ...message, status: "read" };
    const kept = await startTime(step, place, read, atSec);
    step.draft.putItem(names.messages(place.conversation), place.order, kept);
    if (kept !== read) await tellChanged(step, place, "expiry", kept);
    shown.push(message);
  }
  return shown;
}

/** Takes a message off the lists of those that were not shown; false when it is on none. */
export async function unlist(step: Step, { conversation, order }: MessagePlace): Promise<boolean> {
  if ((await step.draft.item(names.unshown, order)) === undefined) return false;
  step.draft.deleteItem(names.unshown, order);
  step.draft.deleteItem(names.unshownIn(conversation), order);
  const contact = await contactOf(step.draft, conversation);
  if (contact === undefined) await lessUnread(step, conversation);
  else putContact(step, { ...contact, unread: Math.max(0, contact.unread - 1) });
  return true;
}

/** Tells that a message is not what it was. */
export async function tellChanged(
  step: Step,
  place: MessagePlace,
  change: Extract<ClientEvent, { type: "message_changed" }>["change"],
  record: MessageRecord,
): Promise<void> {
  const contact = await contactOf(step.draft, place.conversation);
  const message = await toMessage(step.draft, step.live.own, contact, place, record);
  notify(step, { type: "message_changed", change, message });
}

async function lessUnread(step: Step, conversation: string): Promise<void> {
  const id = await step.draft.get(groupNames.groupOfConversation(conversation));
  const group = id === undefined ? undefined : step.live.groups.byId.get(id);
  if (group === undefined) return;
  group.record = { ...group.record, unread: Math.max(0, group.record.unread - 1) };
  step.draft.put(groupNames.group(group.record.id), group.record);
}

/** Marks messages, and what came before them in their conversations, as shown: another device of ours showed them, at a time in seconds. */
export async function markShownUpTo(
  step: Step,
  places: readonly MessagePlace[],
  atSec: number,
): Promise<void> {
  const newest = new Map<string, number>();
  for (const { conversation, order } of places) {
    newest.set(conversation, Math.max(order, newest.get(conversation) ?? 0));
  }
  for (const [conversation, order] of newest) {
    const unshown = await step.draft.page(names.unshownIn(conversation), { below: order + 1 });
    await markShown(
      step,
      unshown.map((item) => ({ conversation, order: item.order })),
      Math.min(atSec, nowSec(step)),
    );
    if (unshown.length > 0) await notifyShown(step, conversation);
  }
}

async function notifyShown(step: Step, conversation: string): Promise<void> {
  const contact = await contactOf(step.draft, conversation);
  const groupId = await step.draft.get(groupNames.groupOfConversation(conversation));
  const about = contact === undefined && groupId !== undefined ? { groupId } : {};
  notify(step, {
    type: "conversation",
    peer: await nameOfConversation(step.draft, contact, conversation),
    ...about,
  });
}

/** Places of the messages of a conversation that were not shown. */
export async function unshownOf(
  view: View,
  { conversations }: ConversationRef,
): Promise<readonly MessagePlace[]> {
  const places: MessagePlace[] = [];
  for (const conversation of conversations) {
    for (const { order } of await view.page(names.unshownIn(conversation)))
      places.push({ conversation, order });
  }
  return places;
}

/** A conversation: a contact's, or a group's. */
export interface ConversationRef {
  /** Lists of messages, the one in use first. */
  readonly conversations: readonly string[];
  /** Of a conversation with one person. */
  readonly contact: ContactRecord | undefined;
}

/** The conversation with a contact, or of a group. */
export function refOf(
  subject: { readonly contact: ContactRecord } | { readonly group: { readonly record: GroupRecord } },
): ConversationRef {
  if ("contact" in subject) return { conversations: subject.contact.conversations, contact: subject.contact };
  return { conversations: [subject.group.record.conversation], contact: undefined };
}

/** A message as the SDK gives it out. */
export async function toMessage(
  view: View,
  self: SelfName,
  contact: ContactRecord | undefined,
  place: MessagePlace,
  record: MessageRecord,
): Promise<Message> {
  const { id, direction, status, sentAt, problem, suite = "classic" } = record;
  const envelopes = suite === "classic" ? await view.get(names.envelopes(place)) : undefined;
  return {
    id,
    direction,
    ...(await namesIn(view, self, contact, place, record)),
    suite,
    ...(await richMembers(view, self, record)),
    status,
    sentAt,
    ...(problem !== undefined && { problem }),
    ...(envelopes !== undefined && { envelopes }),
  };
}

/** Whose a message is, and where it belongs. */
async function namesIn(
  view: View,
  self: SelfName,
  contact: ContactRecord | undefined,
  place: MessagePlace,
  { direction, sender }: MessageRecord,
): Promise<Pick<Message, "from" | "fromName" | "to" | "conversation" | "groupId">> {
  if (contact !== undefined) {
    const peer = peerName(contact);
    const [from, to] = direction === "in" ? [peer, self.identifier] : [self.identifier, peer];
    const name = direction === "in" ? shownName(contact) : "";
    return { from, to, conversation: peer, ...(name !== "" && { fromName: name }) };
  }
  const groupId = await view.get(groupNames.groupOfConversation(place.conversation));
  const group = groupId === undefined ? undefined : await view.get(groupNames.group(groupId));
  if (groupId === undefined || group === undefined) return { from: "", to: "", conversation: "" };
  const { name } = parseGroupData(group.data);
  const from = await accountName(view, self, sender ?? "");
  const writer = direction === "in" ? await findContact(view, { account: sender ?? "" }) : undefined;
  const fromName = writer === undefined ? "" : shownName(writer);
  return {
    from: direction === "out" ? self.identifier : from,
    to: name,
    conversation: name,
    groupId,
    ...(fromName !== "" && { fromName }),
  };
}

/**
 * A page of a conversation, oldest first: its newest messages, those before one, or those after one.
 * @throws UsageError `usage` for an unknown `before` or `after`, or both.
 */
export async function history(
  view: View,
  self: SelfName,
  { conversations, contact }: ConversationRef,
  { limit, before, after }: HistoryOptions,
): Promise<readonly Message[]> {
  if (before !== undefined && after !== undefined) {
    throw new UsageError("usage", "a page of history is before a message or after one, not both");
  }
  const place = async (id: string): Promise<number> => (await placeIn(view, conversations, id)).order;
  const reverse = after === undefined;
  const page = {
    reverse,
    ...(limit !== undefined && { limit }),
    ...(before !== undefined && { below: await place(before) }),
    ...(after !== undefined && { from: (await place(after)) + 1 }),
  };
  const found: (Item<MessageRecord> & { readonly conversation: string })[] = [];
  for (const conversation of conversations) {
    const items = await view.page(names.messages(conversation), page);
    for (const item of items) found.push({ ...item, conversation });
  }
  found.sort((a, b) => (reverse ? b.order - a.order : a.order - b.order));
  const taken = found.slice(0, limit);
  if (reverse) taken.reverse();
  return Promise.all(
    taken.map(({ conversation, order, value }) =>
      toMessage(view, self, contact, { conversation, order }, value),
    ),
  );
}

/** Where the message of an id lies, or lay. @throws UsageError `usage`. */
export async function placeIn(view: View, conversations: readonly string[], id: string): Promise<NamedPlace> {
  const place = await findIn(view, conversations, id);
  if (place === undefined) throw new UsageError("usage", "that message is not in this conversation");
  return place;
}
