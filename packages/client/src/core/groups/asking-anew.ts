/**
 * A Welcome for a KeyPackage whose secrets are gone: the server handed it out twice, or was put back to an older copy and hands out again
 * what was used since. Nobody can open it; whoever sent it has a leaf in their group that nobody is behind. They are asked to add this
 * device anew, once there are KeyPackages that nobody used.
 */
import { activeDevices } from "@sotto/crypto";
import { ID_BYTES, equalBytes, toHex, type ValidationError, type WelcomeItem } from "@sotto/protocol";
import { isBarredAccount } from "../barred.ts";
import { isFresh, pinned } from "../directory.ts";
import { lookUp } from "../lookups.ts";
import { addNotice } from "../notices.ts";
import type { Step } from "../step.ts";
import { askEveryMs, rejoinRequests } from "./healing.ts";
import { finishItem, goOnSoon, lookAgainLater, retryLater, type ItemVerdict } from "./held-items.ts";
import { renewKeyPackages } from "./key-packages.ts";
import { groupNames } from "./records.ts";
import { leaveInInbox } from "./tasks.ts";

/** Anybody can send such Welcomes, and name whomever they like in them. */
const mostAsked = 20;
const withinMs = 3_600_000;

/** Asks whoever sent a Welcome. @param error what to tell. @throws it when nobody is asked. */
export async function askAnew(
  step: Step,
  order: number,
  item: WelcomeItem,
  error: ValidationError,
): Promise<ItemVerdict> {
  const ids = [item.logId, item.fromAccountId, item.fromDeviceId];
  const log = toHex(item.logId);
  const isRenewed = await renewKeyPackages(step);
  // Of a group that is known more than one is asked, in its own time.
  if (ids.some((id) => id.length !== ID_BYTES) || step.live.groups.byId.has(log)) throw error;
  if (!isRenewed) return lookAgainLater(step, order);
  const now = step.env.nowMs();
  const before = (await step.draft.get(groupNames.askedAnew)) ?? [];
  const lately = before.filter(({ atMs }) => now - atMs >= 0 && now - atMs < withinMs);
  const last = lately.findLast((one) => one.log === log);
  if (last !== undefined && now - last.atMs < askEveryMs) {
    return lookAgainLater(step, order, last.atMs + askEveryMs - now);
  }
  if (lately.length >= mostAsked) throw error;
  const account = toHex(item.fromAccountId);
  if (await isBarredAccount(step.draft, account)) throw error;
  const known = await pinned(step, account);
  const asked = step.live.heldItems.asked.get(order) ?? new Set();
  if (account !== step.live.own.account && !isFresh(step, known) && !asked.has(account)) {
    step.live.heldItems.asked.set(order, asked.add(account));
    await lookUp(step, { account }, async (later) => goOnSoon(later, order), "contact");
    return { type: "wait" };
  }
  const devices = known === undefined ? [] : activeDevices(known.list.list);
  const device = devices.find((one) => equalBytes(one.deviceId, item.fromDeviceId));
  const inbox = device && toHex(device.inboxId);
  const requests = await rejoinRequests(step, { id: log, epoch: 0 }, [account]);
  const theirs = requests.find((one) => one.inbox === inbox);
  if (theirs === undefined) throw error;
  step.draft.put(groupNames.askedAnew, [...lately, { log, atMs: now }]);
  leaveInInbox(step, theirs.inbox, theirs.item, async (later, answer) => {
    if (answer.type === "refused" && answer.error.code !== "log_refused") {
      return retryLater(later, order, answer.error);
    }
    // Looked at again with the next connection.
    if (answer.type === "lost") return;
    await addNotice(later, { type: "refused", from: undefined, code: error.code });
    finishItem(later, order);
  });
  return { type: "wait" };
}
