/**
 * Sending under MLS: an item is encrypted for the present epoch and stored with the ratchet that it used, before it is sent; encrypted
 * again only when its epoch ended before the server had it. After a connection broke, the log is read first: it says what arrived.
 */
import {
  AccountSyncSchema,
  EntryKind,
  UsageError,
  decode,
  type ErrorCode,
  type SottoError,
} from "@sotto/protocol";
import { contactOf, advanceStatus, messageAt } from "../conversations.ts";
import { isBlocked } from "../contacts.ts";
import { pinned } from "../directory.ts";
import { bytesOf } from "../hex.ts";
import { askHinted, catchUp, hintedIn, unheardIn } from "../list-hints.ts";
import { identityChanged, sentGroup } from "../outbox.ts";
import { pauseMs } from "../reconnect.ts";
import { removeMessages } from "../removing.ts";
import { isReady, request, type Answer } from "../session.ts";
import type { Step } from "../step.ts";
import { names, type ContactRecord } from "../records.ts";
import { changeBody, textBody } from "./bodies.ts";
import { encodeContent, groupEntry } from "./content.ts";
import { isRemovalDue } from "./leaves.ts";
import { findPair } from "./pairs.ts";
import { leaveHere } from "./leaving.ts";
import { closeReceipt, dequeueMls, freshId, wakeQueue, type MlsQueue } from "./queue.ts";
import { groupNames, type MlsItem } from "./records.ts";
import { groupOfConversation, mlsOf, saveDelta, wakeGroup, type GroupLive } from "./state.ts";
import { isLive } from "./level.ts";
import { finishSent } from "./sent.ts";

const mostInFlight = 32;

/** Looks at every queue that was woken. */
export async function pumpQueues(step: Step): Promise<void> {
  const { queues } = step.live;
  for (let rounds = 0; queues.woken.size > 0 && rounds < 1_000; rounds++) {
    const woken = [...queues.woken];
    queues.woken.clear();
    for (const conversation of woken) await pump(step, conversation);
  }
}

async function pump(step: Step, conversation: string): Promise<void> {
  const queue = step.live.queues.byConversation.get(conversation);
  if (queue === undefined || queue.busy || queue.orders.length === 0) return;
  const contact = await contactOf(step.draft, conversation);
  if (contact === undefined) {
    const group = await groupOfConversation(step, conversation);
    if (group === undefined) return failAll(step, conversation, queue, "group_unknown");
    if (["left", "removed", "replaced"].includes(group.record.state)) {
      return failAll(step, conversation, queue, "group_unknown");
    }
    // Nothing is encrypted for a device that is known to be revoked, or may be: its removal goes first.
    const hinted = isReady(step) ? hintedIn(step, group) : [];
    if (hinted.length > 0) {
      queue.busy = true;
      return askHinted(step, hinted, (later, failed) => goOn(later, conversation, queue, failed?.error));
    }
    // Nor for one whose revocation nobody told this device, since it was away. Whatever comes of asking, the queue goes on.
    const unheard = isReady(step) && isLive(group) ? unheardIn(step, group) : [];
    if (unheard.length > 0) {
      queue.busy = true;
      return catchUp(step, unheard, (later) => goOn(later, conversation, queue));
    }
    if (isLive(group) && (await isRemovalDue(step, group))) return wakeGroup(step, group.record.id);
    return sendIn(step, conversation, queue, group);
  }
  if (await blocks(step, contact)) return block(step, conversation, queue);
  queue.blocked = false;
  if (!isReady(step)) return;
  const found = await findPair(step, contact, {
    wait: () => {
      queue.busy = true;
    },
    go: (later) => goOn(later, conversation, queue),
    fail: (later, error) => goOn(later, conversation, queue, error),
  });
  if (found !== undefined) await sendIn(step, conversation, queue, found);
}

/** What the queue waited for has come, or failed. */
async function goOn(step: Step, conversation: string, queue: MlsQueue, error?: SottoError): Promise<void> {
  queue.busy = false;
  if (error === undefined) wakeQueue(step, conversation);
  else await setback(step, conversation, queue, error);
}

/** Whether a contact's changed identity blocks sending. */
async function blocks(step: Step, contact: ContactRecord): Promise<boolean> {
  const known = contact.account === undefined ? undefined : await pinned(step, contact.account);
  return isBlocked(contact, known?.list.list.identityKey);
}

async function sendIn(step: Step, conversation: string, queue: MlsQueue, group: GroupLive): Promise<void> {
  // A Commit of ours is under way: what follows belongs behind it.
  if (!isReady(step) || !isLive(group) || group.pending !== undefined) return;
  const { id, epoch } = group.record;
  for (const order of queue.orders.slice(0, mostInFlight)) {
    if (queue.inFlight.has(order)) continue;
    const item = await step.draft.item(groupNames.outbox(conversation), order);
    if (item === undefined) continue;
    const kept = item.sealed?.group === id && item.sealed.epoch === epoch ? item.sealed.body : undefined;
    const body = kept ?? (await seal(step, conversation, queue, group, order, item));
    if (body === undefined) continue;
    queue.inFlight.add(order);
    append(step, conversation, queue, group, order, body, item.content.type === "text");
  }
}

async function seal(
  step: Step,
  conversation: string,
  queue: MlsQueue,
  group: GroupLive,
  order: number,
  item: MlsItem,
): Promise<Uint8Array | undefined> {
  const plaintext = await plaintextOf(step, conversation, item);
  if (plaintext === undefined) {
    // It was deleted here before it could go out.
    rejectText(step, item, "usage");
    await dequeueMls(step, conversation, order);
    if (item.content.type === "text") await forgetTakenBack(step, conversation, item.content);
    return undefined;
  }
  const made = await step.env.mls.protect(await mlsOf(step, group), plaintext);
  const body = groupEntry(made.message);
  saveDelta(step, group, made.group, made.delta);
  const sealed = { group: group.record.id, epoch: group.record.epoch, body };
  step.draft.putItem(groupNames.outbox(conversation), order, { ...item, sealed });
  queue.sealed.set(order, body);
  closeReceipt(queue, order);
  return body;
}

async function plaintextOf(
  step: Step,
  conversation: string,
  { content }: MlsItem,
): Promise<Uint8Array | undefined> {
  const from = step.live.own.identifier;
  switch (content.type) {
    case "text": {
      const message = await messageAt(step.draft, content.place);
      if (message === undefined || message.deleted === true) return undefined;
      const { id, sentAtMs } = content;
      return encodeContent({ id, sentAtMs, from, body: await textBody(step, content.place, message) });
    }
    case "reaction":
    case "edit":
    case "delete": {
      const body = await changeBody(step, content);
      const { id, atMs: sentAtMs } = content.stamp;
      return body && encodeContent({ id, sentAtMs, from, body });
    }
    case "receipt": {
      const { status, ids } = content;
      const body = { type: "receipt", status, ids } as const;
      return encodeContent({ id: freshId(step), sentAtMs: step.env.nowMs(), from, body });
    }
    case "sync": {
      const sync = decode(AccountSyncSchema, content.sync).change;
      const body = { type: "account-sync", sync } as const;
      return encodeContent({ id: freshId(step), sentAtMs: step.env.nowMs(), from: "", body });
    }
    case "profile": {
      const named = (await step.draft.get(names.profile)) ?? { name: "", changedAtMs: 0 };
      const body = { type: "profile", ...named } as const;
      return encodeContent({ id: freshId(step), sentAtMs: step.env.nowMs(), from, body });
    }
    case "group-picture": {
      const image = await step.draft.get(groupNames.picture(conversation, content.sha256));
      const body = image && ({ type: "group-picture", image } as const);
      return body && encodeContent({ id: freshId(step), sentAtMs: step.env.nowMs(), from, body });
    }
    case "join-refused": {
      const body = { type: "join-refused", request: content.request } as const;
      return encodeContent({ id: freshId(step), sentAtMs: step.env.nowMs(), from, body });
    }
    case "leave":
      return encodeContent({ id: freshId(step), sentAtMs: step.env.nowMs(), from, body: { type: "leave" } });
  }
}

/** A text that was taken back before it went out: nothing is left of it here, and nobody needs to be told. Who sends it again may not know who has it. */
async function forgetTakenBack(
  step: Step,
  conversation: string,
  { id, place }: Extract<MlsItem["content"], { type: "text" }>,
): Promise<void> {
  if ((await messageAt(step.draft, place))?.status !== "queued") return;
  await removeMessages(step, [place]);
  for (const order of step.live.queues.byConversation.get(conversation)?.orders.slice() ?? []) {
    const item = await step.draft.item(groupNames.outbox(conversation), order);
    const isChange = item !== undefined && "target" in item.content;
    if (isChange && item.content.target.id === id && item.sealed === undefined) {
      await dequeueMls(step, conversation, order);
    }
  }
}

function append(
  step: Step,
  conversation: string,
  queue: MlsQueue,
  group: GroupLive,
  order: number,
  body: Uint8Array,
  wakes: boolean,
): void {
  const { id, token, epoch } = group.record;
  request(
    step,
    (number) => ({
      case: "append",
      value: {
        $typeName: "sotto.v1.Append",
        request: number,
        logId: bytesOf(id),
        accessToken: token,
        epoch: BigInt(epoch),
        kind: EntryKind.MESSAGE,
        body,
        nextTokenHash: new Uint8Array(),
        wakes,
      },
    }),
    async (later, answer) => onAnswer(later, conversation, queue, group, order, answer),
  );
}

async function onAnswer(
  step: Step,
  conversation: string,
  queue: MlsQueue,
  group: GroupLive,
  order: number,
  answer: Answer,
): Promise<void> {
  // Taken by a log that was given up meanwhile, where nobody may read it any more: it goes out again in the group that took its place.
  const isLate = answer.type === "appended" && group.record.state === "replaced";
  if (answer.type === "appended" && !isLate) return finishSent(step, conversation, group, order, true);
  queue.inFlight.delete(order);
  if (isLate) return wakeQueue(step, conversation);
  if (answer.type !== "refused") return;
  // Its epoch ended: the Commit is on its way to us, and then it is encrypted again.
  if (answer.error.code === "epoch_ended") return wakeGroup(step, group.record.id);
  await setback(step, conversation, queue, answer.error);
}

// When it does not work

const permanent = new Set<ErrorCode>([
  "too_large",
  "message_too_large",
  "identifier_not_found",
  "no_usable_key",
  "device_list_invalid",
  "device_list_rolled_back",
  "signature_invalid",
]);

async function setback(step: Step, conversation: string, queue: MlsQueue, error: SottoError): Promise<void> {
  if (!isReady(step)) return;
  if (permanent.has(error.code)) return failAll(step, conversation, queue, error.code);
  queue.failures += 1;
  queue.busy = true;
  step.effects.push({
    type: "timer",
    name: `mls ${conversation}`,
    delayMs: pauseMs(queue.failures, error.retryAfterMs, step.env.random()),
    run: async (later) => {
      queue.busy = false;
      wakeQueue(later, conversation);
    },
  });
}

async function failAll(step: Step, conversation: string, queue: MlsQueue, code: ErrorCode): Promise<void> {
  for (const order of queue.orders.slice()) {
    const item = await step.draft.item(groupNames.outbox(conversation), order);
    if (item?.content.type === "text") await advanceStatus(step, item.content.place, "failed", code);
    if (item !== undefined) rejectText(step, item, code);
    if (item?.content.type === "leave") {
      const group = await groupOfConversation(step, conversation);
      if (group !== undefined) await leaveHere(step, group);
    }
    await dequeueMls(step, conversation, order);
  }
}

/** Tells who waits for a text that it will not be sent. */
function rejectText(step: Step, { content }: MlsItem, code: ErrorCode): void {
  if (content.type !== "text") return;
  const error = new UsageError(code, "the message could not be sent");
  step.effects.push({ type: "settle", settle: () => step.waiters.reject(sentGroup(content.id), error) });
}

async function block(step: Step, conversation: string, queue: MlsQueue): Promise<void> {
  if (queue.blocked) return;
  queue.blocked = true;
  for (const order of queue.orders) {
    const item = await step.draft.item(groupNames.outbox(conversation), order);
    if (item?.content.type !== "text") continue;
    const { id } = item.content;
    step.effects.push({
      type: "settle",
      settle: () => step.waiters.reject(sentGroup(id), identityChanged()),
    });
  }
}
