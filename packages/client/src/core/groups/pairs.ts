/**
 * The group behind a conversation with one person: found, or made with the first message. When both sides made one at the same time,
 * both go on to be read, and both sides send in the one with the lower id.
 */
import { UsageError, type SottoError } from "@sotto/protocol";
import { bindIdentifier } from "../contacts.ts";
import { isFresh, pinned } from "../directory.ts";
import { lookUp } from "../lookups.ts";
import type { ContactRecord } from "../records.ts";
import type { Step } from "../step.ts";
import { isChangeDue } from "./committing.ts";
import { makeGroup } from "./creating.ts";
import { pairData } from "./data.ts";
import { pairGroups, wakeGroup, type GroupLive } from "./state.ts";
import { isLive } from "./level.ts";

/** How the caller is told. */
interface Asker {
  /** Something must be asked first: `go` or `fail` will be called. */
  wait(): void;
  /** Look again. */
  go(step: Step): Promise<void>;
  fail(step: Step, error: SottoError): Promise<void>;
}

/** The group to send in to a contact; undefined while something has to come first. */
export async function findPair(
  step: Step,
  contact: ContactRecord,
  asker: Asker,
): Promise<GroupLive | undefined> {
  const { account, identifier } = contact;
  if (account === undefined) {
    await findAccount(step, identifier, asker);
    return undefined;
  }
  if (!isFresh(step, await pinned(step, account))) {
    await refresh(step, account, identifier, asker);
    return undefined;
  }
  // A group with an account that the contact had before is no way to them.
  const groups = (await pairGroups(step, contact.conversations)).filter(({ record }) =>
    record.accounts.includes(account),
  );
  const group =
    groups.find(({ record }) => record.state === "joined") ??
    groups.find(({ record }) => record.state === "creating");
  if (group === undefined) {
    await makePair(step, contact, account, groups[0], asker);
    return undefined;
  }
  if (isLive(group) && (await isChangeDue(step, group))) {
    wakeGroup(step, group.record.id);
    return undefined;
  }
  return group;
}

async function makePair(
  step: Step,
  contact: ContactRecord,
  account: string,
  lost: GroupLive | undefined,
  asker: Asker,
): Promise<void> {
  asker.wait();
  const conversation = contact.conversations[0] ?? contact.id;
  const wanted = {
    data: pairData,
    accounts: [account],
    conversation,
    ...(lost !== undefined && { replaces: lost.record.id }),
  };
  await makeGroup(step, wanted, async (later, made) => {
    if ("error" in made) return asker.fail(later, made.error);
    await asker.go(later);
  });
}

async function findAccount(step: Step, identifier: string | undefined, asker: Asker): Promise<void> {
  asker.wait();
  if (identifier === undefined) return asker.fail(step, nobody());
  await lookUp(step, { identifier }, async (later, found) => {
    if (found.type === "failed") return asker.fail(later, found.error);
    if (found.type === "not-found") return asker.fail(later, nobody());
    await bindIdentifier(later, identifier, found.account);
    await asker.go(later);
  });
}

async function refresh(
  step: Step,
  account: string,
  identifier: string | undefined,
  asker: Asker,
): Promise<void> {
  asker.wait();
  await lookUp(step, { account }, async (later, found) => {
    if (found.type === "failed") return asker.fail(later, found.error);
    if (found.type === "found") return asker.go(later);
    // The account is gone. Whoever has its identifier now is somebody else, and must be acknowledged first.
    await findAccount(later, identifier, asker);
  });
}

function nobody(): UsageError {
  return new UsageError("identifier_not_found", "nobody is registered under that identifier");
}
