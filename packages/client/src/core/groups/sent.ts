/** What the server has of ours: an item leaves the queue when its entry is answered, or read back. */
import { equalBytes, type Entry } from "@sotto/protocol";
import { advanceStatus } from "../conversations.ts";
import { sentGroup } from "../outbox.ts";
import type { Step } from "../step.ts";
import { conversationsOf, dequeueMls } from "./queue.ts";
import { groupNames } from "./records.ts";
import { putGroup, type GroupLive } from "./state.ts";

/** @param seq of the entry, when it was not read yet. */
export async function finishSent(
  step: Step,
  conversation: string,
  group: GroupLive,
  order: number,
  seq?: number,
): Promise<void> {
  const item = await step.draft.item(groupNames.outbox(conversation), order);
  if (item === undefined) return;
  await dequeueMls(step, conversation, order);
  const { sentSinceUpdate, ownSeqs, cursor } = group.record;
  putGroup(step, group, {
    sentSinceUpdate: sentSinceUpdate + 1,
    ...(seq !== undefined && seq > cursor && { ownSeqs: [...ownSeqs, seq] }),
  });
  const { content } = item;
  if (content.type === "text") {
    await advanceStatus(step, content.place, "sent");
    step.effects.push({ type: "settle", settle: () => step.waiters.resolve(sentGroup(content.id)) });
  }
  if (content.type === "leave") {
    step.effects.push({ type: "settle", settle: () => step.waiters.resolve(leftGroup(group.record.id)) });
  }
}

/** The callers who wait until a group was told that this account leaves. */
export const leftGroup = (id: string): string => `left ${id}`;

/** Whether an entry is one of ours that the server has: then it was sent, whatever became of the answer. */
export async function takeOwnEntry(step: Step, group: GroupLive, entry: Entry): Promise<boolean> {
  const seq = Number(entry.seq);
  const { ownSeqs } = group.record;
  if (ownSeqs.includes(seq)) {
    putGroup(step, group, { ownSeqs: ownSeqs.filter((own) => own !== seq) });
    return true;
  }
  for (const conversation of await conversationsOf(step, group)) {
    const queue = step.live.queues.byConversation.get(conversation);
    for (const [order, body] of queue?.sealed ?? []) {
      if (!equalBytes(body, entry.body)) continue;
      await finishSent(step, conversation, group, order);
      return true;
    }
  }
  return false;
}
