/** Writes what a run found: tables between markers in RESULTS.md, raw rounds in results.json. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Results } from "./results.ts";
import { writeSection } from "./section.ts";
import { tables } from "./tables.ts";

const section = { name: "bench", title: "Messages", command: "npm run bench" };

/** Prints the tables and writes the files. False when something failed, was lost or came in disorder at Sotto. */
export function writeReport(results: Results, folder: string | undefined): boolean {
  const markdown = tables(results);
  console.log(`\n${markdown}`);
  if (folder !== undefined) {
    writeSection(join(folder, "RESULTS.md"), section, markdown);
    writeFileSync(join(folder, "results.json"), `${JSON.stringify(results, undefined, 1)}\n`);
  }
  return results.targets.every(
    (target) => target.failures.length === 0 && (!target.name.startsWith("sotto") || sound(target)),
  );
}

function sound(target: Results["targets"][number]): boolean {
  const rounds = [...target.exchange, ...target.paced, ...target.fanOut, ...target.away, ...target.killed];
  return rounds.every(
    (round) => round.lost === 0 && round.misordered === 0 && (!("leftOver" in round) || round.leftOver === 0),
  );
}
