/** Puts what a run found between markers in a document. */
import { readFileSync, writeFileSync } from "node:fs";
import { describeMachine } from "../host/machine.ts";
import { withSection } from "../report/section.ts";
import { aligned } from "../report/tables.ts";
import type { StoreCost } from "./measure-store.ts";

const command = "npm run simulate";

/** What stands between a document's markers. @throws Error when it lacks them. */
export function sectionOf(document: string, name: string): string {
  const begin = `<!-- ${name}: begin (written by ${command}) -->`;
  const [from, to] = [document.indexOf(begin), document.indexOf(`<!-- ${name}: end -->`)];
  if (from < 0 || to < from) throw new Error(`the document lacks the markers of ${name}`);
  return document.slice(from + begin.length, to).trim();
}

/** Replaces it, or adds it at the end. */
export function record(file: string, name: string, markdown: string): void {
  const section = { name, title: name, command };
  writeFileSync(file, withSection(readFileSync(file, "utf8"), section, `${markdown.trim()}\n`));
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
    `\`npm run simulate -- --measure\`, ${date} UTC, ${cpu}, ${cores} cores, Node ${node}; PostgreSQL beside it, synced to disk. The least of five rounds.`,
    "",
    ...aligned([["each", "PostgreSQL's CPU, µs", "the node's CPU, µs", "a call, ms"], ...rows]),
  ].join("\n");
}
