/**
 * The soak: `npm run soak -- --minutes N --seed S`. Plays run after run in simulated worlds, each decided by its own seed, and holds all
 * against the model. Prints each run that fails, with its commands made fewer; writes what was played to RESULTS.md.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { COMMAND_KINDS, type CommandKind, type Run } from "@sotto/testkit/soak";
import { checkedOutCommit } from "./host/commit.ts";
import { RESULTS, writeSection } from "./report/section.ts";

const usage = `npm run soak -- [--minutes N] [--seed S] [--commands N] [--jobs N] [--shrink N] [--no-record]
  --minutes N    how long, 10 by default
  --seed S       of the first run; the next has S + 1 and so on. By default 1
  --commands N   stop after so many commands; 1 plays one seed
  --jobs N       so many runs at a time, each in a process of its own; by default as many as there are cores
  --shrink N     seconds that a run which failed may be made shorter for, 120 by default
  --no-record    leave bench/RESULTS.md alone`;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    commands: { type: "string" },
    jobs: { type: "string", default: String(availableParallelism()) },
    shrink: { type: "string", default: "120" },
    record: { type: "boolean", default: true },
    help: { type: "boolean", default: false },
  },
});
const [minutes, first, most, jobs, shrinkSec] = [
  Number(values.minutes),
  Number(values.seed),
  Number(values.commands ?? Infinity),
  Number(values.jobs),
  Number(values.shrink),
];
const isRight =
  minutes > 0 &&
  Number.isSafeInteger(first) &&
  most > 0 &&
  Number.isSafeInteger(jobs) &&
  jobs > 0 &&
  shrinkSec >= 0;
if (values.help || !isRight) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

const section = { name: "soak", title: "The soak", command: "npm run soak" };
const counts = new Map<CommandKind, number>();
const sums: Record<keyof Run["sums"], number> = {
  texts: 0,
  epochs: 0,
  healed: 0,
  linked: 0,
  revoked: 0,
  duplicated: 0,
  broken: 0,
};
const failed: number[] = [];
/** Runs that are over, and commands in them. */
let [runs, done] = [0, 0];

const startedAt = checkedOutCommit();

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
  const said = values.commands === undefined ? "" : ` --commands ${most}`;
  const command = `npm run soak -- --minutes ${minutes} --seed ${first}${said}`;
  writeSection(
    RESULTS,
    section,
    `\`${command}\`, commit ${startedAt}, Node ${process.versions.node}\n\n${text}`,
  );
}

const startedMs = performance.now();
const elapsedMs = (): number => performance.now() - startedMs;
let next = first;

function take(seed: number, { wrong, shortest, ...outcome }: Run): void {
  runs++;
  for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += outcome.sums[key];
  for (const [kind, count] of outcome.counts) {
    counts.set(kind, (counts.get(kind) ?? 0) + count);
    done += count;
  }
  if (wrong.length > 0) {
    failed.push(seed);
    console.log(`seed ${seed} failed:\n  ${wrong.join("\n  ")}`);
  }
  if (shortest !== undefined) {
    console.log(`shorter, and wrong then: ${shortest.wrong}\n${JSON.stringify(shortest.cast)}`);
    console.log(shortest.commands.map((one) => `  ${JSON.stringify(one)},`).join("\n"));
  }
  if (runs % 20 === 0) console.log(`${done} commands, ${runs} runs, ${Math.round(elapsedMs() / 1000)} s`);
}

/** Plays one seed after another, until the time is over. */
async function work(): Promise<void> {
  const file = new URL("./soak-worker.ts", import.meta.url);
  // Advanced: counts are in a Map.
  const worker = fork(file, [String(shrinkSec * 1000)], { serialization: "advanced" });
  const died = once(worker, "exit").then(([code]) => {
    throw new Error(`a process that plays ended with ${code}`);
  });
  died.catch(() => undefined);
  while (elapsedMs() < minutes * 60_000 && done < most) {
    const seed = next++;
    worker.send(seed);
    const [outcome] = (await Promise.race([once(worker, "message"), died])) as [Run];
    take(seed, outcome);
  }
  worker.disconnect();
}

await Promise.all(Array.from({ length: jobs }, work));
const text = table(elapsedMs());
console.log(text);
if (values.record) record(text);
process.exit(failed.length === 0 ? 0 : 1);
