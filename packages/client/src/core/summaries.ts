/** Conversations in an overview, newest first. */
import type { ConversationSummary } from "../api.ts";
import { findContact, parsePeer, peerName } from "./contacts.ts";
import { messageAt, toMessage } from "./conversations.ts";
import type { Subject } from "./deciding.ts";
import { standing } from "./decisions.ts";
import { parseGroupData } from "./groups/data.ts";
import { nameOfAccount } from "./groups/naming.ts";
import { groupsOf, matchGroup, toGroup } from "./groups/overview.ts";
import { joinRequests } from "./groups/links/requests.ts";
import type { GroupLive } from "./groups/state.ts";
import { timerOfContact } from "./groups/timer.ts";
import { allContacts, toContacts } from "./people.ts";
import type { ContactRecord, MessagePlace } from "./records.ts";
import { requester } from "./requests.ts";
import { nowSec, type Step } from "./step.ts";

/** Every conversation that has something to show, or the first of them. */
export async function allConversations(
  step: Step,
  { first = Infinity }: { readonly first?: number },
): Promise<readonly ConversationSummary[]> {
  const rows = [
    ...(await allContacts(step))
      .filter(isShown)
      .map((contact) => rowOf(contact, () => ofContact(step, contact))),
    ...groupsOf(step).map((group) => rowOf(group.record, () => ofGroup(step, group))),
  ];
  const chosen = rows.length <= first ? rows : rows.toSorted(asListed).slice(0, first);
  return Promise.all(chosen.toSorted((a, b) => b.order - a.order).map(({ summary }) => summary()));
}

const isShown = ({ last, draft }: ContactRecord): boolean => last !== undefined || (draft ?? "") !== "";

const rowOf = (
  { last, listed, decided }: Pick<ContactRecord, "last" | "listed" | "decided">,
  summary: () => Promise<ConversationSummary>,
) => ({ order: last?.order ?? listed, ...standing(decided), summary });

/** As lists show them: what is pinned, the newest, the archive. */
const asListed = (a: ReturnType<typeof rowOf>, b: ReturnType<typeof rowOf>): number =>
  Number(a.archived) - Number(b.archived) || Number(b.pinned) - Number(a.pinned) || b.order - a.order;

/** One of them; undefined when there is nothing to show. @throws UsageError `group_ambiguous`. */
export async function oneConversation(step: Step, text: string): Promise<ConversationSummary | undefined> {
  const group = matchGroup(step, text);
  if (group !== undefined) return ofGroup(step, group);
  const contact = await findContact(step.draft, parsePeer(text));
  return contact === undefined || !isShown(contact) ? undefined : ofContact(step, contact);
}

async function ofContact(step: Step, contact: ContactRecord): Promise<ConversationSummary> {
  const [person] = contact.account === undefined ? [] : await toContacts(step, [contact]);
  return {
    peer: peerName(contact),
    group: undefined,
    contact: person,
    ...(await common(step, { contact }, contact)),
    ...timed(timerOfContact(step, contact)),
  };
}

async function ofGroup(step: Step, group: GroupLive): Promise<ConversationSummary> {
  const given = toGroup(step, group);
  return {
    peer: given.name,
    group: given,
    contact: undefined,
    ...(await common(step, { group }, group.record)),
    ...timed(parseGroupData(group.record.data).timerSec),
    ...(await askingIn(step, group)),
  };
}

const timed = (timer: number): Pick<ConversationSummary, "timer"> => (timer > 0 ? { timer } : {});

/** Only a group with links is asked for, so that a list of many costs nothing more. */
async function askingIn(step: Step, group: GroupLive): Promise<Pick<ConversationSummary, "asking">> {
  if (parseGroupData(group.record.data).invites.length === 0) return {};
  const asking = (await joinRequests(step, group.record.id)).length;
  return asking > 0 ? { asking } : {};
}

async function common(
  step: Step,
  subject: Subject,
  record: Pick<ContactRecord, "unread" | "last" | "decided" | "draft">,
): Promise<Omit<ConversationSummary, "peer" | "group" | "contact">> {
  const { pinned, archived, markedUnread, mutedUntil } = standing(record.decided);
  const contact = "contact" in subject ? subject.contact : undefined;
  const from = await requester(step.draft, subject);
  return {
    unread: from === undefined ? record.unread : 0,
    last: record.last && (await lastMessage(step, contact, record.last)),
    request:
      from === undefined ? undefined : { from: await nameOfAccount(step, from), unread: record.unread },
    pinned,
    archived,
    markedUnread,
    mutedUntil: mutedUntil > nowSec(step) ? mutedUntil : 0,
    draft: record.draft ?? "",
  };
}

async function lastMessage(step: Step, contact: ContactRecord | undefined, place: MessagePlace) {
  const record = await messageAt(step.draft, place);
  return record && toMessage(step.draft, step.live.own, contact, place, record);
}
