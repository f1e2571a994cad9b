/** Whom the person blocked. */
import { findContact } from "./contacts.ts";
import { standing } from "./decisions.ts";
import type { ContactRecord } from "./records.ts";
import type { View } from "./vault-store.ts";

/** Whether the person blocked somebody. */
export const isBarred = (contact: ContactRecord): boolean => standing(contact.decided).blocked;

/** Whether the person blocked an account. */
export async function isBarredAccount(view: View, account: string): Promise<boolean> {
  const contact = await findContact(view, { account });
  return contact !== undefined && isBarred(contact);
}
