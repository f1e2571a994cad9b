/**
 * What others left in our inbox, sealed to our inbox key: Welcomes, and requests of devices that lost their state. Each is stored before
 * the entry is acked, and then waits for whatever it needs: lists, a ratchet tree, another try.
 */
import { openInboxItem } from "@sotto/crypto";
import { toBinary } from "@bufbuild/protobuf";
import {
  LIMITS,
  SealedContentSchema,
  SottoError,
  StorageError,
  ValidationError,
  decode,
  type SealedItem,
} from "@sotto/protocol";
import { addNotice } from "../notices.ts";
import { backoffMs } from "../reconnect.ts";
import { isReady } from "../session.ts";
import { nextOrder, type Step } from "../step.ts";
import type { View } from "../vault-store.ts";
import { takeWelcome } from "./joining.ts";
import { groupNames, type HeldItem } from "./records.ts";
import { takeRejoin } from "./rejoining.ts";

/** What waits, by the order of the item. */
export interface HeldItems {
  readonly orders: number[];
  readonly busy: Set<number>;
  readonly failures: Map<number, number>;
  /** What was fetched for an item: a ratchet tree. */
  readonly trees: Map<number, Uint8Array>;
  /** Accounts that were asked for because of an item. */
  readonly asked: Map<number, Set<string>>;
}

/** What came of an item: dealt with, waiting for something that wakes it, or to be tried again. */
export type ItemVerdict =
  | { readonly type: "done" }
  | { readonly type: "wait" }
  | { readonly type: "again"; readonly error: SottoError };

// Whoever floods us fills no more than this; the sender's server-side quota comes first.
const mostHeld = 2_000;
const mostFailures = 24;

/** Reads from the vault what waits. */
export async function loadHeldItems(view: View): Promise<HeldItems> {
  const orders = (await view.page(groupNames.heldItems)).map(({ order }) => order);
  return { orders, busy: new Set(), failures: new Map(), trees: new Map(), asked: new Map() };
}

/** Opens a sealed item and stores what it holds. */
export async function takeSealed(step: Step, seq: number, item: SealedItem): Promise<void> {
  const { own, heldItems } = step.live;
  try {
    const opened = await openInboxItem(step.env.mlsProvider, own.inboxKey, item);
    const content = decode(SealedContentSchema, opened, LIMITS.maxEntryBytes);
    if (content.content.case === undefined) return;
    if (heldItems.orders.length >= mostHeld)
      throw new ValidationError("quota_exceeded", "too much waits already of what others left here");
    const order = nextOrder(step);
    const bytes = toBinary(SealedContentSchema, { ...content, padding: new Uint8Array() });
    step.draft.putItem(groupNames.heldItems, order, {
      seq,
      content: bytes,
      receivedAtMs: step.env.nowMs(),
    });
    heldItems.orders.push(order);
  } catch (cause) {
    if (!(cause instanceof SottoError) || cause instanceof StorageError) throw cause;
    await addNotice(step, { type: "refused", from: undefined, code: cause.code });
  }
}

/** Goes on with everything that waits for nothing in particular. */
export async function pumpHeldItems(step: Step): Promise<void> {
  const { heldItems } = step.live;
  if (!isReady(step)) return;
  for (const order of [...heldItems.orders]) {
    if (heldItems.busy.has(order)) continue;
    const item = await step.draft.item(groupNames.heldItems, order);
    const verdict = item === undefined ? { type: "done" as const } : await tryItem(step, order, item);
    if (verdict.type === "done") finish(step, order);
    else if (verdict.type === "wait") heldItems.busy.add(order);
    else await retryLater(step, order, verdict.error);
  }
}

async function tryItem(step: Step, order: number, item: HeldItem): Promise<ItemVerdict> {
  const takeBack = step.draft.savepoint();
  try {
    const { content } = decode(SealedContentSchema, item.content, LIMITS.maxEntryBytes);
    switch (content.case) {
      case "welcome":
        return await takeWelcome(step, order, content.value);
      case "rejoin":
        return await takeRejoin(step, order, content.value);
      case undefined:
        return { type: "done" };
    }
  } catch (cause) {
    if (!(cause instanceof SottoError) || cause instanceof StorageError) throw cause;
    takeBack();
    if (cause.code === "internal") return { type: "again", error: cause };
    await addNotice(step, { type: "refused", from: undefined, code: cause.code });
    return { type: "done" };
  }
}

function finish(step: Step, order: number): void {
  const { heldItems } = step.live;
  step.draft.deleteItem(groupNames.heldItems, order);
  const index = heldItems.orders.indexOf(order);
  if (index >= 0) heldItems.orders.splice(index, 1);
  for (const part of [heldItems.busy, heldItems.failures, heldItems.trees, heldItems.asked])
    part.delete(order);
}

/** Has an item tried again after a while; after too many tries it is given up, and that is told. */
export async function retryLater(step: Step, order: number, error: SottoError): Promise<void> {
  const { heldItems } = step.live;
  const failures = (heldItems.failures.get(order) ?? 0) + 1;
  if (failures > mostFailures) {
    await addNotice(step, { type: "refused", from: undefined, code: error.code });
    return finish(step, order);
  }
  heldItems.failures.set(order, failures);
  heldItems.busy.add(order);
  step.effects.push({
    type: "timer",
    name: `held item ${order}`,
    delayMs: Math.max(error.retryAfterMs ?? 0, backoffMs(failures, step.env.random())),
    run: async (later) => goOn(later, order),
  });
}

/** Has an item looked at again: what it waited for is there. */
export function goOn(step: Step, order: number): void {
  step.live.heldItems.busy.delete(order);
}

/** The connection is gone: whatever was asked is asked again. */
export function resetHeldItems(items: HeldItems): void {
  items.busy.clear();
}

/** Whether nothing waits that came up to this seq. */
export const noItemsHeld = (items: HeldItems): boolean => items.orders.length === 0;
