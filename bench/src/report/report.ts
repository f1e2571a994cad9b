/** Writes what a run found: tables between markers in RESULTS.md, raw rounds in results.json. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Results } from "./results.ts";
import { tables } from "./tables.ts";

const BEGIN = "<!-- bench: begin (written by npm run bench) -->";
const END = "<!-- bench: end -->";

/** Prints the tables and writes the files. False when something failed, was lost or came in disorder at Sotto. */
export function writeReport(results: Results, folder: string | undefined): boolean {
  const markdown = tables(results);
  console.log(`\n${markdown}`);
  if (folder !== undefined) {
    const file = join(folder, "RESULTS.md");
    const old = existsSync(file)
      ? readFileSync(file, "utf8")
      : `# Results of the bench\n\n${BEGIN}\n${END}\n`;
    const [begin, end] = [old.indexOf(BEGIN), old.indexOf(END)];
    if (begin < 0 || end < begin) throw new Error(`${file} lacks the markers that the tables go between`);
    writeFileSync(file, `${old.slice(0, begin)}${BEGIN}\n\n${markdown}\n${old.slice(end)}`);
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
