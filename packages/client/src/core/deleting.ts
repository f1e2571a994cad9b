/**
 * Deleting a conversation: its messages go, on every device of the account; what says which ids came stays, so that none is shown again.
 * Devices order messages differently, so the others are told of everybody the newest message that they may have: it goes, with all before it.
 */
import { create } from "@bufbuild/protobuf";
import {
  ConversationDeletedSchema,
  ID_BYTES,
  LIMITS,
  UsageError,
  toHex,
  type ConversationDeleted,
} from "@sotto/protocol";
import { putContact } from "./contacts.ts";
import { refOf } from "./conversations.ts";
import { decideAbout, findSubject, notifyChange, subjectOf, type Subject } from "./deciding.ts";
import { whereOf } from "./devices/conversation-sync.ts";
import { sendSync } from "./devices/own-group.ts";
import { putGroup } from "./groups/state.ts";
import { bytesOf } from "./hex.ts";
import { findPlace } from "./message-names.ts";
import { forgetMessage } from "./removing.ts";
import { names, type MessagePlace, type MessageRecord } from "./records.ts";
import type { Step } from "./step.ts";
import type { Item } from "./vault-store.ts";

const pageSize = 2_000;
const mostSenders = LIMITS.maxGroupMembers;

/** Deletes a conversation here and on the account's other devices. @throws as Messenger.deleteConversation. */
export async function deleteConversation(step: Step, peer: string): Promise<void> {
  const subject = await findSubject(step, peer);
  if (
    "group" in subject &&
    subject.group.record.state !== "left" &&
    subject.group.record.state !== "removed"
  ) {
    throw new UsageError("usage", "leave the group first");
  }
  await deleteHere(step, subject);
}

/** Deletes everything in a conversation, and tells the other devices. */
export async function deleteHere(step: Step, subject: Subject): Promise<void> {
  const upTo = await newestOfEach(step, subject);
  const reset = { pinned: false, archived: false, markedUnread: false };
  const after = await deleteUpTo(step, await decideAbout(step, subject, reset), Infinity, { draft: "" });
  await tellDeleted(step, after, upTo, false);
}

/** Deletes the messages of a conversation here and on the account's other devices. @throws as Messenger.clearConversation. */
export async function clearConversation(step: Step, peer: string): Promise<void> {
  const subject = await findSubject(step, peer);
  const upTo = await newestOfEach(step, subject);
  await tellDeleted(step, await deleteUpTo(step, subject, Infinity, { cleared: true }), upTo, true);
}

async function tellDeleted(
  step: Step,
  subject: Subject,
  upTo: Awaited<ReturnType<typeof newestOfEach>>,
  cleared: boolean,
): Promise<void> {
  const conversation = whereOf(subject);
  if (conversation === undefined || (upTo.length === 0 && "contact" in subject)) return;
  const value = create(ConversationDeletedSchema, { conversation, upTo: [...upTo], cleared });
  await sendSync(step, { case: "deleted", value });
}

/** Takes in that another of the own devices deleted a conversation. */
export async function takeDeleted(step: Step, deleted: ConversationDeleted): Promise<void> {
  const subject = await subjectOf(step, deleted);
  if (subject === undefined) return;
  let newest = 0;
  for (const { accountId, messageId } of deleted.upTo.slice(0, mostSenders)) {
    if (accountId.length !== ID_BYTES || messageId.length !== ID_BYTES) continue;
    const [account, id] = [toHex(accountId), toHex(messageId)];
    const place = await findPlace(step.draft, { account, id });
    if (place === undefined) step.draft.put(names.deletedAhead(account, id), true);
    else if (refOf(subject).conversations.includes(place.conversation))
      newest = Math.max(newest, place.order);
  }
  await deleteUpTo(step, subject, newest, { cleared: deleted.cleared });
}

/** Whether a message that was stored now had been deleted before it came; then it goes again, with all before it. */
export async function wasDeletedAhead(
  step: Step,
  subject: Subject,
  sent: { readonly account: string; readonly id: string },
  place: MessagePlace,
): Promise<boolean> {
  const ahead = names.deletedAhead(sent.account, sent.id);
  if ((await step.draft.get(ahead)) === undefined) return false;
  step.draft.delete(ahead);
  await deleteUpTo(step, subject, place.order);
  return true;
}

/** Deletes the messages up to an order. Returns the conversation as it is then. */
async function deleteUpTo(
  step: Step,
  subject: Subject,
  upTo: number,
  { cleared = false, ...changes }: { readonly draft?: string; readonly cleared?: boolean } = {},
): Promise<Subject> {
  let unshown = 0;
  let last: MessagePlace | undefined;
  for (const conversation of refOf(subject).conversations) {
    const below = upTo === Infinity ? {} : { below: upTo + 1 };
    for (let from = 0; ;) {
      const page = await step.draft.page(names.messages(conversation), { ...below, from, limit: pageSize });
      for (const { order } of page) if (await forgetMessage(step, { conversation, order })) unshown += 1;
      if (page.length < pageSize) break;
      from = (page.at(-1)?.order ?? 0) + 1;
    }
    const [newest] = await step.draft.page(names.messages(conversation), { reverse: true, limit: 1 });
    if (newest !== undefined && newest.order > (last?.order ?? -1))
      last = { conversation, order: newest.order };
  }
  // Where none is left, the place of the last one keeps a conversation that was cleared in the list.
  const before = "group" in subject ? subject.group.record.last : subject.contact.last;
  const after = withLast(step, subject, {
    ...changes,
    last: last ?? (cleared ? before : undefined),
    unshown,
  });
  notifyChange(step, after, true);
  return after;
}

function withLast(
  step: Step,
  subject: Subject,
  { unshown, ...changes }: { readonly last: MessagePlace | undefined; readonly unshown: number },
): Subject {
  if ("group" in subject) {
    const unread = Math.max(0, subject.group.record.unread - unshown);
    putGroup(step, subject.group, { ...changes, unread, deleted: changes.last === undefined });
    return subject;
  }
  const { contact } = subject;
  const after = { ...contact, ...changes, unread: Math.max(0, contact.unread - unshown) };
  putContact(step, after);
  return { contact: after };
}

/** Of everybody who wrote there lately, the newest message that other devices may have. */
async function newestOfEach(
  step: Step,
  subject: Subject,
): Promise<readonly { readonly accountId: Uint8Array; readonly messageId: Uint8Array }[]> {
  const peer = "contact" in subject ? subject.contact.account : undefined;
  const newest = new Map<string, Item<MessageRecord>>();
  for (const conversation of refOf(subject).conversations) {
    const page = await step.draft.page(names.messages(conversation), { reverse: true, limit: pageSize });
    for (const item of page) {
      const { direction, sender } = item.value;
      const account = direction === "out" ? step.live.own.account : (sender ?? peer);
      if (account === undefined || !isShared(item.value)) continue;
      const before = newest.get(account);
      if (before === undefined || before.order < item.order) newest.set(account, item);
    }
  }
  return [...newest]
    .slice(0, mostSenders)
    .map(([account, { value }]) => ({ accountId: bytesOf(account), messageId: bytesOf(value.id) }));
}

/** Not one that waits, nor a classic one of ours, which no other device gets, nor a line, which each device may have its own of. */
const isShared = ({ direction, suite, status, kind }: MessageRecord): boolean =>
  kind !== "timer" && (direction === "in" || (suite === "mls" && status !== "queued" && status !== "failed"));
