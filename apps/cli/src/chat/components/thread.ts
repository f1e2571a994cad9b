/** The open conversation: title, messages, a rule that says who is typing, and the line where one writes. */
import { createElement as h, type ReactElement } from "react";
import { Box, Text } from "ink";
import type { Contact, Suite } from "@sotto/client";
import { sanitiseLine } from "../../io/sanitise.ts";
import { promptColumns, type Areas } from "../areas.ts";
import { layOutDraft, type Draft } from "../editor.ts";
import { windowOf, type Line, type Span } from "../lines.ts";
import type { Thread as ThreadData } from "../model.ts";
import { padEnd, truncate, width } from "../text.ts";
import type { Theme } from "../theme.ts";
import { Rows } from "./spans.ts";

interface ThreadProps {
  readonly peer: string | undefined;
  readonly contact: Contact | undefined;
  readonly thread: ThreadData;
  readonly typing: boolean;
  readonly scroll: number;
  readonly draft: Draft;
  readonly areas: Areas;
  readonly theme: Theme;
}

/** The message pane. */
export function Thread(props: ThreadProps): ReactElement {
  const { peer, contact, thread, typing, scroll, draft, areas, theme } = props;
  const { paneColumns, messageRows, bodyRows } = areas;
  if (peer === undefined) return h(Rows, { lines: welcome, rows: bodyRows, theme });
  const { lines, below } = windowOf(thread, paneColumns, messageRows, scroll);
  const shown =
    lines.length === 0 ? [[{ text: "No messages yet. Write the first one.", style: "dim" } as Span]] : lines;
  return h(
    Box,
    { flexDirection: "column", width: paneColumns, height: bodyRows },
    h(Rows, { lines: [titleLine(peer, contact, suiteOf(thread), paneColumns)], rows: 1, theme }),
    h(Rows, { lines: shown, rows: messageRows, align: "bottom", theme }),
    h(Rows, { lines: [ruleLine(peer, typing, below, paneColumns)], rows: 1, theme }),
    h(Composer, { draft, rows: areas.composerRows, columns: paneColumns, theme }),
  );
}

const welcome: readonly Line[] = [
  [],
  [{ text: "No conversations yet.", style: "theirs" }],
  [],
  [{ text: "Ctrl+N  write to somebody", style: "text" }],
  [{ text: "?       all keys", style: "text" }],
];

/** The suite of the newest message: what the next one will use too. */
function suiteOf(thread: ThreadData): Suite {
  return thread.messages.at(-1)?.suite ?? "classic";
}

function titleLine(peer: string, contact: Contact | undefined, suite: Suite, columns: number): Line {
  const state = titleState(contact);
  // Every face says that the classic suite has no forward secrecy.
  const protection = suite === "classic" ? "classic: no forward secrecy" : suite;
  const tail = truncate(
    `  ${protection}`,
    Math.max(0, columns - width(sanitiseLine(peer)) - width(state.text)),
  );
  return [
    { text: truncate(sanitiseLine(peer), columns), style: "theirs" },
    state,
    { text: tail, style: "dim" },
  ];
}

function titleState(contact: Contact | undefined): Span {
  if (contact?.identityChanged === true) return { text: "  IDENTITY CHANGED (Ctrl+T)", style: "bad" };
  if (contact?.verified === true) return { text: "  \u2713 verified", style: "good" };
  return { text: "  unverified", style: "pending" };
}

function ruleLine(peer: string, typing: boolean, below: number, columns: number): Line {
  const words: Span[] = [];
  if (typing) words.push({ text: ` ${truncate(sanitiseLine(peer), 20)} is typing \u2026 `, style: "theirs" });
  if (below > 0)
    words.push({ text: ` \u25bc ${below} more line${below === 1 ? "" : "s"} (PgDn) `, style: "pending" });
  const used = words.reduce((sum, { text }) => sum + width(text), 2);
  const rule = "\u2500".repeat(Math.max(0, columns - used));
  return [{ text: "\u2500\u2500", style: "dim" }, ...words, { text: rule, style: "dim" }];
}

interface ComposerProps {
  readonly draft: Draft;
  readonly rows: number;
  readonly columns: number;
  readonly theme: Theme;
}

/** The first row of the draft that the composer shows: the cursor stays in sight. */
export function firstDraftRow(cursorRow: number, composerRows: number): number {
  return Math.max(0, cursorRow - composerRows + 1);
}

function Composer({ draft, rows, columns, theme }: ComposerProps): ReactElement {
  const { rows: draftRows, row } = layOutDraft(draft, columns - promptColumns);
  const first = firstDraftRow(row, rows);
  const lines = draftRows.slice(first, first + rows).map((text, index) => {
    const prompt = h(Text, theme.key, first + index === 0 ? "> " : "  ");
    const hint = draft.text === "" ? h(Text, theme.dim, "Write a message, Enter sends it") : padEnd(text, 1);
    return h(Text, { key: index, wrap: "truncate" }, prompt, hint);
  });
  return h(Box, { flexDirection: "column", height: rows, overflow: "hidden" }, ...lines);
}
