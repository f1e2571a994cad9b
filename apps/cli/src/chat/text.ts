/** Text measured in cells of a terminal: grapheme clusters, width, cutting and wrapping. Expects sanitised text. */
import stringWidth from "string-width";

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

// What most text consists of: one cell per character, no clusters.
const plain = /^[ -~]*$/;

/** The grapheme clusters of a text: what a person takes for one character. */
export function graphemes(text: string): readonly string[] {
  if (plain.test(text)) return Array.from(text);
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** Width in cells. */
export const width = (text: string): number => (plain.test(text) ? text.length : stringWidth(text));

/** The text cut to at most `max` cells, with "…" where something is missing. */
export function truncate(text: string, max: number): string {
  if (width(text) <= max) return text;
  if (max < 1) return "";
  let cut = "";
  let used = 0;
  for (const grapheme of graphemes(text)) {
    used += width(grapheme);
    if (used > max - 1) break;
    cut += grapheme;
  }
  return `${cut}\u2026`;
}

/** The text filled up with spaces to `cells` cells. */
export const padEnd = (text: string, cells: number): string =>
  text + " ".repeat(Math.max(0, cells - width(text)));

/** Breaks a text into lines of at most `max` cells: at newlines, then at spaces, then anywhere. At least one line. */
export function wrap(text: string, max: number): readonly string[] {
  return text.split("\n").flatMap((paragraph) => wrapParagraph(paragraph, Math.max(1, max)));
}

function wrapParagraph(paragraph: string, max: number): readonly string[] {
  if (width(paragraph) <= max) return [paragraph];
  const lines: string[] = [];
  let line = "";
  let used = 0;
  const flush = (): void => {
    lines.push(line.replace(/ +$/, ""));
    line = "";
    used = 0;
  };
  for (const word of paragraph.match(/ +|[^ ]+/g) ?? []) {
    const wordWidth = width(word);
    if (used + wordWidth <= max) {
      line += word;
      used += wordWidth;
    } else if (word.startsWith(" ")) {
      // Spaces at a break are dropped.
      flush();
    } else {
      if (used > 0) flush();
      for (const grapheme of graphemes(word)) {
        const cells = width(grapheme);
        if (used + cells > max) flush();
        line += grapheme;
        used += cells;
      }
    }
  }
  if (line !== "" || lines.length === 0) flush();
  return lines;
}
