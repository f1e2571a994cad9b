/** What the server has of ours: an item leaves the queue when its entry is answered, or read back. */
import { equalBytes, toHex, type Entry } from "@sotto/protocol";
import { advanceStatus } from "../conversations.ts";
import { sentGroup } from "../outbox.ts";
import type { Step } from "../step.ts";
import { leaveSoon } from "./leaving.ts";
import { conversationsOf, dequeueMls } from "./queue.ts";
import { groupNames } from "./records.ts";
import { putGroup, type GroupLive } from "./state.ts";

/** @param unread the entry was answered, and comes back with the log. */
export async function finishSent(
  step: Step,
  conversation: string,
  group: GroupLive,
  order: number,
  unread: boolean,
): Promise<void> {
  const item = await step.draft.item(groupNames.outbox(conversation), order);
  if (item === undefined) return;
  await dequeueMls(step, conversation, order);
  const { sentSinceUpdate, ownSent } = group.record;
  const body = unread ? item.sealed?.body : undefined;
  putGroup(step, group, {
    sentSinceUpdate: sentSinceUpdate + 1,
    ...(body !== undefined && { ownSent: [...ownSent, await hashOf(step, body)] }),
  });
  const { content } = item;
  if (content.type === "text") {
    await advanceStatus(step, content.place, "sent");
    step.effects.push({ type: "settle", settle: () => step.waiters.resolve(sentGroup(content.id)) });
  }
  if (content.type === "leave") {
    await leaveSoon(step, group);
  }
}

/** Whether an entry is one of ours that the server has: then it was sent, whatever became of the answer. */
export async function takeOwnEntry(step: Step, group: GroupLive, entry: Entry): Promise<boolean> {
  for (const conversation of await conversationsOf(step, group)) {
    const queue = step.live.queues.byConversation.get(conversation);
    for (const [order, body] of queue?.sealed ?? []) {
      if (!equalBytes(body, entry.body)) continue;
      await finishSent(step, conversation, group, order, false);
      return true;
    }
  }
  // By what it says, not by the place that the server named: that may be another's.
  const { ownSent } = group.record;
  if (ownSent.length === 0) return false;
  const hash = await hashOf(step, entry.body);
  if (!ownSent.includes(hash)) return false;
  putGroup(step, group, { ownSent: ownSent.filter((own) => own !== hash) });
  return true;
}

const hashOf = async (step: Step, body: Uint8Array): Promise<string> =>
  toHex(await step.env.crypto.sha256(body));
