/** Giving the state of a group up: nothing more is sent or read with it, until others have put this device right or the group is made anew. */
import { StorageError } from "@sotto/protocol";
import type { Step } from "../step.ts";
import { leaveHere } from "./leaving.ts";
import { dropPending } from "./pending.ts";
import type { Loss } from "./records.ts";
import { dropState, mlsOf, putGroup, wakeGroup, type GroupLive } from "./state.ts";

const mostDoubting = 32;

/** Gives the state of a group up. @param loss why; without it the fault may be this device's own. */
export async function loseState(
  step: Step,
  group: GroupLive,
  loss: Omit<Loss, "atMs"> = { why: "own" },
): Promise<void> {
  const { record } = group;
  if (record.state !== "joined") return;
  if (record.leavesAfter !== undefined) return leaveHere(step, group);
  group.reader.phase = "detached";
  group.reader.waiting.length = 0;
  await dropPending(step, group);
  await dropState(step, group);
  putGroup(step, group, {
    state: "healing",
    ownSent: [],
    lost: { ...loss, atMs: step.env.nowMs() },
    ...(loss.by !== undefined && { gone: [...(record.gone ?? []), loss.by] }),
  });
  wakeGroup(step, record.id);
}

/** Whether a group's state can be used; if not, it is given up. */
export async function hasState(step: Step, group: GroupLive): Promise<boolean> {
  try {
    await mlsOf(step, group);
    return true;
  } catch (cause) {
    if (!(cause instanceof StorageError) || cause.code !== "vault_damaged") throw cause;
    await loseState(step, group);
    return false;
  }
}

/** Has others asked to add us anew, and keeps what we have: what does not open may be somebody else's fault, and whoever can write must not
 * be able to throw everybody out. */
export function doubtState(step: Step, group: GroupLive): void {
  // In a large group that would cost everybody more than the fault.
  if (group.record.accounts.length > mostDoubting) return;
  if (group.record.doubted !== true) putGroup(step, group, { doubted: true });
  wakeGroup(step, group.record.id);
}

/** Notes that another device lost the group too, in whatever way: once all have, nobody is left who could let one in. */
export function noteAsker(step: Step, group: GroupLive, device: string, epoch: number): void {
  const { lost } = group.record;
  if (lost === undefined || lost.askers?.includes(device) === true) return;
  // A Commit that nobody can take in ends the same epoch for all: whoever says another has others wait for nothing.
  const latest = Math.max(lost.latest ?? 0, lost.why === "commit" ? 0 : epoch);
  putGroup(step, group, { lost: { ...lost, askers: [...(lost.askers ?? []), device], latest } });
  wakeGroup(step, group.record.id);
}

/** Notes that another device lost the group in the same way: nobody goes on in that log. */
export function noteShared(step: Step, group: GroupLive, epoch?: number): void {
  const { lost } = group.record;
  if (lost === undefined || lost.why === "own") return;
  const latest = Math.max(lost.latest ?? 0, epoch ?? 0);
  if (lost.shared === true && latest === (lost.latest ?? 0)) return;
  putGroup(step, group, { lost: { ...lost, shared: true, latest } });
  wakeGroup(step, group.record.id);
}
