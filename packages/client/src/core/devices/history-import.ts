/**
 * Taking the history in on a linked device: offers are kept until their part was fetched and stored. A message that is here already is not
 * stored twice; those of the history lie before everything that this device met itself.
 */
import {
  HistoryMessageSchema,
  HistoryPartSchema,
  ID_BYTES,
  LABELS,
  SideLogSchema,
  SottoError,
  decode,
  toHex,
  utf8,
  type HistoryMessage,
  type HistoryOffer,
} from "@sotto/protocol";
import { toBinary } from "@bufbuild/protobuf";
import { contactOfId, ensureContact, findContact, putContact } from "../contacts.ts";
import { subjectOf } from "../deciding.ts";
import { wasDeletedAhead } from "../deleting.ts";
import { noteExpiry, startTime } from "../expiry.ts";
import { applyEarly } from "../groups/changing.ts";
import { groupNames } from "../groups/records.ts";
import { fetchSideLog } from "../groups/side-logs.ts";
import { pairGroups, putGroup, type GroupLive } from "../groups/state.ts";
import { onlyNonce } from "../groups/welcoming.ts";
import { findPlace, isTaken, notePlace } from "../message-names.ts";
import { addNotice } from "../notices.ts";
import { keptQuote } from "../quotes.ts";
import { names, type MessagePlace } from "../records.ts";
import { isReady } from "../session.ts";
import { nextOrder, notify, nowSec, type Step } from "../step.ts";
import { receiptsOf, recordOf } from "./history-record.ts";
import { noteOfferLost, noteOffered } from "./history-wanted.ts";

/** An offer that was not taken in yet. */
export interface KeptOffer {
  /** A serialized SideLog. */
  readonly side: Uint8Array;
  readonly part: number;
  readonly parts: number;
  /** Where its messages lie between those of another history: below 2^20. */
  readonly lane: number;
  readonly tries: number;
}

/** Where a linked device's own messages begin: the history lies below. */
export const LINKED_FIRST_ORDER = 2 ** 44;
const historyFirstOrder = 2 ** 43;
/** A history that is told once more counts its messages anew: those of both lie beside each other, each in a lane of its own. */
const lanes = 2 ** 20;
const mostMessages = historyFirstOrder / lanes;
const retryMs = 3_000;
const mostTries = 20;
const mostParts = 4_096;
const partBytes = 32 * 1024 * 1024;

/** Keeps an offer that is for this device. */
export async function keepOffer(step: Step, offer: HistoryOffer): Promise<void> {
  const { own, devices } = step.live;
  if (toHex(offer.deviceId) !== own.device || offer.history === undefined) return;
  if (offer.part < 1 || offer.part > offer.parts || offer.parts > mostParts) return;
  if (offer.historyId.length !== ID_BYTES) return;
  const { part, parts } = offer;
  const lane = new DataView(offer.historyId.buffer, offer.historyId.byteOffset).getUint32(0) % lanes;
  const order = nextOrder(step);
  const side = toBinary(SideLogSchema, offer.history);
  step.draft.putItem(names.historyOffers, order, { side, part, parts, lane, tries: 0 });
  devices.offers.push(order);
  await noteOffered(step, offer);
}

/** Goes on with the oldest offer. */
export async function pumpHistory(step: Step): Promise<void> {
  const { devices } = step.live;
  const order = devices.offers[0];
  if (order === undefined || devices.fetching || !isReady(step)) return;
  const offer = await step.draft.item(names.historyOffers, order);
  if (offer === undefined) return void devices.offers.shift();
  devices.fetching = true;
  const side = decode(SideLogSchema, offer.side);
  await fetchSideLog(step, side, async (later, sealed) => {
    if (sealed === "failed") return retry(later, order, offer);
    later.live.devices.fetching = false;
    try {
      const bytes = await later.env.crypto.aesGcmOpen(side.key, onlyNonce(), sealed, utf8(LABELS.sideLog));
      for (const message of decode(HistoryPartSchema, bytes, partBytes).messages) {
        await takeHistoryMessage(later, message, offer.lane);
      }
    } catch (cause) {
      if (!(cause instanceof SottoError) || cause.code === "storage_failed") throw cause;
      await addNotice(later, { type: "refused", from: later.live.own.identifier, code: cause.code });
    }
    finish(later, order);
    notify(later, { type: "history", part: offer.part, parts: offer.parts });
  });
}

function finish(step: Step, order: number): void {
  step.draft.deleteItem(names.historyOffers, order);
  step.live.devices.offers.splice(step.live.devices.offers.indexOf(order), 1);
}

async function retry(step: Step, order: number, offer: KeptOffer): Promise<void> {
  if (offer.tries + 1 >= mostTries) {
    step.live.devices.fetching = false;
    finish(step, order);
    return noteOfferLost(step);
  }
  step.draft.putItem(names.historyOffers, order, { ...offer, tries: offer.tries + 1 });
  step.effects.push({
    type: "timer",
    name: "history",
    delayMs: retryMs,
    run: async (later) => {
      later.live.devices.fetching = false;
    },
  });
}

/** Stores a message of the history, unless it is here already. @param lane where it lies between those of another history. */
export async function takeHistoryMessage(step: Step, message: HistoryMessage, lane = 0): Promise<void> {
  const order = historyFirstOrder + Number(message.order % BigInt(mostMessages)) * lanes + lane;
  return takeAt(step, message, order);
}

async function takeAt(step: Step, message: HistoryMessage, order: number): Promise<void> {
  const { own } = step.live;
  const record = recordOf(message, own.account);
  if (record === undefined) return;
  const awaited = await awaitedLog(step, message);
  if (awaited !== undefined) return keepForLater(step, awaited, message, order);
  const place = await placeOf(step, message, order);
  if (place === undefined) return;
  const { conversation } = message;
  const sender =
    record.sender ?? (conversation.case === "peerAccountId" ? toHex(conversation.value) : own.account);
  const name = { account: record.direction === "out" ? own.account : sender, id: record.id };
  if ((await findPlace(step.draft, name)) !== undefined) return;
  if (await isTaken(step.draft, [place.conversation], name)) return;
  await notePlace(step, name, place);
  const { replyTo } = record;
  const quoted = replyTo && (await keptQuote(step, { excerpt: "", ...replyTo }, place));
  const complete = { ...record, ...(quoted !== undefined && { replyTo: quoted }) };
  // It counts as seen, so its time runs at the latest from now on.
  const kept = await startTime(step, place, complete, nowSec(step));
  if (record.expiresAt !== undefined) await noteExpiry(step, place, record.expiresAt);
  step.draft.putItem(names.messages(place.conversation), place.order, kept);
  const receipts = receiptsOf(message);
  if (receipts !== undefined) step.draft.put(groupNames.receipts(place), receipts);
  const subject = await subjectOf(step, message);
  if (subject !== undefined && (await wasDeletedAhead(step, subject, name, place))) return;
  await applyEarly(step, place, name);
  await noteLast(step, place);
}

/**
 * The log that must come first. Its Welcome may come later; and whatever this device can read in it itself lies where the log has it: the
 * history may tell of the same, and is told when more was written.
 */
async function awaitedLog(step: Step, { conversation }: HistoryMessage): Promise<string | undefined> {
  if (conversation.case === "groupLogId") {
    const id = toHex(conversation.value);
    const group = step.live.groups.byId.get(id);
    return group === undefined || isUnread(group) ? id : undefined;
  }
  if (conversation.case !== "peerAccountId") return undefined;
  const contact = await findContact(step.draft, { account: toHex(conversation.value) });
  return pairGroups(step, contact?.conversations ?? []).find(isUnread)?.record.id;
}

/** Whether there may be more in a group's log that was there before. */
const isUnread = ({ record, reader }: GroupLive): boolean => record.state === "joined" && !reader.caughtUp;

function keepForLater(step: Step, log: string, message: HistoryMessage, order: number): void {
  step.draft.putItem(names.keptHistory(log), order, toBinary(HistoryMessageSchema, message));
  const group = step.live.groups.byId.get(log);
  if (group !== undefined && group.record.keptHistory !== true) putGroup(step, group, { keptHistory: true });
}

/** Notes that something was told of a group before this device was let into it: it is stored once the log was read. */
export async function noteKeptHistory(step: Step, group: GroupLive): Promise<void> {
  const kept = await step.draft.page(names.keptHistory(group.record.id), { limit: 1 });
  if (kept.length > 0) putGroup(step, group, { keptHistory: true });
}

/** Stores what was told of a group once that can be. */
export async function pumpKeptHistory(step: Step, group: GroupLive): Promise<void> {
  const { id, keptHistory } = group.record;
  if (keptHistory !== true || isUnread(group)) return;
  putGroup(step, group, { keptHistory: false });
  for (const { order, value } of await step.draft.page(names.keptHistory(id))) {
    step.draft.deleteItem(names.keptHistory(id), order);
    await takeAt(step, decode(HistoryMessageSchema, value), order);
  }
}

async function placeOf(
  step: Step,
  { conversation }: HistoryMessage,
  order: number,
): Promise<MessagePlace | undefined> {
  if (conversation.case === "groupLogId") {
    const group = step.live.groups.byId.get(toHex(conversation.value));
    return group && { conversation: group.record.conversation, order };
  }
  if (conversation.case !== "peerAccountId" || conversation.value.length !== ID_BYTES) return undefined;
  const contact = await ensureContact(step, { account: toHex(conversation.value) });
  return { conversation: contact.conversations[0] ?? contact.id, order };
}

/** Moves a conversation's last message on, so that overviews have one. */
async function noteLast(step: Step, place: MessagePlace): Promise<void> {
  const contactId = await step.draft.get(names.contactOfConversation(place.conversation));
  const contact = contactId === undefined ? undefined : await contactOfId(step.draft, contactId);
  if (contact !== undefined) {
    if ((contact.last?.order ?? -1) < place.order) putContact(step, { ...contact, last: place });
    return;
  }
  for (const group of step.live.groups.byId.values()) {
    if (group.record.conversation !== place.conversation) continue;
    if ((group.record.last?.order ?? -1) < place.order) putGroup(step, group, { last: place });
  }
}
