/**
 * A group takes the place of another: which one does when several were made, and what goes over to it. Whoever knew a later epoch of the old
 * one made the better one; of equals it is the one with the lower id. So everybody ends in the same, in whatever order they hear of them.
 */
import type { MlsGroup, MlsMember } from "@sotto/crypto";
import { toHex } from "@sotto/protocol";
import type { Step } from "../step.ts";
import { checkSuccessor } from "./continuing.ts";
import { parseGroupData } from "./data.ts";
import { accountsOf } from "./epoch.ts";
import { accountOfMember } from "./membership.ts";
import { moveIntents } from "./pending.ts";
import { resendUndelivered } from "./queue.ts";
import { dropState, presentOf, putGroup, type GroupLive } from "./state.ts";
import { moveTimerWish } from "./timer.ts";

/** More than that is no number that an honest server says. */
const mostMissed = 100_000;

/**
 * The group whose place a new one takes, should this device know it; "another is": a better one has it already.
 * @throws ValidationError when the new one may not.
 */
export function replacedBy(
  step: Step,
  next: MlsGroup,
  sender: MlsMember,
): GroupLive | "another is" | undefined {
  const data = parseGroupData(next.groupData);
  const { replaces } = data;
  const old = replaces && step.live.groups.byId.get(replaces.id);
  if (old === undefined || replaces === undefined) return undefined;
  const made = { accounts: accountsOf(next), data, sender: accountOfMember(sender) };
  const own = step.live.own.account;
  checkSuccessor(old.record, { ...made, isLater: replaces.epoch > old.record.epoch }, own);
  const present = presentOf(step, old);
  if (present === old) return old;
  // What became of the one that has the place counts as well.
  checkSuccessor(present.record, { ...made, isLater: true }, own);
  const other = parseGroupData(present.record.data).replaces;
  const isBetter =
    other?.id === replaces.id &&
    (replaces.epoch > other.epoch ||
      (replaces.epoch === other.epoch && toHex(next.groupId) < present.record.id));
  return isBetter ? old : "another is";
}

/** Has a group take the place of another, and of the one that had it until now: wishes and messages go on in it. */
export async function takePlaceOf(step: Step, old: GroupLive, next: GroupLive): Promise<void> {
  for (const group of new Set([old, presentOf(step, old)])) {
    await dropState(step, group);
    putGroup(step, group, { state: "replaced", successor: next.record.id, tasks: [] });
    if (group.record.kind === "pair") await moveTimerWish(step, next, group);
    await moveIntents(step, group, next);
    if (group.record.kind === "pair") await resendUndelivered(step, group);
  }
  putGroup(step, next, { tookPlaceAtMs: step.env.nowMs() });
}

/** How many entries of a group were not taken in, as far as its log said. */
export function missedIn({ reader, record }: GroupLive): number {
  const refused = record.lost?.why === "commit" ? 1 : 0;
  return Math.min(mostMissed, Math.max(0, reader.head - record.cursor - refused));
}
