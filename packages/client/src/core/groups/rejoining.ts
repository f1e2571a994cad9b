/** Others' requests to be added anew: believed when a device in use signed them, and answered by one Commit that removes and adds. */
import { ValidationError, equalBytes, toHex, type RejoinRequest } from "@sotto/protocol";
import { isFresh, pinned } from "../directory.ts";
import { lookUp } from "../lookups.ts";
import { nowSec, type Step } from "../step.ts";
import { rejoinTranscript } from "./healing.ts";
import { hasState } from "./losing.ts";
import { accountOfMember, deviceOfMember } from "./membership.ts";
import { groupNames } from "./records.ts";
import { mlsOf } from "./state.ts";
import { addIntent } from "./pending.ts";
import { type ItemVerdict, goOn } from "./held-items.ts";

const done: ItemVerdict = { type: "done" };
const oldestSec = 7 * 86_400;
/** For clocks that differ. */
const newestSec = 86_400;

/** Takes a request in. @throws ValidationError `mls_invalid`. */
export async function takeRejoin(step: Step, order: number, request: RejoinRequest): Promise<ItemVerdict> {
  const group = step.live.groups.byId.get(toHex(request.logId));
  const account = toHex(request.accountId);
  const device = toHex(request.deviceId);
  const age = nowSec(step) - Number(request.madeAtSec);
  if (group?.record.state !== "joined" || !group.record.accounts.includes(account)) return done;
  if (age > oldestSec || age < -newestSec) return done;
  const known = await pinned(step, account);
  const asked = step.live.heldItems.asked.get(order) ?? new Set();
  if (account !== step.live.own.account && !isFresh(step, known) && !asked.has(account)) {
    step.live.heldItems.asked.set(order, asked.add(account));
    await lookUp(step, { account }, async (later) => goOn(later, order), "contact");
    return { type: "wait" };
  }
  const listed = known?.list.list.devices.find((one) => equalBytes(one.deviceId, request.deviceId));
  const signed =
    listed !== undefined &&
    listed.revokedAtSec === 0n &&
    (await step.env.crypto.ed25519Verify(listed.signatureKey, rejoinTranscript(request), request.signature));
  if (!signed) throw new ValidationError("mls_invalid", "SOTTO-REJOIN-1: not signed by a device in use");
  if (!(await hasState(step, group))) return done;
  const mls = await mlsOf(step, group);
  const leaf = mls.members.find((m) => accountOfMember(m) === account && deviceOfMember(m) === device);
  if (leaf === undefined || leaf.leafIndex === mls.ownLeafIndex) return done;
  // A leaf that came after the request is the answer to it.
  const answered = await step.draft.get(groupNames.rejoined(group.record.id, device));
  if (answered !== undefined && answered >= Number(request.madeAtSec)) return done;
  for (const waiting of group.intents) {
    const intent = await step.draft.item(groupNames.intents(group.record.id), waiting);
    if (intent?.type === "rejoin" && intent.device === device) return done;
  }
  // Once is enough: told again by the server, it changes nothing. A device that still needs it asks anew.
  const heard = Math.max(nowSec(step), Number(request.madeAtSec));
  step.draft.put(groupNames.rejoined(group.record.id, device), heard);
  addIntent(step, group, { type: "rejoin", account, device });
  return done;
}
