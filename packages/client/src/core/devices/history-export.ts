/** The history for a device that was linked: every message that this device keeps, in parts that are sealed and left in side logs. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  HistoryMessageSchema,
  HistoryPartSchema,
  ID_BYTES,
  LIMITS,
  type ConversationState,
  type HistoryMessage,
} from "@sotto/protocol";
import { wireAttachments } from "../attachments/wire.ts";
import { allContacts } from "../people.ts";
import { groupsOf } from "../groups/overview.ts";
import { groupNames, type Receipts } from "../groups/records.ts";
import { putGroup, wakeGroup } from "../groups/state.ts";
import { sideLog } from "../groups/welcoming.ts";
import { tellOwnDevices } from "../profile.ts";
import { bytesOf } from "../hex.ts";
import { names, type MessageRecord } from "../records.ts";
import type { Step } from "../step.ts";
import type { Item } from "../vault-store.ts";
import { conversationState } from "./conversation-sync.ts";
import { accountGroup, sendSync } from "./own-group.ts";
import { contactState } from "./syncing.ts";

const partBytes = 3_000_000;
const pageSize = 500;

/** Tells a linked device all that this one knows: contacts and what was decided first, then the history, part by part. */
export async function shareHistory(step: Step, device: string): Promise<void> {
  const group = accountGroup(step);
  if (group === undefined) return;
  for (const contact of await allContacts(step)) {
    const value = contactState(contact);
    if (value !== undefined) await sendSync(step, { case: "contact", value });
  }
  const profile = await step.draft.get(names.profile);
  if (profile !== undefined) await tellOwnDevices(step, profile);
  for (const value of await conversationStates(step)) await sendSync(step, { case: "conversation", value });
  const parts = await historyParts(step);
  const historyId = step.env.crypto.randomBytes(ID_BYTES);
  for (const [index, bytes] of parts.entries()) {
    const side = await sideLog(step, bytes);
    putGroup(step, group, { tasks: [...group.record.tasks, side.task] });
    await sendSync(step, {
      case: "history",
      value: {
        $typeName: "sotto.v1.HistoryOffer",
        deviceId: bytesOf(device),
        history: side.sideLog,
        part: index + 1,
        parts: parts.length,
        historyId,
      },
    });
  }
  wakeGroup(step, group.record.id);
}

/** Everything that was decided about conversations. */
export async function conversationStates(step: Step): Promise<readonly ConversationState[]> {
  const states = [
    ...(await allContacts(step)).map((contact) => conversationState({ contact }, contact.decided)),
    ...groupsOf(step).map((group) => conversationState({ group }, group.record.decided)),
  ];
  return states.filter((state) => state !== undefined);
}

async function historyParts(step: Step): Promise<readonly Uint8Array[]> {
  const messages: HistoryMessage[] = [];
  for (const contact of await allContacts(step)) {
    if (contact.account === undefined) continue;
    const peer = { case: "peerAccountId", value: bytesOf(contact.account) } as const;
    for (const conversation of contact.conversations) await collect(step, conversation, peer, messages);
  }
  for (const { record } of groupsOf(step)) {
    const where = { case: "groupLogId", value: bytesOf(record.id) } as const;
    await collect(step, record.conversation, where, messages);
  }
  messages.sort((a, b) => (a.order < b.order ? -1 : 1));
  // Counted anew: what this device was told itself lies at places that begin where its own do for the next.
  for (const [place, message] of messages.entries()) message.order = BigInt(place);
  const parts: Uint8Array[] = [];
  let part: HistoryMessage[] = [];
  let bytes = 0;
  let fields = 0;
  const close = (): void => {
    parts.push(toBinary(HistoryPartSchema, create(HistoryPartSchema, { messages: part })));
    part = [];
    bytes = 0;
    fields = 0;
  };
  for (const message of messages) {
    const more = fieldsOf(message);
    if (fields + more > mostFields) close();
    part.push(message);
    bytes += message.body.length * 2 + 128 * more;
    fields += more;
    if (bytes >= partBytes || part.length >= mostPerPart) close();
  }
  if (part.length > 0 || parts.length === 0) close();
  return parts;
}

// A decoder bounds the fields of one message.
const mostPerPart = 1_000;
const mostFields = LIMITS.maxFieldsPerMessage - 1_000;

/** No message has more fields than this: its own, those of what it answers, and of each reaction, receipt and attachment. */
export const fieldsOf = ({ reactions, receipts, attachments }: HistoryMessage): number =>
  26 + 5 * reactions.length + 4 * receipts.length + 14 * attachments.length;

async function collect(
  step: Step,
  conversation: string,
  where: HistoryMessage["conversation"],
  into: HistoryMessage[],
): Promise<void> {
  for (let from = 0; ;) {
    const page = await step.draft.page(names.messages(conversation), { from, limit: pageSize });
    for (const item of page) {
      const { status } = item.value;
      if (status === "queued" || status === "failed") continue;
      into.push(await historyMessage(step, conversation, item, where));
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    from = last.order + 1;
  }
}

/** A message as other devices are told of it, with who has it. */
export async function historyMessage(
  step: Step,
  conversation: string,
  { order, value }: Item<MessageRecord>,
  where: HistoryMessage["conversation"],
): Promise<HistoryMessage> {
  const receipts = await step.draft.get(groupNames.receipts({ conversation, order }));
  return toHistory(order, value, receipts ?? {}, where);
}

function toHistory(
  order: number,
  message: MessageRecord,
  receipts: Receipts,
  conversation: HistoryMessage["conversation"],
): HistoryMessage {
  const { replyTo, edited, reactions = [], attachments = [] } = message;
  return create(HistoryMessageSchema, {
    id: bytesOf(message.id),
    order: BigInt(order),
    conversation,
    outgoing: message.direction === "out",
    body: message.body,
    status: message.status,
    sentAtSec: BigInt(message.sentAt),
    suite: message.suite ?? "classic",
    senderAccountId: message.sender === undefined ? new Uint8Array() : bytesOf(message.sender),
    kind: message.kind ?? "",
    timerSec: message.timer ?? 0,
    ...(replyTo !== undefined && { replyTo: wireQuote(replyTo) }),
    forwarded: message.forwarded === true,
    deleted: message.deleted === true,
    ...(edited !== undefined && { editedAtMs: BigInt(edited.atMs), editId: bytesOf(edited.id) }),
    reactions: reactions.map(({ account, emoji, atMs, id }) => ({
      accountId: bytesOf(account),
      emoji,
      sentAtMs: BigInt(atMs),
      id: bytesOf(id),
    })),
    // Small pictures would make a history large: its device fetches what it wants to show.
    attachments: wireAttachments(attachments),
    receipts: Object.entries(receipts).map(([account, { deliveredAt = 0, readAt = 0 }]) => ({
      accountId: bytesOf(account),
      deliveredAtSec: BigInt(deliveredAt),
      readAtSec: BigInt(readAt),
    })),
    expiresAfterSec: message.expiresAfterSec ?? 0,
    expiresAtSec: BigInt(message.expiresAt ?? 0),
  });
}

function wireQuote({ account, id, excerpt = "" }: NonNullable<MessageRecord["replyTo"]>) {
  return { message: { accountId: bytesOf(account), messageId: bytesOf(id) }, excerpt };
}
