/**
 * `npm run bench:growth`: what a message costs a server that holds little or much. Stores are filled once and measured in turn, so that
 * whatever else the machine does meets all alike; each measurement has a process of its own.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeMachine } from "../host/machine.ts";
import { runJob } from "../load/generator.ts";
import { writeSection } from "../report/section.ts";
import { registerAll, serve, sotto } from "../servers/sotto.ts";
import { TestPostgres } from "@sotto/testkit/postgres";
import type { Size } from "./fill.ts";
import { type GrowthOptions, USAGE, parseGrowthOptions } from "./options.ts";
import type { Place } from "./place.ts";
import { type Filled, growthTables } from "./tables.ts";
import { runTask, serveTask } from "./tasks.ts";

const bench = fileURLToPath(new URL("../main.ts", import.meta.url));
const command = "npm run bench:growth";
const sections = {
  sqlite: { name: "growth", title: "Growth on SQLite", command },
  postgres: { name: "growth-postgres", title: "Growth on PostgreSQL", command },
};

if (process.argv[2] === "role:task") serveTask();
else if (process.argv[2] === "--help") console.log(USAGE);
else await main(parseGrowthOptions(process.argv.slice(2), fileURLToPath(new URL("../..", import.meta.url))));

async function main(options: GrowthOptions): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "sotto-growth-"));
  const postgres = options.systems.includes("postgres")
    ? await TestPostgres.start({ durable: true, settings: { shared_buffers: "512MB", max_wal_size: "4GB" } })
    : undefined;
  try {
    const target = sotto(bench);
    await target.prepare?.(work, 2 * options.exchange.pairs);
    const filled: Filled[] = [];
    for (const system of options.systems) {
      for (const size of options.sizes) {
        const folder = join(work, `${system}-${size.logs}-${size.entries}`);
        mkdirSync(folder);
        const place: Place = {
          folder,
          database: system === "postgres" ? await postgres?.createDatabase() : undefined,
        };
        await prepare(target.copyTo, place, options);
        const { seconds, bytesOnDisk } = await runTask({ type: "fill", place, size });
        console.log(
          `${system}, ${size.logs} logs, ${size.entries} entries: filled in ${seconds.toFixed(0)} s`,
        );
        filled.push({ system, size, place, bytesOnDisk, costs: [], exchange: [] });
      }
    }
    for (let round = 0; round < options.rounds; round++) {
      for (const { system, size, place, costs, exchange } of inTurn(filled, round)) {
        const cost = await runTask({ type: "measure", place, size, rounds: options.commits });
        costs.push(cost);
        exchange.push(await exchangeAt(place, options, system === "postgres" ? postgres : undefined));
        console.log(
          `round ${round + 1} ${system} ${JSON.stringify({ ...size, ...cost, ...exchange.at(-1) })}`,
        );
      }
    }
    const retention = [];
    for (const { system, size, place } of filled.filter((each) => isLargest(each.size, options.sizes))) {
      const cost = await runTask({ type: "retention", place, size, forMs: options.exchange.measureMs });
      console.log(`retention ${system} ${JSON.stringify(cost)}`);
      retention.push({ system, size, ...cost });
    }
    for (const system of options.systems) {
      const isIts = (each: { readonly system: string }): boolean => each.system === system;
      const markdown = growthTables({
        machine: describeMachine(work),
        rounds: options.rounds,
        filled: filled.filter(isIts),
        retention: retention.filter(isIts),
      });
      console.log(`\n${markdown}`);
      if (options.out !== undefined) {
        writeSection(join(options.out, "RESULTS.md"), sections[system], markdown);
      }
    }
  } finally {
    await postgres?.stop();
    rmSync(work, { recursive: true, force: true });
  }
}

function isLargest(size: Size, sizes: readonly Size[]): boolean {
  return size.entries === Math.max(...sizes.map(({ entries }) => entries));
}

function inTurn<T>(all: readonly T[], from: number): T[] {
  return all.map((_, i) => all[(i + from) % all.length]!);
}

/** Puts the accounts that sign in there: those of the template, or in a database of its own new ones. */
async function prepare(
  copyTo: (folder: string) => void,
  place: Place,
  options: GrowthOptions,
): Promise<void> {
  if (place.database === undefined) {
    copyTo(place.folder);
    return;
  }
  await registerAll(bench, place.folder, 2 * options.exchange.pairs, ["--database", place.database]);
}

/** The bench's exchange on a server that holds what the place holds. */
async function exchangeAt(
  place: Place,
  options: GrowthOptions,
  postgres: TestPostgres | undefined,
): Promise<Filled["exchange"][number]> {
  const started = await serve(
    place.folder,
    [],
    place.database === undefined ? [] : ["--database", place.database],
  );
  try {
    const { messagesPerSec, p99Ms, cpuSecPer1000 } = await runJob<"exchange">([bench, "role:generator"], {
      type: "exchange",
      endpoint: started.endpoint,
      pids: [started.server.pid, ...(postgres === undefined ? [] : [postgres.pid])],
      ...options.exchange,
    });
    return { messagesPerSec, p99Ms, cpuSecPer1000 };
  } finally {
    await started.server.stop();
  }
}
