/** Goes on with every group that was woken: what is left to do, reading, healing, changes; then with what waits to be sent. */
import { pumpLinkJobs } from "../devices/link-jobs.ts";
import { pumpHistory, pumpKeptHistory } from "../devices/history-import.ts";
import { askAgainForHistory } from "../devices/history-wanted.ts";
import { pumpBackup } from "../devices/recovery.ts";
import { resetDevices } from "../devices/state.ts";
import type { Step } from "../step.ts";
import { pumpChanges } from "./committing.ts";
import { pumpDoubt, pumpHealing } from "./healing.ts";
import { checkKeyPackages } from "./key-packages.ts";
import { pumpQueues } from "./outgoing.ts";
import { resetQueues, wakeQueues, wakeQueuesOf } from "./queue.ts";
import { pumpLostPair } from "./pairs.ts";
import { attachGroup, detachGroups, pumpEntries } from "./reading.ts";
import { pumpHeldItems } from "./receiving.ts";
import { wakeGroups, type GroupLive } from "./state.ts";
import { pumpSuccession } from "./succession.ts";
import { pumpTasks } from "./tasks.ts";
import { hasState } from "./losing.ts";
import { isLive } from "./level.ts";
import { ensureAccountGroup } from "../devices/account-group.ts";
import { resetHeldItems } from "./held-items.ts";

const mostRounds = 1_000;
const longestTimerMs = 86_400_000;

/** Looks at everything that was woken, until nothing is. */
export async function pumpGroups(step: Step): Promise<void> {
  const { groups, queues } = step.live;
  for (let round = 0; round < mostRounds; round++) {
    await pumpHeldItems(step);
    await pumpLinkJobs(step);
    const woken = [...groups.woken];
    groups.woken.clear();
    for (const id of woken) {
      const group = groups.byId.get(id);
      if (group !== undefined) await pump(step, group);
    }
    // After the groups: an offer of history, or a contact, that one of them brought is not to wait for whatever happens next.
    await pumpHistory(step);
    await pumpBackup(step);
    if (groups.woken.size > 0) continue;
    await pumpQueues(step);
    if (groups.woken.size === 0 && queues.woken.size === 0) return;
  }
}

async function pump(step: Step, group: GroupLive): Promise<void> {
  const wasLive = isLive(group);
  if (group.record.state === "joined") {
    await pumpEntries(step, group);
    await pumpDoubt(step, group);
  }
  await pumpKeptHistory(step, group);
  if (group.record.state === "healing" && group.record.kind === "pair") await pumpLostPair(step, group);
  else if (group.record.state === "healing") {
    await pumpSuccession(step, group);
    await pumpHealing(step, group);
  }
  await pumpTasks(step, group);
  attachGroup(step, group);
  if (!isLive(group) || !(await hasState(step, group))) return;
  await pumpChanges(step, group);
  if (wasLive) return;
  await wakeQueuesOf(step, group);
  setUpdateTimer(step, group);
}

/** Our leaf is to be updated at a time that may come while we are here. */
function setUpdateTimer(step: Step, group: GroupLive): void {
  const delayMs = group.record.updateDueAtMs - step.env.nowMs();
  if (delayMs <= 0 || delayMs > longestTimerMs) return;
  step.effects.push({
    type: "timer",
    name: `update ${group.record.id}`,
    delayMs,
    run: async (later) => void later.live.groups.woken.add(group.record.id),
  });
}

/** A connection stands: everything goes on. */
export async function startGroups(step: Step): Promise<void> {
  wakeGroups(step);
  wakeQueues(step);
  await checkKeyPackages(step);
  await ensureAccountGroup(step);
  await askAgainForHistory(step);
}

/** The connection is gone: whatever was under way begins anew with the next. */
export async function stopGroups(step: Step): Promise<void> {
  detachGroups(step);
  resetQueues(step.live.queues);
  resetHeldItems(step.live.heldItems);
  step.live.sideReads.clear();
  step.live.keyPackages.busy = false;
  resetDevices(step.live.devices);
}
