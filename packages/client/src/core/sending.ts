/** What callers do with the outbox: put a message in, wait for it, wait for all. */
import { TransportError, UsageError, isErrorCode } from "@sotto/protocol";
import type { Message, SendOptions, Suite } from "../api.ts";
import { addGroupMessage, addMessage } from "./adding.ts";
import { ensureContact, isBlocked, parsePeer } from "./contacts.ts";
import { contactOf, messageAt, toMessage } from "./conversations.ts";
import { pinned } from "./directory.ts";
import type { Engine } from "./engine.ts";
import { checkMlsText } from "./groups/content.ts";
import { matchGroup } from "./groups/overview.ts";
import { enqueueMls, freshId } from "./groups/queue.ts";
import type { GroupLive } from "./groups/state.ts";
import { CAUGHT_UP, isCaughtUp } from "./inbox.ts";
import { FLUSHED, identityChanged, isFlushed, sentGroup } from "./outbox.ts";
import { checkText } from "./outbox-copies.ts";
import { enqueue } from "./outbox-queue.ts";
import { names, type ContactRecord } from "./records.ts";
import { nowSec, type Step } from "./step.ts";

const idPattern = /^[0-9a-f]{32}$/;

/** Stores a text for sending. @throws as Messenger.send. */
export function send(engine: Engine, to: string, body: string, options: SendOptions = {}): Promise<Message> {
  const { suite = "mls" } = options;
  return engine.run(async (step) => {
    const { own } = step.live;
    const sent = options.id === undefined ? undefined : await sentBefore(step, options.id);
    if (sent !== undefined) return sent;
    const id = options.id ?? freshId(step);
    const group = matchGroup(step, to);
    if (group !== undefined) return sendToGroup(step, group, body, { id, suite });
    const peer = parsePeer(to);
    const self = "identifier" in peer ? peer.identifier === own.identifier : peer.account === own.account;
    if (self) throw new UsageError("usage", "one cannot write to oneself");
    if (suite === "mls") checkMlsText(body);
    else checkText(body, own.identifier);
    const contact = await ensureContact(step, peer);
    if (await blocked(step, contact)) throw identityChanged();
    const sentAt = nowSec(step);
    const common = { id, direction: "out", body, status: "queued", sentAt } as const;
    const record = suite === "mls" ? { ...common, suite, sender: own.account } : common;
    const place = await addMessage(step, contact, record);
    if (suite === "mls") {
      const sentAtMs = step.env.nowMs();
      await enqueueMls(step, place.conversation, { type: "text", id, place, sentAtMs });
    } else {
      enqueue(step, { contact: contact.id, content: { type: "text", place, id, sentAt } });
    }
    return toMessage(step.draft, own, contact, place, record);
  });
}

/** The message of that id that was sent from here already. @throws UsageError `usage` when it is no id. */
async function sentBefore(step: Step, id: string): Promise<Message | undefined> {
  if (!idPattern.test(id)) throw new UsageError("usage", "a message's id is 32 hexadecimal digits");
  const place = await step.draft.get(names.sentMessage(id));
  const record = place && (await messageAt(step.draft, place));
  if (place === undefined || record === undefined) return undefined;
  return toMessage(step.draft, step.live.own, await contactOf(step.draft, place.conversation), place, record);
}

async function sendToGroup(
  step: Step,
  group: GroupLive,
  body: string,
  { id, suite }: { readonly id: string; readonly suite: Suite },
): Promise<Message> {
  if (suite !== "mls") throw new UsageError("suite_unavailable", "groups are protected by MLS only");
  checkMlsText(body);
  const { record: known } = group;
  if (known.state === "left" || known.state === "removed") {
    throw new UsageError("group_forbidden", "this device is not in that group any more");
  }
  const { own } = step.live;
  const sentAtMs = step.env.nowMs();
  const sentAt = nowSec(step);
  const record = {
    id,
    direction: "out",
    body,
    status: "queued",
    sentAt,
    suite,
    sender: own.account,
  } as const;
  const place = await addGroupMessage(step, group, record);
  await enqueueMls(step, place.conversation, { type: "text", id, place, sentAtMs });
  return toMessage(step.draft, own, undefined, place, record);
}

async function blocked(step: Step, contact: ContactRecord): Promise<boolean> {
  const known = contact.account === undefined ? undefined : await pinned(step, contact.account);
  return isBlocked(contact, known?.list.list.identityKey);
}

/** Waits until the server has a message. @throws as Messenger.whenSent. */
export async function whenSent(engine: Engine, id: string, signal?: AbortSignal): Promise<void> {
  const { sent } = await engine.run(async (step) => {
    const place = await step.draft.get(names.sentMessage(id));
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
    if (contact !== undefined && (await blocked(step, contact))) throw identityChanged();
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
