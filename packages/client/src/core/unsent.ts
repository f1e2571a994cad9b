/** Texts that were deleted before they went out: nothing of them goes out any more. */
import { UsageError } from "@sotto/protocol";
import { deleteBlobsOf } from "./attachments/blob-deletions.ts";
import { dropUploads } from "./attachments/upload-ends.ts";
import { contactOf, messageAt } from "./conversations.ts";
import { dequeueMls } from "./groups/queue.ts";
import { groupNames } from "./groups/records.ts";
import { sentGroup } from "./outbox.ts";
import { dequeue } from "./outbox-queue.ts";
import { names, type MessagePlace, type MessageRecord } from "./records.ts";
import type { Step } from "./step.ts";

/**
 * Takes a text out of the queue, unless it was encrypted already: then the server may have it. True when nobody will ever see it. Whoever
 * waits until it is sent gets an error.
 */
export async function dropUnsent(
  step: Step,
  place: MessagePlace,
  { id, suite }: Pick<MessageRecord, "id" | "suite">,
): Promise<boolean> {
  const dropped = suite === "mls" ? await dropMls(step, place, id) : await dropClassic(step, place, id);
  if (dropped) tellUnsent(step, id);
  return dropped;
}

/** Tells whoever waits that a message will not be sent. */
function tellUnsent(step: Step, id: string): void {
  const error = new UsageError("usage", "the message was deleted before it was sent");
  step.effects.push({ type: "settle", settle: () => step.waiters.reject(sentGroup(id), error) });
}

async function dropMls(step: Step, place: MessagePlace, id: string): Promise<boolean> {
  if (await dropUploads(step, place)) return true;
  const { conversation } = place;
  for (const order of step.live.queues.byConversation.get(conversation)?.orders ?? []) {
    const item = await step.draft.item(groupNames.outbox(conversation), order);
    if (item?.content.type !== "text" || item.content.id !== id || item.sealed !== undefined) continue;
    await dequeueMls(step, conversation, order);
    const message = await messageAt(step.draft, place);
    if (message !== undefined) deleteBlobsOf(step, message);
    return true;
  }
  return false;
}

async function dropClassic(step: Step, place: MessagePlace, id: string): Promise<boolean> {
  const contact = await contactOf(step.draft, place.conversation);
  const queue = contact && step.live.outbox.queues.get(contact.id);
  for (const order of queue?.orders ?? []) {
    const item = await step.draft.item(names.outbox, order);
    if (item?.content.type !== "text" || item.content.id !== id || item.copies !== undefined) continue;
    // The first of the queue may wait for an answer, which then finds it gone.
    dequeue(step, item.contact, order);
    return true;
  }
  return false;
}
