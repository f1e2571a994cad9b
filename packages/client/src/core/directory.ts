/**
 * What this device has pinned of other accounts: the newest device list that it checked, and when it last asked for a newer one.
 * A refused list never replaces a pinned one.
 */
import { restoreDeviceList, type VerifiedDeviceList } from "@sotto/crypto";
import { toHex } from "@sotto/protocol";
import { names, type DirectoryRecord } from "./records.ts";
import type { Step } from "./step.ts";

/** How long a list counts as fresh, in milliseconds: the longest that a revocation may go unseen. */
const freshForMs = 180_000;
const cachedLists = 1_000;

/** A pinned list. */
export interface Pinned {
  readonly list: VerifiedDeviceList;
  readonly refreshedAtMs: number;
}

/** The pinned list of an account; undefined when it was never looked up. */
export async function pinned(
  step: Pick<Step, "draft" | "live" | "env">,
  account: string,
): Promise<Pinned | undefined> {
  const record = await step.draft.get(names.directory(account));
  if (record === undefined) return undefined;
  return { list: await restore(step, account, record), refreshedAtMs: record.refreshedAtMs };
}

/**
 * Whether a pinned list needs no asking again: it was fetched over the present connection (who was away may have missed a revocation),
 * and not long ago. A clock that was set back makes it stale.
 */
export function isFresh(step: Step, known: Pinned | undefined): known is Pinned {
  if (known === undefined || !step.live.lookups.current.has(toHex(known.list.list.accountId))) return false;
  const age = step.env.nowMs() - known.refreshedAtMs;
  return age >= 0 && age < freshForMs;
}

/** Pins a list that was checked on top of the one before, as of now. */
export function pin(step: Step, account: string, list: VerifiedDeviceList): void {
  step.draft.put(names.directory(account), {
    deviceList: list.signedBytes,
    identityHistory: list.identityHistory,
    refreshedAtMs: step.env.nowMs(),
  });
  step.live.lookups.current.add(account);
  step.live.lookups.hinted.delete(account);
  remember(step, account, list);
}

/** Makes the next use of an account's list ask for a newer one first. */
export async function expirePinned(step: Step, account: string): Promise<void> {
  const record = await step.draft.get(names.directory(account));
  if (record !== undefined) step.draft.put(names.directory(account), { ...record, refreshedAtMs: 0 });
}

async function restore(
  step: Pick<Step, "live" | "env">,
  account: string,
  record: DirectoryRecord,
): Promise<VerifiedDeviceList> {
  const known = step.live.lists.get(account);
  if (known !== undefined) return known;
  const list = await restoreDeviceList(step.env.crypto, record.deviceList, record.identityHistory);
  remember(step, account, list);
  return list;
}

function remember(step: Pick<Step, "live">, account: string, list: VerifiedDeviceList): void {
  const { lists } = step.live;
  lists.delete(account);
  lists.set(account, list);
  if (lists.size > cachedLists) lists.delete(lists.keys().next().value as string);
}
