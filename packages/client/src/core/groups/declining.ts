/** Declining a group: it is gone here at once, with what was written in it, and is left as soon as that can be. */
import { deleteHere } from "../deleting.ts";
import type { Step } from "../step.ts";
import { beginLeaving } from "./leaving.ts";
import { putGroup, type GroupLive } from "./state.ts";

/** Declines a group that this account was let into. */
export async function decline(step: Step, group: GroupLive): Promise<void> {
  await deleteHere(step, { group });
  putGroup(step, group, { declined: true });
  await beginLeaving(step, group);
}
