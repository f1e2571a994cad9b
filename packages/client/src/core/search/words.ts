/**
 * The words of a text as search knows them: runs of letters and digits, folded, so that "Über", "uber" and "UBER" are one. Scripts that put
 * no spaces between words (Chinese, Japanese, Thai …) are taken character by character. Texts of contacts come through here: it takes time
 * in proportion to their length, and no word is longer than 64 characters.
 */

/** Where a word stands in a text, in UTF-16 code units, and what it is folded to. */
export interface WordSpan {
  readonly from: number;
  readonly to: number;
  readonly word: string;
}

const longestWord = 64;

const unspaced = String.raw`[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]`;
const word = new RegExp(String.raw`${unspaced}\p{M}*|[[\p{L}\p{N}\p{M}]--${unspaced}]+`, "gv");
const asciiWord = /[a-z0-9]+/g;
// oxlint-disable-next-line no-control-regex
const ascii = /^[\u0000-\u007f]*$/;
/** Accents of Latin, Greek and Cyrillic letters; vowel points of Hebrew and Arabic. */
const accents = /[\u{300}-\u{36f}\u{591}-\u{5c7}\u{64b}-\u{65f}\u{670}]/gu;
const unfolded = /[ßøæœđðłıþς]/g;
const folded: Readonly<Record<string, string>> = {
  ß: "ss",
  ø: "o",
  æ: "ae",
  œ: "oe",
  đ: "d",
  ð: "d",
  ł: "l",
  ı: "i",
  þ: "th",
  ς: "σ",
};
// What one letter is taken apart into may hold spaces and signs.
const noLetters = /[^\p{L}\p{N}\p{M}]+/gu;

/** Folds one word: without case, accents and ligatures. */
function fold(text: string): string {
  const lower = text.toLowerCase();
  if (ascii.test(lower)) return lower;
  return lower
    .normalize("NFKD")
    .replaceAll(accents, "")
    .replaceAll(unfolded, (letter) => folded[letter] ?? letter)
    .replaceAll(noLetters, "");
}

/** The words of a text in their order, with their places. */
export function* spansOf(text: string): Generator<WordSpan> {
  for (const { 0: found, index } of text.matchAll(word)) {
    // A word of a megabyte costs no more than its beginning.
    const one = fold(found.slice(0, 4 * longestWord)).slice(0, longestWord);
    if (one !== "") yield { from: index, to: index + found.length, word: one };
  }
}

/** The words of a text, each once. */
export function wordsOf(text: string): readonly string[] {
  if (ascii.test(text)) {
    const words = text.toLowerCase().match(asciiWord) ?? [];
    return [...new Set(words.map((one) => one.slice(0, longestWord)))];
  }
  return [...new Set(Array.from(spansOf(text), (span) => span.word))];
}

/** A word that is looked for. */
export interface Term {
  readonly word: string;
  /** Words that begin so are meant as well: it is still being typed. */
  readonly prefix: boolean;
}

/** What a query looks for: every word, the last one by how it begins unless something stands behind it. */
export function termsOf(query: string): readonly Term[] {
  const spans = [...spansOf(query)];
  const terms = new Map<string, Term>();
  for (const [i, { word: one, to }] of spans.entries()) {
    const prefix = i === spans.length - 1 && to === query.length;
    terms.set(`${one} ${prefix}`, { word: one, prefix });
  }
  return [...terms.values()];
}

/** Whether a folded word is one that is looked for. */
export const isMeant = ({ word: wanted, prefix }: Term, one: string): boolean =>
  prefix ? one.startsWith(wanted) : one === wanted;

/** How much of a word, in code units from its beginning, a prefix covers. */
export function coveredBy(prefix: string, original: string): number {
  const most = Math.min(original.length, 4 * longestWord);
  for (let length = 1; length < most; length++) {
    // An accent belongs to the letter before it.
    if (/^\p{M}/u.test(original.slice(length, length + 2))) continue;
    if (fold(original.slice(0, length)).length >= prefix.length) return length;
  }
  return original.length;
}
