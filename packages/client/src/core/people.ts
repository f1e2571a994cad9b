/** What callers do with contacts: look them up, compare safety numbers, accept a new identity. */
import { exportPublicKey, activeDevices, newestClassicKey, safetyNumber } from "@sotto/crypto";
import { InternalError, UsageError } from "@sotto/protocol";
import type { Contact } from "../api.ts";
import { accept } from "./accepting.ts";
import { isBarred } from "./barred.ts";
import {
  acceptIdentity,
  bindIdentifier,
  ensureContact,
  findContact,
  isBlocked,
  knownContact,
  noteCompared,
  parsePeer,
  peerName,
  shownName,
  putContact,
  type PeerName,
} from "./contacts.ts";
import { isFresh, pinned, type Pinned } from "./directory.ts";
import { tellContact } from "./devices/syncing.ts";
import { standing } from "./decisions.ts";
import type { Engine } from "./engine.ts";
import type { Env } from "./env.ts";
import { wakeQueues } from "./groups/queue.ts";
import { accountOf } from "./hex.ts";
import { isUnbelievable, lookUp, type Found } from "./lookups.ts";
import { queueOf, wake } from "./outbox-queue.ts";
import { names, type ContactRecord } from "./records.ts";
import { isKnown } from "./requests.ts";
import { CONNECTION_SETTLED, isReady } from "./session.ts";
import { notify, type Step } from "./step.ts";

/** A contact with what is pinned of it. */
interface Known {
  readonly contact: ContactRecord;
  readonly pinned: Pinned | undefined;
}

/** Everybody, in the order in which this device met them. */
export async function allContacts(step: Step): Promise<readonly ContactRecord[]> {
  return (await step.draft.page(names.contacts)).map(({ value }) => value);
}

/** Contacts as the SDK gives them out, with what is pinned of them. */
export function toContacts(step: Step, contacts: readonly ContactRecord[]): Promise<readonly Contact[]> {
  // Side by side: one after another, each would wait for a browser's storage.
  return Promise.all(contacts.map(async (contact) => toContact(contact, await pinnedOf(step, contact))));
}

/** What is pinned of the account that a contact leads to; of its successor while one waits to be acknowledged. */
async function pinnedOf(step: Step, contact: ContactRecord): Promise<Pinned | undefined> {
  const account = contact.successor ?? contact.account;
  return account === undefined ? undefined : pinned(step, account);
}

/** One of them. */
function toContact(contact: ContactRecord, known: Pinned | undefined): Contact {
  return {
    identifier: peerName(contact),
    name: shownName(contact),
    nickname: standing(contact.decided).nickname,
    accountId: contact.account ?? "",
    verified: contact.verified,
    known: isKnown(contact),
    blocked: isBarred(contact),
    identityChanged: isBlocked(contact, known?.list.list.identityKey),
    devices: known === undefined ? 0 : activeDevices(known.list.list).length,
  };
}

/** Looks somebody up, and remembers them. @throws as Messenger.contact. */
export async function lookUpContact(engine: Engine, text: string): Promise<Contact> {
  const { contact, pinned: known } = await refreshed(engine, text);
  return toContact(contact, known);
}

/** The contact with a fresh list where the server can be asked, with the known one where it cannot. */
async function refreshed(engine: Engine, text: string): Promise<Known> {
  const peer = parsePeer(text);
  await connectionSettled(engine);
  const outcome = await engine.run(async (step) => {
    const contact = await findContact(step.draft, peer);
    const own = contact && (await pinnedOf(step, contact));
    if (contact?.account !== undefined && isFresh(step, own)) return { known: { contact, pinned: own } };
    const subject = contact?.account === undefined ? peer : { account: contact.account };
    return ask(step, subject);
  });
  if (outcome.known !== undefined) return outcome.known;
  const found = await outcome.asked;
  return engine.run((step) => takeAnswer(step, peer, found));
}

async function takeAnswer(step: Step, peer: PeerName, found: Found): Promise<Known> {
  if (found.type === "found") {
    if ("identifier" in peer) {
      const before = await findContact(step.draft, peer);
      // Asked by account: what the identifier leads to was not the question.
      if (before?.account !== found.account) await bindIdentifier(step, peer.identifier, found.account);
    } else {
      await ensureContact(step, peer);
    }
  } else if (found.type === "failed" && isUnbelievable(found.error)) {
    throw found.error;
  }
  const contact = await findContact(step.draft, peer);
  if (contact?.account !== undefined) return { contact, pinned: await pinnedOf(step, contact) };
  if (found.type === "failed") throw found.error;
  throw new UsageError("identifier_not_found", "nobody is registered under that identifier");
}

/** Begins a lookup in this step; its answer comes with a later one. */
async function ask(
  step: Step,
  subject: PeerName,
): Promise<{ readonly known?: undefined; readonly asked: Promise<Found> }> {
  const { promise: asked, resolve } = Promise.withResolvers<Found>();
  await lookUp(step, subject, async (later, found) => {
    later.effects.push({ type: "settle", settle: () => resolve(found) });
  });
  return { asked };
}

/** Waits while the first try to connect is under way. */
export async function connectionSettled(engine: Engine): Promise<void> {
  const { settled } = await engine.run(async (step) => {
    const { session } = step.live;
    const trying = session.wanted && !isReady(step) && session.failures === 0 && !session.draining;
    return { settled: trying ? step.waiters.wait(CONNECTION_SETTLED) : Promise.resolve() };
  });
  await settled;
}

/** The safety number with a peer. @throws as Messenger.safetyNumber. */
export async function safetyNumberWith(engine: Engine, env: Env, text: string): Promise<string> {
  await knowPeer(engine, text);
  const { own } = engine.live;
  const theirs = await engine.run((step) => toCompare(step, parsePeer(text)));
  return safetyNumber(
    env.crypto,
    { accountId: accountOf(own.account), identityKey: own.identityKey.publicKey },
    { accountId: accountOf(theirs.account), identityKey: theirs.identityKey },
  );
}

/** Whose number is shown, and remembers it: only what was compared is what the person means when they accept it. */
async function toCompare(
  step: Step,
  peer: PeerName,
): Promise<{ readonly account: string; readonly identityKey: Uint8Array }> {
  const contact = await findContact(step.draft, peer);
  const account = contact && (contact.successor ?? contact.account);
  const identityKey = contact && (await pinnedOf(step, contact))?.list.list.identityKey;
  if (contact === undefined || account === undefined || identityKey === undefined) {
    throw new UsageError("contact_unknown", "this device does not know that contact's keys");
  }
  noteCompared(step, contact, account, identityKey);
  return { account, identityKey };
}

/** Looks a peer up unless keys of theirs are pinned. */
async function knowPeer(engine: Engine, text: string): Promise<void> {
  const peer = parsePeer(text);
  const known = await engine.run(async (step) => {
    const contact = await findContact(step.draft, peer);
    return contact && pinnedOf(step, contact);
  });
  if (known === undefined) await refreshed(engine, text);
}

/** Marks a contact as verified or not. @throws UsageError `identity_changed` while a change is not acknowledged, `contact_unknown`. */
export async function setVerified(step: Step, text: string, verified: boolean): Promise<void> {
  const contact = await knownContact(step.draft, text);
  const known = await pinnedOf(step, contact);
  if (verified && known === undefined) {
    throw new UsageError("contact_unknown", "this device does not know that contact's keys");
  }
  if (verified && isBlocked(contact, known?.list.list.identityKey)) {
    throw new UsageError("identity_changed", "acknowledge the new identity key first");
  }
  const decided = { ...contact, verified };
  putContact(step, decided);
  notify(step, { type: "conversation", peer: peerName(decided) });
  await tellContact(step, decided);
  if (verified) await accept(step, { contact: decided });
}

/** Accepts a contact's new identity, and lets go what waited for that; unless it changed once more since it was compared. */
export async function acknowledge(step: Step, text: string): Promise<void> {
  const contact = await acceptIdentity(step, await knownContact(step.draft, text));
  queueOf(step.live.outbox, contact.id).blocked = false;
  wake(step, contact.id);
  wakeQueues(step);
  notify(step, { type: "conversation", peer: peerName(contact) });
  await tellContact(step, contact);
}

/** The RSA keys in use by somebody's devices, in PEM. */
export async function publicKeysOf(engine: Engine, text: string): Promise<readonly string[]> {
  const peer = parsePeer(text);
  const { own } = engine.live;
  const isSelf = "identifier" in peer ? peer.identifier === own.identifier : peer.account === own.account;
  const known = isSelf
    ? await engine.run((step) => pinned(step, own.account))
    : (await refreshed(engine, text)).pinned;
  if (known === undefined) throw new InternalError("internal", "no device list is known");
  return activeDevices(known.list.list).flatMap((device) => {
    const key = newestClassicKey(device);
    return key === undefined ? [] : [exportPublicKey(key.publicKey)];
  });
}
