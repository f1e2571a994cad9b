/**
 * The soak: `npm run soak -- --minutes N --seed S`. Plays run after run in simulated worlds, each decided by its own seed, and holds all
 * against the model. Prints each run that fails, with its commands made fewer; writes what was played to RESULTS.md.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { COMMAND_KINDS, run, type CommandKind, type Outcome } from "@sotto/testkit/soak";

const usage = `npm run soak -- [--minutes N] [--seed S] [--commands N] [--shrink N] [--no-record]
  --minutes N    how long, 10 by default
  --seed S       of the first run; the next has S + 1 and so on. By default 1
  --commands N   stop after so many commands
  --shrink N     seconds that a run which failed may be made shorter for, 120 by default
  --no-record    leave bench/RESULTS.md alone`;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    commands: { type: "string" },
    shrink: { type: "string", default: "120" },
    record: { type: "boolean", default: true },
    help: { type: "boolean", default: false },
  },
});
const [minutes, first, most, shrinkSec] = [
  Number(values.minutes),
  Number(values.seed),
  Number(values.commands ?? Infinity),
  Number(values.shrink),
];
if (values.help || !(minutes > 0) || !Number.isSafeInteger(first) || !(most > 0) || !(shrinkSec >= 0)) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

const results = new URL("../RESULTS.md", import.meta.url);
const [begin, end] = ["<!-- soak: begin (written by npm run soak) -->", "<!-- soak: end -->"];
const counts = new Map<CommandKind, number>();
const sums: Record<keyof Outcome["sums"], number> = {
  texts: 0,
  epochs: 0,
  healed: 0,
  linked: 0,
  revoked: 0,
  duplicated: 0,
  broken: 0,
};
const failed: number[] = [];
let [runs, done] = [0, 0];

const commit = (): string => {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
};
const startedAt = commit();

const told = (amount: number): string => amount.toLocaleString("en");

function table(tookMs: number): string {
  const kinds = COMMAND_KINDS.map((kind) => `${kind} ${told(counts.get(kind) ?? 0)}`);
  return [
    `${told(done)} commands in ${told(runs)} runs, seeds ${first} to ${first + runs - 1}, in ${Math.round(tookMs / 1000)} s: ` +
      `${failed.length === 0 ? "no failure" : `failed: ${failed.join(", ")}`}.`,
    `${told(sums.texts)} messages, ${told(sums.epochs)} epochs; ${told(sums.healed)} times healed, ${told(sums.linked)} devices linked, ` +
      `${told(sums.revoked)} revoked; ${told(sums.broken)} connections broken, ${told(sums.duplicated)} frames carried twice.`,
    "",
    `Commands: ${kinds.join(", ")}.`,
  ].join("\n");
}

function record(text: string): void {
  const before = readFileSync(results, "utf8");
  const said = values.commands === undefined ? "" : ` --commands ${most}`;
  const command = `npm run soak -- --minutes ${minutes} --seed ${first}${said}`;
  const section = `${begin}\n\n\`${command}\`, commit ${startedAt}, Node ${process.versions.node}\n\n${text}\n\n${end}`;
  const from = before.indexOf(begin);
  const after =
    from < 0
      ? `${before.trimEnd()}\n\n## The soak\n\n${section}\n`
      : before.slice(0, from) + section + before.slice(before.indexOf(end) + end.length);
  writeFileSync(results, after);
}

const startedMs = performance.now();
const elapsedMs = (): number => performance.now() - startedMs;
for (let seed = first; elapsedMs() < minutes * 60_000 && done < most; seed++) {
  const outcome = await run(seed, shrinkSec * 1000);
  runs++;
  for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += outcome.sums[key];
  for (const [kind, count] of outcome.counts) {
    counts.set(kind, (counts.get(kind) ?? 0) + count);
    done += count;
  }
  if (outcome.wrong.length > 0) {
    failed.push(seed);
    console.log(`seed ${seed} failed:\n  ${outcome.wrong.join("\n  ")}`);
    if (outcome.shortest !== undefined) {
      const { cast, commands, wrong } = outcome.shortest;
      console.log(`shorter, and wrong then: ${wrong}\n${JSON.stringify(cast)}`);
      console.log(commands.map((one) => `  ${JSON.stringify(one)},`).join("\n"));
    }
  } else if (runs % 20 === 0) {
    console.log(`${done} commands, ${runs} runs, ${Math.round(elapsedMs() / 1000)} s`);
  }
}
const text = table(elapsedMs());
console.log(text);
if (values.record) record(text);
process.exit(failed.length === 0 ? 0 : 1);
