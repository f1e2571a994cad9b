/** What changes make of a message. All devices come to the same, in whatever order the changes of one account come. Pure. */
import type { MessageChange, MessageRecord, ReactionRecord, Stamp } from "./records.ts";

/** More people than this have no reaction to one message. */
const mostReactions = 1_024;

/** The message after a change; undefined when it stays as it is. */
export function changed(message: MessageRecord, change: MessageChange): MessageRecord | undefined {
  if (message.suite !== "mls" || message.kind === "timer" || message.deleted === true) return undefined;
  switch (change.type) {
    case "reaction":
      return withReaction(message, { ...change.stamp, account: change.by, emoji: change.emoji });
    case "edit":
      if (message.kind !== undefined || message.sender !== change.by) return undefined;
      if (!isLater(change.stamp, message.edited)) return undefined;
      return { ...message, body: change.text, edited: change.stamp };
    case "delete":
      return message.sender === change.by ? withoutContent(message) : undefined;
  }
}

/** Whether one stamp is later than another: by time, then by id. */
export function isLater(stamp: Stamp, than: Stamp | undefined): boolean {
  if (than === undefined || stamp.atMs !== than.atMs) return stamp.atMs > (than?.atMs ?? -1);
  return stamp.id > than.id;
}

function withReaction(message: MessageRecord, reaction: ReactionRecord): MessageRecord | undefined {
  const { reactions = [] } = message;
  const before = reactions.find(({ account }) => account === reaction.account);
  if (!isLater(reaction, before)) return undefined;
  const others = reactions.filter((one) => one !== before);
  if (others.length >= mostReactions) return undefined;
  return { ...message, reactions: [...others, reaction] };
}

/** What is left of a message that was taken back. */
function withoutContent(message: MessageRecord): MessageRecord {
  const { id, direction, status, sentAt, suite, sender, senderDevice, expiresAfterSec, expiresAt } = message;
  return {
    id,
    direction,
    body: "",
    status,
    sentAt,
    ...(suite !== undefined && { suite }),
    ...(sender !== undefined && { sender }),
    ...(senderDevice !== undefined && { senderDevice }),
    ...(expiresAfterSec !== undefined && { expiresAfterSec }),
    ...(expiresAt !== undefined && { expiresAt }),
    deleted: true,
  };
}
