/** The search: what is looked for, and what was found, the words in it marked. */
import type { SearchHit } from "@sotto/client";
import { formatDay, formatTime, sanitiseLine } from "@sotto/client/readable";
import { counted } from "../../io/table.ts";
import { layOutDraft } from "../editor.ts";
import { line, paragraphs, type Line, type Span } from "../lines.ts";
import type { Search } from "../overlay.ts";
import { graphemes, truncate, width } from "../text.ts";

const mark = "/ ";
const rowsPerHit = 2;

/** The lines of the search, the selected hit in sight. */
export function searchLines(search: Search, columns: number, rows: number): readonly Line[] {
  const { draft, page, selected, problem } = search;
  const typed = layOutDraft(draft, columns - mark.length).rows;
  const above: readonly Line[] = [
    line("Search", "mine"),
    ...typed.map((text, index): Line => [
      { text: index === 0 ? mark : "  ", style: "theirs" },
      { text, style: "text" },
    ]),
    [],
  ];
  const below: readonly Line[] = [[], ...told(search, columns), ...paragraphs(keys, columns, "dim")];
  if (page === undefined || problem !== undefined) return [...above, ...below];
  const room = Math.max(1, Math.floor((rows - above.length - below.length) / rowsPerHit));
  const first = Math.max(0, Math.min(selected - Math.floor(room / 2), page.hits.length - room));
  const shown = page.hits.slice(first, first + room);
  return [
    ...above,
    ...shown.flatMap((hit, index) => hitLines(hit, first + index === selected, columns)),
    ...below,
  ];
}

const keys =
  "Up, Down, Enter shows it where it was written. Esc goes back. //: a message that begins with /.";

function told({ draft, page, problem }: Search, columns: number): readonly Line[] {
  if (problem !== undefined) return paragraphs(problem, columns, "bad");
  if (page === undefined)
    return draft.text.trim() === "" ? [line("Words of the message:", "dim")] : [line("…", "dim")];
  if (page.index === "building") return [line("The index of your messages is being made …", "pending")];
  if (page.index === "damaged") {
    return paragraphs(
      "A message of the vault does not open, so that it cannot be searched: see 'sotto doctor'.",
      columns,
      "bad",
    );
  }
  if (page.hits.length === 0) return [line("Nothing was found.", "pending")];
  const found =
    page.next === undefined ? counted(page.hits.length, "message") : `the newest ${page.hits.length}`;
  return [line(found, "dim")];
}

/** Where and when, and below it the part of the text with the words. */
function hitLines(
  { message, snippet, highlights }: SearchHit,
  selected: boolean,
  columns: number,
): readonly Line[] {
  const when = `${formatDay(message.sentAt)} ${formatTime(message.sentAt)}  `;
  const from = message.direction === "out" ? "You" : sanitiseLine(message.from);
  const group = message.groupId !== undefined;
  const where = group
    ? ` in # ${sanitiseLine(message.conversation)}`
    : ` to ${sanitiseLine(message.conversation)}`;
  const who = group || message.direction === "out" ? `${from}${where}` : from;
  return [
    [
      { text: selected ? "▸ " : "  ", style: "theirs" },
      { text: when, style: "dim" },
      { text: truncate(who, Math.max(4, columns - 2 - when.length)), style: selected ? "strong" : "text" },
    ],
    [{ text: "    ", style: "dim" }, ...snippetSpans(snippet, highlights, columns - 4)],
  ];
}

/** The snippet in pieces, within so many cells: what stands before the first word is cut so that the word is seen. */
export function snippetSpans(
  snippet: string,
  highlights: SearchHit["highlights"],
  columns: number,
): readonly Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const [from, to] of highlights) {
    spans.push({ text: sanitiseLine(snippet.slice(at, from)), style: "text" });
    spans.push({ text: sanitiseLine(snippet.slice(from, to)), style: "good" });
    at = to;
  }
  spans.push({ text: sanitiseLine(snippet.slice(at)), style: "text" });
  const [lead, ...rest] = spans;
  if (highlights.length > 0 && lead !== undefined) {
    const needed = rest.reduce((sum, { text }) => sum + width(text), 0);
    const room = Math.max(Math.floor(columns / 3), columns - needed);
    spans[0] = { ...lead, text: lastCells(lead.text, room) };
  }
  let left = columns;
  return spans.flatMap((span): readonly Span[] => {
    const text = left <= 0 ? "" : truncate(span.text, left);
    left -= width(text);
    return text === "" ? [] : [{ ...span, text }];
  });
}

/** The end of a text, of at most so many cells. */
function lastCells(text: string, cells: number): string {
  if (width(text) <= cells) return text;
  let kept = "";
  for (const grapheme of graphemes(text).toReversed()) {
    if (width(kept) + width(grapheme) > cells - 1) break;
    kept = grapheme + kept;
  }
  return `…${kept}`;
}

/** Where the cursor stands in the search: row and column within it. */
export function searchCursor({ draft }: Search, columns: number): { x: number; y: number } {
  const { row, column } = layOutDraft(draft, columns - mark.length);
  return { x: mark.length + column, y: 1 + row };
}
