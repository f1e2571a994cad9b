/**
 * The soak: `npm run soak -- --minutes N --seed S`. Plays run after run in simulated worlds, each decided by its own seed, and holds all
 * against the model. Prints the seed of each run that fails, with its commands made fewer; writes what was played to RESULTS.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { COMMAND_KINDS, play, playOf, shorten, type CommandKind } from "@sotto/testkit/soak";

const usage = `npm run soak -- [--minutes N] [--seed S] [--commands N] [--no-record]
  --minutes N    how long, 10 by default
  --seed S       of the first run; the next has S + 1 and so on. By default 1
  --commands N   stop after so many commands
  --no-record    leave bench/RESULTS.md alone`;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    commands: { type: "string" },
    record: { type: "boolean", default: true },
    help: { type: "boolean", default: false },
  },
});
const [minutes, first, most] = [
  Number(values.minutes),
  Number(values.seed),
  Number(values.commands ?? Infinity),
];
if (values.help || !(minutes > 0) || !Number.isSafeInteger(first) || !(most > 0)) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

const results = new URL("../RESULTS.md", import.meta.url);
const [begin, end] = ["<!-- soak: begin -->", "<!-- soak: end -->"];
const totals = { runs: 0, done: 0, texts: 0, epochs: 0, healed: 0 };
const counts = new Map<CommandKind, number>();
const failed: number[] = [];

function table(tookMs: number): string {
  const kinds = COMMAND_KINDS.map((kind) => `${kind} ${(counts.get(kind) ?? 0).toLocaleString("en")}`);
  return [
    `${totals.done.toLocaleString("en")} commands in ${totals.runs.toLocaleString("en")} runs, seeds ${first} to ${first + totals.runs - 1}, ` +
      `in ${Math.round(tookMs / 1000)} s: ${failed.length === 0 ? "no failure" : `failed: ${failed.join(", ")}`}.`,
    `${totals.texts.toLocaleString("en")} messages, ${totals.epochs.toLocaleString("en")} epochs, ${totals.healed.toLocaleString("en")} times healed.`,
    "",
    `Commands: ${kinds.join(", ")}.`,
  ].join("\n");
}

function record(text: string): void {
  const before = readFileSync(results, "utf8");
  const section = `${begin}\n\n## The soak\n\n\`npm run soak -- --minutes ${minutes} --seed ${first}\`, Node ${process.versions.node}\n\n${text}\n\n${end}\n`;
  const from = before.indexOf(begin);
  const after =
    from < 0
      ? `${before.trimEnd()}\n\n${section}`
      : before.slice(0, from) + section + before.slice(before.indexOf(end) + end.length).trimStart();
  writeFileSync(results, after);
}

const startedMs = performance.now();
const elapsedMs = (): number => performance.now() - startedMs;
for (let seed = first; elapsedMs() < minutes * 60_000 && totals.done < most; seed++) {
  const outcome = await play(playOf(seed));
  totals.runs++;
  totals.texts += outcome.texts;
  totals.epochs += outcome.epochs;
  totals.healed += outcome.healed;
  for (const [kind, count] of outcome.counts) {
    counts.set(kind, (counts.get(kind) ?? 0) + count);
    totals.done += count;
  }
  if (outcome.wrong.length > 0) {
    failed.push(seed);
    console.log(`seed ${seed} failed after ${outcome.after} commands:\n  ${outcome.wrong.join("\n  ")}`);
    const shorter = await shorten(playOf(seed), 100);
    console.log(
      `it fails with these too:\n${shorter.commands.map((one) => `  ${JSON.stringify(one)}`).join("\n")}`,
    );
  } else if (totals.runs % 20 === 0) {
    console.log(`${totals.done} commands, ${totals.runs} runs, ${Math.round(elapsedMs() / 1000)} s`);
  }
}
const text = table(elapsedMs());
console.log(text);
if (values.record) record(text);
process.exit(failed.length === 0 ? 0 : 1);
