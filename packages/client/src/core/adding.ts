/** Storing a message at the end of its conversation, whichever way it went, and what that changes about the conversation. */
import { putContact } from "./contacts.ts";
import { contactOf } from "./conversations.ts";
import { bringBack } from "./deciding.ts";
import { putGroup, type GroupLive } from "./groups/state.ts";
import { names, type ContactRecord, type MessagePlace, type MessageRecord } from "./records.ts";
import { nextOrder, type Step } from "./step.ts";

/** Stores a message at the end of a contact's conversation. */
export async function addMessage(
  step: Step,
  contact: ContactRecord,
  message: MessageRecord,
): Promise<MessagePlace> {
  const place = store(step, contact.conversations[0] ?? contact.id, message);
  const after = { ...contact, unread: contact.unread + (message.direction === "in" ? 1 : 0), last: place };
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
  const contact = record.kind === "pair" ? await contactOf(step.draft, record.conversation) : undefined;
  if (contact !== undefined) return addMessage(step, contact, message);
  const place = store(step, record.conversation, message);
  putGroup(step, group, { unread: record.unread + (message.direction === "in" ? 1 : 0), last: place });
  await bringBack(step, { group }, message.sentAt);
  return place;
}

function store(step: Step, conversation: string, message: MessageRecord): MessagePlace {
  const order = nextOrder(step);
  const place = { conversation, order };
  step.draft.putItem(names.messages(conversation), order, message);
  if (message.direction === "in") {
    step.draft.putItem(names.unshown, order, conversation);
    step.draft.putItem(names.unshownIn(conversation), order, true);
  } else {
    step.draft.put(names.sentMessage(message.id), place);
  }
  return place;
}
