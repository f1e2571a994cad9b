/** The devices of the account, and a device that asks to be one. */
import type { DeviceSummary } from "@sotto/client";
import { deviceState } from "../../device-rows.ts";
import { formatDay, sanitiseLine } from "@sotto/client/readable";
import { approvalWarning, approvalWord, requestRows } from "../../link-request.ts";
import { layOutDraft } from "../editor.ts";
import { line, paragraphs, type Line } from "../lines.ts";
import type { Approve, Devices } from "../overlay.ts";
import { padEnd, truncate, width } from "../text.ts";

/** Below this width a device's line has no day. */
const narrowBelow = 44;
const mark = "> ";

/** The list, the selected one in sight. */
export function deviceLines(overlay: Devices, columns: number, rows: number): readonly Line[] {
  const { devices, selected, note, problem } = overlay;
  const below = [
    [],
    ...(note === undefined ? [] : [...paragraphs(note, columns), []]),
    ...(problem === undefined ? [] : [...paragraphs(problem, columns, "bad"), []]),
    ...paragraphs("l link a new one  x revoke  Esc back", columns, "dim"),
  ];
  const room = Math.max(1, rows - 2 - below.length);
  const count = devices?.length ?? 0;
  const first = Math.max(0, Math.min(selected - Math.floor(room / 2), count - room));
  const shown = (devices ?? []).slice(first, first + room);
  return [
    line("Your devices", "mine"),
    [],
    ...(devices === undefined ? [line("\u2026")] : []),
    ...shown.map((device, index) => deviceLine(device, first + index === selected, columns)),
    ...below,
  ];
}

function deviceLine(device: DeviceSummary, selected: boolean, columns: number): Line {
  const state = `  ${padEnd(deviceState(device), 11)}`;
  const since = columns < narrowBelow ? "" : `  since ${formatDay(device.addedAt)}`;
  const room = columns - 2 - width(state) - width(since);
  const name = sanitiseLine(device.name) || device.id.slice(0, 8);
  return [
    { text: selected ? "\u25b8 " : "  ", style: "theirs" },
    { text: padEnd(truncate(name, room), Math.min(room, 20)), style: selected ? "strong" : "text" },
    { text: state, style: device.revoked ? "dim" : device.current ? "good" : "text" },
    { text: since, style: "dim" },
  ];
}

/** What asks, and the two steps that let it in. @param nowSec seconds since 1970. */
export function approveLines(
  overlay: Approve,
  columns: number,
  rows: number,
  nowSec: number,
): readonly Line[] {
  return layOut(overlay, columns, rows, nowSec).lines;
}

/** Where the cursor stands while the word is typed: row and column; undefined where there is no room for it. */
export function approveCursor(
  overlay: Approve,
  columns: number,
  rows: number,
): { x: number; y: number } | undefined {
  const { wordRow } = layOut(overlay, columns, rows, 0);
  if (wordRow === undefined) return undefined;
  return { x: mark.length + layOutDraft(overlay.draft, columns - mark.length).column, y: wordRow };
}

interface Layout {
  readonly lines: readonly Line[];
  /** The row in which the word is typed. */
  readonly wordRow: number | undefined;
}

/** Nobody lets in what they cannot see: where not all of it fits, that is all that is said. */
function layOut(overlay: Approve, columns: number, rows: number, nowSec: number): Layout {
  const { sure, draft, problem, busy } = overlay;
  const roomy = aboveWord(overlay, columns, nowSec);
  const below = [
    ...(problem === undefined ? [] : paragraphs(problem, columns, "bad")),
    ...paragraphs(
      busy
        ? "Letting it in \u2026"
        : sure
          ? "Enter lets it in, Esc goes back."
          : "y  yes     n, Esc  no: nothing is linked",
      columns,
      "dim",
    ),
  ];
  const word: readonly Line[] = sure
    ? [
        [
          { text: mark, style: "theirs" },
          { text: draft.text, style: "text" },
        ],
      ]
    : [];
  const needed = roomy.length + word.length + below.length;
  const above = needed <= rows ? roomy : roomy.filter((one) => one.length > 0);
  if (above.length + word.length + below.length > rows) {
    const text = "The window is too small to show what asks: make it larger. Esc goes back.";
    return { lines: paragraphs(text, columns, "bad"), wordRow: undefined };
  }
  return { lines: [...above, ...word, ...below], wordRow: sure ? above.length : undefined };
}

function aboveWord({ request, sure }: Approve, columns: number, nowSec: number): readonly Line[] {
  const rows = requestRows(request, nowSec);
  const names = Math.max(...rows.map(([name]) => width(name)));
  return [
    ...paragraphs("This device asks to be linked to your account:", columns, "mine"),
    [],
    ...rows.map(([name, value]): Line => [
      { text: `${padEnd(name, names)}  `, style: "dim" },
      { text: truncate(value, columns - names - 2), style: "strong" },
    ]),
    [],
    ...paragraphs(approvalWarning, columns, "bad"),
    [],
    ...paragraphs(
      sure
        ? `To let it in, type the word ${approvalWord}:`
        : "Is it in front of you, and do you read this code on its screen?",
      columns,
    ),
  ];
}
