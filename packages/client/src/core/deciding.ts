/**
 * Deciding about conversations: pinned, archived, muted, marked as unread. A decision is kept with the conversation's record, told to the
 * account's other devices, and taken over from them. Drafts stay on their device.
 */
import { ID_BYTES, LIMITS, UsageError, toHex, utf8, type ConversationState } from "@sotto/protocol";
import type { ConversationChanges } from "../api.ts";
import { ensureContact, knownContact, peerName, putContact } from "./contacts.ts";
import { decide, merge, standing, type Decided, type Decisions } from "./decisions.ts";
import { fromWire, tellDecided } from "./devices/conversation-sync.ts";
import { parseGroupData } from "./groups/data.ts";
import { matchGroup } from "./groups/overview.ts";
import { groupNames } from "./groups/records.ts";
import { groupOfConversation, putGroup, type GroupLive } from "./groups/state.ts";
import type { ContactRecord } from "./records.ts";
import { notify, nowSec, type Step } from "./step.ts";

/** The conversation with a contact, or of a group. */
export type Subject = { readonly contact: ContactRecord } | { readonly group: GroupLive };

/** What was decided about a conversation. */
const decidedOf = (subject: Subject): Decided | undefined =>
  "contact" in subject ? subject.contact.decided : subject.group.record.decided;

/** The conversation of that name. @throws UsageError `contact_unknown`, `group_ambiguous`. */
export async function findSubject(step: Step, peer: string): Promise<Subject> {
  const group = matchGroup(step, peer);
  return group === undefined ? { contact: await knownContact(step.draft, peer) } : { group };
}

/** Carries out what somebody wants. @throws as Messenger.updateConversation. */
export async function updateConversation(
  step: Step,
  peer: string,
  { draft, pinned, archived, markedUnread, mutedUntil }: ConversationChanges,
): Promise<void> {
  if (mutedUntil !== undefined && (!Number.isSafeInteger(mutedUntil) || mutedUntil < 0))
    throw new UsageError("usage", "that is no time");
  if (draft !== undefined && utf8(draft).length > LIMITS.maxTextBytes) {
    throw new UsageError("message_too_large", `a draft may have ${LIMITS.maxTextBytes} bytes at most`);
  }
  const changes = {
    ...(pinned !== undefined && { pinned }),
    ...(archived !== undefined && { archived }),
    ...(markedUnread !== undefined && { markedUnread }),
    ...(mutedUntil !== undefined && { mutedUntil }),
  };
  const subject = await decideAbout(step, await findSubject(step, peer), changes);
  if (draft !== undefined) notifyChange(step, put(step, subject, { draft }));
}

/** Decides, and tells the other devices. Returns the conversation as it is then. */
export async function decideAbout(
  step: Step,
  subject: Subject,
  changes: Partial<Decisions>,
): Promise<Subject> {
  const fresh = decide(decidedOf(subject), changes, step.env.nowMs());
  if (Object.keys(fresh).length === 0) return subject;
  await tellDecided(step, subject, fresh);
  return takeDecided(step, subject, fresh);
}

/** Takes in what another of the own devices decided. */
export async function takeConversation(step: Step, state: ConversationState): Promise<void> {
  const fresh = fromWire(state);
  const subject = await subjectOf(step, state);
  const { invitedBy } = state;
  if (subject !== undefined && "group" in subject && invitedBy.length === ID_BYTES) {
    putGroup(step, subject.group, { invitedBy: subject.group.record.invitedBy ?? toHex(invitedBy) });
  }
  if (subject !== undefined) takeDecided(step, subject, fresh);
  else if (state.conversation.case === "groupLogId") {
    // Its Welcome is on its way.
    const ahead = groupNames.decidedAhead(toHex(state.conversation.value));
    step.draft.put(ahead, merge(await step.draft.get(ahead), fresh));
  }
}

/** The conversation that another of the own devices means; undefined for a group that this one does not know. */
export async function subjectOf(
  step: Step,
  { conversation }: { readonly conversation: ConversationState["conversation"] },
): Promise<Subject | undefined> {
  if (conversation.case === undefined || conversation.value.length !== ID_BYTES) return undefined;
  const id = toHex(conversation.value);
  if (conversation.case === "peerAccountId") {
    return id === step.live.own.account ? undefined : { contact: await ensureContact(step, { account: id }) };
  }
  const named = step.live.groups.byId.get(id);
  if (named?.record.kind !== "group") return undefined;
  // Another group may have taken its place.
  return { group: (await groupOfConversation(step, named.record.conversation)) ?? named };
}

/** Takes decisions over. Returns the conversation as it is then. */
function takeDecided(step: Step, subject: Subject, fresh: Decided): Subject {
  // The backup has it too.
  step.live.devices.backupDue = true;
  const after = put(step, subject, { decided: merge(decidedOf(subject), fresh) });
  notifyChange(step, after);
  return after;
}

function put(
  step: Step,
  subject: Subject,
  changes: { readonly decided: Decided } | { readonly draft: string },
): Subject {
  if ("group" in subject) {
    putGroup(step, subject.group, changes);
    return subject;
  }
  const contact = { ...subject.contact, ...changes };
  putContact(step, contact);
  return { contact };
}

/** Tells subscribers that a conversation is another than before. */
export function notifyChange(step: Step, subject: Subject, deleted = false): void {
  const about =
    "contact" in subject
      ? { peer: peerName(subject.contact) }
      : { peer: parseGroupData(subject.group.record.data).name, groupId: subject.group.record.id };
  notify(step, { type: "conversation", ...about, ...(deleted && { deleted }) });
}

/**
 * A message came or went: the conversation comes back from the archive, unless it is muted, or the message is older than the decision to
 * archive it, as clocks go. As a decision that comes right after that one, so that a device which hears of it later archives nothing anew.
 */
export async function bringBack(step: Step, subject: Subject, sentAt: number): Promise<Subject> {
  const decided = decidedOf(subject);
  const { archived, mutedUntil } = standing(decided);
  const atMs = decided?.archived?.atMs ?? 0;
  const isOlder = sentAt + LIMITS.maxClockSkewSec < atMs / 1000;
  if (!archived || mutedUntil > nowSec(step) || isOlder) return subject;
  const fresh = { archived: { value: false, atMs: atMs + 1 } };
  await tellDecided(step, subject, fresh);
  return takeDecided(step, subject, fresh);
}
