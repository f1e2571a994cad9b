/**
 * What waits to be sent, in order for each contact. The items lie in the vault; the queues in memory only say which ones, so that
 * sending never searches.
 */
import { LIMITS } from "@sotto/protocol";
import { names, type OutboxItem } from "./records.ts";
import { nextOrder, type Step } from "./step.ts";
import type { View } from "./vault-store.ts";

/** What waits for one contact. */
export interface ContactQueue {
  /** Orders of items in the outbox, ascending. The first is under way while `busy`. */
  readonly orders: number[];
  /** Waits for an answer, a lookup or a timer: nobody else may touch the first item. */
  busy: boolean;
  /** Tries of the first item that failed in a row. */
  failures: number;
  /** Waits for the person to acknowledge a change of identity. */
  blocked: boolean;
  /** Copies of the first item that the server refused as often as it was asked, by device: it cannot have them. */
  readonly refused: Set<string>;
  /** Receipts that are not encrypted yet, and so may still grow: orders by device and status. */
  readonly openReceipts: Map<string, number>;
}

/** All queues, and the contacts whose queue has something to look at. */
export interface OutboxState {
  readonly queues: Map<string, ContactQueue>;
  readonly woken: Set<string>;
  /** Contacts that turned out to be others: from → to. */
  readonly merged: Map<string, string>;
}

/** Reads the queues from the vault. */
export async function loadOutbox(view: View): Promise<OutboxState> {
  const outbox: OutboxState = { queues: new Map(), woken: new Set(), merged: new Map() };
  for (const { order, value } of await view.page(names.outbox)) {
    const queue = queueOf(outbox, value.contact);
    queue.orders.push(order);
    if (value.content.type === "receipt" && value.copies === undefined) {
      queue.openReceipts.set(`${value.content.device} ${value.content.status}`, order);
    }
  }
  return outbox;
}

/** A contact's queue, made if there is none. */
export function queueOf(outbox: OutboxState, contact: string): ContactQueue {
  let queue = outbox.queues.get(contact);
  if (queue === undefined) {
    queue = {
      orders: [],
      busy: false,
      failures: 0,
      blocked: false,
      refused: new Set(),
      openReceipts: new Map(),
    };
    outbox.queues.set(contact, queue);
  }
  return queue;
}

/** Has a contact's queue looked at when the steps of this turn are done. */
export function wake(step: Step, contact: string): void {
  step.live.outbox.woken.add(contact);
}

/** The contact that an id stands for now. */
export function presentContact(outbox: OutboxState, contact: string): string {
  let present = contact;
  for (let to = outbox.merged.get(present); to !== undefined; to = outbox.merged.get(present)) present = to;
  return present;
}

/** Has every queue looked at. */
export function wakeAll(step: Step): void {
  for (const contact of step.live.outbox.queues.keys()) wake(step, contact);
}

/** Puts an item at the end of its contact's queue. */
export function enqueue(step: Step, item: OutboxItem): void {
  const order = nextOrder(step);
  step.draft.putItem(names.outbox, order, item);
  queueOf(step.live.outbox, item.contact).orders.push(order);
  wake(step, item.contact);
}

/** Queues a receipt for one message, joining one that was not encrypted yet. */
export async function enqueueReceipt(
  step: Step,
  receipt: {
    readonly contact: string;
    readonly device: string;
    readonly status: "delivered" | "read";
    readonly of: Uint8Array;
    readonly sentAt: number;
  },
): Promise<void> {
  const { contact, device, status, of, sentAt } = receipt;
  const queue = queueOf(step.live.outbox, contact);
  const key = `${device} ${status}`;
  const open = queue.openReceipts.get(key);
  const item = open === undefined ? undefined : await step.draft.item(names.outbox, open);
  if (
    open !== undefined &&
    item?.content.type === "receipt" &&
    item.content.of.length < LIMITS.maxReceiptsPerMessage
  ) {
    const content = { ...item.content, of: [...item.content.of, of] };
    step.draft.putItem(names.outbox, open, { ...item, content });
    return wake(step, contact);
  }
  enqueue(step, { contact, content: { type: "receipt", status, of: [of], device, sentAt } });
  queue.openReceipts.set(key, queue.orders.at(-1) as number);
}

/** Takes a finished item out of its queue. */
export function dequeue(step: Step, contact: string, order: number): void {
  step.draft.deleteItem(names.outbox, order);
  const queue = queueOf(step.live.outbox, contact);
  const index = queue.orders.indexOf(order);
  if (index >= 0) queue.orders.splice(index, 1);
  queue.failures = 0;
  queue.refused.clear();
  if (queue.orders.length === 0) step.live.outbox.queues.delete(contact);
  else wake(step, contact);
}

/** Moves what waits for one contact to another, who turned out to be the same person. */
export async function mergeQueues(step: Step, from: string, to: string): Promise<void> {
  const { outbox } = step.live;
  outbox.merged.set(from, to);
  const moved = outbox.queues.get(from);
  if (moved === undefined) return;
  outbox.queues.delete(from);
  const queue = queueOf(outbox, to);
  for (const order of moved.orders) {
    const item = await step.draft.item(names.outbox, order);
    if (item !== undefined) step.draft.putItem(names.outbox, order, { ...item, contact: to });
    queue.orders.push(order);
  }
  queue.orders.sort((a, b) => a - b);
  queue.refused.clear();
  queue.busy ||= moved.busy;
  wake(step, to);
}
