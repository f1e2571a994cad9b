/** What stands around a message's text: what it answers, whether it was edited, reactions, until when it is kept. Sanitised. */
import type { Message } from "../api.ts";
import { attachmentLines, attachmentRow } from "./attachments.ts";
import { sanitiseLine } from "./sanitise.ts";

/** What is shown in place of a text that was taken back. */
const takenBack = "(taken back)";

/** The text to show, and a line for each attachment; not sanitised. */
export function textOf(message: Message): string {
  if (message.deleted === true) return takenBack;
  const files = attachmentLines(message);
  return (message.body === "" && files.length > 0 ? files : [message.body, ...files]).join("\n");
}

/** What it answers, on one line; undefined when it answers nothing. */
export function quoteOf({ replyTo }: Message): string | undefined {
  if (replyTo === undefined) return undefined;
  const { from, body, found } = replyTo;
  if (body === undefined) return `${sanitiseLine(from)}: (a message that is not here)`;
  if (body === "") return `${sanitiseLine(from)}: ${takenBack}`;
  return `${sanitiseLine(from)}${found ? "" : " (as quoted)"}: ${sanitiseLine(body.slice(0, 300))}`;
}

/** "👍 2  🎉": each emoji with how many gave it, one's own in brackets; empty when there is none. */
export function reactionsOf({ reactions = [] }: Message): string {
  const own = reactions.find((reaction) => reaction.own)?.emoji;
  return [...Map.groupBy(reactions, ({ emoji }) => emoji)]
    .map(([emoji, given]) => {
      const shown = sanitiseLine(emoji) + (given.length > 1 ? ` ${given.length}` : "");
      return emoji === own ? `[${shown}]` : shown;
    })
    .join("  ");
}

/** "forwarded", "edited", "disappears"; empty when it is none of them. */
export function marksOf({ forwarded, editedAt, expiresAfter, deleted }: Message): string {
  const marks = [
    forwarded === true ? "forwarded" : "",
    editedAt !== undefined && deleted !== true ? "edited" : "",
    expiresAfter !== undefined ? "disappears" : "",
  ];
  return marks.filter((mark) => mark !== "").join(", ");
}

/** What scripts get beside the members that every message has. */
export function richRow(message: Message): object {
  const {
    kind,
    timer,
    replyTo,
    forwarded,
    editedAt,
    deleted,
    reactions,
    expiresAfter,
    expiresAt,
    attachments,
  } = message;
  return {
    ...(kind !== undefined && { kind }),
    ...(timer !== undefined && { timer }),
    ...(replyTo !== undefined && { reply_to: { ...replyTo, body: replyTo.body ?? null } }),
    ...(forwarded !== undefined && { forwarded }),
    ...(editedAt !== undefined && { edited_at: editedAt }),
    ...(deleted !== undefined && { deleted }),
    ...(reactions !== undefined && {
      reactions: reactions.map(({ emoji, from, at }) => ({ emoji, from, at })),
    }),
    ...(expiresAfter !== undefined && { expires_after: expiresAfter }),
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    ...(attachments !== undefined && { attachments: attachments.map(attachmentRow) }),
  };
}
