/**
 * `npm run bench -- --profile`: runs a scenario against Sotto with V8's CPU profiler on in the server, in all its threads,
 * and prints the functions that took the most time themselves.
 */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workTimes, type WorkTime } from "./budget.ts";
import { runJob } from "./load/generator.ts";
import type { Options } from "./options.ts";
import { usersNeeded } from "./run.ts";
import { serve, sotto } from "./servers/sotto.ts";

/** The part of V8's .cpuprofile that we read. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly children?: readonly number[];
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** Time that a function took itself. */
export interface SelfTime {
  readonly name: string;
  readonly ms: number;
  /** Of all samples that were not idle. */
  readonly share: number;
}

/** Self times, the greatest first; idle time is left out. */
export function selfTimes(profile: CpuProfile): SelfTime[] {
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const file = url.replace(/^.*\/(?=(?:packages|apps|bench|node_modules)\/)/, "");
      return [id, `${functionName || "(anonymous)"}${file === "" ? "" : ` ${file}:${lineNumber + 1}`}`];
    }),
  );
  const times = new Map<string, number>();
  let busy = 0;
  for (const [i, id] of profile.samples.entries()) {
    const name = names.get(id) ?? "?";
    if (name === "(idle)") continue;
    const ms = Math.max(0, profile.timeDeltas[i] ?? 0) / 1000;
    busy += ms;
    times.set(name, (times.get(name) ?? 0) + ms);
  }
  return [...times].map(([name, ms]) => ({ name, ms, share: ms / busy })).sort((a, b) => b.ms - a.ms);
}

/** The same by file, or by package for libraries; what has no file is native code and keeps its name. */
export function selfTimesByFile(times: readonly SelfTime[]): SelfTime[] {
  const groups = new Map<string, { ms: number; share: number }>();
  for (const { name, ms, share } of times) {
    const path = / (\S+):\d+$/.exec(name)?.[1];
    const file = /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path ?? "")?.[0] ?? path;
    const group = groups.get(file ?? name) ?? { ms: 0, share: 0 };
    groups.set(file ?? name, { ms: group.ms + ms, share: group.share + share });
  }
  return [...groups].map(([name, group]) => ({ name, ...group })).sort((a, b) => b.ms - a.ms);
}

/** Runs each wanted scenario once under the profiler and prints a table for each thread. */
export async function profile(program: string, options: Options): Promise<boolean> {
  const workFolder = mkdtempSync(join(tmpdir(), "sotto-bench-profile-"));
  try {
    const target = sotto(program);
    if ((await target.version()) === undefined) throw new Error("the server is not there yet");
    await target.prepare?.(workFolder, usersNeeded(options));
    for (const scenario of options.scenarios) {
      if (scenario === "killed") continue;
      const folder = join(workFolder, scenario);
      const profiles = join(folder, "profiles");
      mkdirSync(profiles, { recursive: true });
      const node = ["--cpu-prof", "--cpu-prof-dir", profiles];
      target.copyTo(folder);
      const { server, endpoint } = await serve(folder, node);
      const settings = {
        exchange: { type: "exchange", ...options.exchange },
        paced: { type: "paced", ...options.exchange, ratePerSec: options.ratesPerSec[0]! },
        "fan-out": { type: "fan-out", ...options.fanOut },
        away: { type: "away", ...options.away },
        idle: { type: "idle", ...options.idle, collectsOnSignal: false },
      } as const;
      const job = { endpoint, pids: [server.pid], ...settings[scenario] };
      const result = await runJob<typeof scenario>([program, "role:generator"], job);
      await server.stop();
      console.log(
        `\n${scenario}: ${JSON.stringify(result, (key, value: unknown) => (key === "taken" ? undefined : value))}`,
      );
      // Messages, each with its receipt, or connections that signed in.
      const units = "sent" in result ? result.sent : "connections" in result ? result.connections : undefined;
      for (const file of readdirSync(profiles)) {
        const taken = JSON.parse(readFileSync(join(profiles, file), "utf8")) as CpuProfile;
        console.log(`\n${file}, by kind of work${units === undefined ? "" : `, for each of ${units}`}:`);
        printWork(workTimes(taken), units);
        const times = selfTimes(taken);
        console.log("\nby file:");
        print(selfTimesByFile(times).slice(0, 20));
        console.log("\nby function:");
        print(times.slice(0, 40));
      }
    }
    return true;
  } finally {
    rmSync(workFolder, { recursive: true, force: true });
  }
}

function printWork(work: readonly WorkTime[], units: number | undefined): void {
  const busyMs = work.reduce((sum, { ms }) => sum + ms, 0);
  for (const { kind, ms } of work) {
    const each = units === undefined ? "" : `${((1000 * ms) / units).toFixed(1).padStart(8)} µs each`;
    console.log(
      `${((100 * ms) / busyMs).toFixed(1).padStart(6)} % ${ms.toFixed(0).padStart(7)} ms ${each}  ${kind}`,
    );
  }
}

function print(times: readonly SelfTime[]): void {
  for (const { name, ms, share } of times) {
    console.log(`${(100 * share).toFixed(1).padStart(6)} % ${ms.toFixed(0).padStart(7)} ms  ${name}`);
  }
}
