/**
 * Entries of our inbox are gone and were not taken in here. A Welcome may have been among them, to a group that this account was removed
 * from, or left, before: those who are in it believe that this device is as well, and it reads nothing. They are asked to add it anew.
 * @see spec/PROTOCOL.md, Healing
 */
import type { Step } from "../step.ts";
import { rejoinRequests } from "./healing.ts";
import { putGroup, wakeGroup } from "./state.ts";

/** The newest of them. */
const mostGroups = 256;

/** Asks in each group that this account is out of, as far as this device knows. */
export async function askWhetherIn(step: Step): Promise<void> {
  const out = [...step.live.groups.byId.values()].filter(
    ({ record: { kind, state, declined } }) =>
      kind === "group" && (state === "removed" || state === "left") && declined !== true,
  );
  for (const group of out.toSorted((a, b) => b.record.listed - a.record.listed).slice(0, mostGroups)) {
    const { id, tasks, accounts } = group.record;
    putGroup(step, group, { tasks: [...tasks, ...(await rejoinRequests(step, group.record, accounts))] });
    wakeGroup(step, id);
  }
}
