/** How a message is written for people and for programs. Everything that others wrote is sanitised here. */
import type { Message, MessageStatus } from "../api.ts";
import { marksOf, quoteOf, reactionsOf, richRow, textOf } from "./message-marks.ts";
import { sanitise, sanitiseLine } from "./sanitise.ts";

/** What people see of an id. */
export const shortId = (id: string): string => id.slice(0, 8);

const marks: Readonly<Record<MessageStatus, string>> = {
  queued: "\u25cc",
  sent: "\u2713",
  delivered: "\u2713\u2713",
  read: "\u2713\u2713",
  failed: "\u2717",
  received: "",
};

/** A status in words and a mark, so that it needs no colour: "✓✓ read". Empty for incoming messages. */
export function formatStatus(message: Message): string {
  if (message.direction === "in") return "";
  const problem = message.problem === undefined ? "" : ` (${sanitiseLine(message.problem)})`;
  return `${marks[message.status]} ${message.status}${problem}`.trim();
}

const pad = (value: number): string => String(value).padStart(2, "0");

/** Local time of day: "20:11". */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** Local day: "2026-11-23". */
export function formatDay(seconds: number): string {
  const date = new Date(seconds * 1000);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** A message as lines of text; further lines of its body are indented. @param shown `id`: how its id begins, too. */
export function formatMessage(message: Message, shown: { readonly id?: boolean } = {}): string {
  const arrow = message.direction === "in" ? "\u2190" : "\u2192";
  const who = message.direction === "in" ? senderOf(message) : `me to ${sanitiseLine(message.to)}`;
  const status = formatStatus(message);
  const at = `${formatDay(message.sentAt)} ${formatTime(message.sentAt)}`;
  const id = shown.id === true ? `${shortId(message.id)}  ` : "";
  if (message.kind === "timer") return `${id}${at} \u00b7 ${sanitiseLine(message.from)}: ${message.body}`;
  const marks = marksOf(message);
  const quote = quoteOf(message);
  const reactions = reactionsOf(message);
  const head = `${id}${at} ${arrow} ${who}${marks === "" ? "" : ` (${marks})`}${status === "" ? "" : `  [${status}]`}`;
  return [
    head,
    ...(quote === undefined ? [] : [`    > ${quote}`]),
    `    ${sanitise(textOf(message)).replaceAll("\n", "\n    ")}`,
    ...(reactions === "" ? [] : [`    ${reactions}`]),
  ].join("\n");
}

function senderOf(message: Message): string {
  const group = message.groupId === undefined ? "" : ` in ${sanitiseLine(message.conversation)}`;
  return `${sanitiseLine(message.from)}${group}`;
}

/** What scripts get for a row of history. `raw` adds the message as it travelled, where there is such. */
export function historyRow(message: Message, raw: boolean): object {
  return {
    id: message.id,
    conversation: message.conversation,
    direction: message.direction,
    from: message.from,
    to: message.to,
    suite: message.suite,
    body: message.body,
    status: message.status,
    sent_at: message.sentAt,
    ...(message.problem === undefined ? {} : { problem: message.problem }),
    ...richRow(message),
    ...(raw ? rawMembers(message) : {}),
  };
}

function rawMembers(message: Message): object {
  const envelopes = (message.envelopes ?? []).map((text) => JSON.parse(text) as unknown);
  return { envelope: envelopes[0] ?? null, ...(envelopes.length > 1 ? { envelopes } : {}) };
}
