/**
 * Makes apps/web/src/emoji/data of the package emojibase-data (MIT; of Unicode's CLDR), which is fifty megabytes large and not needed
 * otherwise: `npm pack emojibase-data@17.0.0`, unpack it, `npm run generate:emoji -- FOLDER`.
 *
 *     emoji.txt   a line for each group, its emoji separated by spaces, in Unicode's order
 *     en.txt …    a line for each emoji of that: its name, a tab, words to find it by
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

interface Item {
  readonly label: string;
  readonly unicode: string;
  readonly order?: number;
  readonly group?: number;
  readonly tags?: readonly string[];
}

// Smileys, people, animals, food, travel, activities, objects, symbols, flags; 2 holds parts of others.
const groups = [0, 1, 3, 4, 5, 6, 7, 8, 9];
const languages = ["en", "de"];
const isEmoji = /^\p{RGI_Emoji}$/v;
const [folder = ""] = process.argv.slice(2);
const target = resolve(import.meta.dirname, "../src/emoji/data");
mkdirSync(target, { recursive: true });

const read = (language: string): readonly Item[] =>
  JSON.parse(readFileSync(join(folder, language, "compact.json"), "utf8"));

/** In the one form that Unicode recommends, so that equal reactions are counted together. */
function recommended(unicode: string): string | undefined {
  return [unicode.replaceAll("\ufe0f", ""), unicode].find((form) => isEmoji.test(form));
}

function inOrder(items: readonly Item[], group: number): readonly Item[] {
  return items
    .filter((item) => item.group === group && recommended(item.unicode) !== undefined)
    .toSorted((a, b) => (a.order ?? 0) - (b.order ?? 0));
}

const [english = []] = languages.map(read);
const lines = groups.map((group) =>
  inOrder(english, group)
    .map(({ unicode }) => recommended(unicode))
    .join(" "),
);
writeFileSync(join(target, "emoji.txt"), `${lines.join("\n")}\n`);
for (const language of languages) {
  const byEmoji = new Map(read(language).map((item) => [item.unicode, item]));
  const words = groups.flatMap((group) =>
    inOrder(english, group).map(({ unicode, label }) => {
      const { label: name = label, tags = [] } = byEmoji.get(unicode) ?? {};
      return `${name}\t${tags.filter((tag) => tag !== name).join(" ")}`;
    }),
  );
  writeFileSync(join(target, `${language}.txt`), `${words.join("\n")}\n`);
}
