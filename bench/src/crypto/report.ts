/** Writes what the crypto bench found: tables in their section of RESULTS.md, every round in results-crypto.json. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeSection } from "../report/section.ts";
import type { CryptoResults } from "./samples.ts";
import { cryptoTables } from "./tables.ts";

const section = { name: "crypto", title: "Cryptography", command: "npm run bench:crypto" };

/** Prints the tables and writes the files. @param folder undefined: only prints. */
export function writeCryptoReport(results: CryptoResults, folder: string | undefined): void {
  const markdown = cryptoTables(results);
  console.log(`\n${markdown}`);
  if (folder === undefined) return;
  writeSection(join(folder, "RESULTS.md"), section, markdown);
  writeFileSync(join(folder, "results-crypto.json"), `${JSON.stringify(results, undefined, 1)}\n`);
}
