/** What the command line of the growth bench says. */
import { parseArgs } from "node:util";
import { oneOf, whole } from "../arguments.ts";
import type { ExchangeJob } from "../load/job.ts";
import { parseOptions } from "../options.ts";
import type { Size } from "./fill.ts";

/** The systems that can be filled. */
const SYSTEMS = ["sqlite", "postgres"] as const;
export type GrowthSystem = (typeof SYSTEMS)[number];

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

const defaultSizes = "1000:10000,1000:1000000,1000:10000000,100000:1000000,1000000:1000000";

export const USAGE = `npm run bench:growth -- [options]
  --sizes LOGS:ENTRIES,…   default ${defaultSizes}
  --on sqlite,postgres     default sqlite
  --rounds N               default 3
  --commits N              group commits of 256 entries that each measurement makes, default 100
  --seconds N              length of each exchange, default 5
  --pairs N                pairs of it, default 100
  --out DIR                whose RESULTS.md is written (default bench/); --no-write leaves it alone`;

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
  const { exchange } = parseOptions(["--seconds", values.seconds, "--pairs", values.pairs], "");
  return {
    systems: values.on.split(",").map(oneOf("system", SYSTEMS)),
    sizes: values.sizes.split(",").map(sizeOf),
    rounds: whole(values.rounds, 1),
    commits: whole(values.commits, 1),
    exchange: { ...exchange, maxWarmUpMs: Math.min(exchange.maxWarmUpMs, 2 * exchange.measureMs) },
    out: values["no-write"] ? undefined : values.out,
  };
}

function sizeOf(text: string): Size {
  const [logs = "", entries] = text.split(":");
  if (entries === undefined) throw new Error(`"${text}" is no LOGS:ENTRIES`);
  return { logs: whole(logs, 1), entries: whole(entries, 1) };
}
