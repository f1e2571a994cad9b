/** Storing a message at the end of its conversation, whichever way it went, and what that changes about the conversation. */
import { putContact } from "./contacts.ts";
import { contactOf } from "./conversations.ts";
import { bringBack } from "./deciding.ts";
import { putGroup, type GroupLive } from "./groups/state.ts";
import { notePlace } from "./message-names.ts";
import { names, type ContactRecord, type MessagePlace, type MessageRecord } from "./records.ts";
import { nextOrder, type Step } from "./step.ts";

/** Stores a message of an account at the end of a contact's conversation. */
export async function addMessage(
  step: Step,
  contact: ContactRecord,
  account: string,
  message: MessageRecord,
): Promise<MessagePlace> {
  const place = await store(step, contact.conversations[0] ?? contact.id, account, message);
  const after = { ...contact, unread: contact.unread + unreadOf(message), last: place };
  putContact(step, after);
  await bringBack(step, { contact: after }, message.sentAt);
  return place;
}

/** Stores a message at the end of a group's conversation. */
export async function addGroupMessage(
  step: Step,
  group: GroupLive,
  message: MessageRecord,
): Promise<MessagePlace> {
  const { record } = group;
  const account = message.sender ?? step.live.own.account;
  const contact = record.kind === "pair" ? await contactOf(step.draft, record.conversation) : undefined;
  if (contact !== undefined) return addMessage(step, contact, account, message);
  const place = await store(step, record.conversation, account, message);
  putGroup(step, group, { unread: record.unread + unreadOf(message), last: place, deleted: false });
  await bringBack(step, { group }, message.sentAt);
  return place;
}

const unreadOf = ({ status }: MessageRecord): number => (status === "received" ? 1 : 0);

async function store(
  step: Step,
  conversation: string,
  account: string,
  message: MessageRecord,
): Promise<MessagePlace> {
  const order = nextOrder(step);
  const place = { conversation, order };
  await notePlace(step, { account, id: message.id }, place);
  step.draft.putItem(names.messages(conversation), order, message);
  if (message.status === "received") {
    step.draft.putItem(names.unshown, order, conversation);
    step.draft.putItem(names.unshownIn(conversation), order, true);
  }
  return place;
}
