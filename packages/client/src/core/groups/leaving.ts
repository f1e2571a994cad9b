/** Leaving a group: whoever left, on whichever of their devices, reads no more on any of them; others see the leaves out. */
import { UsageError } from "@sotto/protocol";
import type { Step } from "../step.ts";
import { devicesOf } from "./inviting.ts";
import { tellChanges } from "./naming.ts";
import { settleIntents } from "./pending.ts";
import { enqueueMls, wakeQueue, wakeQueuesOf } from "./queue.ts";
import { closeSlot } from "./slots.ts";
import { dropState, putGroup, type GroupLive } from "./state.ts";

/** The callers who wait until a group was told that this account leaves. */
export const leftGroup = (id: string): string => `left ${id}`;

/** Tells the group, and leaves it then; at once where nobody is to be told. */
export async function beginLeaving(step: Step, group: GroupLive): Promise<void> {
  const { own } = step.live;
  const { accounts, leaving, state, conversation } = group.record;
  const others = accounts.filter((account) => account !== own.account && leaving?.includes(account) !== true);
  const isAlone = others.length === 0 && (await devicesOf(step, own.account)).length === 0;
  if (state !== "joined" || isAlone) return leaveHere(step, group);
  await enqueueMls(step, conversation, { type: "leave" });
}

/** Forgets a group's keys, and what was to be done in it. */
export async function leaveHere(step: Step, group: GroupLive): Promise<void> {
  const { id, conversation, state } = group.record;
  step.effects.push({ type: "settle", settle: () => step.waiters.resolve(leftGroup(id)) });
  if (state === "left" || state === "removed" || state === "replaced") return;
  closeSlot(step, group);
  await dropState(step, group);
  putGroup(step, group, { state: "left", tasks: [] });
  wakeQueue(step, conversation);
  await settleIntents(step, group, group.intents.slice(), notIn());
}

/** The same of a group that this account was taken out of. @param by who did it, or told it. */
export async function leaveRemoved(step: Step, group: GroupLive, by: string): Promise<void> {
  closeSlot(step, group);
  await dropState(step, group);
  putGroup(step, group, { state: "removed", lost: undefined });
  await wakeQueuesOf(step, group);
  await settleIntents(step, group, group.intents.slice(), notIn());
  if (group.record.kind !== "group") return;
  await tellChanges(step, group, { by, removed: [step.live.own.account] });
}

function notIn(): UsageError {
  return new UsageError("group_forbidden", "this device is not in that group any more");
}
