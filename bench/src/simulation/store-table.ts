/** What PostgreSQL's operations cost, as it is written to bench/RESULTS.md. */
import { describeMachine } from "../host/machine.ts";
import { aligned } from "../report/tables.ts";
import type { StoreCost } from "./measure-store.ts";

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
