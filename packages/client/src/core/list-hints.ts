/**
 * What the server says of device lists that changed. It is only a hint: whatever it says, the signed list alone counts, and whoever is told
 * nothing asks again after a while. A hint has nothing encrypted from the list that is known, until it was looked up.
 */
import { toHex, type DeviceListChanged } from "@sotto/protocol";
import { noteOwnVersion } from "./devices/own-list.ts";
import { pinned } from "./directory.ts";
import type { GroupLive } from "./groups/state.ts";
import { lookUp, type Found } from "./lookups.ts";
import { isReady } from "./session.ts";
import type { Step } from "./step.ts";

// Everybody in a large group is told at the same moment. The device that made the change puts the group right; should it not be there,
// one of the others does, and not all at once.
const spreadPerPersonMs = 100;
const longestSpreadMs = 120_000;

/** Takes a hint in. */
export async function onListChanged(
  step: Step,
  { accountId, newestVersion }: DeviceListChanged,
): Promise<void> {
  const account = toHex(accountId);
  const { own, lookups, groups } = step.live;
  const known = await pinned(step, account);
  const version = Number(newestVersion);
  if (known === undefined || (version !== 0 && version <= known.list.version)) return;
  // Our own account is gone: the server ends the session, and says why.
  if (account === own.account) return version === 0 ? undefined : noteOwnVersion(step, version);
  lookups.current.delete(account);
  if (lookups.hinted.has(account)) return;
  lookups.hinted.add(account);
  let people = 2;
  for (const { record } of groups.byId.values()) {
    if (record.accounts.includes(account)) people = Math.max(people, record.accounts.length);
  }
  step.effects.push({
    type: "timer",
    name: `list ${account}`,
    delayMs: step.env.random() * Math.min(longestSpreadMs, people * spreadPerPersonMs),
    run: async (later) => {
      if (later.live.lookups.hinted.has(account) && isReady(later)) await ask(later, account);
    },
  });
}

/** The people of a group of whose newer lists this device was told, and which it has not seen yet. */
export function hintedIn(step: Step, { record }: Pick<GroupLive, "record">): readonly string[] {
  const { hinted } = step.live.lookups;
  return hinted.size === 0 ? [] : record.accounts.filter((account) => hinted.has(account));
}

// Of more people, somebody was there as a rule when the hint came, and one Commit is enough.
const mostCaughtUp = 32;

/** The people of a small group whose lists were not asked for over this connection: what was said of them before was said to nobody here. */
export function unheardIn(step: Step, { record }: Pick<GroupLive, "record">): readonly string[] {
  const { lookups, own } = step.live;
  if (record.accounts.length > mostCaughtUp) return [];
  return record.accounts.filter(
    (account) => account !== own.account && !lookups.current.has(account) && !lookups.caughtUp.has(account),
  );
}

/** Asks for lists of which a hint may have been missed, once over a connection. `then` is called once, also where they cannot be had. */
export async function catchUp(
  step: Step,
  accounts: readonly string[],
  then: (step: Step) => Promise<void>,
): Promise<void> {
  await askHinted(step, accounts, async (later) => {
    if (isReady(later)) for (const account of accounts) later.live.lookups.caughtUp.add(account);
    await then(later);
  });
}

/** Asks for all of these lists. `then` is called once, with the first failure if there was one. */
export async function askHinted(
  step: Step,
  accounts: readonly string[],
  then: (step: Step, failed: Extract<Found, { type: "failed" }> | undefined) => Promise<void>,
): Promise<void> {
  let left = accounts.length;
  let failed: Extract<Found, { type: "failed" }> | undefined;
  for (const account of accounts) {
    await ask(step, account, async (later, found) => {
      left -= 1;
      if (found.type === "failed") failed ??= found;
      if (left === 0) await then(later, failed);
    });
  }
}

async function ask(
  step: Step,
  account: string,
  then?: (step: Step, found: Found) => Promise<void>,
): Promise<void> {
  const purpose = then === undefined ? "contact" : "own";
  await lookUp(
    step,
    { account },
    async (later, found) => {
      // No list at all is an answer too: there is nothing newer to wait for.
      if (found.type === "not-found") later.live.lookups.hinted.delete(account);
      await then?.(later, found);
    },
    purpose,
  );
}
