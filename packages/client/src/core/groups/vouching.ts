/**
 * An invitation of a device that was revoked since is not believed: whoever has that device could have made it. Others who would know of it,
 * of the sender's account and of our own, are asked to let us in; the invitation waits meanwhile.
 */
import type { MlsGroup, MlsMember } from "@sotto/crypto";
import { ValidationError, toHex } from "@sotto/protocol";
import type { Step } from "../step.ts";
import { askEveryMs, askFirstMs, rejoinRequests } from "./healing.ts";
import { goOn, type ItemVerdict } from "./held-items.ts";
import { accountOfMember } from "./membership.ts";
import { groupNames } from "./records.ts";
import { leaveInInbox } from "./tasks.ts";

const waitsMs = 7 * 86_400_000;
/** Stands among the accounts that were asked for because of an item. */
const firstLook = "first look";

/** Asks others to let us in. @throws ValidationError `mls_invalid` when there is nobody to ask, or nobody did it for a week. */
export async function askOthers(
  step: Step,
  order: number,
  group: MlsGroup,
  sender: MlsMember,
): Promise<ItemVerdict> {
  const { heldItems, own } = step.live;
  const item = await step.draft.item(groupNames.heldItems, order);
  const ageMs = step.env.nowMs() - (item?.receivedAtMs ?? 0);
  const about = { id: toHex(group.groupId), epoch: group.epoch };
  const requests = await rejoinRequests(step, about, [...new Set([own.account, accountOfMember(sender)])]);
  if (requests.length === 0 || ageMs < 0 || ageMs > waitsMs)
    throw new ValidationError("mls_invalid", "SOTTO-JOIN-5: who sent the Welcome is no device in use");
  const asked = heldItems.asked.get(order) ?? new Set();
  heldItems.asked.set(order, asked);
  // Somebody who saw the device go may have let us in already: that lies in the inbox then.
  const waits = !asked.delete(firstLook);
  if (waits) asked.add(firstLook);
  else for (const { inbox, item: body } of requests) leaveInInbox(step, inbox, body);
  step.effects.push({
    type: "timer",
    name: `vouch ${order}`,
    delayMs: waits ? askFirstMs : askEveryMs,
    run: async (later) => goOn(later, order),
  });
  return { type: "wait" };
}
