/** What the rounds came to, as it is written to bench/RESULTS.md. */
import { FAULT_KINDS } from "./faults.ts";
import type { PlayedRound } from "./play.ts";

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
