/** What messages of a group come to: shown once, receipts that move a status on, people who leave. */
import type { MlsMember } from "@sotto/crypto";
import { LIMITS, type ErrorCode } from "@sotto/protocol";

import { addGroupMessage } from "../adding.ts";
import { advanceStatus, contactOf, markShownUpTo, toMessage, MESSAGE_IN } from "../conversations.ts";
import { wasDeletedAhead } from "../deleting.ts";
import { takeSync } from "../devices/syncing.ts";
import { addNotice } from "../notices.ts";
import { names, type ContactRecord, type MessagePlace, type MessageRecord } from "../records.ts";
import { notify, type Step } from "../step.ts";
import type { CheckedContent } from "./content.ts";
import { accountOfMember, deviceOfMember } from "./membership.ts";
import { nameOfGroup } from "./naming.ts";
import { queueReceipt } from "./queue.ts";
import { groupNames } from "./records.ts";
import { putGroup, wakeGroup, type GroupLive } from "./state.ts";

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
  switch (body.type) {
    case "text":
      return show(step, group, sender, content, body.text);
    case "unknown":
      return show(step, group, sender, content, unknownLine);
    case "receipt":
      return own ? takeOwnReading(step, group, body) : takeReceipt(step, group, account, body);
    case "leave":
      return noteLeaving(step, group, account);
    case "account-sync":
      if (group.record.kind === "account" && own) await takeSync(step, body.sync);
  }
}

const unknownLine = "[a message of a kind that this version of Sotto cannot show]";

async function show(
  step: Step,
  group: GroupLive,
  sender: MlsMember,
  content: CheckedContent,
  body: string,
): Promise<void> {
  if (group.record.kind === "account") return;
  const account = accountOfMember(sender);
  const own = account === step.live.own.account;
  // Known already: sent from here before this device was put right, or sent twice.
  const known = own ? names.sentMessage(content.id) : names.receivedMessage(account, content.id);
  const before = await step.draft.get(known);
  if (before !== undefined) {
    // Whoever sent it again does not know that it arrived.
    if (!own && tellsReceipts(group)) await queueReceipt(step, before.conversation, "delivered", content.id);
    return;
  }
  const record: MessageRecord = {
    id: content.id,
    direction: own ? "out" : "in",
    body,
    status: own ? "sent" : "received",
    sentAt: Math.floor(content.sentAtMs / 1000),
    suite: "mls",
    sender: account,
    senderDevice: deviceOfMember(sender),
  };
  const place = await addGroupMessage(step, group, record);
  step.draft.put(known, place);
  const contact = await contactOf(step.draft, place.conversation);
  const subject = contact === undefined ? { group } : { contact };
  if (!(await wasDeletedAhead(step, subject, { account, id: content.id }, place))) {
    notify(step, {
      type: "message",
      message: await toMessage(step.draft, step.live.own, contact, place, record),
    });
  }
  if (own) return;
  step.effects.push({ type: "settle", settle: () => step.waiters.resolve(MESSAGE_IN) });
  if (tellsReceipts(group)) await queueReceipt(step, place.conversation, "delivered", content.id);
}

/** The contact of a pair. */
async function contactOfPair(step: Step, group: GroupLive): Promise<ContactRecord | undefined> {
  return group.record.kind === "pair" ? contactOf(step.draft, group.record.conversation) : undefined;
}

/** Whether receipts travel in a group: in small ones, since each goes to everybody. */
export const tellsReceipts = ({ record }: Pick<GroupLive, "record">): boolean =>
  record.kind !== "account" && record.accounts.length <= LIMITS.maxReceiptMembers;

type Receipt = Extract<CheckedContent["body"], { type: "receipt" }>;

async function takeReceipt(step: Step, group: GroupLive, account: string, receipt: Receipt): Promise<void> {
  const { record } = group;
  const others = record.accounts.filter((other) => other !== step.live.own.account);
  for (const id of receipt.ids) {
    const place = await step.draft.get(names.sentMessage(id));
    if (place === undefined || !(await belongs(step, group, place))) continue;
    const before = (await step.draft.get(groupNames.receipts(place))) ?? { delivered: [], read: [] };
    const having = [...new Set([...before[receipt.status], account])];
    const after = { ...before, [receipt.status]: having };
    step.draft.put(groupNames.receipts(place), after);
    const read = new Set(after.read);
    const delivered = new Set([...after.delivered, ...after.read]);
    // In a group a message counts as delivered, or read, when it is by everybody.
    if (others.every((other) => read.has(other))) await advanceStatus(step, place, "read");
    else if (others.every((other) => delivered.has(other))) await advanceStatus(step, place, "delivered");
  }
}

async function belongs(step: Step, group: GroupLive, place: MessagePlace): Promise<boolean> {
  const contact = await contactOfPair(step, group);
  return contact === undefined
    ? place.conversation === group.record.conversation
    : contact.conversations.includes(place.conversation);
}

/** Another device of ours has shown messages: they, and what came before them, count as shown here too. */
async function takeOwnReading(step: Step, group: GroupLive, receipt: Receipt): Promise<void> {
  if (receipt.status !== "read") return;
  const places: MessagePlace[] = [];
  for (const id of receipt.ids) {
    for (const account of group.record.accounts) {
      const place = await step.draft.get(names.receivedMessage(account, id));
      if (place !== undefined && (await belongs(step, group, place))) places.push(place);
    }
  }
  await markShownUpTo(step, places);
}

async function noteLeaving(step: Step, group: GroupLive, account: string): Promise<void> {
  const { record } = group;
  if (record.kind !== "group" || record.leaving?.includes(account) === true) return;
  putGroup(step, group, { leaving: [...(record.leaving ?? []), account] });
  wakeGroup(step, record.id);
}

/** Tells that a message came which does not open. */
export async function showUnreadable(step: Step, group: GroupLive, code: ErrorCode): Promise<void> {
  await addNotice(step, { type: "refused", from: await nameOfGroup(step, group.record), code });
}
