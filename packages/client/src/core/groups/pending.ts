/** Changes that somebody wants, and our Commit under way: stored until they are carried out or given up. */
import type { SottoError } from "@sotto/protocol";
import { nextOrder, type Step } from "../step.ts";
import { wakeQueuesOf } from "./queue.ts";
import { groupNames, type Intent } from "./records.ts";
import { wakeGroup, type GroupLive } from "./state.ts";

/** The callers who wait until a wanted change was committed. */
export const intentGroup = (order: number): string => `intent ${order}`;

/** Stores a wanted change; it is committed as soon as that can be. Returns its order. */
export function addIntent(step: Step, group: GroupLive, intent: Intent): number {
  const order = nextOrder(step);
  step.draft.putItem(groupNames.intents(group.record.id), order, intent);
  group.intents.push(order);
  wakeGroup(step, group.record.id);
  return order;
}

/** Forgets a Commit of ours that was carried out, or lost to another. What it wanted is looked at anew. */
export async function dropPending(step: Step, group: GroupLive): Promise<void> {
  step.draft.delete(groupNames.pending(group.record.id));
  group.pending = undefined;
  group.pendingNext = undefined;
  group.commitSent = false;
  group.planFailures = 0;
  wakeGroup(step, group.record.id);
  await wakeQueuesOf(step, group);
}

/** Takes wanted changes off the list, and tells who waits for them. */
export async function settleIntents(
  step: Step,
  group: GroupLive,
  orders: readonly number[],
  error?: SottoError,
): Promise<void> {
  const { id } = group.record;
  for (const order of orders) {
    step.draft.deleteItem(groupNames.intents(id), order);
    const index = group.intents.indexOf(order);
    if (index >= 0) group.intents.splice(index, 1);
    step.effects.push({
      type: "settle",
      settle: () =>
        error === undefined
          ? step.waiters.resolve(intentGroup(order))
          : step.waiters.reject(intentGroup(order), error),
    });
  }
  await wakeQueuesOf(step, group);
}

/** Takes what people want of a group over to the one that takes its place. */
export async function moveIntents(step: Step, group: GroupLive, next: GroupLive): Promise<void> {
  for (const order of group.intents.splice(0)) {
    const intent = await step.draft.item(groupNames.intents(group.record.id), order);
    step.draft.deleteItem(groupNames.intents(group.record.id), order);
    // Everybody in the new one is there anew.
    if (intent === undefined || intent.type === "rejoin" || intent.type === "update") continue;
    step.draft.putItem(groupNames.intents(next.record.id), order, intent);
    next.intents.push(order);
  }
  wakeGroup(step, next.record.id);
}
