/**
 * Who may be in a group, and who may change it: the rules that every client enforces, whoever sends the Commit. A leaf is valid only
 * while its device is in use on its account's device list, with the very key of the leaf.
 * @see spec/VALIDATION.md SOTTO-*
 */
import type { MlsMember, StagedCommit } from "@sotto/crypto";
import { ValidationError, equalBytes, toHex, type DeviceList } from "@sotto/protocol";
import { parseGroupData, sameInvites, type CheckedData } from "./data.ts";
import type { GroupRecord, Intent } from "./records.ts";

/** How an account's device list is asked for while rules are checked; undefined: it must be looked up first. */
export type ListOf = (account: string) => DeviceList | undefined;

/** What checking came to: fine, or which lists must be looked up first. A broken rule throws. */
export type Checked =
  | { readonly type: "fine" }
  | { readonly type: "ask"; readonly accounts: readonly string[] };

const fine: Checked = { type: "fine" };

/** The account of a leaf. */
export const accountOfMember = (member: MlsMember): string => toHex(member.accountId);

/** The device of a leaf. */
export const deviceOfMember = (member: MlsMember): string => toHex(member.deviceId);

/** Whether a leaf is a device in use of its account. `revoked`: it was, with that key. */
export function standing(member: MlsMember, list: DeviceList): "in-use" | "revoked" | "foreign" {
  const device = list.devices.find(({ deviceId }) => equalBytes(deviceId, member.deviceId));
  if (device === undefined || !equalBytes(device.signatureKey, member.signatureKey)) return "foreign";
  return device.revokedAtSec === 0n ? "in-use" : "revoked";
}

/**
 * Whether the device of a leaf was revoked before a time, in milliseconds since 1970. What it wrote earlier is still good: whoever was away
 * may read that after the revocation.
 */
export function isRevokedBefore(member: MlsMember, list: DeviceList, timeMs: number): boolean {
  if (standing(member, list) !== "revoked") return false;
  const device = list.devices.find(({ deviceId }) => equalBytes(deviceId, member.deviceId));
  return Math.floor(timeMs / 1000) > Number(device?.revokedAtSec);
}

/** Whether an account may have a change made now: it may have been an admin when it was asked for, and be none any more. */
export function mayChange(
  data: CheckedData,
  leaving: readonly string[],
  account: string,
  intent: Intent,
): boolean {
  const inherits = isOwnerless(data, leaving) && !leaving.includes(account);
  if (data.admins.includes(account) || inherits) return true;
  switch (intent.type) {
    case "add":
    case "invite":
    case "revoke-invite":
      return data.mayAdd === "members";
    case "remove":
      return data.mayRemove === "members";
    case "rename":
    case "picture":
    case "timer":
      return data.mayRename === "members";
    case "admins":
      return false;
    case "rejoin":
    case "update":
      return true;
  }
}

/** Whether all of a group's admins said that they leave: then whoever is left may see to that, and they become admins. */
export const isOwnerless = (data: CheckedData, leaving: readonly string[] = []): boolean =>
  data.kind === "group" && data.admins.every((admin) => leaving.includes(admin));

/**
 * Checks the members and data of a group that this device was let into. `revoked`: all is as it must be, but that the device which sent the
 * Welcome is not in use any more (SOTTO-JOIN-5).
 * @throws ValidationError `mls_invalid`.
 */
export function checkJoin(
  join: {
    readonly members: readonly MlsMember[];
    readonly sender: MlsMember;
    readonly data: Uint8Array;
    readonly ownAccount: string;
  },
  listOf: ListOf,
): Checked | { readonly type: "revoked" } {
  const data = parseGroupData(join.data);
  const accounts = [...new Set(join.members.map(accountOfMember))];
  const sender = accountOfMember(join.sender);
  if (data.kind === "pair" && accounts.length > 2)
    throw invalid("SOTTO-JOIN-1", "a pair has more than two people");
  if (data.kind === "account" && accounts.some((account) => account !== join.ownAccount)) {
    throw invalid("SOTTO-JOIN-2", "the group of the own devices has somebody else's");
  }
  if (data.kind === "group" && !data.admins.some((admin) => accounts.includes(admin))) {
    throw invalid("SOTTO-JOIN-3", "nobody in the group is an admin");
  }
  const unknown = accounts.filter((account) => listOf(account) === undefined);
  if (unknown.length > 0) return { type: "ask", accounts: unknown };
  for (const member of join.members) {
    const state = standing(member, listOf(accountOfMember(member)) as DeviceList);
    if (state === "foreign") throw invalid("SOTTO-JOIN-4", "a leaf is no device of its account");
  }
  return standing(join.sender, listOf(sender) as DeviceList) === "in-use" ? fine : { type: "revoked" };
}

/**
 * Checks what a Commit changes against the group before it.
 * @param members of the group before.
 * @throws ValidationError `mls_invalid`, `group_forbidden`.
 */
export function checkCommit(
  commit: StagedCommit,
  group: {
    readonly record: Pick<GroupRecord, "data" | "accounts" | "leaving">;
    readonly members: readonly MlsMember[];
  },
  listOf: ListOf,
): Checked {
  const before = parseGroupData(group.record.data);
  const sender = accountOfMember(commit.sender);
  const { leaving } = group.record;
  const inherits = isOwnerless(before, leaving) && leaving?.includes(sender) !== true;
  const isAdmin = before.admins.includes(sender) || inherits;
  if (commit.groupData !== undefined) checkData(before, parseGroupData(commit.groupData), isAdmin);

  const ask = new Set<string>();
  const list = (account: string): DeviceList | undefined => {
    const known = listOf(account);
    if (known === undefined) ask.add(account);
    return known;
  };
  for (const member of commit.added) checkAdded(member, before, group.record, isAdmin, list);
  for (const member of commit.removed) checkRemoved(member, before, group.record, commit, isAdmin, list);
  const gone = new Set(commit.removed.map((member) => member.leafIndex));
  const left = new Set(
    [...group.members.filter((member) => !gone.has(member.leafIndex)), ...commit.added].map(accountOfMember),
  );
  const after = commit.groupData === undefined ? before : parseGroupData(commit.groupData);
  if (after.kind === "group" && !after.admins.some((admin) => left.has(admin))) {
    throw invalid("SOTTO-COMMIT-6", "nobody who is left is an admin");
  }
  return ask.size > 0 ? { type: "ask", accounts: [...ask] } : fine;
}

function checkData(before: CheckedData, after: CheckedData, isAdmin: boolean): void {
  const isSame =
    after.kind === before.kind &&
    after.replaces.length === before.replaces.length &&
    after.replaces.every(
      ({ id, epoch }, i) => id === before.replaces[i]?.id && epoch === before.replaces[i]?.epoch,
    );
  if (!isSame) throw invalid("SOTTO-COMMIT-1", "a group's kind changed, or what it takes the place of");
  const isRenamed =
    after.name !== before.name || after.timerSec !== before.timerSec || after.picture !== before.picture;
  if (isRenamed && before.mayRename === "admins" && !isAdmin) {
    throw forbidden("SOTTO-COMMIT-2", "only admins may change this group's name, picture and timer");
  }
  const same =
    after.mayAdd === before.mayAdd &&
    after.mayRemove === before.mayRemove &&
    after.mayRename === before.mayRename &&
    after.admins.length === before.admins.length &&
    after.admins.every((admin) => before.admins.includes(admin));
  if (!same && !isAdmin) throw forbidden("SOTTO-COMMIT-3", "only admins may change who may do what");
  if (!sameInvites(before, after) && before.mayAdd === "admins" && !isAdmin) {
    throw forbidden("SOTTO-COMMIT-9", "only admins may make and take back this group's links");
  }
}

type Lists = (account: string) => DeviceList | undefined;

function checkAdded(
  member: MlsMember,
  before: CheckedData,
  record: Pick<GroupRecord, "accounts">,
  isAdmin: boolean,
  listOf: Lists,
): void {
  const account = accountOfMember(member);
  if (!record.accounts.includes(account)) {
    // A pair is made with both: whoever comes later is somebody else.
    if (before.kind !== "group") throw forbidden("SOTTO-COMMIT-4", "nobody else may be added to this group");
    if (before.mayAdd === "admins" && !isAdmin) {
      throw forbidden("SOTTO-COMMIT-4", "only admins may add people to this group");
    }
  }
  const list = listOf(account);
  // Whoever was away may take in after a device's revocation what added it before: the next Commit removes it.
  if (list !== undefined && standing(member, list) === "foreign") {
    throw invalid("SOTTO-COMMIT-5", "an added leaf is no device of its account");
  }
}

function checkRemoved(
  member: MlsMember,
  before: CheckedData,
  record: Pick<GroupRecord, "leaving">,
  commit: StagedCommit,
  isAdmin: boolean,
  listOf: Lists,
): void {
  const account = accountOfMember(member);
  if (account === accountOfMember(commit.sender)) return;
  if (record.leaving?.includes(account) === true) return;
  if (before.kind === "group" && (before.mayRemove === "members" || isAdmin)) return;
  const comesBack = commit.added.some(
    (added) => accountOfMember(added) === account && deviceOfMember(added) === deviceOfMember(member),
  );
  if (comesBack) return;
  const list = listOf(account);
  if (list !== undefined && standing(member, list) === "in-use") {
    throw forbidden("SOTTO-COMMIT-7", "a device in use may only be removed by who may remove people");
  }
}

function invalid(id: string, what: string): ValidationError {
  return new ValidationError("mls_invalid", `${id}: ${what}`);
}

function forbidden(id: string, what: string): ValidationError {
  return new ValidationError("group_forbidden", `${id}: ${what}`);
}
