/** The open conversation: title, messages, a rule that says who is typing, and the line where one writes. */
import { createElement as h, type ReactElement } from "react";
import { Box, Text } from "ink";
import type { ConversationSummary, GroupMember, Suite } from "@sotto/client";
import { formatDuration } from "../../duration.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { promptColumns, type Areas } from "../areas.ts";
import { layOutDraft, type Draft } from "../editor.ts";
import { windowOf, type Line, type Span } from "../lines.ts";
import type { Thread as ThreadData } from "../model.ts";
import type { Aim } from "../picking.ts";
import { padEnd, truncate, width } from "../text.ts";
import type { Theme } from "../theme.ts";
import { groupStates, titleOf } from "../titles.ts";
import { counted } from "../../io/table.ts";
import { Rows } from "./spans.ts";

interface ThreadProps {
  readonly conversation: ConversationSummary | undefined;
  /** Of the open group. */
  readonly members: readonly GroupMember[] | undefined;
  /** Identifiers of people who are verified. */
  readonly verified: ReadonlySet<string>;
  readonly thread: ThreadData;
  /** Who types. */
  readonly typing: string | undefined;
  readonly scroll: number;
  /** Id of the message that is picked. */
  readonly picked: string | undefined;
  /** What the draft is for. */
  readonly aim: Aim | undefined;
  readonly draft: Draft;
  readonly areas: Areas;
  readonly theme: Theme;
}

/** The message pane. */
export function Thread(props: ThreadProps): ReactElement {
  const { conversation, members, verified, thread, typing, scroll, picked, aim, draft, areas, theme } = props;
  const { paneColumns, messageRows, bodyRows } = areas;
  if (conversation === undefined) return h(Rows, { lines: welcome, rows: bodyRows, theme });
  const { lines, below } = windowOf(thread, paneColumns, messageRows, scroll, { verified, picked });
  const shown =
    lines.length === 0 ? [[{ text: "No messages yet. Write the first one.", style: "dim" } as Span]] : lines;
  return h(
    Box,
    { flexDirection: "column", width: paneColumns, height: bodyRows },
    h(Rows, { lines: [titleLine(conversation, members, suiteOf(thread), paneColumns)], rows: 1, theme }),
    h(Rows, { lines: shown, rows: messageRows, align: "bottom", theme }),
    h(Rows, {
      lines: [aim === undefined ? ruleLine(typing, below, paneColumns) : aimLine(aim, paneColumns)],
      rows: 1,
      theme,
    }),
    h(Composer, { draft, rows: areas.composerRows, columns: paneColumns, theme }),
  );
}

const welcome: readonly Line[] = [
  [],
  [{ text: "No conversations yet.", style: "theirs" }],
  [],
  [{ text: "Ctrl+N  write to somebody", style: "text" }],
  [{ text: "Ctrl+P  menu: make a group, and more", style: "text" }],
  [{ text: "?       all keys", style: "text" }],
];

/** The suite of the newest message. */
function suiteOf(thread: ThreadData): Suite {
  return thread.messages.at(-1)?.suite ?? "mls";
}

function titleLine(
  conversation: ConversationSummary,
  members: readonly GroupMember[] | undefined,
  suite: Suite,
  columns: number,
): Line {
  const state = titleState(conversation, members);
  // Every face says that the classic suite has no forward secrecy.
  const protection = suite === "classic" ? "classic: no forward secrecy" : suite;
  const timer =
    conversation.timer === undefined ? "" : `  disappears after ${formatDuration(conversation.timer)}`;
  const title = truncate(titleOf(conversation), Math.max(8, columns - width(state.text)));
  const tail = truncate(`  ${protection}${timer}`, Math.max(0, columns - width(title) - width(state.text)));
  return [
    { text: title, style: "theirs" },
    { ...state, text: truncate(state.text, columns - width(title)) },
    { text: tail, style: "dim" },
  ];
}

function titleState(
  { contact, group, request }: ConversationSummary,
  members: readonly GroupMember[] | undefined,
): Span {
  if (request !== undefined) return { text: "  REQUEST: answer, or Ctrl+P", style: "bad" };
  if (group !== undefined) {
    if (group.state !== "joined") return { text: `  ${groupStates[group.state]}`, style: "bad" };
    return { text: `  ${counted(group.members, "member")}${verifiedOf(members)}`, style: "pending" };
  }
  if (contact?.identityChanged === true) return { text: "  IDENTITY CHANGED (Ctrl+T)", style: "bad" };
  if (contact?.verified === true) return { text: "  \u2713 verified", style: "good" };
  return { text: "  unverified", style: "pending" };
}

/** ", 1 of 2 verified": oneself is not counted. */
function verifiedOf(members: readonly GroupMember[] | undefined): string {
  const others = (members ?? []).filter(({ self }) => !self);
  if (others.length === 0) return "";
  const verified = others.filter((member) => member.verified).length;
  return verified === others.length ? ", \u2713 all verified" : `, ${verified} of ${others.length} verified`;
}

/** What is being written, in place of the rule. */
function aimLine({ type, message }: Aim, columns: number): Line {
  const who = message.direction === "out" ? "yourself" : sanitiseLine(message.from);
  const what = type === "edit" ? "editing" : `answer to ${who}`;
  const words = ` ${what}: ${sanitiseLine(message.body.slice(0, 200))}`;
  const text = truncate(words, Math.max(8, columns - 8));
  return [
    { text: "\u2500\u2500", style: "dim" },
    { text, style: "theirs" },
    { text: " (Esc)", style: "dim" },
  ];
}

function ruleLine(typing: string | undefined, below: number, columns: number): Line {
  const words: Span[] = [];
  if (typing !== undefined)
    words.push({ text: ` ${truncate(sanitiseLine(typing), 20)} is typing \u2026 `, style: "theirs" });
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
