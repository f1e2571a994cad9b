/**
 * What waits to be sent under MLS, in order for each conversation. Items lie in the vault; what lies here says which ones, and what is
 * under way. Receipts join those that were not encrypted yet.
 */
import { LIMITS, toHex } from "@sotto/protocol";
import { contactOf } from "../conversations.ts";
import { names, type MessageRecord, type Stamp } from "../records.ts";
import { nextOrder, type Step } from "../step.ts";
import type { View } from "../vault-store.ts";
import { everyDeviceOf } from "./inviting.ts";
import { groupNames, type MlsItem } from "./records.ts";
import type { GroupLive } from "./state.ts";

/** The queue of one conversation. */
export interface MlsQueue {
  /** Orders of items, ascending. */
  readonly orders: number[];
  /** Encrypted, and not known to be with the server: order → body. */
  readonly sealed: Map<number, Uint8Array>;
  /** Under way to the server. */
  readonly inFlight: Set<number>;
  /** Receipts that may still grow: order by status. */
  readonly openReceipts: Map<"delivered" | "read", number>;
  /** Looking for a group to send in, or waiting after a try that failed. */
  busy: boolean;
  failures: number;
  /** Waits until a change of identity is acknowledged. */
  blocked: boolean;
}

/** All queues, by conversation. */
export interface MlsQueues {
  readonly byConversation: Map<string, MlsQueue>;
  readonly woken: Set<string>;
}

const newQueue = (): MlsQueue => ({
  orders: [],
  sealed: new Map(),
  inFlight: new Set(),
  openReceipts: new Map(),
  busy: false,
  failures: 0,
  blocked: false,
});

/** Reads the queues from the vault. */
export async function loadQueues(view: View): Promise<MlsQueues> {
  const queues: MlsQueues = { byConversation: new Map(), woken: new Set() };
  for (const { value: conversation } of await view.page(groupNames.outboxes)) {
    const queue = newQueue();
    for (const { order, value } of await view.page(groupNames.outbox(conversation))) {
      queue.orders.push(order);
      if (value.sealed !== undefined) queue.sealed.set(order, value.sealed.body);
      else if (value.content.type === "receipt") queue.openReceipts.set(value.content.status, order);
    }
    queues.byConversation.set(conversation, queue);
    queues.woken.add(conversation);
  }
  return queues;
}

/** Puts an item at the end of a conversation's queue. */
export async function enqueueMls(
  step: Step,
  conversation: string,
  content: MlsItem["content"],
): Promise<void> {
  const { queues } = step.live;
  const order = nextOrder(step);
  step.draft.putItem(groupNames.outbox(conversation), order, { content });
  let queue = queues.byConversation.get(conversation);
  if (queue === undefined) {
    queue = newQueue();
    queues.byConversation.set(conversation, queue);
    step.draft.putItem(groupNames.outboxes, order, conversation);
    step.draft.put(groupNames.outboxOf(conversation), order);
  }
  queue.orders.push(order);
  if (content.type === "receipt") queue.openReceipts.set(content.status, order);
  wakeQueue(step, conversation);
}

/** Queues a receipt for one message, joining one that was not encrypted yet. */
export async function queueReceipt(
  step: Step,
  conversation: string,
  status: "delivered" | "read",
  id: string,
): Promise<void> {
  const open = step.live.queues.byConversation.get(conversation)?.openReceipts.get(status);
  const item = open === undefined ? undefined : await step.draft.item(groupNames.outbox(conversation), open);
  if (
    open !== undefined &&
    item?.content.type === "receipt" &&
    item.sealed === undefined &&
    item.content.ids.length < LIMITS.maxReceiptsPerMessage
  ) {
    const content = { ...item.content, ids: [...item.content.ids, id] };
    step.draft.putItem(groupNames.outbox(conversation), open, { ...item, content });
    return wakeQueue(step, conversation);
  }
  await enqueueMls(step, conversation, { type: "receipt", status, ids: [id] });
}

// Whoever has more under way than this without a receipt has lost more than messages.
const mostResent = 500;
/** What a device may lack that another of its account has a receipt for, of the newest that were sent. */
const mostDoubtful = 64;

/**
 * Puts everything that was sent to a peer, and is not known to have arrived, in front of what waits: its log is given up. Whoever has it
 * shows it once, by its id. A receipt is one device's, which may be revoked since: where there are others, which may have left the log before
 * they read so far, or never were in it, the newest messages are sent again whatever receipts say. So are changes of them, for nobody says that those arrived. In a group it is the
 * newest only, since each goes to everybody.
 */
export async function resendUndelivered(step: Step, group: Pick<GroupLive, "record">): Promise<void> {
  const others = await Promise.all(group.record.accounts.map((account) => everyDeviceOf(step, account)));
  const doubtful = others.flat().length > 1 ? mostDoubtful : 0;
  const most = group.record.kind === "pair" ? mostResent : mostDoubtful;
  for (const conversation of await conversationsOf(step, group))
    await resendIn(step, conversation, { most, doubtful });
}

async function resendIn(
  step: Step,
  conversation: string,
  { most, doubtful }: { readonly most: number; readonly doubtful: number },
): Promise<void> {
  const newest = await step.draft.page(names.messages(conversation), { reverse: true, limit: most });
  const known = newest.toReversed().filter(({ value }) => value.suite === "mls");
  const wentOut = known.filter(
    ({ value }) =>
      value.direction === "out" &&
      value.deleted === undefined &&
      value.status !== "queued" &&
      value.status !== "failed",
  );
  const lost = wentOut.filter(({ value }, i) => value.status === "sent" || i >= wentOut.length - doubtful);
  const changes = known.flatMap(({ value }) => ownChanges(step, value));
  if (lost.length === 0 && changes.length === 0) return;
  const waiting: MlsItem["content"][] = [];
  for (const order of step.live.queues.byConversation.get(conversation)?.orders.slice() ?? []) {
    const item = await step.draft.item(groupNames.outbox(conversation), order);
    if (item !== undefined) waiting.push(item.content);
    await dequeueMls(step, conversation, order);
  }
  for (const { order, value } of lost) {
    const place = { conversation, order };
    const sentAtMs = value.sentAt * 1000;
    await enqueueMls(step, conversation, { type: "text", id: value.id, place, sentAtMs });
  }
  const waits = new Set(waiting.map((content) => ("stamp" in content ? content.stamp.id : undefined)));
  for (const change of changes) {
    if (!waits.has(change.stamp.id)) await enqueueMls(step, conversation, change);
  }
  for (const content of waiting) await enqueueMls(step, conversation, content);
}

/** What this account said about a message after it was sent, as it stands now. */
function ownChanges(
  step: Step,
  { id, sender, direction, edited, deleted, reactions = [] }: MessageRecord,
): readonly Extract<MlsItem["content"], { readonly stamp: Stamp }>[] {
  if (sender === undefined) return [];
  const target = { account: sender, id };
  const isOwn = direction === "out";
  if (isOwn && deleted === true) return [{ type: "delete", target, stamp: newStamp(step, undefined) }];
  const own = reactions.find(({ account }) => account === step.live.own.account);
  return [
    ...(isOwn && edited !== undefined ? [{ type: "edit" as const, target, stamp: edited }] : []),
    ...(own === undefined
      ? []
      : [
          {
            type: "reaction" as const,
            target,
            emoji: own.emoji,
            stamp: { atMs: own.atMs, id: own.id },
          },
        ]),
  ];
}

/** Has a queue looked at when the steps of this turn are done. */
export function wakeQueue(step: Step, conversation: string): void {
  step.live.queues.woken.add(conversation);
}

/** Has every queue looked at. */
export function wakeQueues(step: Step): void {
  for (const conversation of step.live.queues.byConversation.keys()) wakeQueue(step, conversation);
}

/** Takes a finished item out. */
export async function dequeueMls(step: Step, conversation: string, order: number): Promise<void> {
  const { queues } = step.live;
  const queue = queues.byConversation.get(conversation);
  step.draft.deleteItem(groupNames.outbox(conversation), order);
  if (queue === undefined) return;
  const index = queue.orders.indexOf(order);
  if (index >= 0) queue.orders.splice(index, 1);
  queue.inFlight.delete(order);
  queue.sealed.delete(order);
  queue.failures = 0;
  closeReceipt(queue, order);
  if (queue.orders.length > 0) return wakeQueue(step, conversation);
  queues.byConversation.delete(conversation);
  const listed = await step.draft.get(groupNames.outboxOf(conversation));
  if (listed !== undefined) step.draft.deleteItem(groupNames.outboxes, listed);
  step.draft.delete(groupNames.outboxOf(conversation));
}

/** A receipt that is encrypted grows no more. */
export function closeReceipt(queue: MlsQueue, order: number): void {
  for (const [status, open] of queue.openReceipts) if (open === order) queue.openReceipts.delete(status);
}

/** Whether everything reached the server that may go there now. */
export const isMlsFlushed = ({ byConversation }: MlsQueues): boolean =>
  [...byConversation.values()].every((queue) => queue.orders.length === 0 || queue.blocked);

/** The connection is gone: nothing is under way any more. */
export function resetQueues({ byConversation }: MlsQueues): void {
  for (const queue of byConversation.values()) {
    queue.inFlight.clear();
    queue.busy = false;
  }
}

/** When something is said now: later than what was said before. */
export function newStamp(step: Step, before: Stamp | undefined): Stamp {
  return { atMs: Math.max(step.env.nowMs(), (before?.atMs ?? 0) + 1), id: freshId(step) };
}

/** A fresh id for a message: 16 bytes in hexadecimal. */
export const freshId = (step: Step): string => toHex(step.env.crypto.randomBytes(16));

/** The conversations whose queues may be sent in a group. */
export async function conversationsOf(
  step: Step,
  group: Pick<GroupLive, "record">,
): Promise<readonly string[]> {
  const contact = await contactOf(step.draft, group.record.conversation);
  return contact?.conversations ?? [group.record.conversation];
}

/** Has the queues looked at that may be sent in a group. */
export async function wakeQueuesOf(step: Step, group: Pick<GroupLive, "record">): Promise<void> {
  for (const conversation of await conversationsOf(step, group)) wakeQueue(step, conversation);
}
