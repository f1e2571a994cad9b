/** What a message holds beside its place and state, as the SDK gives it out: its text, what it answers, reactions, how long it is kept. */
import type { Message, Quote, Reaction } from "../api.ts";
import { safeFileName } from "./attachments/file-name.ts";
import { toAttachment } from "./attachments/view.ts";
import { findContact, peerName } from "./contacts.ts";
import { findPlace } from "./message-names.ts";
import { names, type MessageRecord } from "./records.ts";
import type { View } from "./vault-store.ts";

/** Who this device is, for the names in messages. */
export interface SelfName {
  readonly identifier: string;
  readonly account: string;
}

type Rich = Pick<
  Message,
  | "body"
  | "kind"
  | "timer"
  | "replyTo"
  | "forwarded"
  | "editedAt"
  | "deleted"
  | "reactions"
  | "expiresAfter"
  | "expiresAt"
  | "attachments"
>;

/** The members of a message that its record says. */
export async function richMembers(view: View, self: SelfName, record: MessageRecord): Promise<Rich> {
  const { kind, timer, replyTo, forwarded, edited, deleted, expiresAfterSec, expiresAt, attachments } =
    record;
  const reactions = await reactionsOf(view, self, record);
  return {
    body: kind === "timer" ? timerLine(timer ?? 0) : record.body,
    ...(kind !== undefined && { kind }),
    ...(timer !== undefined && { timer }),
    ...(replyTo !== undefined && { replyTo: await quoteOf(view, self, replyTo) }),
    ...(forwarded !== undefined && { forwarded }),
    ...(edited !== undefined && { editedAt: Math.floor(edited.atMs / 1000) }),
    ...(deleted !== undefined && { deleted }),
    ...(reactions.length > 0 && { reactions }),
    ...(expiresAfterSec !== undefined && { expiresAfter: expiresAfterSec }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(attachments !== undefined && { attachments: attachments.map(toAttachment) }),
  };
}

/** What an account is shown as: its proven identifier, or its id. */
export async function accountName(view: View, self: SelfName, account: string): Promise<string> {
  if (account === self.account) return self.identifier;
  const contact = await findContact(view, { account });
  return contact === undefined ? account : peerName(contact);
}

/** What stands for a message in an answer to it: its text, or else what its files are called. */
export const quotedText = ({ body, attachments = [] }: MessageRecord): string =>
  body === "" ? attachments.map(({ name }) => safeFileName(name)).join(", ") : body;

async function quoteOf(
  view: View,
  self: SelfName,
  quoted: NonNullable<MessageRecord["replyTo"]>,
): Promise<Quote> {
  const from = await accountName(view, self, quoted.account);
  const place = await findPlace(view, quoted);
  const found = place && (await view.item(names.messages(place.conversation), place.order));
  if (found === undefined) return { id: quoted.id, from, body: quoted.excerpt, found: false };
  return { id: quoted.id, from, body: quotedText(found), found: true };
}

async function reactionsOf(
  view: View,
  self: SelfName,
  { reactions = [] }: MessageRecord,
): Promise<readonly Reaction[]> {
  return Promise.all(
    reactions
      .filter(({ emoji }) => emoji !== "")
      .map(async ({ account, emoji, atMs }) => ({
        emoji,
        from: await accountName(view, self, account),
        accountId: account,
        own: account === self.account,
        at: Math.floor(atMs / 1000),
      })),
  );
}

const units = [
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** A line about a conversation's timer, for faces without words of their own. */
function timerLine(seconds: number): string {
  if (seconds === 0) return "Messages do not disappear any more.";
  const [unit, length] = units.find(([, size]) => seconds % size === 0) ?? ["second", 1];
  const count = seconds / length;
  return `Messages disappear ${count} ${unit}${count === 1 ? "" : "s"} after they were read.`;
}
