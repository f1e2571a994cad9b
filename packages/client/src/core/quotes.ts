/** What an answer says of the message that it answers: found here, or, for those who never had it, how it begins. */
import { LIMITS, utf8 } from "@sotto/protocol";
import { messageAt } from "./conversations.ts";
import { findPlace } from "./message-names.ts";
import { quotedText } from "./message-view.ts";
import { names, type MessageName, type MessagePlace, type MessageRecord } from "./records.ts";
import type { Step } from "./step.ts";

/** More answers than this to a message that is not here do without an excerpt. */
const mostQuotes = 64;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** How a text begins: whole characters, at most `maxExcerptBytes` bytes. */
export function excerptOf(text: string): string {
  let excerpt = "";
  let bytes = 0;
  // No character is shorter than a byte.
  for (const { segment } of segmenter.segment(text.slice(0, LIMITS.maxExcerptBytes))) {
    bytes += utf8(segment).length;
    if (bytes > LIMITS.maxExcerptBytes) break;
    excerpt += segment;
  }
  return excerpt;
}

/** What an answer of ours takes along of a message: nothing of one that disappears, was deleted, or is no text. */
export async function carriedExcerpt(step: Step, quoted: MessageName): Promise<string> {
  const place = await findPlace(step.draft, quoted);
  const record = place && (await messageAt(step.draft, place));
  if (record === undefined || record.kind !== undefined || record.expiresAfterSec !== undefined) return "";
  return excerptOf(quotedText(record));
}

/** What is kept of a quotation: its excerpt only when the message never was here. What was deleted here does not come back in one. */
export async function keptQuote(
  step: Step,
  { account, id, excerpt }: MessageName & { readonly excerpt: string },
  place: MessagePlace,
): Promise<NonNullable<MessageRecord["replyTo"]>> {
  const name = { account, id };
  if (excerpt === "" || (await findPlace(step.draft, name)) !== undefined) return name;
  const quotes = (await step.draft.get(names.quotesOf(name))) ?? [];
  if (quotes.length >= mostQuotes) return name;
  step.draft.put(names.quotesOf(name), [...quotes, place]);
  return { ...name, excerpt };
}

/** Deletes what answers hold of a message. */
export async function forgetExcerpts(step: Step, name: MessageName): Promise<void> {
  const quotes = await step.draft.get(names.quotesOf(name));
  if (quotes === undefined) return;
  for (const place of quotes) {
    const record = await messageAt(step.draft, place);
    if (record?.replyTo === undefined) continue;
    const { account, id } = record.replyTo;
    const kept = { ...record, replyTo: { account, id } };
    step.draft.putItem(names.messages(place.conversation), place.order, kept);
  }
  step.draft.delete(names.quotesOf(name));
}
