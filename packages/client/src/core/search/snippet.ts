/** How a message that was found is shown in a list: the part of its text where the words are, and which of it they are. */
import { coveredBy, isMeant, spansOf, type Term } from "./words.ts";

/** Code units shown, and of these before the first word that was looked for. */
const mostShown = 160;
const shownBefore = 40;

/** A part of a text. */
export interface Snippet {
  readonly text: string;
  /** From and to, in UTF-16 code units of `text`. */
  readonly highlights: readonly (readonly [number, number])[];
}

/** The part of the first of these texts that has one of the words; of the first, where none has. */
export function snippetOf(texts: readonly string[], terms: readonly Term[]): Snippet {
  for (const text of texts) {
    const found = cutOut(text, terms);
    if (found !== undefined) return found;
  }
  const [first = ""] = texts;
  return { text: shown(first, 0, endFrom(first, 0)), highlights: [] };
}

function cutOut(text: string, terms: readonly Term[]): Snippet | undefined {
  const spans = spansOf(text);
  const starts: number[] = [];
  for (const span of spans) {
    starts.push(span.from);
    const term = terms.find((one) => isMeant(one, span.word));
    if (term === undefined) continue;
    const from = span.from <= shownBefore ? 0 : (starts.find((at) => at >= span.from - shownBefore) ?? 0);
    const to = endFrom(text, from);
    const shift = (from > 0 ? 1 : 0) - from;
    const highlights: [number, number][] = [];
    for (const { from: start, to: end, word } of spansOf(text.slice(from, to))) {
      const meant = terms.find((one) => isMeant(one, word));
      if (meant === undefined) continue;
      const original = text.slice(from + start, from + end);
      const length = meant.prefix ? coveredBy(meant.word, original) : original.length;
      highlights.push([from + start + shift, from + start + length + shift]);
    }
    return { text: shown(text, from, to), highlights };
  }
  return undefined;
}

/** Where a part ends: not in the midst of a character. */
function endFrom(text: string, from: number): number {
  const end = Math.min(text.length, from + mostShown);
  const isCut = end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1));
  return isCut ? end - 1 : end;
}

const shown = (text: string, from: number, to: number): string =>
  `${from > 0 ? "…" : ""}${text.slice(from, to).replaceAll(/\s/g, " ")}${to < text.length ? "…" : ""}`;
