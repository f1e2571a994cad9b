/** The environment variables that set something, by docs/operate.md; another test holds its table against the code. */
import { readDocument, tableAfter } from "../documents.ts";

/** Names of all of them. */
export const settings: ReadonlySet<string> = new Set(
  tableAfter(readDocument("docs/operate.md"), "<!-- test:config -->").map(([, , env = ""]) => env),
);

/** What a text names as such. */
export const settingsIn = (text: string): string[] =>
  Array.from(text.matchAll(/\bSOTTO_\w+/g), ([name]) => name);
