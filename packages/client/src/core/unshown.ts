/** Messages that were not shown before, each once: the SDK's async iterator, and marking a whole conversation. */
import type { Message } from "../api.ts";
import { MESSAGE_IN, contactOf, markShown, messageAt, toMessage, unshownOf } from "./conversations.ts";
import { decideAbout, findSubject, notifyChange } from "./deciding.ts";
import { tellRead } from "./devices/syncing.ts";
import type { Engine } from "./engine.ts";
import { findConversation } from "./groups/overview.ts";
import { queueReceipt } from "./groups/queue.ts";
import { groupOfConversation } from "./groups/state.ts";
import { tellsReceipts } from "./groups/show.ts";
import { names, type ContactRecord, type MessagePlace, type MessageRecord } from "./records.ts";
import { sendReceipt, sendsReadReceipts } from "./receipts.ts";
import { isQuiet } from "./requests.ts";
import type { Step } from "./step.ts";

/** Yields what was not shown. A message counts as shown when the next one is asked for. */
export async function* unshownMessages(engine: Engine, signal?: AbortSignal): AsyncGenerator<Message, void> {
  let from = 0;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const found = await engine.run((step) => next(step, from, signal));
      if ("wait" in found) {
        await found.wait;
        continue;
      }
      from = found.place.order + 1;
      yield found.message;
      await engine.run((step) => show(step, [found.place]));
    }
  } catch (cause) {
    // The signal, or close(), ended the waiting; anything else is a failure.
    if (signal?.aborted !== true && !engine.closed) throw cause;
  }
}

async function next(
  step: Step,
  from: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly message: Message; readonly place: MessagePlace } | { readonly wait: Promise<void> }> {
  const [item] = await step.draft.page(names.unshown, { from, limit: 1 });
  if (item === undefined) return { wait: step.waiters.wait(MESSAGE_IN, signal) };
  const place = { conversation: item.value, order: item.order };
  const record = await messageAt(step.draft, place);
  if (record === undefined) return next(step, item.order + 1, signal);
  const contact = await contactOf(step.draft, place.conversation);
  return { place, message: await toMessage(step.draft, step.live.own, contact, place, record) };
}

/** Marks all messages of a peer as shown. */
export async function markRead(step: Step, peer: string): Promise<void> {
  const unshown = await unshownOf(step.draft, await findConversation(step, peer));
  await show(step, unshown);
  const subject = await findSubject(step, peer);
  if (unshown.length > 0) notifyChange(step, subject);
  await decideAbout(step, subject, { markedUnread: false });
}

async function show(step: Step, places: readonly MessagePlace[]): Promise<void> {
  const tells = await sendsReadReceipts(step);
  // What no receipt in a shared group tells our other devices, by sender.
  const untold = new Map<string, string[]>();
  for (const place of places) {
    const contact = await contactOf(step.draft, place.conversation);
    const withheld = !tells || (await isQuiet(step, place.conversation));
    for (const message of await markShown(step, [place])) {
      if (!withheld && (await sendReadReceipt(step, place.conversation, contact, message))) continue;
      const account = message.sender ?? contact?.account;
      if (account !== undefined) untold.set(account, [...(untold.get(account) ?? []), message.id]);
    }
  }
  for (const [account, ids] of untold) await tellRead(step, account, ids);
}

/** Says that a message was read; false when our other devices do not hear of it by that. */
export async function sendReadReceipt(
  step: Step,
  conversation: string,
  contact: ContactRecord | undefined,
  message: MessageRecord,
): Promise<boolean> {
  if (message.suite === undefined) {
    if (contact !== undefined) await sendReceipt(step, contact.id, "read", message);
    return false;
  }
  // Receipts do not travel in large groups.
  const group = await groupOfConversation(step, conversation);
  if (group !== undefined && !tellsReceipts(group)) return false;
  await queueReceipt(step, conversation, "read", message.id);
  return true;
}
