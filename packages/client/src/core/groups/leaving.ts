/** Leaving a group: whoever left, on whichever of their devices, reads no more on any of them; others see the leaves out. */
import { UsageError } from "@sotto/protocol";
import type { Step } from "../step.ts";
import { devicesOf } from "./inviting.ts";
import { settleIntents } from "./pending.ts";
import { enqueueMls, wakeQueue } from "./queue.ts";
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
  const error = new UsageError("group_forbidden", "this device is not in that group any more");
  await settleIntents(step, group, group.intents.slice(), error);
}
