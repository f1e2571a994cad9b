/** Leaving a group: whoever left, on whichever of their devices, reads no more on any of them; others see the leaves out. */
import { UsageError } from "@sotto/protocol";
import type { Step } from "../step.ts";
import { settleIntents } from "./pending.ts";
import { wakeQueue } from "./queue.ts";
import { closeSlot } from "./slots.ts";
import { dropState, putGroup, type GroupLive } from "./state.ts";

/** Forgets a group's keys, and what was to be done in it. */
export async function leaveHere(step: Step, group: GroupLive): Promise<void> {
  closeSlot(step, group);
  await dropState(step, group);
  putGroup(step, group, { state: "left", tasks: [] });
  wakeQueue(step, group.record.conversation);
  const error = new UsageError("group_forbidden", "this device is not in that group any more");
  await settleIntents(step, group, group.intents.slice(), error);
}
