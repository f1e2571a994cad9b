/**
 * The export as one HTML file: no script, no outside resource (a content security policy forbids both), readable in a
 * browser and printable. Every text is escaped and isolated in its direction.
 */
import type { Message } from "../api.ts";
import { sanitise, sanitiseLine } from "./sanitise.ts";
import { marksOf, quoteOf, reactionsOf, textOf } from "./message-marks.ts";
import { formatDay, formatStatus, formatTime } from "./message.ts";
import type { ExportedHistory } from "./exported-history.ts";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for HTML content and attribute values. */
const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");

const line = (text: string): string => escapeHtml(sanitiseLine(text));

const style = `
  :root { color-scheme: light dark; }
  body { font: 16px/1.45 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.5rem; } h3 { font-size: .85rem; text-align: center; font-weight: 600; }
  .note, .meta { font-size: .8rem; opacity: .75; }
  ol { list-style: none; padding: 0; }
  li { margin: .5rem 0; padding: .5rem .75rem; border: 1px solid #8886; border-radius: .6rem; width: fit-content; max-width: 85%; break-inside: avoid; }
  li.out { margin-left: auto; background: #3b82f61f; }
  li p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
  blockquote { margin: 0 0 .3rem; padding-left: .5rem; border-left: 3px solid #8886; font-size: .9rem; opacity: .8; overflow-wrap: anywhere; }
  @media print { body { margin: 0; max-width: none; } li.out { background: none; } }`;

/** @returns a complete HTML document. */
export function renderHtml(history: ExportedHistory): string {
  const { self, exportedAtSec, conversations } = history;
  const title = `Messages of ${line(self.identifier)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}
</style>
</head>
<body>
<h1>${title}</h1>
<p class="note">Copied by Sotto on ${formatDay(exportedAtSec)} at ${formatTime(exportedAtSec)} from ${line(self.serverOrigin)}. This copy is not encrypted.</p>
${conversations.map((one) => renderConversation(one)).join("\n")}
</body>
</html>
`;
}

function renderConversation({ peer, groupId, messages }: ExportedHistory["conversations"][number]): string {
  const title = groupId === undefined ? "With" : "Group";
  const parts = [`<section>\n<h2>${title} <bdi>${line(peer)}</bdi></h2>`];
  let day = "";
  for (const message of messages) {
    const messageDay = formatDay(message.sentAt);
    if (messageDay !== day) {
      if (day !== "") parts.push("</ol>");
      parts.push(`<h3>${messageDay}</h3>\n<ol>`);
      day = messageDay;
    }
    parts.push(renderMessage(message));
  }
  parts.push(day === "" ? "<p>No messages.</p>" : "</ol>", "</section>");
  return parts.join("\n");
}

function renderMessage(message: Message): string {
  const who = message.direction === "in" ? message.from : "me";
  const time = `<time datetime="${new Date(message.sentAt * 1000).toISOString()}">${formatTime(message.sentAt)}</time>`;
  const marks = [marksOf(message), reactionsOf(message), formatStatus(message)].map(escapeHtml);
  const meta = [`<bdi>${line(who)}</bdi>`, time, ...marks].filter((part) => part !== "");
  const quote = quoteOf(message);
  const quoted = quote === undefined ? "" : `<blockquote dir="auto">${escapeHtml(quote)}</blockquote>`;
  return `<li class="${message.direction}">${quoted}<p dir="auto">${escapeHtml(sanitise(textOf(message)))}</p><div class="meta">${meta.join(" · ")}</div></li>`;
}
