/**
 * The group behind a conversation with one person: found, or made with the first message. When both sides made one at the same time,
 * both go on to be read, and both sides send in the one with the lower id.
 */
import { UsageError, type SottoError } from "@sotto/protocol";
import { bindIdentifier } from "../contacts.ts";
import { contactOf } from "../conversations.ts";
import { isFresh, pinned } from "../directory.ts";
import { lookUp } from "../lookups.ts";
import { addNotice } from "../notices.ts";
import type { ContactRecord } from "../records.ts";
import { isReady } from "../session.ts";
import type { Step } from "../step.ts";
import { isChangeDue } from "./committing.ts";
import { makeGroup } from "./creating.ts";
import { inPlaceOf, pairData, parseGroupData } from "./data.ts";
import { nameOfGroup } from "./naming.ts";
import { noteRemade, remakingPauseMs } from "./remaking.ts";
import { missedIn, takePlaceOf } from "./replacing.ts";
import { pairGroups, wakeGroup, type GroupLive } from "./state.ts";
import { isLive } from "./level.ts";
import { moveTimerWish } from "./timer.ts";

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
  const groups = pairGroups(step, contact.conversations).filter(({ record }) =>
    record.accounts.includes(account),
  );
  const group =
    groups.find(({ record }) => record.state === "joined") ??
    groups.find(({ record }) => record.state === "creating");
  if (group === undefined && groups[0] !== undefined) {
    // Lost: it is made anew in its own time.
    wakeGroup(step, groups[0].record.id);
    return undefined;
  }
  if (group === undefined) {
    await makePair(step, contact, account, asker);
    return undefined;
  }
  if (isLive(group) && (await isChangeDue(step, group))) {
    wakeGroup(step, group.record.id);
    return undefined;
  }
  return group;
}

async function makePair(step: Step, contact: ContactRecord, account: string, asker: Asker): Promise<void> {
  asker.wait();
  const conversation = contact.conversations[0] ?? contact.id;
  const data = { ...pairData, timerSec: contact.timer ?? 0 };
  const wanted = { data, accounts: [account], conversation };
  await makeGroup(step, wanted, async (later, made) => {
    if ("error" in made) return asker.fail(later, made.error);
    await moveTimerWish(later, made.group, undefined);
    await asker.go(later);
  });
}

/**
 * Makes a pair anew whose state was lost: at once, and then ever more seldom. Nobody has to write first; the other side goes over to it.
 */
export async function pumpLostPair(step: Step, group: GroupLive): Promise<void> {
  const { record } = group;
  const { conversation } = record;
  const account = record.accounts.find((one) => one !== step.live.own.account);
  if (account === undefined || group.planning || !isReady(step)) return;
  // Also when there is another pair already: the peer must hear that nobody reads here any more.
  const pauseMs = await remakingPauseMs(step, conversation);
  if (pauseMs > 0) return lookAgain(step, group, pauseMs);
  await noteRemade(step, conversation);
  group.planning = true;
  const wished = (await contactOf(step.draft, conversation))?.timer;
  const timerSec = wished ?? parseGroupData(record.data).timerSec;
  const data = inPlaceOf({ ...pairData, timerSec }, record);
  const isWanted = () => group.record.state === "healing";
  await makeGroup(step, { data, accounts: [account], conversation, isWanted }, async (later, made) => {
    group.planning = false;
    if ("error" in made) return lookAgain(later, group, Math.max(retryMs, made.error.retryAfterMs ?? 0));
    const missed = missedIn(group);
    await takePlaceOf(later, group, made.group);
    if (record.lost?.silent === true) return;
    await addNotice(later, { type: "healed", conversation: await nameOfGroup(later, record), ...missed });
  });
}

const retryMs = 30_000;

function lookAgain(step: Step, group: GroupLive, delayMs: number): void {
  step.effects.push({
    type: "timer",
    name: `lost pair ${group.record.id}`,
    delayMs,
    run: async (later) => wakeGroup(later, group.record.id),
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
