/**
 * What takes the place of a group, or lets this device into one again after its log ended, is held against what the device knew last:
 * whoever may write in a log can end it, and whoever runs the server can put it back to an older copy, so neither may gain by it.
 * @see spec/PROTOCOL.md, Succession
 */
import { ValidationError } from "@sotto/protocol";
import { parseGroupData, sameInvites, type CheckedData } from "./data.ts";
import { isOwnerless } from "./membership.ts";
import type { GroupRecord } from "./records.ts";

/** What is known of the group before. */
export type Known = Pick<GroupRecord, "kind" | "state" | "data" | "accounts" | "leaving" | "gone" | "lost">;

/** The group that is to go on in its place. */
export interface Continued {
  readonly accounts: readonly string[];
  readonly data: CheckedData;
  /** The account that let us in. */
  readonly sender: string;
  /** It goes on from a later epoch than we knew: others may know of changes that we do not. */
  readonly isLater: boolean;
}

/** Who decides about a group: its admins; once all of them leave, whoever stays. In a pair or account everybody. */
export function deciders(known: Pick<Known, "data" | "accounts" | "leaving">): readonly string[] {
  return deciding(parseGroupData(known.data), known.accounts, known.leaving);
}

/** The same of a group whose GroupData was read. */
export function deciding(
  data: CheckedData,
  accounts: readonly string[],
  leaving: readonly string[] = [],
): readonly string[] {
  const stays = accounts.filter((account) => !leaving.includes(account));
  if (data.kind !== "group" || isOwnerless(data, leaving)) return stays;
  return data.admins.filter((admin) => !leaving.includes(admin));
}

/**
 * Whether an account's word counts for what this device cannot know: one of those who decide, or another device of its own account. A device
 * that lost the group for itself takes any member's, as where one lets it in again: put back to an older copy, it may have forgotten whom it
 * made an admin, and would never believe them.
 */
const isTrusted = (known: Known, { sender, isLater }: Continued, own: string): boolean =>
  sender === own || deciders(known).includes(sender) || (isLater && known.lost?.why === "own");

/**
 * Checks that a group may take the place of one that is known here.
 * @throws ValidationError `mls_invalid`, `group_forbidden`.
 */
export function checkSuccessor(known: Known, next: Continued, own: string): void {
  const isIn = known.state !== "left" && known.state !== "removed" && known.accounts.includes(next.sender);
  if (next.data.kind !== known.kind || !isIn || !isTrusted(known, next, own)) {
    throw forbidden("SOTTO-WELCOME-9", "nobody who decides in a group made this to take its place");
  }
  checkContinued(known, next, own);
}

/**
 * Checks what a group became whose state this device gave up because of its log.
 * @throws ValidationError `mls_invalid`, `group_forbidden`.
 */
export function checkContinued(known: Known, next: Continued, own: string): void {
  const { accounts, data } = next;
  const before = parseGroupData(known.data);
  if (known.gone?.some((account) => accounts.includes(account)) === true)
    throw forbidden("SOTTO-WELCOME-10", "somebody is in it who was removed, or left");
  const trusted = isTrusted(known, next, own);
  if (trusted && next.isLater && data.kind === "group") return;
  if (accounts.some((account) => !known.accounts.includes(account)))
    throw forbidden("SOTTO-WELCOME-11", "somebody is in it who was not known there");
  const rights = data.mayAdd === before.mayAdd && data.mayRemove === before.mayRemove;
  const admins = data.kind === "group" ? deciders(known) : [];
  // Not everybody may have heard that one of them leaves.
  const mayBe = new Set([...admins, ...before.admins]);
  const mayRename = trusted || before.mayRename === "members";
  const isRenamed =
    data.name !== before.name || data.timerSec !== before.timerSec || data.picture !== before.picture;
  const keeps =
    rights &&
    (trusted || before.mayAdd === "members" || sameInvites(data, before)) &&
    (mayRename || !isRenamed) &&
    data.mayRename === before.mayRename &&
    data.admins.every((admin) => mayBe.has(admin)) &&
    admins.every((admin) => !accounts.includes(admin) || data.admins.includes(admin));
  if (!keeps)
    throw forbidden(
      "SOTTO-WELCOME-12",
      "somebody may do in it what they might not before, or the other way round",
    );
  const { leaving = [] } = known;
  const isLeftOut = (account: string) => !accounts.includes(account) && !leaving.includes(account);
  if ((!trusted || data.kind !== "group") && known.accounts.some(isLeftOut))
    throw forbidden("SOTTO-WELCOME-13", "somebody is left out of it");
}

function forbidden(id: string, what: string): ValidationError {
  return new ValidationError("group_forbidden", `${id}: ${what}`);
}
