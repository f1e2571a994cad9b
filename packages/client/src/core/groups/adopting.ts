/** Our own Commit came back from the log: it won, and its epoch begins. */
import type { Step } from "../step.ts";
import { enterEpoch } from "./epoch.ts";
import { parseGroupData } from "./data.ts";
import { tellChanges } from "./naming.ts";
import { tellPicture } from "./pictures.ts";
import { dropPending, settleIntents } from "./pending.ts";
import { resendUndelivered } from "./queue.ts";
import { groupNames, type PendingCommit } from "./records.ts";
import { putGroup, type GroupLive } from "./state.ts";
import { noteTimer } from "./timer.ts";
import { welcomeTasks } from "./welcoming.ts";

/** How often a leaf is updated at least. */
export const updateEveryMs = 7 * 86_400_000;

/** Our Commit came back: what was wanted is so, and those who joined hear of it. */
export async function adoptPending(
  step: Step,
  group: GroupLive,
  pending: PendingCommit,
  seq: number,
): Promise<void> {
  const before = group.record;
  const next = group.pendingNext ?? (await step.env.mls.restore(pending.next, step.live.own.deviceKey));
  const tasks = await welcomeTasks(step, group.record.id, pending, seq);
  await enterEpoch(step, group, next);
  putGroup(step, group, {
    tasks: [...group.record.tasks, ...tasks, ...(pending.tasks ?? [])],
    sentSinceUpdate: 0,
    updateDueAtMs: step.env.nowMs() + updateEveryMs,
  });
  await noteTimer(step, group, {
    by: step.live.own.account,
    before: parseGroupData(before.data).timerSec,
    after: parseGroupData(next.groupData).timerSec,
  });
  // Whoever was added anew to a pair may be all that the peer has: what nobody has yet comes again.
  if (before.kind === "pair" && (await addsAnew(step, group, pending))) await resendUndelivered(step, group);
  await tellPicture(step, group, before, pending.joiners.length > 0);
  await settleIntents(step, group, pending.intents);
  await dropPending(step, group);
  const { leaving = [] } = before;
  await tellChanges(step, group, { by: step.live.own.account, before, after: group.record, leaving });
}

async function addsAnew(step: Step, { record }: GroupLive, { intents }: PendingCommit): Promise<boolean> {
  for (const order of intents) {
    const intent = await step.draft.item(groupNames.intents(record.id), order);
    if (intent?.type === "rejoin") return true;
  }
  return false;
}
