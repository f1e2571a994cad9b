/**
 * An invitation of a device that was revoked since is not believed: whoever has that device could have made it. Others who would know of it
 * are asked to let us in, or to say that we are not in that group any more; the invitation waits meanwhile.
 */
import type { MlsGroup, MlsMember } from "@sotto/crypto";
import { ValidationError, toHex } from "@sotto/protocol";
import { isBarredAccount } from "../barred.ts";
import type { Step } from "../step.ts";
import { deciders } from "./continuing.ts";
import { parseGroupData } from "./data.ts";
import { accountsOf } from "./epoch.ts";
import { askEveryMs, askFirstMs, rejoinRequests } from "./healing.ts";
import { goOn, type ItemVerdict } from "./held-items.ts";
import { accountOfMember } from "./membership.ts";
import { groupNames } from "./records.ts";
import { replacedIn } from "./replacing.ts";
import { leaveInInbox } from "./tasks.ts";

const waitsMs = 7 * 86_400_000;

/** Asks others to let us in. @throws ValidationError `mls_invalid` when there is nobody to ask, or nobody did it for a week. */
export async function askOthers(
  step: Step,
  order: number,
  group: MlsGroup,
  sender: MlsMember,
): Promise<ItemVerdict> {
  const { doubted } = step.live.heldItems;
  const item = await step.draft.item(groupNames.heldItems, order);
  const now = step.env.nowMs();
  const about = { id: toHex(group.groupId), epoch: group.epoch };
  const requests = await rejoinRequests(step, about, await whoKnows(step, group, sender));
  const askedAtMs = doubted.get(order)?.askedAtMs;
  // Whoever slept through the week had nobody's answer in it: those are asked once more.
  const asksInVain = askedAtMs !== undefined && now - askedAtMs < 2 * askEveryMs;
  const isOver = now - (item?.receivedAtMs ?? 0) > waitsMs && asksInVain;
  if (requests.length === 0 || isOver)
    throw new ValidationError("mls_invalid", "SOTTO-JOIN-5: who sent the Welcome is no device in use");
  // Somebody who saw the device go may have let us in already: that lies in the inbox then.
  const isFirst = askedAtMs === undefined;
  if (!isFirst) for (const { inbox, item: body } of requests) leaveInInbox(step, inbox, body);
  const decide = deciders({ data: group.groupData, accounts: accountsOf(group) });
  doubted.set(order, {
    log: about.id,
    epoch: about.epoch,
    deciders: decide,
    askedAtMs: isFirst ? -Infinity : now,
  });
  step.effects.push({
    type: "timer",
    name: `vouch ${order}`,
    delayMs: isFirst ? askFirstMs : askEveryMs,
    run: async (later) => goOn(later, order),
  });
  return { type: "wait" };
}

/**
 * Whose devices would know of a group: of our own account, of the sender's, and of everybody else in it, but whom the person blocked. Into one
 * that takes the place of another only those who decide in that one can let us (SOTTO-WELCOME-9).
 */
async function whoKnows(step: Step, group: MlsGroup, sender: MlsMember): Promise<readonly string[]> {
  const accounts = new Set([step.live.own.account, accountOfMember(sender)]);
  const replaced = replacedIn(step, parseGroupData(group.groupData));
  const decide = replaced && deciders(replaced.old.record);
  for (const account of new Set(group.members.map(accountOfMember))) {
    if (decide?.includes(account) === false) continue;
    if (!(await isBarredAccount(step.draft, account))) accounts.add(account);
  }
  return [...accounts];
}
