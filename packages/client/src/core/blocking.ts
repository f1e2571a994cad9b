/**
 * Blocking people. What a blocked account writes in a pair is read from the log and dropped, so that everything goes on as it must; nothing
 * is sent to it, and groups that it lets this account into are declined. It is not told. In groups shared with others its messages stay.
 */
import type { Contact } from "../api.ts";
import { isBarred } from "./barred.ts";
import { knownContact } from "./contacts.ts";
import { decideAbout } from "./deciding.ts";
import { allContacts, toContacts } from "./people.ts";
import type { Step } from "./step.ts";

/** Blocks somebody, or does so no more. @throws as Messenger.block. */
export async function setBlocked(step: Step, peer: string, blocked: boolean): Promise<void> {
  await decideAbout(step, { contact: await knownContact(step.draft, peer) }, { blocked });
}

/** Everybody who is blocked. */
export async function blockedContacts(step: Step): Promise<readonly Contact[]> {
  return toContacts(step, (await allContacts(step)).filter(isBarred));
}
