/** How messages are written for people and for scripts. Everything that others wrote is sanitised here. */
import type { Message, MessageStatus, Notice } from "@sotto/client";
import { sanitise, sanitiseLine } from "./io/sanitise.ts";

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

/** A message as lines of text; further lines of its body are indented. */
export function formatMessage(message: Message): string {
  const arrow = message.direction === "in" ? "\u2190" : "\u2192";
  const who = message.direction === "in" ? sanitiseLine(message.from) : `me to ${sanitiseLine(message.to)}`;
  const status = formatStatus(message);
  const head = `${formatDay(message.sentAt)} ${formatTime(message.sentAt)} ${arrow} ${who}`;
  const body = sanitise(message.body).replaceAll("\n", "\n    ");
  return `${head}${status === "" ? "" : `  [${status}]`}\n    ${body}`;
}

/** What scripts get for a newly received message. */
export function messageLine(message: Message): object {
  return {
    type: "message",
    id: message.id,
    from: message.from,
    suite: message.suite,
    body: message.body,
    sent_at: message.sentAt,
  };
}

/** What scripts get for a row of history. `raw` adds the message as it travelled, where there is such. */
export function historyRow(message: Message, raw: boolean): object {
  return {
    id: message.id,
    direction: message.direction,
    from: message.from,
    to: message.to,
    suite: message.suite,
    body: message.body,
    status: message.status,
    sent_at: message.sentAt,
    ...(message.problem === undefined ? {} : { problem: message.problem }),
    ...(raw ? rawMembers(message) : {}),
  };
}

function rawMembers(message: Message): object {
  const envelopes = (message.envelopes ?? []).map((text) => JSON.parse(text) as unknown);
  return { envelope: envelopes[0] ?? null, ...(envelopes.length > 1 ? { envelopes } : {}) };
}

/** A notice in words. */
export function formatNotice(notice: Notice): string {
  switch (notice.type) {
    case "gap":
      return notice.count === 1
        ? `1 message from ${sanitiseLine(notice.from)} never arrived: it was lost or held back by the server.`
        : `${notice.count} messages from ${sanitiseLine(notice.from)} never arrived: they were lost or held back by the server.`;
    case "refused":
      return `A message${notice.from === undefined ? "" : ` from ${sanitiseLine(notice.from)}`} was refused (${sanitiseLine(notice.code)}) and is not shown.`;
    case "identity_changed":
      return `The identity key of ${sanitiseLine(notice.identifier)} changed. Compare safety numbers before you write on.`;
    case "device_unlisted":
      return `A device that ${sanitiseLine(notice.identifier)} did not list tried to write; it was refused.`;
  }
}
