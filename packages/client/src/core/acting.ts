/** What people do with messages that are there: react, edit, take back, see who has them. */
import { UsageError } from "@sotto/protocol";
import type { Message, Receipt } from "../api.ts";
import { deleteBlobsOf } from "./attachments/blob-deletions.ts";
import { accept } from "./accepting.ts";
import { contactOf, messageAt, placeIn, toMessage, type ConversationRef } from "./conversations.ts";
import { findSubject } from "./deciding.ts";
import { isEmoji } from "./emoji.ts";
import { applyChange } from "./groups/changing.ts";
import { checkMlsText } from "./groups/content.ts";
import { findConversation } from "./groups/overview.ts";
import { enqueueMls, newStamp } from "./groups/queue.ts";
import { groupNames } from "./groups/records.ts";
import { tellsReceipts } from "./groups/show.ts";
import { groupOfConversation } from "./groups/state.ts";
import { accountName } from "./message-view.ts";
import { identityChanged } from "./outbox.ts";
import type { MessageName, MessageRecord, NamedPlace } from "./records.ts";
import { removeMessages } from "./removing.ts";
import { checkSendable, isContactBlocked } from "./sending.ts";
import type { Step } from "./step.ts";
import { dropUnsent } from "./unsent.ts";

/** A message that is here. */
interface Found {
  readonly ref: ConversationRef;
  readonly place: NamedPlace;
  readonly message: MessageRecord;
  readonly name: MessageName;
}

async function find(step: Step, conversation: string, id: string): Promise<Found> {
  const ref = await findConversation(step, conversation);
  const place = await placeIn(step.draft, ref.conversations, id);
  const message = await messageAt(step.draft, place);
  if (message === undefined) throw new UsageError("usage", "that message was deleted here");
  return { ref, place, message, name: { account: place.account, id } };
}

/** One message. @throws as Messenger.message. */
export async function oneMessage(step: Step, conversation: string, id: string): Promise<Message> {
  const { ref, place, message } = await find(step, conversation, id);
  return toMessage(step.draft, step.live.own, ref.contact, place, message);
}

/** Reacts to a message. @throws as Messenger.react. */
export async function react(step: Step, conversation: string, id: string, emoji: string): Promise<Message> {
  if (emoji !== "" && !isEmoji(emoji)) throw new UsageError("usage", "a reaction is one emoji");
  const found = await find(step, conversation, id);
  await checkChangeable(step, found);
  const { own } = step.live;
  const before = found.message.reactions?.find(({ account }) => account === own.account);
  if (emoji === (before?.emoji ?? "")) return oneMessage(step, conversation, id);
  const stamp = newStamp(step, before);
  const { name: target } = found;
  // It is an answer.
  await accept(step, await findSubject(step, conversation));
  await applyChange(step, found.place, { type: "reaction", target, by: own.account, stamp, emoji });
  await enqueueMls(step, queueOf(found), { type: "reaction", target, emoji, stamp });
  return oneMessage(step, conversation, id);
}

/** Changes a text. @throws as Messenger.edit. */
export async function edit(step: Step, conversation: string, id: string, body: string): Promise<Message> {
  checkMlsText(body);
  const found = await find(step, conversation, id);
  await checkChangeable(step, found);
  checkOwn(step, found);
  const { message, name: target } = found;
  if (message.kind !== undefined) throw new UsageError("usage", "only texts can be edited");
  if (message.status === "failed") throw new UsageError("usage", "that message was never sent: send it anew");
  if (body === message.body) return oneMessage(step, conversation, id);
  const stamp = newStamp(step, message.edited);
  const by = step.live.own.account;
  await applyChange(step, found.place, { type: "edit", target, by, stamp, text: body });
  await enqueueMls(step, queueOf(found), { type: "edit", target, stamp });
  return oneMessage(step, conversation, id);
}

/** Takes a message back from everybody; one that nobody got is deleted here. @throws as Messenger.deleteMessage. */
export async function deleteForEveryone(step: Step, conversation: string, id: string): Promise<void> {
  const found = await find(step, conversation, id);
  checkOwn(step, found);
  const { message, place, name: target } = found;
  if (message.suite === "mls" && message.deleted === true) return;
  if (message.status === "failed") return removeMessages(step, [place]);
  await checkChangeable(step, found);
  if (message.status === "queued" && (await dropUnsent(step, place, message))) {
    return removeMessages(step, [place]);
  }
  const stamp = newStamp(step, undefined);
  deleteBlobsOf(step, message);
  await applyChange(step, place, { type: "delete", target, by: step.live.own.account, stamp });
  await enqueueMls(step, queueOf(found), { type: "delete", target, stamp });
}

async function checkChangeable(step: Step, { ref, message }: Found): Promise<void> {
  if (message.kind === "timer") throw new UsageError("usage", "that line is no message");
  if (message.suite === undefined) {
    throw new UsageError(
      "suite_unavailable",
      "the classic suite knows texts and receipts only: its messages take no reactions, and cannot be edited or taken back",
    );
  }
  if (message.deleted === true) throw new UsageError("usage", "that message was taken back");
  if (ref.contact !== undefined) {
    if (await isContactBlocked(step, ref.contact)) throw identityChanged();
    return;
  }
  const [conversation] = ref.conversations;
  const group = conversation === undefined ? undefined : await groupOfConversation(step, conversation);
  if (group !== undefined) checkSendable(group);
}

function checkOwn(step: Step, { name }: Found): void {
  if (name.account !== step.live.own.account) {
    throw new UsageError("usage", "only whoever sent a message can change it, or take it back");
  }
}

/** Behind the messages that wait already. */
const queueOf = ({ ref, place }: Found): string => ref.conversations[0] ?? place.conversation;

/** Who has a message. @throws as Messenger.receipts. */
export async function receiptsOf(step: Step, conversation: string, id: string): Promise<readonly Receipt[]> {
  const found = await find(step, conversation, id);
  checkOwn(step, found);
  const { place, message } = found;
  const said = (await step.draft.get(groupNames.receipts(place))) ?? {};
  const contact = await contactOf(step.draft, place.conversation);
  const group = contact === undefined ? await groupOfConversation(step, place.conversation) : undefined;
  const people = contact === undefined ? group && peopleOf(step, group) : [contact.account ?? ""];
  const status = contact === undefined ? "sent" : message.status;
  const receipts: Receipt[] = [];
  for (const account of new Set([...(people ?? []), ...Object.keys(said)])) {
    const { deliveredAt, readAt } = said[account] ?? {};
    const read = readAt !== undefined || status === "read";
    receipts.push({
      identifier: await accountName(step.draft, step.live.own, account),
      accountId: account,
      delivered: deliveredAt !== undefined || read || status === "delivered",
      deliveredAt,
      read,
      readAt,
    });
  }
  return receipts;
}

function peopleOf(step: Step, group: Parameters<typeof tellsReceipts>[0]): readonly string[] {
  if (!tellsReceipts(group)) return [];
  return group.record.accounts.filter((account) => account !== step.live.own.account);
}
