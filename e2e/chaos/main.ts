/**
 * Many nodes under load, broken again and again: `npm run chaos -- --rounds N --seed S`. Holds every answer against what is there, tells how
 * long people waited, and writes that to bench/RESULTS.md.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { checkedOutCommit } from "@sotto/bench/commit";
import { RESULTS, writeSection } from "@sotto/bench/section";
import { play } from "./play.ts";
import { tableOf } from "./report.ts";

const usage = `npm run chaos -- [--rounds N] [--seed S] [--no-record]
  --rounds N    how many, 50 by default
  --seed S      of the first; the next has S + 1 and so on. By default 1
  --no-record   leave bench/RESULTS.md alone`;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    rounds: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    record: { type: "boolean", default: true },
    help: { type: "boolean", default: false },
  },
});
const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
if (values.help || !(Number.isSafeInteger(rounds) && rounds > 0) || !Number.isSafeInteger(seed)) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

const section = { name: "chaos", title: "Many nodes, broken under load", command: "npm run chaos" };
const commit = checkedOutCommit();
const startedMs = performance.now();
let count = 0;
const all = await play({
  rounds,
  seed,
  durations: { wellMs: 1_000, pauseMs: 12_000, cutMs: 10_000, otherMs: 4_000 },
  played: (kind, { text, wrong, acknowledged, silenceMs, recoveryMs }) => {
    console.log(
      `${seed + count++} ${kind}: ${text}. ${acknowledged} acknowledged, silent for ${Math.round(silenceMs)} ms, ` +
        `all served after ${Math.round(recoveryMs)} ms${wrong.map((one) => `\n  WRONG: ${one}`).join("")}`,
    );
  },
});
const table = tableOf(all, seed);
console.log(table);
if (values.record) {
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  writeSection(
    RESULTS,
    section,
    `\`npm run chaos -- --rounds ${rounds} --seed ${seed}\`, commit ${commit}, Node ${process.versions.node}, ` +
      `${availableParallelism()} cores, ${seconds} s\n\n${table}`,
  );
}
process.exit(all.some(({ result }) => result.wrong.length > 0) ? 1 : 0);
