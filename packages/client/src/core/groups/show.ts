/** What messages of a group come to: shown once, receipts that move a status on, people who leave. */
import type { MlsMember } from "@sotto/crypto";
import { LIMITS, ValidationError, type ErrorCode } from "@sotto/protocol";

import { keepThumbnails, withThumbnails } from "../attachments/thumbnails.ts";
import { addGroupMessage } from "../adding.ts";
import {
  advanceStatus,
  contactOf,
  markShownUpTo,
  messageAt,
  tellChanged,
  toMessage,
  MESSAGE_IN,
} from "../conversations.ts";
import { decideAbout } from "../deciding.ts";
import { wasDeletedAhead } from "../deleting.ts";
import { takeSync } from "../devices/syncing.ts";
import { startTime } from "../expiry.ts";
import { findIn, findPlace, isTaken } from "../message-names.ts";
import { addNotice } from "../notices.ts";
import { noteTold, takeName } from "../profile.ts";
import { keptQuote } from "../quotes.ts";
import { names, type MessageName, type MessagePlace, type MessageRecord } from "../records.ts";
import { notify, nowSec, type Step } from "../step.ts";
import { applyEarly, isSameConversation, takeChange } from "./changing.ts";
import type { CheckedContent, TextBody } from "./content.ts";
import { accountOfMember, deviceOfMember } from "./membership.ts";
import { leaveSoon, noteLeaving } from "./leaving.ts";
import { nameOfGroup } from "./naming.ts";
import { noteRefused } from "./links/following.ts";
import { takePicture } from "./pictures.ts";
import { conversationsOf, queueReceipt } from "./queue.ts";
import { groupNames, type Receipts } from "./records.ts";
import type { GroupLive } from "./state.ts";

/** Applies the content of an authentic message. */
export async function applyContent(
  step: Step,
  group: GroupLive,
  sender: MlsMember,
  content: CheckedContent,
): Promise<void> {
  const account = accountOfMember(sender);
  const own = account === step.live.own.account;
  const { body } = content;
  const stamp = { atMs: content.sentAtMs, id: content.id };
  switch (body.type) {
    case "text":
      return show(step, group, sender, content, body);
    case "unknown":
      return show(step, group, sender, content, undefined);
    case "reaction":
      return takeChange(step, group, { ...body, by: account, stamp });
    case "edit":
    case "delete":
      return takeChange(step, group, { ...body, target: { account, id: body.message }, by: account, stamp });
    case "receipt": {
      const atSec = Math.min(nowSec(step), Math.floor(content.sentAtMs / 1000));
      return own ? takeOwnReading(step, group, body, atSec) : takeReceipt(step, group, account, body, atSec);
    }
    case "group-picture":
      return takePicture(step, group, body.image);
    case "join-refused":
      return noteRefused(step, group, account, body.request);
    case "leave":
      if (group.record.kind !== "group") return;
      return own ? leaveSoon(step, group) : noteLeaving(step, group, account);
    case "profile":
      return own ? noteOwnName(step, group, body.name) : takeName(step, account, body);
    case "account-sync":
      if (group.record.kind === "account" && own) {
        await takeSync(step, body.sync, { device: deviceOfMember(sender), sentAtMs: content.sentAtMs });
      }
  }
}

/** Another device of ours told the account's name here. */
async function noteOwnName(step: Step, group: GroupLive, name: string): Promise<void> {
  const contact = await contactOf(step.draft, group.record.conversation);
  if (group.record.kind !== "account") noteTold(step, contact === undefined ? { group } : { contact }, name);
}

const unknownLine = "[a message of a kind that this version of Sotto cannot show]";

async function show(
  step: Step,
  group: GroupLive,
  sender: MlsMember,
  content: CheckedContent,
  text: TextBody | undefined,
): Promise<void> {
  if (group.record.kind === "account" || group.record.declined === true) return;
  const account = accountOfMember(sender);
  const own = account === step.live.own.account;
  const name = { account, id: content.id };
  // Known already: sent from here before this device was put right, or sent twice.
  const before = await findPlace(step.draft, name);
  if (before !== undefined) {
    // Whoever sent it again does not know that it arrived.
    if (!own && tellsReceipts(group)) await queueReceipt(step, before.conversation, "delivered", content.id);
    return;
  }
  if (await isTaken(step.draft, await conversationsOf(step, group), name)) {
    throw new ValidationError(
      "message_refused",
      "SOTTO-CONTENT-2: the message has the id of another of this conversation",
    );
  }
  const files = await withThumbnails(text?.attachments ?? []);
  const record: MessageRecord = {
    id: content.id,
    direction: own ? "out" : "in",
    body: text?.text ?? unknownLine,
    status: own ? "sent" : "received",
    sentAt: Math.floor(content.sentAtMs / 1000),
    suite: "mls",
    sender: account,
    senderDevice: deviceOfMember(sender),
    ...(text === undefined && { kind: "unknown" as const }),
    ...(text?.forwarded !== undefined && { forwarded: text.forwarded }),
    ...(text?.expiresAfterSec !== undefined && { expiresAfterSec: text.expiresAfterSec }),
    ...(files.records.length > 0 && { attachments: files.records }),
  };
  const place = await addGroupMessage(step, group, record);
  keepThumbnails(step, place, files.thumbnails);
  const complete = await completed(step, place, name, record, text);
  const contact = await contactOf(step.draft, place.conversation);
  const subject = contact === undefined ? { group } : { contact };
  if (!(await wasDeletedAhead(step, subject, name, place))) {
    notify(step, {
      type: "message",
      message: await toMessage(step.draft, step.live.own, contact, place, complete),
    });
  }
  // Written by another device of ours: that accepts a request, should it not have said so.
  if (own) return void (await decideAbout(step, subject, { accepted: true }));
  step.effects.push({ type: "settle", settle: () => step.waiters.resolve(MESSAGE_IN) });
  if (tellsReceipts(group)) await queueReceipt(step, place.conversation, "delivered", content.id);
}

/** A message with what depends on its place: what it answers, its time, and changes that came before it. */
async function completed(
  step: Step,
  place: MessagePlace,
  name: MessageName,
  record: MessageRecord,
  text: TextBody | undefined,
): Promise<MessageRecord> {
  let complete = record;
  if (text?.replyTo !== undefined) {
    complete = { ...complete, replyTo: await keptQuote(step, text.replyTo, place) };
  }
  // On the other devices of who sent it, its time runs already.
  if (record.direction === "out") {
    complete = await startTime(step, place, complete, Math.min(nowSec(step), record.sentAt));
  }
  if (complete !== record) step.draft.putItem(names.messages(place.conversation), place.order, complete);
  return (await applyEarly(step, place, name)) ?? complete;
}

/** Whether receipts travel in a group: in small ones, since each goes to everybody. */
export const tellsReceipts = ({ record }: Pick<GroupLive, "record">): boolean =>
  record.kind !== "account" && record.accounts.length <= LIMITS.maxReceiptMembers;

type Receipt = Extract<CheckedContent["body"], { type: "receipt" }>;

async function takeReceipt(
  step: Step,
  group: GroupLive,
  account: string,
  receipt: Receipt,
  atSec: number,
): Promise<void> {
  const { record } = group;
  const { own } = step.live;
  const others = record.accounts.filter((other) => other !== own.account);
  const said = receipt.status === "read" ? "readAt" : "deliveredAt";
  for (const id of receipt.ids) {
    const place = await findPlace(step.draft, { account: own.account, id });
    if (place === undefined || !(await isSameConversation(step, record.conversation, place.conversation)))
      continue;
    const message = await messageAt(step.draft, place);
    if (message === undefined || message.deleted === true) continue;
    const before = (await step.draft.get(groupNames.receipts(place))) ?? {};
    if (before[account]?.[said] !== undefined) continue;
    const after: Receipts = { ...before, [account]: { ...before[account], [said]: atSec } };
    step.draft.put(groupNames.receipts(place), after);
    const has = (other: string) => after[other] !== undefined;
    const read = (other: string) => after[other]?.readAt !== undefined;
    // In a group a message counts as delivered, or read, when it is by everybody.
    if (others.every(read)) await advanceStatus(step, place, "read");
    else if (others.every(has)) await advanceStatus(step, place, "delivered");
    const present = record.kind === "group" ? await messageAt(step.draft, place) : undefined;
    if (present !== undefined) await tellChanged(step, place, "receipt", present);
  }
}

/** Another device of ours has shown messages: they, and what came before them, count as shown here too. */
async function takeOwnReading(step: Step, group: GroupLive, receipt: Receipt, atSec: number): Promise<void> {
  if (receipt.status !== "read") return;
  const { own } = step.live;
  const conversations = await conversationsOf(step, group);
  const places: MessagePlace[] = [];
  for (const id of receipt.ids) {
    const place = await findIn(step.draft, conversations, id);
    if (place !== undefined && place.account !== own.account) places.push(place);
  }
  await markShownUpTo(step, places, atSec);
}

/** Tells that a message came which does not open. */
export async function showUnreadable(step: Step, group: GroupLive, code: ErrorCode): Promise<void> {
  await addNotice(step, { type: "refused", from: await nameOfGroup(step, group.record), code });
}
