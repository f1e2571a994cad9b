/** What callers do with the outbox: put a message in, wait for it, wait for all. */
import { TransportError, UsageError, isErrorCode } from "@sotto/protocol";
import type { Message, SendOptions } from "../api.ts";
import { accept, acceptContact } from "./accepting.ts";
import { addGroupMessage, addMessage } from "./adding.ts";
import { isBarred } from "./barred.ts";
import { beginUploads, prepareFiles, releaseFiles, type PreparedFile } from "./attachments/preparing.ts";
import { ensureContact, isBlocked, parsePeer } from "./contacts.ts";
import { contactOf, messageAt, placeIn, toMessage } from "./conversations.ts";
import { pinned } from "./directory.ts";
import { tellName } from "./profile.ts";
import type { Engine } from "./engine.ts";
import { checkMlsText } from "./groups/content.ts";
import { parseGroupData } from "./groups/data.ts";
import { matchGroup } from "./groups/overview.ts";
import { enqueueMls, freshId } from "./groups/queue.ts";
import type { GroupLive } from "./groups/state.ts";
import { checkTimer, timerOfContact } from "./groups/timer.ts";
import { CAUGHT_UP, isCaughtUp } from "./inbox.ts";
import { findPlace } from "./message-names.ts";
import { FLUSHED, identityChanged, isFlushed, sentGroup } from "./outbox.ts";
import { checkText } from "./outbox-copies.ts";
import { enqueue } from "./outbox-queue.ts";
import {
  names,
  type ContactRecord,
  type MessageName,
  type MessagePlace,
  type MessageRecord,
} from "./records.ts";
import { nowSec, type Step } from "./step.ts";

const idPattern = /^[0-9a-f]{32}$/;

/** Stores a text, with what goes with it, for sending. @throws as Messenger.send. */
export async function send(
  engine: Engine,
  to: string,
  body: string,
  { attachments = [], ...options }: SendOptions = {},
): Promise<Message> {
  const { id } = options;
  const sent = id === undefined ? undefined : await engine.run((step) => sentBefore(step, id));
  if (sent !== undefined) return sent;
  if (attachments.length === 0) return engine.run((step) => sendTo(step, to, body, options, []));
  if (options.suite === "classic") throw classicCannot();
  const files = await prepareFiles(engine, attachments);
  try {
    return await engine.run((step) => sendTo(step, to, body, options, files));
  } finally {
    await releaseFiles(engine, files);
  }
}

/** Stores a message with its files, in one change. @throws as Messenger.send. */
export async function sendTo(
  step: Step,
  to: string,
  body: string,
  options: Omit<SendOptions, "attachments">,
  files: readonly PreparedFile[],
): Promise<Message> {
  const { own } = step.live;
  const sent = options.id === undefined ? undefined : await sentBefore(step, options.id);
  if (sent !== undefined) return sent;
  const id = options.id ?? freshId(step);
  const group = matchGroup(step, to);
  if (group !== undefined) return sendToGroup(step, group, body, { ...options, id, files });
  const peer = parsePeer(to);
  const self = "identifier" in peer ? peer.identifier === own.identifier : peer.account === own.account;
  if (self) throw new UsageError("usage", "one cannot write to oneself");
  const { suite = "mls" } = options;
  if (suite === "mls") checkMlsText(body);
  else checkText(body, own.identifier);
  const contact = await ensureContact(step, peer);
  if (isBarred(contact)) throw new UsageError("contact_blocked", "that contact is blocked");
  if (await isContactBlocked(step, contact)) throw identityChanged();
  const timer = timerOfContact(step, contact);
  if (suite === "classic") return sendClassic(step, contact, body, { ...options, id, files }, timer);
  const record = await mlsRecord(step, contact.conversations, body, { ...options, id, files }, timer);
  // Whoever is written to is known from then on.
  const subject = await tellName(step, { contact: await acceptContact(step, contact) });
  const known = "contact" in subject ? subject.contact : contact;
  const place = await addMessage(step, known, own.account, record);
  await beginSending(step, id, place, files);
  return toMessage(step.draft, own, known, place, record);
}

type Options = Omit<SendOptions, "attachments"> & {
  readonly id: string;
  readonly files: readonly PreparedFile[];
};

/** At once, or when its files are with the server. */
async function beginSending(
  step: Step,
  id: string,
  place: MessagePlace,
  files: readonly PreparedFile[],
): Promise<void> {
  if (beginUploads(step, place, files)) return;
  await enqueueMls(step, place.conversation, { type: "text", id, place, sentAtMs: step.env.nowMs() });
}

async function sendClassic(
  step: Step,
  contact: ContactRecord,
  body: string,
  { id, replyTo, forwarded = false, expiresAfter }: Options,
  timer: number,
): Promise<Message> {
  if (replyTo !== undefined || forwarded || (expiresAfter ?? timer) > 0) {
    throw classicCannot();
  }
  const { own } = step.live;
  const sentAt = nowSec(step);
  const record = { id, direction: "out", body, status: "queued", sentAt } as const;
  const known = await acceptContact(step, contact);
  const place = await addMessage(step, known, own.account, record);
  enqueue(step, { contact: contact.id, content: { type: "text", place, id, sentAt } });
  return toMessage(step.draft, own, known, place, record);
}

function classicCannot(): UsageError {
  return new UsageError(
    "suite_unavailable",
    "the classic suite carries plain texts only: no answers, no attachments, nothing forwarded, and nothing that disappears",
  );
}

/** A text of this account as it is kept. @throws UsageError `usage`. */
async function mlsRecord(
  step: Step,
  conversations: readonly string[],
  body: string,
  { id, replyTo, forwarded = false, expiresAfter, files }: Options,
  timer: number,
): Promise<MessageRecord> {
  const expiresAfterSec = checkTimer(expiresAfter ?? timer);
  return {
    id,
    direction: "out",
    body,
    status: "queued",
    sentAt: nowSec(step),
    suite: "mls",
    sender: step.live.own.account,
    ...(replyTo !== undefined && { replyTo: await quoted(step, conversations, replyTo) }),
    ...(forwarded && { forwarded }),
    ...(expiresAfterSec > 0 && { expiresAfterSec }),
    ...(files.length > 0 && { attachments: files.map((file) => file.record) }),
  };
}

async function quoted(step: Step, conversations: readonly string[], id: string): Promise<MessageName> {
  const place = await placeIn(step.draft, conversations, id);
  const message = await messageAt(step.draft, place);
  if (message === undefined || message.kind === "timer") {
    throw new UsageError("usage", "that message is gone, or is none that can be answered");
  }
  return { account: place.account, id };
}

/** The message of that id that was sent from here already. @throws UsageError `usage` when it is no id, or was deleted here. */
async function sentBefore(step: Step, id: string): Promise<Message | undefined> {
  if (!idPattern.test(id)) throw new UsageError("usage", "a message's id is 32 hexadecimal digits");
  const { own } = step.live;
  const place = await findPlace(step.draft, { account: own.account, id });
  if (place === undefined) {
    if ((await step.draft.get(names.placesOf(id))) === undefined) return undefined;
    throw new UsageError("usage", "a message of somebody else has that id");
  }
  const record = await messageAt(step.draft, place);
  if (record === undefined) throw new UsageError("usage", "a message of that id was sent, and deleted here");
  return toMessage(step.draft, own, await contactOf(step.draft, place.conversation), place, record);
}

async function sendToGroup(step: Step, group: GroupLive, body: string, options: Options): Promise<Message> {
  const { suite = "mls", id } = options;
  if (suite !== "mls") throw new UsageError("suite_unavailable", "groups are protected by MLS only");
  checkMlsText(body);
  const { conversation, data } = checkSendable(group).record;
  const { own } = step.live;
  const record = await mlsRecord(step, [conversation], body, options, parseGroupData(data).timerSec);
  await accept(step, { group });
  await tellName(step, { group });
  const place = await addGroupMessage(step, group, record);
  await beginSending(step, id, place, options.files);
  return toMessage(step.draft, own, undefined, place, record);
}

/** A group that can be written in. @throws UsageError `group_forbidden`. */
export function checkSendable(group: GroupLive): GroupLive {
  const { state } = group.record;
  if (state === "left" || state === "removed") {
    throw new UsageError("group_forbidden", "this device is not in that group any more");
  }
  return group;
}

/** Whether a change of a contact's identity blocks sending. */
export async function isContactBlocked(step: Step, contact: ContactRecord): Promise<boolean> {
  const known = contact.account === undefined ? undefined : await pinned(step, contact.account);
  return isBlocked(contact, known?.list.list.identityKey);
}

/** Waits until the server has a message. @throws as Messenger.whenSent. */
export async function whenSent(engine: Engine, id: string, signal?: AbortSignal): Promise<void> {
  const { sent } = await engine.run(async (step) => {
    const place = await findPlace(step.draft, { account: step.live.own.account, id });
    const message = place && (await messageAt(step.draft, place));
    if (place === undefined || message === undefined) {
      throw new UsageError("usage", "no message of that id was sent from here");
    }
    if (message.status === "failed") {
      const code =
        message.problem !== undefined && isErrorCode(message.problem) ? message.problem : "internal";
      throw new UsageError(code, "the message could not be sent");
    }
    if (message.status !== "queued") return { sent: Promise.resolve() };
    const contact = await contactOf(step.draft, place.conversation);
    if (contact !== undefined && (await isContactBlocked(step, contact))) throw identityChanged();
    return { sent: step.waiters.wait(sentGroup(id), signal) };
  });
  return sent;
}

/** Waits until nothing is left to send but what a change of identity blocks. */
export async function flushed(engine: Engine, signal?: AbortSignal): Promise<void> {
  const { empty } = await engine.run(async (step) => ({
    empty: isFlushed(step) ? Promise.resolve() : step.waiters.wait(FLUSHED, signal),
  }));
  return empty;
}

/** Waits until everything that the server held at the time of connecting was taken in. */
export async function caughtUp(engine: Engine, signal?: AbortSignal): Promise<void> {
  const { done } = await engine.run(async (step) => {
    if (isCaughtUp(step)) return { done: Promise.resolve() };
    if (!step.live.session.wanted) {
      throw new TransportError("server_unreachable", "the messenger was opened without a connection");
    }
    return { done: step.waiters.wait(CAUGHT_UP, signal) };
  });
  return done;
}
