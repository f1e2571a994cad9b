/**
 * A Welcome for a KeyPackage whose secrets are gone: the server handed it out twice, or was put back to an older copy and hands out again
 * what was used since. Nobody can open it; whoever sent it has a leaf in their group that nobody is behind. They are asked to add this
 * device anew, once there are KeyPackages that nobody used. The same where no Welcome came at all, and somebody says that there is such a leaf.
 */
import { ID_BYTES, toHex, type Membership, type ValidationError, type WelcomeItem } from "@sotto/protocol";
import { isBarredAccount } from "../barred.ts";
import { isFresh, pinned } from "../directory.ts";
import { lookUp } from "../lookups.ts";
import { addNotice } from "../notices.ts";
import type { Step } from "../step.ts";
import { askEveryMs, rejoinRequests } from "./healing.ts";
import { finishItem, goOnSoon, lookAgainLater, retryLater, type ItemVerdict } from "./held-items.ts";
import { findDevice } from "./inviting.ts";
import { renewKeyPackages } from "./key-packages.ts";
import { groupNames } from "./records.ts";
import { leaveInInbox } from "./tasks.ts";

/** Anybody can send such Welcomes, and name whomever they like in them. */
const mostAsked = 20;
const withinMs = 3_600_000;
/** The Welcome may be on its way. */
const graceMs = 60_000;
const done: ItemVerdict = { type: "done" };

/** Of a group, and who says that we are in it. */
type Claim = Pick<WelcomeItem, "logId" | "fromAccountId" | "fromDeviceId">;

/** Asks whoever sent a Welcome. @param error what to tell. @throws it when nobody is asked. */
export async function askAnew(
  step: Step,
  order: number,
  item: WelcomeItem,
  error: ValidationError,
): Promise<ItemVerdict> {
  const isRenewed = await renewKeyPackages(step);
  if (!isAskable(step, item)) throw error;
  if (!isRenewed) return lookAgainLater(step, order);
  const verdict = await ask(step, order, item, [], async (later) => {
    await addNotice(later, { type: "refused", from: undefined, code: error.code });
  });
  if (verdict === undefined) throw error;
  return verdict;
}

/**
 * Somebody says that this device is in a group: they, and our own devices, are asked to add it anew, unless a Welcome to it comes. Whoever
 * makes that up learns no more than by a Welcome that nobody can open.
 */
export async function takeMembership(step: Step, order: number, item: Membership): Promise<ItemVerdict> {
  const held = await step.draft.item(groupNames.heldItems, order);
  const waitedMs = step.env.nowMs() - (held?.receivedAtMs ?? 0);
  if (!isAskable(step, item)) return done;
  if (waitedMs >= 0 && waitedMs < graceMs) return lookAgainLater(step, order, graceMs - waitedMs);
  return (await ask(step, order, item, [step.live.own.account], async () => {})) ?? done;
}

/** Of a group that is known more than one is asked, in its own time. */
function isAskable({ live }: Step, { logId, fromAccountId, fromDeviceId }: Claim): boolean {
  const isWhole = [logId, fromAccountId, fromDeviceId].every((id) => id.length === ID_BYTES);
  return isWhole && !live.groups.byId.has(toHex(logId));
}

/**
 * Asks who claims to know of a group, and more accounts. undefined: nobody is asked.
 * @param then is called once they were.
 */
async function ask(
  step: Step,
  order: number,
  item: Claim,
  more: readonly string[],
  then: (step: Step) => Promise<void>,
): Promise<ItemVerdict | undefined> {
  const log = toHex(item.logId);
  const now = step.env.nowMs();
  const before = (await step.draft.get(groupNames.askedAnew)) ?? [];
  const lately = before.filter(({ atMs }) => now - atMs >= 0 && now - atMs < withinMs);
  const last = lately.findLast((one) => one.log === log);
  if (last !== undefined && now - last.atMs < askEveryMs) {
    return lookAgainLater(step, order, last.atMs + askEveryMs - now);
  }
  if (lately.length >= mostAsked) return undefined;
  const account = toHex(item.fromAccountId);
  if (await isBarredAccount(step.draft, account)) return undefined;
  const known = await pinned(step, account);
  const asked = step.live.heldItems.asked.get(order) ?? new Set();
  if (account !== step.live.own.account && !isFresh(step, known) && !asked.has(account)) {
    step.live.heldItems.asked.set(order, asked.add(account));
    await lookUp(step, { account }, async (later) => goOnSoon(later, order), "contact");
    return { type: "wait" };
  }
  const device = await findDevice(step, account, item.fromDeviceId);
  const inbox = device && toHex(device.inboxId);
  const about = { id: log, epoch: 0 };
  const theirs = (await rejoinRequests(step, about, [account])).find((one) => one.inbox === inbox);
  if (theirs === undefined) return undefined;
  for (const one of await rejoinRequests(step, about, more)) {
    if (one.inbox !== inbox) leaveInInbox(step, one.inbox, one.item);
  }
  step.draft.put(groupNames.askedAnew, [...lately, { log, atMs: now }]);
  leaveInInbox(step, theirs.inbox, theirs.item, async (later, answer) => {
    if (answer.type === "refused" && answer.error.code !== "log_refused") {
      return retryLater(later, order, answer.error);
    }
    // Looked at again with the next connection.
    if (answer.type === "lost") return;
    await then(later);
    finishItem(later, order);
  });
  return { type: "wait" };
}
