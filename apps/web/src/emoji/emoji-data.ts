/** All emoji, their names, and finding them by words of both languages. Fetched when the picker is opened first. */
import type { Language } from "../text/index.tsx";

/** An emoji. */
export interface Emoji {
  readonly emoji: string;
  /** In the person's language. */
  readonly name: string;
  /** What it is found by: words of every language, in lower case, without marks over letters. */
  readonly words: readonly string[];
}

/** Groups of emoji, in the order of Unicode: smileys, people, animals, food, travel, activities, objects, symbols, flags. */
export type EmojiGroups = readonly (readonly Emoji[])[];

/** What is searched by. */
const plain = (text: string): string => text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();

/** Reads them. */
export async function loadEmoji(language: Language): Promise<EmojiGroups> {
  const [{ default: emoji }, { default: en }, { default: de }] = await Promise.all([
    import("./data/emoji.txt?raw"),
    import("./data/en.txt?raw"),
    import("./data/de.txt?raw"),
  ]);
  const lines = { en: en.trim().split("\n"), de: de.trim().split("\n") };
  let at = 0;
  return emoji
    .trim()
    .split("\n")
    .map((group) =>
      group.split(" ").map((one) => {
        const line = at++;
        const [name = one] = (lines[language][line] ?? "").split("\t");
        const texts = Object.values(lines).map((all) => all[line] ?? "");
        return { emoji: one, name, words: plain(texts.join(" ")).split(/[^\p{L}\p{N}]+/u) };
      }),
    );
}

/** Those that have a word beginning with each of the words that are looked for. */
export function findEmoji(groups: EmojiGroups, text: string, most: number): readonly Emoji[] {
  const wanted = plain(text)
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
  if (wanted.length === 0) return [];
  const found: Emoji[] = [];
  for (const one of groups.flat()) {
    if (wanted.every((word) => one.words.some((each) => each.startsWith(word)))) found.push(one);
    if (found.length >= most) break;
  }
  return found;
}
