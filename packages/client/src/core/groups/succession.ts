/**
 * A group whose log was ended by a Commit that breaks its rules: everybody who keeps the rules refuses it, so nobody goes on in that log. One
 * of the admins makes the group anew, without whoever sent that Commit, and it takes the place of the old one with the same messages.
 */
import { isReady } from "../session.ts";
import type { Step } from "../step.ts";
import { makeGroup } from "./creating.ts";
import { parseGroupData } from "./data.ts";
import { dropState, putGroup, shownOf, wakeGroup, type GroupLive } from "./state.ts";

/** Admins do it one after another, should those before them not be there. */
const turnMs = 120_000;
const retryMs = 30_000;

/** Makes the group anew when it is this account's turn; false when nothing of that kind is to be done. */
export async function pumpSuccession(step: Step, group: GroupLive): Promise<boolean> {
  const { record } = group;
  const { own } = step.live;
  if (record.kind !== "group" || record.wedgedBy === undefined) return false;
  const data = parseGroupData(record.data);
  const admins = data.admins
    .filter((admin) => admin !== record.wedgedBy && record.accounts.includes(admin))
    .toSorted();
  const turn = admins.indexOf(own.account);
  if (turn < 0 || group.planning || !isReady(step)) return true;
  const waitMs = (record.wedgedAtMs ?? 0) + turn * turnMs - step.env.nowMs();
  if (waitMs > 0) {
    lookAgain(step, group, Math.min(waitMs, turn * turnMs));
    return true;
  }
  group.planning = true;
  const accounts = record.accounts.filter(
    (account) => account !== record.wedgedBy && account !== own.account,
  );
  const wanted = {
    data: { ...data, admins },
    accounts,
    conversation: record.conversation,
    replaces: record.id,
    unreachable: "left out" as const,
  };
  await makeGroup(step, wanted, async (later, made) => {
    group.planning = false;
    if ("error" in made) return lookAgain(later, group, Math.max(retryMs, made.error.retryAfterMs ?? 0));
    putGroup(later, made.group, shownOf(group.record));
    await dropState(later, group);
    putGroup(later, group, { state: "replaced" });
  });
  return true;
}

function lookAgain(step: Step, group: GroupLive, delayMs: number): void {
  step.effects.push({
    type: "timer",
    name: `succession ${group.record.id}`,
    delayMs,
    run: async (later) => wakeGroup(later, group.record.id),
  });
}
