/**
 * What a device that was linked from here has yet to get: a leaf in every group, then the history. Each lies in the vault until it is done;
 * none waits for another, since a device may never come up.
 */
import { findDevice } from "@sotto/crypto";
import { hasState } from "../groups/losing.ts";
import { deviceOfMember } from "../groups/membership.ts";
import { mlsOf, wakeGroup, type GroupLive } from "../groups/state.ts";
import { deviceOf } from "../hex.ts";
import { names } from "../records.ts";
import { isReady } from "../session.ts";
import type { Step } from "../step.ts";
import { makeAccountGroup } from "./account-group.ts";
import { shareHistory } from "./history-export.ts";
import { givenUpMs } from "./let-in.ts";
import { ownList } from "./own-list.ts";
import { accountGroup } from "./own-group.ts";

const lookAgainMs = 1_500;
const lookSeldomMs = 3_600_000;
/** After this long, groups that the new device cannot be added to wait for another time. */
const patienceMs = 120_000;

/** Goes on with what new devices have yet to get. */
export async function pumpLinkJobs(step: Step): Promise<void> {
  const { devices } = step.live;
  if (devices.jobs.length === 0 || devices.waiting || !isReady(step)) return;
  await makeAccountGroup(step);
  const ages: number[] = [];
  for (const order of devices.jobs.slice()) {
    const job = await step.draft.item(names.linkJobs, order);
    const ageMs = step.env.nowMs() - (job?.sinceMs ?? 0);
    if (job === undefined || ageMs > givenUpMs || (await isRevoked(step, job.device))) finish(step, order);
    else if (await isReadyFor(step, job.device, ageMs)) {
      await shareHistory(step, job.device);
      finish(step, order);
    } else ages.push(ageMs);
  }
  if (ages.length === 0) return;
  devices.waiting = true;
  step.effects.push({
    type: "timer",
    name: "link jobs",
    // Ever more seldom: each look asks the server for KeyPackages.
    delayMs: Math.min(lookSeldomMs, Math.max(lookAgainMs, Math.min(...ages) / 10)),
    run: async (later) => {
      later.live.devices.waiting = false;
    },
  });
}

/** Whether a device is where it can be told the history: in the group of the own devices, and, for a while, in all others. */
async function isReadyFor(step: Step, device: string, ageMs: number): Promise<boolean> {
  const account = accountGroup(step);
  const told = account !== undefined && (await hasDevice(step, account, device));
  const joined = [...step.live.groups.byId.values()].filter(({ record }) => record.state === "joined");
  let missing = 0;
  for (const group of joined) {
    if (await hasDevice(step, group, device)) continue;
    missing += 1;
    group.uninvitable.delete(device);
    wakeGroup(step, group.record.id);
  }
  return told && (missing === 0 || ageMs >= patienceMs);
}

async function hasDevice(step: Step, group: GroupLive, device: string): Promise<boolean> {
  if (group.record.state !== "joined" || !(await hasState(step, group))) return false;
  return (await mlsOf(step, group)).members.some((member) => deviceOfMember(member) === device);
}

async function isRevoked(step: Step, device: string): Promise<boolean> {
  return (findDevice((await ownList(step)).list, deviceOf(device))?.revokedAtSec ?? 0n) > 0n;
}

function finish(step: Step, order: number): void {
  step.draft.deleteItem(names.linkJobs, order);
  step.live.devices.jobs.splice(step.live.devices.jobs.indexOf(order), 1);
}
