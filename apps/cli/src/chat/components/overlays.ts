/** What lies over the messages for a moment: help, the menu, prompts, a group's people, the safety number. */
import { createElement as h, type ReactElement } from "react";
import { formatSafetyNumberQr, type Contact } from "@sotto/client";
import { sanitiseLine } from "@sotto/client/readable";
import { renderQr } from "../../io/qr.ts";
import { safetyNumberRows } from "../../safety-number.ts";
import { line, paragraphs, type Line } from "../lines.ts";
import type { Snapshot } from "../model.ts";
import type { Overlay as OverlayState } from "../overlay.ts";
import { padEnd, truncate, width, wrap } from "../text.ts";
import type { Theme } from "../theme.ts";
import { approveLines, deviceLines } from "./device-lines.ts";
import { confirmLines, deleteLines, membersLines, menuLines } from "./group-lines.ts";
import { promptLines } from "./prompt-lines.ts";
import { searchLines } from "./search-lines.ts";
import { Rows } from "./spans.ts";

interface OverlayProps {
  readonly overlay: OverlayState;
  readonly account: Snapshot;
  readonly columns: number;
  readonly rows: number;
  readonly theme: Theme;
}

/** The overlay, as large as the space that it is given. */
export function Overlay(props: OverlayProps): ReactElement {
  return h(Rows, { lines: linesOf(props), rows: props.rows, theme: props.theme });
}

function linesOf({ overlay, account, columns, rows }: OverlayProps): readonly Line[] {
  switch (overlay.type) {
    case "help":
      return helpLines(columns);
    case "menu":
      return menuLines(account, overlay.selected);
    case "prompt":
      return promptLines(overlay, columns);
    case "search":
      return searchLines(overlay, columns, rows);
    case "confirm":
      return confirmLines(overlay, columns);
    case "delete":
      return deleteLines(overlay, columns);
    case "members":
      return membersLines(account, overlay, columns, rows);
    case "devices":
      return deviceLines(overlay, columns, rows);
    case "approve":
      return approveLines(overlay, columns, rows, Date.now() / 1000);
    case "verify":
      return verifyLines(overlay, account.contacts.get(overlay.peer), columns);
  }
}

const keys: readonly (readonly [string, string])[] = [
  ["Enter", "send (Alt+Enter: a new line)"],
  ["Tab, Shift+Tab", "next, previous conversation"],
  ["Ctrl+N", "write to somebody new"],
  ["Ctrl+P", "menu: groups, devices, more"],
  ["Up, Down, PgUp, PgDn", "scroll (Esc: to the newest)"],
  ["Ctrl+T", "verify; members of a group"],
  ["Ctrl+R", "pick a message: answer, react \u2026"],
  ["Ctrl+A/E, Alt+B/F", "start, end; word by word"],
  ["Ctrl+U/K/W", "delete to start, end; a word"],
  ["/ (on an empty line)", "search in all messages"],
  ["? or Ctrl+G", "help (? on an empty line)"],
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

function verifyLines(
  overlay: OverlayState & { type: "verify" },
  contact: Contact | undefined,
  columns: number,
): readonly Line[] {
  const who = sanitiseLine(overlay.peer);
  const changed = contact?.identityChanged === true;
  if (overlay.asQr && overlay.safetyNumber !== undefined) return qrLines(overlay.safetyNumber, who, columns);
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
    ? "a  accept the new key"
    : contact?.verified === true
      ? "r  take the mark away"
      : "y  they are equal: mark as verified";
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
    ...paragraphs(`${answer}   c  QR code   Esc  back`, columns, "dim"),
  ];
}

/** The number to be scanned; where the window is too small for the code, that is said. */
function qrLines(safetyNumber: string, who: string, columns: number): readonly Line[] {
  const rows = renderQr(formatSafetyNumberQr(safetyNumber)).split("\n");
  const fits = width(rows[0] ?? "") < columns;
  return [
    ...(fits
      ? rows.map((row) => line(row))
      : paragraphs("The window is too narrow for the QR code.", columns)),
    line(truncate(`Safety number with ${who}`, columns), "mine"),
    line("c  digits     Esc  back", "dim"),
  ];
}
