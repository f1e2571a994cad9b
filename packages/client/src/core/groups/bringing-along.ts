/**
 * A group that this device gives up for another which counts before it may have let people in of whom the other never heard: everybody else
 * goes over, and they would write where nobody reads. Whoever goes over, and may add people, adds them there; and takes out whoever went from
 * the one that is given up, or without whom they made that one.
 * @see spec/PROTOCOL.md, Succession
 */
import type { Step } from "../step.ts";
import { parseGroupData } from "./data.ts";
import { addIntent } from "./pending.ts";
import type { GroupLive } from "./state.ts";

/** Has those who came into a group since it was made come into the one that it is given up for. */
export function bringAlong(step: Step, group: GroupLive, next: GroupLive): void {
  const { accounts, leaving = [], data } = group.record;
  const line = new Set(parseGroupData(next.record.data).replaces.map(({ id }) => id));
  const from = parseGroupData(data).replaces.find(({ id }) => line.has(id));
  const before = step.live.groups.byId.get(from?.id ?? "")?.record;
  // Whoever knew less of what both come from than who made the group cannot tell who came later from who was not to stay.
  if (from === undefined || before === undefined || before.epoch < from.epoch) return;
  const known = new Set([...before.accounts, ...next.record.accounts, ...leaving]);
  const came = accounts.filter((account) => !known.has(account));
  if (came.length > 0) addIntent(step, next, { type: "add", accounts: came, unlessGone: true });
}

/** Has those not be in the group that one is given up for who went from that one, or without whom this device made it. */
export function keepOut(step: Step, { record }: GroupLive, next: GroupLive): void {
  const went = new Set([...(record.without ?? []), ...(record.gone ?? [])]);
  const out = next.record.accounts.filter(
    (account) => went.has(account) && !record.accounts.includes(account),
  );
  if (out.length > 0) addIntent(step, next, { type: "remove", accounts: out });
}
