/**
 * Contacts: which account an identifier leads to, the identity key that sending is allowed with, and what happens when either changes.
 * The first key is believed; every later one blocks sending until the person acknowledges it.
 */
import type { VerifiedDeviceList } from "@sotto/crypto";
import { UsageError, equalBytes, parseId, parseIdentifier } from "@sotto/protocol";
import { merge, standing } from "./decisions.ts";
import { pinned } from "./directory.ts";
import { addNotice } from "./notices.ts";
import { mergeQueues } from "./outbox-queue.ts";
import { names, type ContactRecord } from "./records.ts";
import { nextOrder, type Step } from "./step.ts";
import type { View } from "./vault-store.ts";

/** What a person calls a peer: an identifier, or an account id where none is proven. */
export type PeerName = { readonly identifier: string } | { readonly account: string };

/** Reads what a person typed. @throws UsageError `identifier_invalid`. */
export function parsePeer(text: string): PeerName {
  const trimmed = text.trim();
  return parseId(trimmed) === undefined ? { identifier: parseIdentifier(trimmed) } : { account: trimmed };
}

/** The name that a contact is shown under. */
export const peerName = (contact: ContactRecord): string => contact.identifier ?? contact.account ?? "";

/** What to show beside the identifier: the nickname that was given here, else what they call themselves; empty: nothing. */
export const shownName = (contact: ContactRecord): string =>
  standing(contact.decided).nickname || (contact.named?.name ?? "");

/** The contact of that name, if there is one. */
export async function findContact(view: View, peer: PeerName): Promise<ContactRecord | undefined> {
  const id = await view.get(
    "identifier" in peer ? names.contactOfIdentifier(peer.identifier) : names.contactOfAccount(peer.account),
  );
  return id === undefined ? undefined : contactOfId(view, id);
}

/** The contact of that id. */
export const contactOfId = (view: View, id: string): Promise<ContactRecord | undefined> =>
  view.item(names.contacts, Number(id));

/** The contact of that name. @throws UsageError `identifier_invalid`, `contact_unknown`. */
export async function knownContact(view: View, peer: string): Promise<ContactRecord> {
  const contact = await findContact(view, parsePeer(peer));
  if (contact === undefined)
    throw new UsageError("contact_unknown", "this device does not know that contact");
  return contact;
}

/** The contact of that name, made if there is none. */
export async function ensureContact(step: Step, peer: PeerName): Promise<ContactRecord> {
  return (await findContact(step.draft, peer)) ?? makeContact(step, peer);
}

async function makeContact(
  step: Step,
  fields: { readonly identifier?: string; readonly account?: string },
): Promise<ContactRecord> {
  const listed = nextOrder(step);
  const id = String(listed);
  const key = fields.account === undefined ? undefined : await identityKeyOf(step, fields.account);
  const contact: ContactRecord = {
    id,
    ...fields,
    ...(key !== undefined && { acceptedKey: key, shownKey: key }),
    verified: false,
    conversations: [id],
    unread: 0,
    listed,
  };
  step.draft.put(names.contactOfConversation(id), id);
  putContact(step, contact);
  step.live.devices.backupDue = true;
  return contact;
}

/** Stores a contact, and the names that lead to it. */
export function putContact(step: Step, contact: ContactRecord): void {
  step.draft.putItem(names.contacts, contact.listed, contact);
  if (contact.identifier !== undefined) {
    step.draft.put(names.contactOfIdentifier(contact.identifier), contact.id);
  }
  if (contact.account !== undefined) step.draft.put(names.contactOfAccount(contact.account), contact.id);
}

async function identityKeyOf(step: Step, account: string): Promise<Uint8Array | undefined> {
  return (await pinned(step, account))?.list.list.identityKey;
}

/** Whether sending is blocked, given the identity key that the account has now. */
export function isBlocked(contact: ContactRecord, identityKey: Uint8Array | undefined): boolean {
  if (contact.successor !== undefined) return true;
  if (identityKey === undefined || contact.acceptedKey === undefined) return false;
  return !equalBytes(identityKey, contact.acceptedKey);
}

/** Takes in that an account's newest list was pinned: believes the first identity key, shows every other that was not accepted yet. */
export async function noteList(step: Step, account: string, list: VerifiedDeviceList): Promise<void> {
  const contact = await findContact(step.draft, { account });
  if (contact === undefined) return;
  const { identityKey } = list.list;
  if (contact.acceptedKey === undefined) {
    return putContact(step, { ...contact, acceptedKey: identityKey, shownKey: identityKey });
  }
  if (contact.shownKey !== undefined && equalBytes(identityKey, contact.shownKey)) return;
  // Another device of ours showed it, and the person accepted it there.
  if (equalBytes(identityKey, contact.acceptedKey))
    return putContact(step, { ...contact, shownKey: identityKey });
  putContact(step, { ...contact, shownKey: identityKey, verified: false });
  await addNotice(step, { type: "identity_changed", identifier: peerName(contact) });
}

/**
 * Takes in that a lookup of an identifier gave an account. A contact without an account gets it; a nameless contact of that account
 * gets the name; an identifier that used to lead to another account blocks sending.
 */
export async function bindIdentifier(
  step: Step,
  identifier: string,
  account: string,
): Promise<ContactRecord> {
  const named = await findContact(step.draft, { identifier });
  const nameless = await findContact(step.draft, { account });
  if (named === undefined) {
    if (nameless === undefined) return makeContact(step, { identifier, account });
    const proven = { ...nameless, identifier: nameless.identifier ?? identifier };
    putContact(step, proven);
    return proven;
  }
  if (named.account === account) return named;
  if (named.account === undefined) return adoptAccount(step, named, account);
  if (named.successor === account) return named;
  const changed = { ...named, successor: account, verified: false };
  putContact(step, changed);
  await addNotice(step, { type: "identity_changed", identifier });
  return changed;
}

/** Gives a contact an account, and takes over what was kept under that account without a name. */
async function adoptAccount(step: Step, contact: ContactRecord, account: string): Promise<ContactRecord> {
  const key = await identityKeyOf(step, account);
  const nameless = await findContact(step.draft, { account });
  const formerAccounts = [...(contact.formerAccounts ?? [])];
  if (contact.account !== undefined) {
    step.draft.delete(names.contactOfAccount(contact.account));
    formerAccounts.push(contact.account);
  }
  const { successor: _, acceptedKey: _key, shownKey: _shown, ...rest } = contact;
  let adopted: ContactRecord = {
    ...rest,
    account,
    formerAccounts,
    ...(key !== undefined && { acceptedKey: key, shownKey: key }),
  };
  if (nameless !== undefined && nameless.id !== contact.id) {
    // A change of key that blocks the one blocks both: joining is no acknowledgement.
    const { acceptedKey, shownKey, verified } = nameless;
    const blocking = nameless.successor;
    for (const conversation of nameless.conversations) {
      step.draft.put(names.contactOfConversation(conversation), contact.id);
    }
    step.draft.deleteItem(names.contacts, nameless.listed);
    await mergeQueues(step, nameless.id, contact.id);
    const last = [contact.last, nameless.last].reduce((a, b) =>
      a === undefined || (b !== undefined && b.order > a.order) ? b : a,
    );
    adopted = {
      ...adopted,
      conversations: [...contact.conversations, ...nameless.conversations],
      unread: contact.unread + nameless.unread,
      decided: merge(contact.decided, nameless.decided),
      draft: contact.draft || (nameless.draft ?? ""),
      ...(nameless.named !== undefined && { named: nameless.named }),
      ...(acceptedKey !== undefined && { acceptedKey, verified }),
      ...(shownKey !== undefined && { shownKey }),
      ...(blocking !== undefined && { successor: blocking }),
      ...(last !== undefined && { last }),
    };
  }
  putContact(step, adopted);
  return adopted;
}

/** Takes in that a safety number with these keys was shown. It matters only while a change waits to be acknowledged. */
export function noteCompared(
  step: Step,
  contact: ContactRecord,
  account: string,
  identityKey: Uint8Array,
): void {
  if (isBlocked(contact, identityKey)) {
    putContact(step, { ...contact, compared: { account, identityKey } });
  }
}

/**
 * Accepts the identity that a contact has now; unless it changed once more since its safety number was shown: then it stays blocked,
 * and is told again.
 */
export async function acceptIdentity(step: Step, contact: ContactRecord): Promise<ContactRecord> {
  const { compared, ...present } = contact;
  const account = contact.successor ?? contact.account;
  const key = account === undefined ? undefined : await identityKeyOf(step, account);
  if (
    compared !== undefined &&
    (compared.account !== account || key === undefined || !equalBytes(compared.identityKey, key))
  ) {
    putContact(step, present);
    await addNotice(step, { type: "identity_changed", identifier: peerName(contact) });
    return present;
  }
  if (present.successor !== undefined) return adoptAccount(step, present, present.successor);
  const accepted = { ...present, ...(key !== undefined && { acceptedKey: key, shownKey: key }) };
  putContact(step, accepted);
  return accepted;
}
