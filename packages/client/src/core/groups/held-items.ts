/** What others left in our inbox and what waits: for lists, a ratchet tree, or another try. */
import type { SottoError } from "@sotto/protocol";
import { addNotice } from "../notices.ts";
import { pauseMs } from "../reconnect.ts";
import type { Step } from "../step.ts";
import type { View } from "../vault-store.ts";
import { groupNames } from "./records.ts";

const mostFailures = 24;
const lookAgainMs = 2_000;

/** An invitation that waits since the device which sent it was revoked: others were asked to let us in. */
interface Doubted {
  readonly log: string;
  readonly epoch: number;
  /** Who decides in the group, as it says. */
  readonly deciders: readonly string[];
  /** -Infinity: they are about to be asked for the first time. */
  readonly askedAtMs: number;
}

/** What waits, by the order of the item. */
export interface HeldItems {
  readonly orders: number[];
  readonly busy: Set<number>;
  readonly failures: Map<number, number>;
  /** What was fetched for an item: a ratchet tree. */
  readonly trees: Map<number, Uint8Array>;
  /** Accounts that were asked for because of an item. */
  readonly asked: Map<number, Set<string>>;
  readonly doubted: Map<number, Doubted>;
}

/** What came of an item: dealt with, waiting for something that wakes it, or to be tried again. */
export type ItemVerdict =
  | { readonly type: "done" }
  | { readonly type: "wait" }
  | { readonly type: "again"; readonly error: SottoError };

/** Reads from the vault what waits. */
export async function loadHeldItems(view: View): Promise<HeldItems> {
  const orders = (await view.page(groupNames.heldItems)).map(({ order }) => order);
  return {
    orders,
    busy: new Set(),
    failures: new Map(),
    trees: new Map(),
    asked: new Map(),
    doubted: new Map(),
  };
}

/** An item is dealt with. */
export function finishItem(step: Step, order: number): void {
  const { heldItems } = step.live;
  step.draft.deleteItem(groupNames.heldItems, order);
  const index = heldItems.orders.indexOf(order);
  if (index >= 0) heldItems.orders.splice(index, 1);
  const { busy, failures, trees, asked, doubted } = heldItems;
  for (const part of [busy, failures, trees, asked, doubted]) part.delete(order);
}

/** Has an item tried again after a while; after too many tries it is given up, and that is told. */
export async function retryLater(step: Step, order: number, error: SottoError): Promise<void> {
  const { heldItems } = step.live;
  const failures = (heldItems.failures.get(order) ?? 0) + 1;
  if (failures > mostFailures) {
    await addNotice(step, { type: "refused", from: undefined, code: error.code });
    return finishItem(step, order);
  }
  heldItems.failures.set(order, failures);
  heldItems.busy.add(order);
  step.effects.push({
    type: "timer",
    name: `held item ${order}`,
    delayMs: pauseMs(failures, error.retryAfterMs, step.env.random()),
    run: async (later) => goOn(later, order),
  });
}

/** Has an item looked at again in a moment: something has to come first. */
export function lookAgainLater(step: Step, order: number, delayMs = lookAgainMs): ItemVerdict {
  step.effects.push({
    type: "timer",
    name: `look ${order}`,
    delayMs,
    run: async (later) => goOn(later, order),
  });
  return { type: "wait" };
}

/** Has an item looked at again: what it waited for is there. */
export function goOn(step: Step, order: number): void {
  step.live.heldItems.busy.delete(order);
}

/** The same, for what may be called in the very step in which the item is put aside. */
export function goOnSoon(step: Step, order: number): void {
  step.effects.push({
    type: "timer",
    name: `go on ${order}`,
    delayMs: 0,
    run: async (later) => goOn(later, order),
  });
}

/** The connection is gone: whatever was asked is asked again. */
export function resetHeldItems(items: HeldItems): void {
  items.busy.clear();
}

/** Whether nothing waits that came up to this seq. */
export const noItemsHeld = (items: HeldItems): boolean => items.orders.length === 0;
