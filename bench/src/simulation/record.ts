/** Puts what a run found between markers in a document. */
import { readFileSync, writeFileSync } from "node:fs";
import { describeMachine } from "../host/machine.ts";
import { aligned } from "../report/tables.ts";
import type { StoreCost } from "./measure-store.ts";

const marks = (name: string): readonly [string, string] => [
  `<!-- ${name}: begin (written by npm run simulate) -->`,
  `<!-- ${name}: end -->`,
];

/** What stands between a document's markers. @throws Error when it lacks them. */
export function sectionOf(document: string, name: string): string {
  const [begin, end] = marks(name);
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the document lacks the markers of ${name}`);
  return document.slice(from + begin.length, to).trim();
}

/** Replaces it. @throws Error when the file lacks the markers. */
export function record(file: string, name: string, markdown: string): void {
  const old = readFileSync(file, "utf8");
  const [begin, end] = marks(name);
  sectionOf(old, name);
  const [head, tail] = [old.slice(0, old.indexOf(begin)), old.slice(old.indexOf(end))];
  writeFileSync(file, `${head}${begin}\n\n${markdown.trim()}\n\n${tail}`);
}

/** The table of `--measure`. */
export function storeTable(costs: readonly StoreCost[]): string {
  const { date, cpu, cores, node } = describeMachine(".");
  const rows = costs.map(({ name, databaseUs, nodeUs, callMs }) => [
    name,
    databaseUs.toFixed(1),
    nodeUs.toFixed(1),
    callMs.toFixed(2),
  ]);
  return [
    `\`npm run simulate -- --measure\`, ${date} UTC, ${cpu}, ${cores} cores, Node ${node}; PostgreSQL beside it, synced to disk. The least of three rounds.`,
    "",
    ...aligned([["each", "PostgreSQL's CPU, µs", "the node's CPU, µs", "a call, ms"], ...rows]),
  ].join("\n");
}
