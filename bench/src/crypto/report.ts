/** Writes what the crypto bench found: tables between markers in RESULTS.md, every round in results-crypto.json. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CryptoResults } from "./samples.ts";
import { cryptoTables } from "./tables.ts";

const BEGIN = "<!-- crypto: begin (written by npm run bench:crypto) -->";
const END = "<!-- crypto: end -->";

/** Prints the tables and writes the files. @param folder undefined: only prints. */
export function writeCryptoReport(results: CryptoResults, folder: string | undefined): void {
  const markdown = cryptoTables(results);
  console.log(`\n${markdown}`);
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "RESULTS.md");
  writeFileSync(file, withSection(contentOf(file), markdown));
  writeFileSync(join(folder, "results-crypto.json"), `${JSON.stringify(results, undefined, 1)}\n`);
}

/** The file's text with our section in it, everything else as it was. @throws Error when its end is missing. */
export function withSection(old: string, markdown: string): string {
  const [begin, end] = [old.indexOf(BEGIN), old.indexOf(END)];
  const section = `${BEGIN}\n\n${markdown}\n${END}`;
  if (begin < 0) return `${old.trimEnd()}\n\n## Cryptography\n\n${section}\n`;
  if (end < begin) throw new Error("RESULTS.md lacks the end of the section of the crypto bench");
  return `${old.slice(0, begin)}${section}${old.slice(end + END.length)}`;
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return "# Results of the bench\n";
    throw cause;
  }
}
