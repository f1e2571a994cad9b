/**
 * Runs the rounds: in each, every scenario on every system in turn, so that whatever else the machine does meets all
 * alike. Each measurement has a fresh server process with fresh files.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeMachine } from "./host/machine.ts";
import { untilQuiet } from "./host/proc.ts";
import { runJob } from "./load/generator.ts";
import type { Options } from "./options.ts";
import { writeReport } from "./report/report.ts";
import type { KilledResult, Results, TargetResults } from "./report/results.ts";
import type { Scenario, Target } from "./servers/target.ts";
import { allTargets } from "./targets.ts";

/** Measures, prints, writes the report. False when something failed or was lost. */
export async function run(program: string, options: Options): Promise<boolean> {
  const workFolder = mkdtempSync(join(tmpdir(), "sotto-bench-"));
  const installed: { target: Target; results: TargetResults }[] = [];
  try {
    for (const target of allTargets(program)) {
      if (options.only.length > 0 && !options.only.includes(target.name)) continue;
      const version = await target.version();
      if (version === undefined) {
        console.log(`${target.name}: not installed, left out`);
        continue;
      }
      const { name, title } = target;
      const results: TargetResults = {
        name,
        title,
        version,
        exchange: [],
        paced: [],
        fanOut: [],
        away: [],
        killed: [],
        idle: [],
        failures: [],
      };
      installed.push({ target, results });
    }
    const users = usersNeeded(options);
    for (const { target } of installed) await target.prepare?.(workFolder, users);

    for (let round = 0; round < options.rounds; round++) {
      for (const measurement of measurements(options)) {
        // Another one begins in each round.
        const order = installed.map((_, i) => installed[(i + round) % installed.length]!);
        for (const { target, results } of order) {
          if (!target.scenarios.includes(measurement.scenario)) continue;
          const folder = mkdtempSync(join(workFolder, `${target.name}-`));
          await untilQuiet(options.waitQuietSec);
          const { name } = measurement;
          try {
            const line = await measure(program, target, measurement, folder, options, results);
            console.log(`round ${round + 1} ${name} ${target.name}: ${line}`);
          } catch (error) {
            const text = error instanceof Error ? error.message : String(error);
            results.failures.push(`round ${round + 1}, ${name}: ${text.split("\n")[0]}`);
            console.log(`round ${round + 1} ${name} ${target.name}: FAILED: ${text}`);
          }
          rmSync(folder, { recursive: true, force: true });
        }
      }
    }
    const results: Results = {
      machine: describeMachine(workFolder),
      settings: {
        rounds: options.rounds,
        quick: options.quick,
        exchange: options.exchange,
        ratesPerSec: options.ratesPerSec,
        fanOut: options.fanOut,
        away: options.away,
        idle: options.idle,
      },
      targets: installed.map(({ results }) => results),
    };
    return writeReport(results, options.out);
  } finally {
    for (const { target } of installed) await target.close?.();
    rmSync(workFolder, { recursive: true, force: true });
  }
}

/** How many accounts the scenarios use. */
export function usersNeeded(options: Options): number {
  const idle = options.scenarios.includes("idle") ? options.idle.connections : 0;
  const readers = options.scenarios.includes("fan-out") ? options.fanOut.readers : 0;
  return Math.max(2 * options.exchange.pairs, 2 * options.away.recipients, idle, readers);
}

/** What is measured in one go, with a server of its own. */
interface Measurement {
  readonly name: string;
  readonly scenario: Scenario;
  /** Of an exchange at a pace. */
  readonly ratePerSec?: number;
}

/** Each pace is one of its own: who cannot keep one may keep the next. */
function measurements({ scenarios, ratesPerSec }: Options): Measurement[] {
  return scenarios.flatMap((scenario): Measurement[] =>
    scenario === "paced"
      ? ratesPerSec.map((ratePerSec) => ({ name: `paced, ${ratePerSec}/s`, scenario, ratePerSec }))
      : [{ name: scenario, scenario }],
  );
}

async function measure(
  program: string,
  target: Target,
  { scenario, ratePerSec = 0 }: Measurement,
  folder: string,
  options: Options,
  results: TargetResults,
): Promise<string> {
  const generator = [program, "role:generator"] as const;
  const started = await target.start(folder, scenario);
  let { server } = started;
  const to = { endpoint: started.endpoint, pids: [server.pid, ...(started.otherPids ?? [])] };
  try {
    switch (scenario) {
      case "exchange": {
        const job = { type: "exchange", ...to, ...options.exchange } as const;
        const result = await runJob<"exchange">(generator, job);
        results.exchange.push(result);
        return JSON.stringify(result);
      }
      case "paced": {
        const job = { type: "paced", ...to, ...options.exchange, ratePerSec } as const;
        const result = await runJob<"paced">(generator, job);
        results.paced.push(result);
        return JSON.stringify(result);
      }
      case "fan-out": {
        const job = { type: "fan-out", ...to, ...options.fanOut } as const;
        const result = await runJob<"fan-out">(generator, job);
        results.fanOut.push(result);
        return JSON.stringify(result);
      }
      case "away": {
        const { taken: _, ...result } = await runJob<"away">(generator, {
          type: "away",
          ...to,
          ...options.away,
        });
        results.away.push(result);
        return JSON.stringify(result);
      }
      case "killed": {
        const job = { type: "store-until-killed", ...to, ...options.away } as const;
        const { taken } = await runJob<"store-until-killed">(generator, job);
        await server.kill();
        const again = await target.start(folder, scenario);
        server = again.server;
        const { acknowledged, lost, misordered } = await runJob<"drain">(generator, {
          type: "drain",
          endpoint: again.endpoint,
          pids: [server.pid, ...(again.otherPids ?? [])],
          taken,
          ...options.away,
        });
        const result: KilledResult = { acknowledged, lost, misordered };
        results.killed.push(result);
        return JSON.stringify(result);
      }
      case "idle": {
        const { collectsOnSignal } = started;
        const job = { type: "idle", ...to, ...options.idle, collectsOnSignal } as const;
        const result = await runJob<"idle">(generator, job);
        results.idle.push(result);
        return JSON.stringify(result);
      }
    }
  } finally {
    await server.stop();
  }
}
