/** Changes that somebody wants, and our Commit under way: stored until they are carried out or given up. */
import type { SottoError } from "@sotto/protocol";
import { nextOrder, type Step } from "../step.ts";
import { wakeQueuesOf } from "./queue.ts";
import { groupNames, type Intent } from "./records.ts";
import { wakeGroup, type GroupLive } from "./state.ts";

/** The callers who wait until a wanted change was committed. */
export const intentGroup = (id: string, order: number): string => `intent ${id} ${order}`;

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
          ? step.waiters.resolve(intentGroup(id, order))
          : step.waiters.reject(intentGroup(id, order), error),
    });
  }
  await wakeQueuesOf(step, group);
}
