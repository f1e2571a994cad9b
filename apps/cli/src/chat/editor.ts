/** The compose line: text and cursor, edited by whole grapheme clusters. Pure. */
import { graphemes, width } from "./text.ts";

/** What is being written. `cursor` is an index into `text`, always between two grapheme clusters. */
export interface Draft {
  readonly text: string;
  readonly cursor: number;
}

/** Nothing written yet. */
export const emptyDraft: Draft = { text: "", cursor: 0 };

/** One step of editing. */
export type Edit =
  | { readonly type: "insert"; readonly text: string }
  | {
      readonly type:
        | "backspace"
        | "delete"
        | "left"
        | "right"
        | "word-left"
        | "word-right"
        | "home"
        | "end"
        | "kill-to-end"
        | "kill-to-start"
        | "kill-word";
    };

/** The draft after an edit; the same object when nothing changed. */
export function edit(draft: Draft, step: Edit): Draft {
  const { text, cursor } = draft;
  switch (step.type) {
    case "insert":
      return replace(draft, cursor, cursor, step.text);
    case "backspace":
      return replace(draft, before(text, cursor), cursor, "");
    case "delete":
      return replace(draft, cursor, after(text, cursor), "");
    case "left":
      return { text, cursor: before(text, cursor) };
    case "right":
      return { text, cursor: after(text, cursor) };
    case "word-left":
      return { text, cursor: wordBefore(text, cursor) };
    case "word-right":
      return { text, cursor: wordAfter(text, cursor) };
    case "home":
      return { text, cursor: lineStart(text, cursor) };
    case "end":
      return { text, cursor: lineEnd(text, cursor) };
    case "kill-to-end":
      return replace(draft, cursor, lineEnd(text, cursor), "");
    case "kill-to-start":
      return replace(draft, lineStart(text, cursor), cursor, "");
    case "kill-word":
      return replace(draft, wordBefore(text, cursor), cursor, "");
  }
}

function replace(draft: Draft, from: number, to: number, inserted: string): Draft {
  if (from === to && inserted === "") return draft;
  return {
    text: draft.text.slice(0, from) + inserted + draft.text.slice(to),
    cursor: from + inserted.length,
  };
}

const before = (text: string, cursor: number): number =>
  cursor - (graphemes(text.slice(0, cursor)).at(-1)?.length ?? 0);
const after = (text: string, cursor: number): number =>
  cursor + (graphemes(text.slice(cursor))[0]?.length ?? 0);
const lineStart = (text: string, cursor: number): number => text.lastIndexOf("\n", cursor - 1) + 1;
const wordBefore = (text: string, cursor: number): number =>
  cursor - (/\S*\s*$/.exec(text.slice(0, cursor))?.[0].length ?? 0);
const wordAfter = (text: string, cursor: number): number =>
  cursor + (/^\s*\S*/.exec(text.slice(cursor))?.[0].length ?? 0);

function lineEnd(text: string, cursor: number): number {
  const end = text.indexOf("\n", cursor);
  return end === -1 ? text.length : end;
}

/** A draft as rows of cells, with the place of the cursor in them. */
export interface DraftRows {
  readonly rows: readonly string[];
  readonly row: number;
  readonly column: number;
}

/** Lays a draft out in rows of at most `max` cells, broken anywhere; the cursor always has a cell. */
export function layOutDraft(draft: Draft, max: number): DraftRows {
  const limit = Math.max(2, max);
  const rows: string[] = [""];
  let used = 0;
  let index = 0;
  let place = { row: 0, column: 0 };
  const mark = (): void => {
    if (used >= limit) startRow();
    if (index === draft.cursor) place = { row: rows.length - 1, column: used };
  };
  const startRow = (): void => {
    rows.push("");
    used = 0;
  };
  for (const grapheme of graphemes(draft.text)) {
    mark();
    index += grapheme.length;
    if (grapheme === "\n") {
      startRow();
      continue;
    }
    const cells = width(grapheme);
    if (used + cells > limit) {
      startRow();
      if (index - grapheme.length === draft.cursor) place = { row: rows.length - 1, column: 0 };
    }
    rows[rows.length - 1] += grapheme;
    used += cells;
  }
  mark();
  return { rows, ...place };
}
