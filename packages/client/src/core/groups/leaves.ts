/**
 * The leaves of a group beside the device lists of its people, as far as they are known here: which devices are missing, which leaves have
 * no business there any more, and which of those may go.
 */
import type { MlsGroup, MlsMember } from "@sotto/crypto";
import { toHex, type Device } from "@sotto/protocol";
import { pinned } from "../directory.ts";
import type { Step } from "../step.ts";
import { parseGroupData, type CheckedData } from "./data.ts";
import { devicesOf, type Wanted } from "./inviting.ts";
import { accountOfMember, deviceOfMember, isOwnerless, standing } from "./membership.ts";
import { mlsOf, type GroupLive } from "./state.ts";

/** In a larger group it takes long until everybody has committed something. */
const mostUnheardIn = 32;
/** So long after it came onto its list, a device without KeyPackages may be about to publish them. */
const newMs = 600_000;

/** What device lists ask of a group. */
export interface DeviceChanges {
  readonly wanted: Wanted[];
  readonly remove: MlsMember[];
  /** Accounts all of whose leaves are among those, and of which a new device is to come in: without it nobody would bring them back. */
  readonly awaited: Set<string>;
}

/** Which devices are missing in a group, and which leaves have no business there any more, as far as the lists known here say. */
export async function deviceChanges(step: Step, group: GroupLive, mls: MlsGroup): Promise<DeviceChanges> {
  const wanted: Wanted[] = [];
  const remove: MlsMember[] = [];
  const awaited = new Set<string>();
  const leaving = group.record.leaving ?? [];
  const { own } = step.live;
  const data = parseGroupData(group.record.data);
  const mayRemove =
    data.kind === "group" &&
    (data.mayRemove === "members" || data.admins.includes(own.account) || isOwnerless(data, leaving));
  const byAccount = Map.groupBy(mls.members, accountOfMember);
  for (const [account, members] of byAccount) {
    // One of those who may do it is enough; the others only step in when nothing happens.
    const seenOut = leaving.includes(account) && mayRemove && account !== own.account;
    const gone = seenOut ? members : await notInUse(step, mls, account, members);
    remove.push(...gone);
    if (leaving.includes(account)) continue;
    const devices = await devicesOf(step, account);
    if (gone.length === members.length && devices.some((device) => listedForMs(step, device) < newMs))
      awaited.add(account);
    const missing = devices
      .map((device) => toHex(device.deviceId))
      .filter((device) => !members.some((member) => deviceOfMember(member) === device))
      .filter((device) => (group.uninvitable.get(device) ?? 0) <= step.env.nowMs());
    if (missing.length > 0) wanted.push({ account, devices: missing });
  }
  return { wanted, remove, awaited };
}

/** How long a device has been on its account's list, in milliseconds. Its clock may be ahead of ours. */
export const listedForMs = (step: Step, { addedAtSec }: Device): number =>
  Math.abs(step.env.nowMs() - Number(addedAtSec) * 1000);

/**
 * Whether the device that made a pair (leaf 0, RFC 9420 §11) is not in use any more, and nobody of the other account has committed anything in it
 * since: it may have been gone before it left them their Welcomes, which nobody else has.
 */
export async function isHalfMade(step: Step, { record }: GroupLive, mls: MlsGroup): Promise<boolean> {
  const maker = mls.members.find(({ leafIndex }) => leafIndex === 0);
  if (record.kind !== "pair" || maker === undefined) return false;
  const others = mls.members.filter(
    (member) => member !== maker && accountOfMember(member) !== step.live.own.account,
  );
  if (others.length === 0 || !others.every(({ fromKeyPackage }) => fromKeyPackage)) return false;
  return (await notInUse(step, mls, accountOfMember(maker), [maker])).length > 0;
}

/**
 * Devices that have committed nothing since they were added, where a device that is not in use any more goes: it may have added them, and been
 * gone before it left them their Welcomes, which nobody else has.
 */
export async function unheardOf(
  step: Step,
  { record }: GroupLive,
  mls: MlsGroup,
  remove: readonly MlsMember[],
): Promise<readonly MlsMember[]> {
  if (record.accounts.length > mostUnheardIn) return [];
  let isRevoked = false;
  for (const [account, members] of Map.groupBy(remove, accountOfMember)) {
    isRevoked ||= (await notInUse(step, mls, account, members)).length > 0;
  }
  if (!isRevoked) return [];
  return mls.members.filter(
    (member) => member.fromKeyPackage && member.leafIndex !== mls.ownLeafIndex && !remove.includes(member),
  );
}

/**
 * Whether a leaf must go before anything is encrypted: its device is known to be revoked, or never was one. A removal that the group's
 * rules forbid for good is not due.
 */
export async function isRemovalDue(step: Step, group: GroupLive): Promise<boolean> {
  if (group.leavesChecked) return false;
  const mls = await mlsOf(step, group);
  const foreign: MlsMember[] = [];
  const replaceable = new Set<string>();
  for (const [account, members] of Map.groupBy(mls.members, accountOfMember)) {
    const gone = await notInUse(step, mls, account, members);
    foreign.push(...gone);
    if (gone.length > 0 && (await devicesOf(step, account)).length > 0) replaceable.add(account);
  }
  group.leavesChecked = removable(group, mls, foreign, replaceable).length === 0;
  return !group.leavesChecked;
}

/**
 * Which leaves may go: those of an account that awaits another device go when that one comes in; and a group is never left without an admin
 * (SOTTO-COMMIT-6), so its last one waits for that in any case.
 * @param joining accounts of which a device comes in. @param changes with the data as they are to be; without, as they are.
 */
export function removable(
  group: GroupLive,
  mls: MlsGroup,
  leaves: readonly MlsMember[],
  joining: ReadonlySet<string>,
  changes: { readonly awaited?: ReadonlySet<string>; readonly data?: CheckedData | undefined } = {},
): readonly MlsMember[] {
  const { awaited, data = parseGroupData(group.record.data) } = changes;
  const { kind, admins } = data;
  const waits = (account: string): boolean => awaited?.has(account) === true && !joining.has(account);
  const remove = leaves.filter((member) => !waits(accountOfMember(member)));
  const stays = (admin: string): boolean =>
    joining.has(admin) ||
    mls.members.some((member) => accountOfMember(member) === admin && !remove.includes(member));
  if (kind !== "group" || admins.some(stays)) return remove;
  return remove.filter((member) => !admins.includes(accountOfMember(member)));
}

/** Leaves of an account that are no device in use on its list, as far as it is known here; one's own is not among them. */
async function notInUse(
  step: Step,
  mls: MlsGroup,
  account: string,
  members: readonly MlsMember[],
): Promise<readonly MlsMember[]> {
  const known = await pinned(step, account);
  if (known === undefined) return [];
  return members.filter(
    (member) => member.leafIndex !== mls.ownLeafIndex && standing(member, known.list.list) !== "in-use",
  );
}
