/**
 * The outbox: sends what waits, in order for each contact, different contacts side by side. An item is encrypted and stored before its
 * first try, and taken out only when the server has every copy. Whatever fails for a while is tried again with growing pauses.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  EntryKind,
  InboxItemSchema,
  UsageError,
  utf8,
  type ErrorCode,
  type SottoError,
} from "@sotto/protocol";
import { isTransferred } from "./attachments/state.ts";
import { bindIdentifier, contactOfId, isBlocked } from "./contacts.ts";
import { advanceStatus, messageAt } from "./conversations.ts";
import { expirePinned, isFresh, pinned } from "./directory.ts";
import { isMlsFlushed } from "./groups/queue.ts";
import { isSettled } from "./groups/state.ts";
import { bytesOf } from "./hex.ts";
import { lookUp, type Found } from "./lookups.ts";
import { makeCopies, releaseNumbers } from "./outbox-copies.ts";
import { dequeue, presentContact, queueOf, wake, type ContactQueue } from "./outbox-queue.ts";
import { isSigningPaused } from "./own-keys.ts";
import { pauseMs } from "./reconnect.ts";
import { names, type ContactRecord, type OutboxCopy, type OutboxItem } from "./records.ts";
import { isReady, request, type Answer } from "./session.ts";
import type { Step } from "./step.ts";

/** The group of callers who wait until a message was sent. */
export const sentGroup = (id: string): string => `sent ${id}`;
/** The group of callers who wait until nothing is left to send. */
export const FLUSHED = "flushed";

/** Looks at every queue that was woken, and lets go who waited for an empty outbox. */
export async function pumpOutbox(step: Step): Promise<void> {
  const { outbox } = step.live;
  for (let rounds = 0; outbox.woken.size > 0 && rounds < 1_000; rounds++) {
    const woken = [...outbox.woken];
    outbox.woken.clear();
    for (const contact of woken) await pump(step, contact);
  }
  if (isFlushed(step)) step.effects.push({ type: "settle", settle: () => step.waiters.resolve(FLUSHED) });
}

/** Whether everything reached the server that may go there now. */
export const isFlushed = (step: Step): boolean =>
  isMlsFlushed(step.live.queues) &&
  isTransferred(step.live.transfers) &&
  [...step.live.groups.byId.values()].every(isSettled) &&
  [...step.live.outbox.queues.values()].every((queue) => queue.orders.length === 0 || queue.blocked);

async function pump(step: Step, contactId: string): Promise<void> {
  const queue = step.live.outbox.queues.get(contactId);
  const order = queue?.orders[0];
  if (queue === undefined || queue.busy) return;
  if (order === undefined) {
    step.live.outbox.queues.delete(contactId);
    return;
  }
  const item = await step.draft.item(names.outbox, order);
  const contact = await contactOfId(step.draft, contactId);
  if (item === undefined || contact === undefined) return dequeue(step, contactId, order);
  const { content } = item;
  if (content.type === "text" && (await messageAt(step.draft, content.place)) === undefined) {
    // Its conversation was deleted meanwhile.
    return fail(step, order, "usage");
  }

  if (contact.account === undefined) return findAccount(step, queue, order, contact);
  const known = await pinned(step, contact.account);
  if (isBlocked(contact, known?.list.list.identityKey)) return block(step, queue);
  queue.blocked = false;
  if (!isReady(step) || isSigningPaused(step.live.own)) return;
  if (!isFresh(step, known)) return refresh(step, queue, order, contact, contact.account);

  const copies = await makeCopies(step, item, contact.account, known.list.list);
  if (copies.length === 0) return fail(step, order, "no_usable_key");
  const ready = { ...item, copies };
  step.draft.putItem(names.outbox, order, ready);
  closeReceipt(queue, order);
  const waiting = copies.filter((copy) => !copy.taken);
  if (waiting.length === 0) return finish(step, order, ready);
  const before = new Set((item.copies ?? []).map((copy) => copy.device));
  const wakes = content.type === "text";
  send(step, queue, order, contact.account, waiting, wakes, (device) => !before.has(device));
}

// Finding out where to send

async function findAccount(
  step: Step,
  queue: ContactQueue,
  order: number,
  contact: ContactRecord,
): Promise<void> {
  const { identifier } = contact;
  if (!isReady(step)) return;
  if (identifier === undefined) return fail(step, order, "identifier_not_found");
  queue.busy = true;
  await lookUp(step, { identifier }, (later, found) =>
    afterLookup(later, order, contact.id, found, async () => {
      if (found.type === "not-found") return fail(later, order, "identifier_not_found");
      if (found.type === "found") await bindIdentifier(later, identifier, found.account);
    }),
  );
}

async function refresh(
  step: Step,
  queue: ContactQueue,
  order: number,
  contact: ContactRecord,
  account: string,
): Promise<void> {
  queue.busy = true;
  await lookUp(step, { account }, (later, found) =>
    afterLookup(later, order, contact.id, found, async () => {
      if (found.type !== "not-found") return;
      // The account is gone. Whoever has its identifier now is somebody else, and must be acknowledged first.
      if (contact.identifier === undefined) return fail(later, order, "identifier_not_found");
      await findAccount(later, queueOf(later.live.outbox, contact.id), order, contact);
    }),
  );
}

async function afterLookup(
  step: Step,
  order: number,
  contactId: string,
  found: Found,
  then: () => Promise<void>,
): Promise<void> {
  const contact = presentContact(step.live.outbox, contactId);
  const queue = queueOf(step.live.outbox, contact);
  queue.busy = false;
  wake(step, contact);
  if (found.type !== "failed") return then();
  return setback(step, contact, order, found.error);
}

// Sending

/** @param wakes whether a person waits for it. @param isNew whether a device's copy was never sent before. */
function send(
  step: Step,
  queue: ContactQueue,
  order: number,
  account: string,
  waiting: readonly OutboxCopy[],
  wakes: boolean,
  isNew: (device: string) => boolean,
): void {
  queue.busy = true;
  let answersLeft = waiting.length;
  let trouble: SottoError | undefined;
  for (const copy of waiting) {
    const isNowhere = isNew(copy.device) || queue.refused.delete(copy.device);
    const onAnswer = async (later: Step, answer: Answer): Promise<void> => {
      answersLeft -= 1;
      if (answer.type === "appended") await markTaken(later, order, copy.device);
      else if (answer.type === "refused" || answer.type === "lost") trouble ??= answer.error;
      if (answer.type === "refused" && isNowhere) await noteRefused(later, order, copy.device);
      if (answersLeft === 0) await afterSend(later, order, account, trouble);
    };
    request(
      step,
      (number) => ({
        case: "append",
        value: {
          $typeName: "sotto.v1.Append",
          request: number,
          logId: bytesOf(copy.inbox),
          accessToken: new Uint8Array(),
          epoch: 0n,
          kind: EntryKind.MESSAGE,
          body: inboxItem(copy.envelope),
          nextTokenHash: new Uint8Array(),
          wakes,
        },
      }),
      onAnswer,
    );
  }
}

/** The body of an inbox entry that holds a classic message. */
export function inboxItem(envelope: string): Uint8Array {
  return toBinary(
    InboxItemSchema,
    create(InboxItemSchema, { item: { case: "classic", value: utf8(envelope) } }),
  );
}

async function markTaken(step: Step, order: number, device: string): Promise<void> {
  const item = await step.draft.item(names.outbox, order);
  if (item?.copies === undefined) return;
  const copies = item.copies.map((copy) => (copy.device === device ? { ...copy, taken: true } : copy));
  step.draft.putItem(names.outbox, order, { ...item, copies });
}

async function noteRefused(step: Step, order: number, device: string): Promise<void> {
  const item = await step.draft.item(names.outbox, order);
  if (item !== undefined) queueOf(step.live.outbox, item.contact).refused.add(device);
}

async function afterSend(
  step: Step,
  order: number,
  account: string,
  trouble: SottoError | undefined,
): Promise<void> {
  const item = await step.draft.item(names.outbox, order);
  if (item === undefined) return;
  queueOf(step.live.outbox, item.contact).busy = false;
  if (trouble === undefined) return finish(step, order, item);
  // The inbox may be gone because the device was revoked: the newest list knows.
  if (trouble.code === "log_refused") await expirePinned(step, account);
  await setback(step, item.contact, order, trouble);
}

async function finish(step: Step, order: number, item: OutboxItem): Promise<void> {
  const { content, copies = [] } = item;
  if (content.type === "text") {
    step.draft.put(
      names.envelopes(content.place),
      copies.map((copy) => copy.envelope),
    );
    await advanceStatus(step, content.place, "sent");
    step.effects.push({ type: "settle", settle: () => step.waiters.resolve(sentGroup(content.id)) });
  }
  dequeue(step, item.contact, order);
}

// When it does not work

const permanent = new Set<ErrorCode>([
  "classic_switched_off",
  "too_large",
  "malformed",
  "message_too_large",
  "device_list_invalid",
  "device_list_rolled_back",
  "signature_invalid",
  "key_invalid",
]);
const triesForMissingInbox = 5;

/** After a try that failed: waits and tries again, or gives the item up. */
async function setback(step: Step, contact: string, order: number, error: SottoError): Promise<void> {
  const queue = queueOf(step.live.outbox, contact);
  // When the connection is gone, the next one goes on.
  if (!isReady(step)) return;
  queue.failures += 1;
  const hopeless = error.code === "log_refused" && queue.failures >= triesForMissingInbox;
  if (permanent.has(error.code) || hopeless) return fail(step, order, error.code);
  const delayMs = pauseMs(queue.failures, error.retryAfterMs, step.env.random());
  queue.busy = true;
  step.effects.push({
    type: "timer",
    name: `outbox ${contact}`,
    delayMs,
    run: async (later) => {
      const present = presentContact(later.live.outbox, contact);
      queueOf(later.live.outbox, present).busy = false;
      wake(later, present);
    },
  });
}

/** Gives an item up. A text is marked with the reason; a receipt is dropped. */
async function fail(step: Step, order: number, code: ErrorCode): Promise<void> {
  const item = await step.draft.item(names.outbox, order);
  if (item === undefined) return;
  const contact = await contactOfId(step.draft, item.contact);
  // Others may have been taken though the answer was lost; a number that is used twice would hide the next message's loss.
  const { refused } = queueOf(step.live.outbox, item.contact);
  const nowhere = (item.copies ?? []).filter((copy) => !copy.taken && refused.has(copy.device));
  if (contact?.account !== undefined) await releaseNumbers(step, contact.account, nowhere);
  if (item.content.type === "text") {
    const { id, place } = item.content;
    await advanceStatus(step, place, "failed", code);
    const error = new UsageError(code, "the message could not be sent");
    step.effects.push({ type: "settle", settle: () => step.waiters.reject(sentGroup(id), error) });
  }
  dequeue(step, item.contact, order);
}

/** Leaves everything where it is until the person acknowledges the new identity; tells who waits. */
async function block(step: Step, queue: ContactQueue): Promise<void> {
  if (queue.blocked) return;
  queue.blocked = true;
  for (const order of queue.orders) {
    const item = await step.draft.item(names.outbox, order);
    if (item?.content.type !== "text") continue;
    const { id } = item.content;
    step.effects.push({
      type: "settle",
      settle: () => step.waiters.reject(sentGroup(id), identityChanged()),
    });
  }
}

/** What callers get while a contact's new identity is not acknowledged. */
export const identityChanged = (): UsageError =>
  new UsageError("identity_changed", "the contact's identity key changed, and was not acknowledged yet");

function closeReceipt(queue: ContactQueue, order: number): void {
  for (const [key, open] of queue.openReceipts) if (open === order) queue.openReceipts.delete(key);
}
