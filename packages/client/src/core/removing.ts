/**
 * Messages that leave this device: deleted here, or at the end of their time. Their names are kept, so that none comes back.
 */
import { dropThumbnails } from "./attachments/thumbnails.ts";
import { putContact } from "./contacts.ts";
import { contactOf, messageAt, nameOfConversation, placeIn, unlist } from "./conversations.ts";
import { takeExpired } from "./expiry.ts";
import { findConversation } from "./groups/overview.ts";
import { groupNames } from "./groups/records.ts";
import { groupOfConversation, putGroup } from "./groups/state.ts";
import { nameAt } from "./message-names.ts";
import { forgetExcerpts } from "./quotes.ts";
import { dropUnsent } from "./unsent.ts";
import { names, type MessagePlace } from "./records.ts";
import { notify, type Step } from "./step.ts";
import type { View } from "./vault-store.ts";

const pageSize = 500;

/** Removes what is past its time. Begins every batch of steps. */
export async function removeExpired(step: Step): Promise<void> {
  for (;;) {
    const places = await takeExpired(step, pageSize);
    if (places.length === 0) return;
    await removeMessages(step, places);
  }
}

/** Deletes one message on this device. @throws UsageError `usage`. */
export async function deleteHere(step: Step, conversation: string, id: string): Promise<void> {
  const ref = await findConversation(step, conversation);
  await removeMessages(step, [await placeIn(step.draft, ref.conversations, id)]);
}

/** Removes messages, and tells it. */
export async function removeMessages(step: Step, places: readonly MessagePlace[]): Promise<void> {
  const removed = new Map<string, string[]>();
  for (const place of places) {
    const message = await messageAt(step.draft, place);
    if (message === undefined) continue;
    await unlist(step, place);
    await forgetMessage(step, place);
    removed.set(place.conversation, [...(removed.get(place.conversation) ?? []), message.id]);
  }
  for (const [conversation, ids] of removed) {
    await moveLast(step, conversation);
    await tellRemoved(step, conversation, ids);
  }
}

/** Deletes a message and all that is kept of it. Returns whether it had not been shown: counting is for the caller. */
export async function forgetMessage(step: Step, place: MessagePlace): Promise<boolean> {
  const { conversation, order } = place;
  const message = await messageAt(step.draft, place);
  const unshown = (await step.draft.item(names.unshown, order)) !== undefined;
  if (message?.status === "queued") await dropUnsent(step, place, message);
  step.draft.deleteItem(names.messages(conversation), order);
  step.draft.delete(names.envelopes(place));
  step.draft.delete(groupNames.receipts(place));
  if (unshown) {
    step.draft.deleteItem(names.unshown, order);
    step.draft.deleteItem(names.unshownIn(conversation), order);
  }
  const name = message && (await nameAt(step.draft, place, message.id));
  if (name !== undefined) await forgetExcerpts(step, name);
  if (message !== undefined) dropThumbnails(step, place, message);
  return unshown;
}

/** The last message of a conversation is the newest that is left. Where none is, its place stays, so that the conversation does. */
async function moveLast(step: Step, conversation: string): Promise<void> {
  const contact = await contactOf(step.draft, conversation);
  if (contact !== undefined) {
    if (contact.last === undefined || (await messageAt(step.draft, contact.last)) !== undefined) return;
    const last = await newest(step.draft, contact.conversations);
    if (last !== undefined) putContact(step, { ...contact, last });
    return;
  }
  const group = await groupOfConversation(step, conversation);
  const before = group?.record.last;
  if (group === undefined || before === undefined) return;
  if ((await messageAt(step.draft, before)) !== undefined) return;
  const last = await newest(step.draft, [conversation]);
  if (last !== undefined) putGroup(step, group, { last });
}

async function newest(view: View, conversations: readonly string[]): Promise<MessagePlace | undefined> {
  let last: MessagePlace | undefined;
  for (const conversation of conversations) {
    const [item] = await view.page(names.messages(conversation), { reverse: true, limit: 1 });
    if (item !== undefined && item.order > (last?.order ?? -1)) last = { conversation, order: item.order };
  }
  return last;
}

async function tellRemoved(step: Step, conversation: string, ids: readonly string[]): Promise<void> {
  const contact = await contactOf(step.draft, conversation);
  const groupId =
    contact === undefined ? (await groupOfConversation(step, conversation))?.record.id : undefined;
  notify(step, {
    type: "messages_removed",
    conversation: await nameOfConversation(step.draft, contact, conversation),
    ...(groupId !== undefined && { groupId }),
    ids,
  });
}
