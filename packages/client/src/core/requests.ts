/**
 * Requests: conversations that somebody began who is not known here. Known is whom this account wrote to, accepted or verified. Until a
 * request is accepted, whoever made it learns neither that it was read nor that somebody types, and it counts nowhere as unread.
 */
import { isBarred } from "./barred.ts";
import { ensureContact, findContact } from "./contacts.ts";
import { decideAbout, type Subject } from "./deciding.ts";
import { standing } from "./decisions.ts";
import type { GroupRecord } from "./groups/records.ts";
import { groupOfConversation } from "./groups/state.ts";
import { contactOf } from "./conversations.ts";
import type { ContactRecord } from "./records.ts";
import type { Step } from "./step.ts";
import type { View } from "./vault-store.ts";

/** Whether somebody may reach this account without asking. */
export const isKnown = (contact: ContactRecord): boolean =>
  contact.verified || standing(contact.decided).accepted;

/** The account that a conversation is a request of; undefined: it is none. */
export async function requester(view: View, subject: Subject): Promise<string | undefined> {
  if ("contact" in subject) {
    const { contact } = subject;
    return contact.last === undefined || isKnown(contact) || isBarred(contact) ? undefined : contact.account;
  }
  return inviter(view, subject.group.record);
}

/** Who let this account into a group that it did not accept, and is not known. */
async function inviter(view: View, record: GroupRecord): Promise<string | undefined> {
  const { invitedBy, state, decided } = record;
  const isInUse = state === "joined" || state === "healing";
  if (invitedBy === undefined || !isInUse || standing(decided).accepted) return undefined;
  const contact = await findContact(view, { account: invitedBy });
  return contact !== undefined && isKnown(contact) ? undefined : invitedBy;
}

/** Whether nothing is to be told in the conversation with that list of messages: it is a request, or with somebody who is blocked. */
export async function isQuiet(step: Step, conversation: string): Promise<boolean> {
  const contact = await contactOf(step.draft, conversation);
  if (contact !== undefined && isBarred(contact)) return true;
  if (contact !== undefined) return (await requester(step.draft, { contact })) !== undefined;
  const group = await groupOfConversation(step, conversation);
  return group !== undefined && (await requester(step.draft, { group })) !== undefined;
}

/** Takes in that people are known from now on: they were added to a group. */
export async function acceptPeople(step: Step, accounts: readonly string[]): Promise<void> {
  for (const account of accounts) {
    if (account === step.live.own.account) continue;
    await decideAbout(step, { contact: await ensureContact(step, { account }) }, { accepted: true });
  }
}
