/** What the command line of the growth bench says. */
import { parseArgs } from "node:util";
import type { ExchangeJob } from "../load/job.ts";
import { parseOptions } from "../options.ts";
import type { Size } from "./fill.ts";

/** The systems that can be filled. */
export type GrowthSystem = "sqlite" | "postgres";

/** How to run. */
export interface GrowthOptions {
  readonly systems: readonly GrowthSystem[];
  readonly sizes: readonly Size[];
  readonly rounds: number;
  /** Group commits that a measurement of the store makes. */
  readonly commits: number;
  readonly exchange: ExchangeJob;
  /** Folder of RESULTS.md; undefined: only print. */
  readonly out: string | undefined;
}

export const USAGE = `npm run bench:growth -- [options]
  --sizes LOGS:ENTRIES,…   default 1000:10000,1000:1000000,1000:10000000,100000:1000000,1000000:1000000
  --on sqlite,postgres     default sqlite
  --rounds N               default 3
  --commits N              group commits of 256 entries that each measurement makes, default 100
  --seconds N              length of each exchange, default 5
  --pairs N                pairs of it, default 100
  --out DIR                whose RESULTS.md is written (default bench/); --no-write leaves it alone`;

const defaultSizes = "1000:10000,1000:1000000,1000:10000000,100000:1000000,1000000:1000000";

/** @throws Error for what it does not understand. */
export function parseGrowthOptions(args: readonly string[], defaultOut: string): GrowthOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sizes: { type: "string", default: defaultSizes },
      on: { type: "string", default: "sqlite" },
      rounds: { type: "string", default: "3" },
      commits: { type: "string", default: "100" },
      seconds: { type: "string", default: "5" },
      pairs: { type: "string", default: "100" },
      out: { type: "string", default: defaultOut },
      "no-write": { type: "boolean", default: false },
    },
  });
  const sizes = values.sizes.split(",").map((each) => {
    const [logs, entries] = each.split(":").map(Number);
    if (!isCount(logs) || !isCount(entries)) throw new Error(`"${each}" is no LOGS:ENTRIES`);
    return { logs, entries };
  });
  const systems = values.on.split(",").map((name) => {
    if (name !== "sqlite" && name !== "postgres") throw new Error(`no system ${name}`);
    return name;
  });
  const { exchange } = parseOptions(["--seconds", values.seconds, "--pairs", values.pairs], "");
  const [rounds, commits] = [Number(values.rounds), Number(values.commits)];
  if (!isCount(rounds) || !isCount(commits)) throw new Error("rounds and commits are whole numbers from 1");
  return {
    systems,
    sizes,
    rounds,
    commits,
    exchange: { ...exchange, maxWarmUpMs: Math.min(exchange.maxWarmUpMs, 2 * exchange.measureMs) },
    out: values["no-write"] ? undefined : values.out,
  };
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && (value ?? 0) > 0;
}
