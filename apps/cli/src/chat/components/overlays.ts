/** What lies over the messages for a moment: help, somebody new, the safety number. */
import { createElement as h, type ReactElement } from "react";
import type { Contact } from "@sotto/client";
import { sanitiseLine } from "../../io/sanitise.ts";
import { safetyNumberRows } from "../../safety-number.ts";
import type { Line, Span } from "../lines.ts";
import type { Overlay as OverlayState } from "../screen.ts";
import { padEnd, wrap } from "../text.ts";
import type { Theme } from "../theme.ts";
import { Rows } from "./spans.ts";

interface OverlayProps {
  readonly overlay: OverlayState;
  readonly contact: Contact | undefined;
  readonly columns: number;
  readonly rows: number;
  readonly theme: Theme;
}

/** The overlay, as large as the space that it is given. */
export function Overlay({ overlay, contact, columns, rows, theme }: OverlayProps): ReactElement {
  const lines =
    overlay.type === "help"
      ? helpLines(columns)
      : overlay.type === "new"
        ? newLines(overlay, columns)
        : verifyLines(overlay, contact, columns);
  return h(Rows, { lines, rows, theme });
}

const line = (text: string, style: Span["style"] = "text"): Line => [{ text, style }];
const paragraphs = (text: string, columns: number, style: Span["style"] = "text"): readonly Line[] =>
  wrap(text, columns - 1).map((row) => line(row, style));

const keys: readonly (readonly [string, string])[] = [
  ["Enter", "send (Alt+Enter: a new line)"],
  ["Tab, Shift+Tab", "next, previous conversation"],
  ["Ctrl+N", "write to somebody new"],
  ["Up, Down, PgUp, PgDn", "scroll (Esc: to the newest)"],
  ["Ctrl+T", "verify, accept a changed key"],
  ["Ctrl+A/E, Alt+B/F", "start, end; word by word"],
  ["Ctrl+U/K/W", "delete to start, end; a word"],
  ["? or Ctrl+G", "this help (? on an empty line)"],
  ["Ctrl+C or Ctrl+Q", "quit; the queue is kept"],
];

const states: readonly (readonly [string, string])[] = [
  ["\u25cc queued", "until the server is reached"],
  ["\u2713 sent", "the server has it"],
  ["\u2713\u2713 delivered", "a device of theirs has it"],
  ["\u2713\u2713 read", "they have seen it"],
  ["\u2717 failed", "not sent; why stands beside it"],
];

/** All keys and what the states mean; fits into 80×24. */
function helpLines(columns: number): readonly Line[] {
  const keyColumns = 22;
  const table = (entries: readonly (readonly [string, string])[]): readonly Line[] =>
    entries.flatMap(([key, what]): readonly Line[] => {
      if (columns < 50) return [line(key, "theirs"), ...paragraphs(`  ${what}`, columns)];
      return wrap(what, columns - keyColumns - 1).map((row, index) => [
        { text: padEnd(index === 0 ? key : "", keyColumns), style: "theirs" },
        { text: row, style: "text" },
      ]);
    });
  return [
    line("Keys", "mine"),
    ...table(keys),
    line("States", "mine"),
    ...table(states),
    line("Any key closes this.", "dim"),
  ];
}

function newLines(overlay: OverlayState & { type: "new" }, columns: number): readonly Line[] {
  const { draft, problem, busy } = overlay;
  return [
    line("Write to somebody", "mine"),
    [],
    ...paragraphs("Their phone number (+15551230002) or e-mail address:", columns),
    [
      { text: "> ", style: "theirs" },
      { text: draft.text, style: "text" },
    ],
    [],
    ...(problem === undefined ? [] : paragraphs(problem, columns, "bad")),
    line(busy ? "Looking them up \u2026" : "Enter looks them up, Esc goes back.", "dim"),
  ];
}

/** Where the cursor stands in the overlay for somebody new: row and column within it. */
export function newCursor(
  overlay: OverlayState & { type: "new" },
  columns: number,
): { x: number; y: number } {
  const above = 2 + paragraphs("Their phone number (+15551230002) or e-mail address:", columns).length;
  return { x: 2 + overlay.draft.cursor, y: above };
}

function verifyLines(
  overlay: OverlayState & { type: "verify" },
  contact: Contact | undefined,
  columns: number,
): readonly Line[] {
  const who = sanitiseLine(overlay.peer);
  const changed = contact?.identityChanged === true;
  const number =
    overlay.safetyNumber === undefined
      ? [line("\u2026")]
      : safetyNumberRows(overlay.safetyNumber).map((row) => line(`  ${row}`, "theirs"));
  const warning = changed
    ? paragraphs(
        "Their identity key changed: they set up Sotto anew, or somebody takes their place. Nothing is sent until you accept it.",
        columns,
        "bad",
      )
    : [];
  const answer = changed
    ? "a  accept the new key     Esc  back"
    : contact?.verified === true
      ? "r  take the mark away     Esc  back"
      : "y  they are equal: mark as verified     Esc  back";
  return [
    line(`Safety number with ${who}`, "mine"),
    [],
    ...warning,
    ...(changed ? [[]] : []),
    ...paragraphs(
      "Compare it with theirs by another way, a call or face to face. When the numbers are equal, nobody stands between you.",
      columns,
    ),
    [],
    ...number,
    [],
    line(
      contact?.verified === true ? "You have verified them." : "You have not verified them.",
      contact?.verified === true ? "good" : "pending",
    ),
    [],
    line(answer, "dim"),
  ];
}
