/** What texts and changes of messages look like when they go out: made from the message as it is at that moment. */
import { carriedOf } from "../attachments/thumbnails.ts";
import { messageAt } from "../conversations.ts";
import { findPlace } from "../message-names.ts";
import { carriedExcerpt } from "../quotes.ts";
import type { MessagePlace, MessageRecord } from "../records.ts";
import type { Step } from "../step.ts";
import type { CheckedContent, TextBody } from "./content.ts";
import type { MlsItem } from "./records.ts";

type Change = Extract<MlsItem["content"], { type: "reaction" | "edit" | "delete" }>;

/** A text with what belongs to it. */
export async function textBody(step: Step, place: MessagePlace, message: MessageRecord): Promise<TextBody> {
  const { body, replyTo, forwarded, expiresAfterSec, attachments } = message;
  return {
    type: "text",
    text: body,
    ...(replyTo !== undefined && {
      replyTo: {
        account: replyTo.account,
        id: replyTo.id,
        excerpt: await carriedExcerpt(step, replyTo),
      },
    }),
    ...(forwarded !== undefined && { forwarded }),
    ...(expiresAfterSec !== undefined && { expiresAfterSec }),
    ...(attachments !== undefined && { attachments: await carriedOf(step.draft, place, attachments) }),
  };
}

/** A change; undefined when it was overtaken: the message is gone, or was edited again, and that follows. */
export async function changeBody(
  step: Step,
  change: Change,
): Promise<Extract<CheckedContent["body"], { type: "reaction" | "edit" | "delete" }> | undefined> {
  const { target } = change;
  if (change.type === "reaction") return { type: "reaction", target, emoji: change.emoji };
  if (change.type === "delete") return { type: "delete", message: target.id };
  const place = await findPlace(step.draft, target);
  const message = place && (await messageAt(step.draft, place));
  if (message?.edited?.id !== change.stamp.id || message.deleted === true) return undefined;
  return { type: "edit", message: target.id, text: message.body };
}
