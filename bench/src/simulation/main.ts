/**
 * `npm run simulate`: plays the scenarios, prints their tables and writes them to bench/RESULTS.md; `scale` writes those of docs/scale.md.
 * A seed decides a run to its last digit.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RESULTS, writeSection } from "../report/section.ts";
import { SCALE_TABLES } from "../scale/tables.ts";
import { measureStore } from "./measure-store.ts";
import { storeTable } from "./store-table.ts";
import { SCENARIOS } from "./scenarios.ts";

const known = [...Object.keys(SCENARIOS), "scale"];
const usage = `npm run simulate -- [--scenario A,B] [--seed S] [--measure] [--no-record]
  --scenario A,B  of ${known.join(", ")}; all by default
  --seed S        what is left to chance, 1 by default
  --measure       what PostgreSQL costs on this machine, instead of the scenarios: some minutes
  --no-record     leave bench/RESULTS.md and docs/scale.md alone`;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    scenario: { type: "string", default: known.join(",") },
    seed: { type: "string", default: "1" },
    measure: { type: "boolean", default: false },
    record: { type: "boolean", default: true },
    help: { type: "boolean", default: false },
  },
});
const [wanted, seed] = [values.scenario.split(","), Number(values.seed)];
if (values.help || !Number.isSafeInteger(seed) || !wanted.every((name) => known.includes(name))) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

const scale = fileURLToPath(new URL("../../../docs/scale.md", import.meta.url));

function tell(file: string, name: string, markdown: string): void {
  console.log(`\n${markdown}`);
  if (values.record) writeSection(file, { name, title: name, command: "npm run simulate" }, markdown);
}

if (values.measure) {
  tell(RESULTS, "store", storeTable(await measureStore()));
} else {
  for (const [name, play] of Object.entries(SCENARIOS)) {
    if (wanted.includes(name)) tell(RESULTS, name, play(seed));
  }
  if (wanted.includes("scale")) {
    for (const [name, table] of Object.entries(SCALE_TABLES))
      tell(scale, `scale ${name}`, table().join("\n"));
  }
}
