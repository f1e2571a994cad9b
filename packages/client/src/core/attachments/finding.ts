/** Attachments of messages that are here, as callers name them. */
import { UsageError } from "@sotto/protocol";
import { messageAt, placeIn } from "../conversations.ts";
import { findConversation } from "../groups/overview.ts";
import type { MessagePlace } from "../records.ts";
import type { Step } from "../step.ts";
import { attachmentNames, type AttachmentRecord } from "./records.ts";

/** An attachment that is with the server. @throws UsageError `usage`, and as findConversation(). */
export async function findAttachment(
  step: Step,
  conversation: string,
  id: string,
  index: number,
): Promise<{ readonly place: MessagePlace; readonly attachment: AttachmentRecord }> {
  const place = await placeOf(step, conversation, id);
  const message = await messageAt(step.draft, place);
  const attachment = message?.attachments?.[index];
  if (attachment === undefined) throw new UsageError("usage", "that message has no such attachment");
  if (attachment.digest.length === 0) throw new UsageError("usage", "that attachment was not uploaded yet");
  return { place, attachment };
}

/** The small picture of an attachment. @throws UsageError `usage`. */
export async function thumbnailOf(
  step: Step,
  conversation: string,
  id: string,
  index: number,
): Promise<Uint8Array | undefined> {
  const place = await placeOf(step, conversation, id);
  return step.draft.get(attachmentNames.thumbnail(place, index));
}

/** Where a message lies. @throws UsageError `usage`. */
export async function placeOf(step: Step, conversation: string, id: string): Promise<MessagePlace> {
  const ref = await findConversation(step, conversation);
  return placeIn(step.draft, ref.conversations, id);
}
