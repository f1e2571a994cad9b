/**
 * Changes of messages as they come in: reactions, edits, and messages that are taken back. A change that comes before its message waits for
 * it, bounded; nobody touches a message of somebody else but with a reaction.
 */
import { dropThumbnails } from "../attachments/thumbnails.ts";
import { contactOf, messageAt, tellChanged, unlist } from "../conversations.ts";
import { holdEarly, takeEarly } from "../early-changes.ts";
import { startTime } from "../expiry.ts";
import { changed } from "../message-changes.ts";
import { findPlace } from "../message-names.ts";
import { forgetExcerpts } from "../quotes.ts";
import {
  names,
  type MessageChange,
  type MessageName,
  type MessagePlace,
  type MessageRecord,
} from "../records.ts";
import { nowSec, type Step } from "../step.ts";
import { groupNames } from "./records.ts";
import type { GroupLive } from "./state.ts";

const told = { reaction: "reaction", edit: "edited", delete: "deleted" } as const;

/** Takes in what an account said in a group about a message. */
export async function takeChange(step: Step, group: GroupLive, change: MessageChange): Promise<void> {
  if (group.record.kind === "account") return;
  const { conversation } = group.record;
  const place = await findPlace(step.draft, change.target);
  if (place === undefined) {
    if (change.type === "delete") await forgetExcerpts(step, change.target);
    return holdEarly(step, conversation, change);
  }
  if (!(await isSameConversation(step, conversation, place.conversation))) return;
  await applyChange(step, place, change);
}

/** Changes a message, if it is still here and the change comes to anything. Returns it as it is then. */
export async function applyChange(
  step: Step,
  place: MessagePlace,
  change: MessageChange,
): Promise<MessageRecord | undefined> {
  if (change.type === "delete") await forgetExcerpts(step, change.target);
  const before = await messageAt(step.draft, place);
  let after = before && changed(before, change);
  if (after === undefined) return before;
  if (after.deleted === true) {
    if (before !== undefined) dropThumbnails(step, place, before);
    step.draft.delete(groupNames.receipts(place));
    // Nobody will read it: its time begins now.
    await unlist(step, place);
    after = await startTime(step, place, after, nowSec(step));
  }
  step.draft.putItem(names.messages(place.conversation), place.order, after);
  await tellChanged(step, place, told[change.type], after);
  return after;
}

/** Applies what came before its message. Returns the message as it is then; undefined when nothing waited. */
export async function applyEarly(
  step: Step,
  place: MessagePlace,
  name: MessageName,
): Promise<MessageRecord | undefined> {
  let record: MessageRecord | undefined;
  for (const { conversation, change } of await takeEarly(step, name)) {
    if (!(await isSameConversation(step, conversation, place.conversation))) continue;
    record = await applyChange(step, place, change);
  }
  return record;
}

/** Whether two lists of messages are of one conversation. */
export async function isSameConversation(step: Step, one: string, other: string): Promise<boolean> {
  if (one === other) return true;
  const contact = await contactOf(step.draft, one);
  return contact?.conversations.includes(other) === true;
}
