/** Giving the state of a group up: nothing more is sent or read with it, until others have put this device right. */
import { StorageError } from "@sotto/protocol";
import type { Step } from "../step.ts";
import { dropPending } from "./pending.ts";
import { dropState, mlsOf, putGroup, wakeGroup, type GroupLive } from "./state.ts";

const mostDoubting = 32;

/** Gives the state of a group up. */
export async function loseState(step: Step, group: GroupLive): Promise<void> {
  if (group.record.state !== "joined") return;
  group.reader.phase = "detached";
  group.reader.waiting.length = 0;
  await dropPending(step, group);
  await dropState(step, group);
  putGroup(step, group, { state: "healing", ownSent: [] });
  wakeGroup(step, group.record.id);
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

/** Gives a group up because of a Commit that breaks its rules. @param offender the account that sent it. */
export async function beginSuccession(step: Step, group: GroupLive, offender: string): Promise<void> {
  await loseState(step, group);
  putGroup(step, group, { wedgedBy: offender, wedgedAtMs: step.env.nowMs() });
}
