/** A message that could not be sent for good, sent once more: in one change, so that it is there once, whatever happens in between. */
import { UsageError } from "@sotto/protocol";
import type { Message } from "../api.ts";
import type { PreparedFile } from "./attachments/preparing.ts";
import { attachmentNames, type AttachmentRecord } from "./attachments/records.ts";
import { messageAt, placeIn } from "./conversations.ts";
import { findConversation } from "./groups/overview.ts";
import { findPlace } from "./message-names.ts";
import type { MessageName, MessagePlace } from "./records.ts";
import { removeMessages } from "./removing.ts";
import { sendTo } from "./sending.ts";
import type { Step } from "./step.ts";

/** Sends it anew, and removes the one that failed. @throws as Messenger.sendAgain. */
export async function sendAgain(step: Step, conversation: string, id: string): Promise<Message> {
  const { conversations } = await findConversation(step, conversation);
  const place = await placeIn(step.draft, conversations, id);
  const failed = await messageAt(step.draft, place);
  if (failed?.status !== "failed") throw new UsageError("usage", "that message did not fail");
  const { body, suite, replyTo, forwarded, expiresAfterSec = 0, attachments = [] } = failed;
  const files = await Promise.all(attachments.map((one, index) => again(step, place, one, index)));
  const options = {
    suite: suite ?? ("classic" as const),
    ...(suite === "mls" && { expiresAfter: expiresAfterSec }),
    // What it answers may be gone by now.
    ...(replyTo !== undefined && (await isHere(step, replyTo)) && { replyTo: replyTo.id }),
    ...(forwarded === true && { forwarded }),
  };
  const sent = await sendTo(step, conversation, body, options, files);
  await removeMessages(step, [place]);
  return sent;
}

async function isHere(step: Step, name: MessageName): Promise<boolean> {
  const place = await findPlace(step.draft, name);
  return place !== undefined && (await messageAt(step.draft, place)) !== undefined;
}

/** A file that is with the server: what was uploaded of others was deleted there when the message failed. */
async function again(
  step: Step,
  place: MessagePlace,
  record: AttachmentRecord,
  index: number,
): Promise<PreparedFile> {
  if (record.digest.length === 0)
    throw new UsageError("file_changed", "that message's files never reached the server: choose them anew");
  const thumbnail = record.thumbnail && (await step.draft.get(attachmentNames.thumbnail(place, index)));
  return { record, thumbnail, upload: undefined };
}
