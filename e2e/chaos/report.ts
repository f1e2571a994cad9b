/** What the rounds came to, as it is written to bench/RESULTS.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { FAULT_KINDS } from "./faults.ts";
import type { PlayedRound } from "./play.ts";

const results = new URL("../../bench/RESULTS.md", import.meta.url);
const [begin, end] = ["<!-- chaos: begin (written by npm run chaos) -->", "<!-- chaos: end -->"];

const told = (amount: number): string => amount.toLocaleString("en");
const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** In Markdown. */
export function tableOf(rounds: readonly PlayedRound[], seed: number): string {
  const sum = (key: "acknowledged" | "commits" | "lostRaces" | "unknown" | "unknownStored"): string =>
    told(rounds.reduce((total, { result }) => total + result[key], 0));
  const failed = rounds.flatMap(({ result }, i) => (result.wrong.length > 0 ? [seed + i] : []));
  const lines = FAULT_KINDS.map((kind) => {
    const own = rounds.filter((round) => round.kind === kind).map(({ result }) => result);
    if (own.length === 0) return `| ${kind} | 0 | not played | | | |`;
    const cells = [own.map(({ silenceMs }) => silenceMs), own.map(({ recoveryMs }) => recoveryMs)].flatMap(
      (times) => [seconds(median(times)), seconds(Math.max(...times))],
    );
    return `| ${kind} | ${own.length} | ${cells.join(" | ")} |`;
  });
  return [
    `${rounds.length} rounds, seeds ${seed} to ${seed + rounds.length - 1}: ` +
      `${failed.length === 0 ? "nothing was wrong" : `wrong: ${failed.join(", ")}`}.`,
    `${sum("acknowledged")} appends acknowledged, ${sum("commits")} Commits among them; ${sum("lostRaces")} Commits refused because another had won; ` +
      `${sum("unknown")} appends without an answer, or with \`unavailable\`, of which ${sum("unknownStored")} are stored: once each.`,
    "",
    "| fault | rounds | nobody was answered, s: median | max | until all were served, s: median | max |",
    "| --- | ---: | ---: | ---: | ---: | ---: |",
    ...lines,
  ].join("\n");
}

/** Puts it between its marks. */
export function recordChaos(text: string): void {
  const before = readFileSync(results, "utf8");
  const section = `${begin}\n\n${text}\n\n${end}`;
  const from = before.indexOf(begin);
  const after =
    from < 0
      ? `${before.trimEnd()}\n\n## Many nodes, broken under load\n\n${section}\n`
      : before.slice(0, from) + section + before.slice(before.indexOf(end) + end.length);
  writeFileSync(results, after);
}
