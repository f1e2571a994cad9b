/** What the bench's command line says. */
import { parseArgs } from "node:util";
import { oneOf } from "./arguments.ts";
import type { AwayJob, ExchangeJob, FanOutJob } from "./load/job.ts";
import type { Scenario } from "./servers/target.ts";

/** How to run. */
export interface Options {
  readonly mode: "run" | "profile";
  readonly quick: boolean;
  readonly rounds: number;
  /** Names of targets; empty: all that are installed. */
  readonly only: readonly string[];
  readonly scenarios: readonly Scenario[];
  readonly exchange: ExchangeJob;
  /** What the exchange is paced to, one after another. */
  readonly ratesPerSec: readonly number[];
  readonly fanOut: FanOutJob;
  readonly away: AwayJob;
  readonly idle: { readonly connections: number; readonly lookEveryMs: number };
  /** Before each measurement, wait so long at most for the machine to have nothing else to do. */
  readonly waitQuietSec: number;
  /** Folder for RESULTS.md and results.json; undefined: only print. */
  readonly out: string | undefined;
}

export const USAGE = `npm run bench -- [options]
  --quick             a few seconds: shows that everything works, not how fast it is
  --rounds N          rounds, interleaved between the systems (default 5; --quick 1)
  --only A,B          systems: sotto, sotto-postgres, sotto-postgres-2, relay, relay-coalescing, handshake, mosquitto, ejabberd, ejabberd-archive
  --scenario A,B      exchange, paced, fan-out, away, killed, idle (default: all; --profile: exchange)
  --seconds N         length of each measurement (default 8)
  --wait-quiet N      before each, wait up to N seconds for the machine to have nothing else to do (default 0)
  --pairs N --in-flight N --recipients N --connections N --readers N --rates N,M --message-bytes N --receipt-bytes N
  --profile           start the server with the CPU profiler and print where the time goes
  --out DIR           where RESULTS.md and results.json go (default bench/); --no-write prints only`;

const allScenarios: readonly Scenario[] = ["exchange", "paced", "fan-out", "away", "killed", "idle"];

/** @throws Error for what it does not understand. */
export function parseOptions(args: readonly string[], defaultOut: string): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      "no-write": { type: "boolean", default: false },
      rounds: { type: "string" },
      only: { type: "string" },
      scenario: { type: "string" },
      seconds: { type: "string" },
      "wait-quiet": { type: "string" },
      pairs: { type: "string" },
      "in-flight": { type: "string" },
      recipients: { type: "string" },
      connections: { type: "string" },
      readers: { type: "string" },
      rates: { type: "string" },
      "message-bytes": { type: "string" },
      "receipt-bytes": { type: "string" },
      out: { type: "string" },
    },
  });
  const { quick, profile } = values;
  const scenarios = list(values.scenario).map(oneOf("scenario", allScenarios));
  const measureMs = 1000 * number(values.seconds, quick ? 1 : 8);
  const inFlight = number(values["in-flight"], quick ? 4 : 16);
  const bodies = {
    messageBytes: number(values["message-bytes"], 1024),
    receiptBytes: number(values["receipt-bytes"], 1120),
  };
  return {
    mode: profile ? "profile" : "run",
    quick,
    rounds: number(values.rounds, quick || profile ? 1 : 5),
    only: list(values.only),
    scenarios: scenarios.length > 0 ? scenarios : profile ? ["exchange"] : allScenarios,
    exchange: {
      pairs: number(values.pairs, quick ? 5 : 100),
      inFlight,
      bodies,
      measureMs,
      maxWarmUpMs: quick ? 500 : 10_000,
    },
    ratesPerSec: values.rates
      ? list(values.rates).map((rate) => number(rate, 0))
      : quick
        ? [50]
        : [20_000, 10_000],
    fanOut: {
      readers: number(values.readers, quick ? 10 : 1000),
      messageBytes: bodies.messageBytes,
      messages: quick ? 5 : 40,
      everyMs: quick ? 10 : 100,
    },
    away: {
      recipients: number(values.recipients, quick ? 10 : 200),
      inFlight,
      bodies,
      warmUpMs: quick ? 300 : 5000,
      measureMs: quick ? 500 : Math.min(measureMs, 5000),
    },
    idle: { connections: number(values.connections, quick ? 20 : 10_000), lookEveryMs: quick ? 50 : 1000 },
    waitQuietSec: number(values["wait-quiet"], 0),
    out: values["no-write"] ? undefined : (values.out ?? defaultOut),
  };
}

function list(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(",").filter((part) => part !== "");
}

function number(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`"${text}" is no positive number`);
  return value;
}
