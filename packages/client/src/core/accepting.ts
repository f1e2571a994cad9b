/** Answering requests: accepting one sends the read receipts that were withheld; declining one deletes it, and leaves a group. */
import { LIMITS, UsageError } from "@sotto/protocol";
import { contactOf, refOf } from "./conversations.ts";
import { decideAbout, findSubject, type Subject } from "./deciding.ts";
import { deleteConversation } from "./deleting.ts";
import { decline } from "./groups/declining.ts";
import { sendsReadReceipts } from "./receipts.ts";
import { names, type ContactRecord } from "./records.ts";
import { requester } from "./requests.ts";
import type { Step } from "./step.ts";
import { sendReadReceipt } from "./unshown.ts";

/** Accepts what a conversation is a request for, if it is one. Returns the conversation as it is then. */
export async function accept(step: Step, subject: Subject): Promise<Subject> {
  const wasRequest = (await requester(step.draft, subject)) !== undefined;
  const after = await decideAbout(step, subject, { accepted: true });
  if (wasRequest && (await sendsReadReceipts(step))) await sendWithheld(step, after);
  return after;
}

/** The same with a contact. */
export async function acceptContact(step: Step, contact: ContactRecord): Promise<ContactRecord> {
  const after = await accept(step, { contact });
  return "contact" in after ? after.contact : contact;
}

async function sendWithheld(step: Step, subject: Subject): Promise<void> {
  for (const conversation of refOf(subject).conversations) {
    const contact = await contactOf(step.draft, conversation);
    const newest = await step.draft.page(names.messages(conversation), {
      reverse: true,
      limit: LIMITS.maxReceiptsPerMessage,
    });
    for (const { value } of newest.toReversed()) {
      const { direction, status, kind, deleted } = value;
      if (direction === "in" && status === "read" && kind !== "timer" && deleted === undefined) {
        await sendReadReceipt(step, conversation, contact, value);
      }
    }
  }
}

/** @throws as Messenger.acceptRequest. */
export async function acceptRequest(step: Step, peer: string): Promise<void> {
  await accept(step, await findRequest(step, peer));
}

/** @throws as Messenger.deleteRequest. */
export async function deleteRequest(step: Step, peer: string): Promise<void> {
  const subject = await findRequest(step, peer);
  if ("contact" in subject) return deleteConversation(step, peer);
  await decline(step, subject.group);
}

async function findRequest(step: Step, peer: string): Promise<Subject> {
  const subject = await findSubject(step, peer);
  if ((await requester(step.draft, subject)) === undefined)
    throw new UsageError("usage", "that is no request");
  return subject;
}
