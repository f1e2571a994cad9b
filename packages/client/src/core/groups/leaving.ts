/** Leaving a group: whoever left, on whichever of their devices, reads no more on any of them; others see the leaves out. */
import { UsageError } from "@sotto/protocol";
import type { Step } from "../step.ts";
import { devicesOf } from "./inviting.ts";
import { tellChanges } from "./naming.ts";
import { settleIntents } from "./pending.ts";
import { enqueueMls, wakeQueue, wakeQueuesOf } from "./queue.ts";
import { closeSlot } from "./slots.ts";
import { dropState, putGroup, wakeGroup, type GroupLive } from "./state.ts";

/** The callers who wait until a group was told that this account leaves. */
export const leftGroup = (id: string): string => `left ${id}`;

/** Tells the group, and leaves it then; at once where nobody is to be told. */
export async function beginLeaving(step: Step, group: GroupLive): Promise<void> {
  const { own } = step.live;
  const { accounts, leaving, state, conversation } = group.record;
  const others = accounts.filter((account) => account !== own.account && leaving?.includes(account) !== true);
  const isAlone = others.length === 0 && (await devicesOf(step, own.account)).length === 0;
  if (state !== "joined" || isAlone) return leaveSoon(step, group);
  await enqueueMls(step, conversation, { type: "leave" });
}

/** Notes that somebody else leaves. */
export function noteLeaving(step: Step, group: GroupLive, account: string): void {
  const { id, leaving = [] } = group.record;
  if (leaving.includes(account)) return;
  putGroup(step, group, { leaving: [...leaving, account] });
  wakeGroup(step, id);
}

/**
 * Leaves now; or, while a Commit of ours is under way that adds people, once the log has told what became of it: if it won they are in the
 * group, and nobody else can give them their Welcome.
 */
export async function leaveSoon(step: Step, group: GroupLive): Promise<void> {
  if (group.record.state === "joined" && (group.pending?.joiners.length ?? 0) > 0) {
    putGroup(step, group, { leavesAfter: "commit" });
  } else await leaveHere(step, group);
}

/**
 * What became of our Commit is known: if we were to leave after it, we do. Who came in by it never read that we leave, and would take us for
 * members for ever, and let our later devices in: they are told first. @param won it was ours.
 */
export async function leaveIfDue(step: Step, group: GroupLive, won: boolean): Promise<void> {
  const { leavesAfter, conversation } = group.record;
  if (leavesAfter !== "commit") return;
  if (!won) return leaveHere(step, group);
  putGroup(step, group, { leavesAfter: "told" });
  await enqueueMls(step, conversation, { type: "leave" });
}

/** Forgets a group's keys, and what was to be done in it; what is left to do for those who were added is done. */
export async function leaveHere(step: Step, group: GroupLive): Promise<void> {
  const { id, conversation, state, tasks } = group.record;
  step.effects.push({ type: "settle", settle: () => step.waiters.resolve(leftGroup(id)) });
  if (state === "left" || state === "removed" || state === "replaced") return;
  closeSlot(step, group);
  await dropState(step, group);
  // Of a group that was not made yet there is nobody.
  putGroup(step, group, { state: "left", tasks: state === "joined" ? tasks : [], leavesAfter: undefined });
  wakeQueue(step, conversation);
  await settleIntents(step, group, group.intents.slice(), notIn());
}

/** The same of a group that this account was taken out of. @param by who did it, or told it. */
export async function leaveRemoved(step: Step, group: GroupLive, by: string): Promise<void> {
  // Somebody saw us out before we were ready to go.
  if (group.record.leavesAfter !== undefined) return leaveHere(step, group);
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
