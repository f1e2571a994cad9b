/**
 * Lays messages out as lines of styled text. Only as many messages are laid out as the window shows, from the newest up,
 * and each layout is remembered, so that a conversation of any length scrolls at the same speed.
 */
import type { Message } from "@sotto/client";
import {
  formatDay,
  formatStatus,
  formatTime,
  marksOf,
  quoteOf,
  reactionsOf,
  sanitise,
  sanitiseLine,
  textOf,
} from "@sotto/client/readable";
import type { NoticeLine, Thread } from "./model.ts";
import { truncate, width, wrap } from "./text.ts";

/** How a piece of text is drawn; theme.ts says with which colours. */
export type Style = "text" | "strong" | "dim" | "mine" | "theirs" | "pending" | "good" | "bad";

/** A piece of a line. */
export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** One row of the message pane. */
export type Line = readonly Span[];

/** A row of one piece. */
export const line = (text: string, style: Style = "text"): Line => [{ text, style }];

/** Text broken into rows of one style. */
export const paragraphs = (text: string, columns: number, style: Style = "text"): readonly Line[] =>
  wrap(text, columns - 1).map((row) => line(row, style));

const timeColumns = 7;

const statusStyles: Readonly<Record<Message["status"], Style>> = {
  queued: "pending",
  sent: "dim",
  delivered: "dim",
  read: "good",
  failed: "bad",
  received: "dim",
};

interface Layout {
  readonly columns: number;
  readonly lines: readonly Line[];
}

const layouts = new WeakMap<Message, Layout>();

/** The lines of one message: its text with the time before and the state after it. */
export function messageLines(message: Message, columns: number): readonly Line[] {
  const known = layouts.get(message);
  if (known?.columns === columns) return known.lines;
  const lines = layOut(message, columns);
  layouts.set(message, { columns, lines });
  return lines;
}

function layOut(message: Message, columns: number): readonly Line[] {
  const room = Math.max(4, columns - timeColumns);
  const quote = quoteOf(message);
  const isText = message.kind === undefined && message.deleted === undefined;
  const rows: Span[] = [
    ...(quote === undefined ? [] : [{ text: truncate(`> ${quote}`, room), style: "dim" } as const]),
    ...wrap(sanitise(textOf(message)), room).map((text): Span => ({ text, style: isText ? "text" : "dim" })),
  ];
  const lines: Span[][] = rows.map((row, index) => [
    { text: index === 0 ? `${formatTime(message.sentAt)}  ` : " ".repeat(timeColumns), style: "dim" },
    row,
  ]);
  const reactions = wrap(reactionsOf(message), room).filter((row) => row !== "");
  const below = reactions.map((text): Line => [
    { text: " ".repeat(timeColumns), style: "dim" },
    { text, style: "pending" },
  ]);
  return [...withState(message, lines, columns, room), ...below];
}

/** The lines with the message's state at the end of the last one, or below it where there is no room. */
function withState(message: Message, lines: Span[][], columns: number, room: number): readonly Line[] {
  const isLine = message.kind === "timer";
  const marks = [marksOf(message), isLine ? "" : formatStatus(message)].filter((mark) => mark !== "");
  const status = truncate(marks.join("  "), room);
  if (status === "") return lines;
  const last = lines.at(-1);
  const used = last === undefined ? columns : last.reduce((sum, { text }) => sum + width(text), 0);
  const span: Span = { text: status, style: statusStyles[message.status] };
  const gap = columns - used - width(status);
  if (last !== undefined && gap >= 2) last.push({ text: " ".repeat(gap), style: "text" }, span);
  else lines.push([{ text: " ".repeat(Math.max(0, columns - width(status))), style: "text" }, span]);
  return lines;
}

/** What stands above a message: the day and the writer, where they change. */
function headLines(
  message: Message,
  before: Message | undefined,
  columns: number,
  verified: Verified,
): readonly Line[] {
  const lines: Line[] = [];
  const day = formatDay(message.sentAt);
  const newDay = before === undefined || formatDay(before.sentAt) !== day;
  if (newDay) {
    const rule = "\u2500".repeat(Math.max(0, Math.floor((columns - day.length - 2) / 2)));
    lines.push([{ text: truncate(`${rule} ${day} ${rule}`, columns), style: "dim" }]);
  }
  if (newDay || before.direction !== message.direction || before.from !== message.from) {
    const mine = message.direction === "out";
    const name = mine ? "You" : sanitiseLine(message.from);
    const mark = !mine && message.groupId !== undefined && verified.has(message.from) ? " \u2713" : "";
    lines.push([
      { text: truncate(name, columns - width(mark)), style: mine ? "mine" : "theirs" },
      { text: mark, style: "good" },
    ]);
  }
  return lines;
}

function noticeLines(
  notices: readonly NoticeLine[],
  afterId: string | undefined,
  columns: number,
): readonly Line[] {
  return notices
    .filter((notice) => notice.afterId === afterId)
    .flatMap(({ text, tone }) => {
      const [mark, style] = tone === "warning" ? (["!", "bad"] as const) : (["\u00b7", "dim"] as const);
      return wrap(`${mark} ${text}`, columns).map((row) => line(row, style));
    });
}

/** Lines of the messages from index `from` on, notices among them. */
export function linesFrom(thread: Thread, from: number, columns: number): readonly Line[] {
  return thread.messages
    .slice(from)
    .flatMap((message, index) => blockOf(thread, from + index, message, columns, plainly));
}

/** Identifiers of people whose safety numbers were compared. */
type Verified = ReadonlySet<string>;

/** What is shown of messages beside themselves. */
interface Shown {
  readonly verified: Verified;
  /** The message that was picked. */
  readonly picked: string | undefined;
}

const plainly: Shown = { verified: new Set(), picked: undefined };

/** A message with a mark where it was picked. */
function pickedLines(lines: readonly Line[]): readonly Line[] {
  return lines.map((row, index) =>
    row.map((span, at) => {
      if (at > 0) return span.style === "text" ? { ...span, style: "strong" } : span;
      return {
        text: index === 0 ? `${span.text.slice(0, timeColumns - 1)}\u25b8` : span.text,
        style: "theirs",
      };
    }),
  );
}

function blockOf(
  thread: Thread,
  index: number,
  message: Message,
  columns: number,
  { verified, picked }: Shown,
): readonly Line[] {
  const own = messageLines(message, columns);
  return [
    ...headLines(message, thread.messages[index - 1], columns, verified),
    ...(message.id === picked ? pickedLines(own) : own),
    ...noticeLines(thread.notices, message.id, columns),
  ];
}

/** The part of a conversation that the pane shows. */
export interface Window {
  readonly lines: readonly Line[];
  /** Lines below the window. */
  readonly below: number;
  /** Whether its first line is the oldest that is loaded. */
  readonly atTop: boolean;
}

/** The window of `rows` lines whose last is `scroll` lines above the newest; less when there is not so much. Marks who is verified. */
export function windowOf(
  thread: Thread,
  columns: number,
  rows: number,
  scroll: number,
  shown: Shown = plainly,
): Window {
  const wanted = rows + scroll;
  let blocks: (readonly Line[])[] = [];
  let count = 0;
  let index = thread.messages.length - 1;
  for (; index >= 0 && count < wanted; index--) {
    const message = thread.messages[index];
    if (message === undefined) break;
    const block = blockOf(thread, index, message, columns, shown);
    blocks.push(block);
    count += block.length;
  }
  if (index < 0) {
    const first = noticeLines(thread.notices, undefined, columns);
    blocks.push(first);
    count += first.length;
  }
  blocks = blocks.reverse();
  const lines = blocks.flat();
  const below = Math.min(scroll, Math.max(0, count - rows));
  const end = lines.length - below;
  const start = Math.max(0, end - rows);
  return { lines: lines.slice(start, end), below, atTop: index < 0 && start === 0 };
}
