/** The section of RESULTS.md on growth. */
import type { MachineDescription } from "../host/machine.ts";
import { aligned, spread } from "../report/tables.ts";
import type { Size } from "./fill.ts";
import type { Costs, RetentionCosts } from "./measure.ts";
import type { GrowthSystem } from "./options.ts";
import type { Place } from "./place.ts";

/** A filled store with what was measured on it. */
export interface Filled {
  readonly system: GrowthSystem;
  readonly size: Size;
  readonly place: Place;
  readonly bytesOnDisk: number;
  readonly costs: Costs[];
  readonly exchange: {
    readonly messagesPerSec: number;
    readonly p99Ms: number;
    readonly cpuSecPer1000: number;
  }[];
}

/** Everything that a run found about one system. */
export interface Growth {
  readonly machine: MachineDescription;
  readonly rounds: number;
  readonly filled: readonly Filled[];
  readonly retention: readonly (RetentionCosts & {
    readonly system: GrowthSystem;
    readonly size: Size;
    readonly bytesBefore: number;
    readonly bytesAfter: number;
  })[];
}

const titles = { sqlite: "SQLite", postgres: "PostgreSQL" };

/** As Markdown. */
export function growthTables({ machine, rounds, filled, retention }: Growth): string {
  return [
    `Measured ${machine.date} UTC on ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, data on ${machine.disk}; Node ${machine.node}.`,
    "",
    `Median of ${rounds} interleaved rounds (least–greatest). Filled with entries of 256 bytes. "Append" and "read" are the store's own, µs of the wall clock: appends`,
    "to random logs in group commits of 256 with their fsync, and looking a random log up with its last 16 entries. The exchange is scenario (a) on a server that holds",
    "all of it. In brackets: the median, as a multiple of that of the system's smallest store.",
    "",
    ...table(filled),
    "",
    "And retention:",
    "",
    "Entries that are past retention go, a thousand at a time, between group commits of 256 that come as fast as they are taken.",
    "",
    ...aligned([
      ["", "expired/s", "appended/s meanwhile", "longest pause ms", "file MiB before", "after"],
      ...retention.map(({ system, size, ...cost }) => [
        `${titles[system]}, ${count(size.entries)} entries`,
        count(cost.expiredPerSec),
        count(cost.appendsPerSec),
        cost.longestMs.toFixed(0),
        mebibytes(cost.bytesBefore),
        mebibytes(cost.bytesAfter),
      ]),
    ]),
    "",
  ].join("\n");
}

function table(rows: readonly Filled[]): string[] {
  const first = rows[0]!;
  const cell = (row: Filled, values: (filled: Filled) => readonly number[], digits: number): string => {
    const { median, min, max } = spread(values(row));
    const times = median / spread(values(first)).median;
    const shown = digits === 0 ? count : (value: number) => value.toFixed(digits);
    return `${shown(median)} (${shown(min)}–${shown(max)}) [${times.toFixed(2)} ×]`;
  };
  return aligned([
    [
      "logs",
      "entries",
      "append µs",
      "read µs",
      "exchange CPU s per 1,000",
      "exchange messages/s",
      "exchange p99 ms",
      "store RSS MiB",
      "file MiB",
    ],
    ...rows.map((row) => [
      count(row.size.logs),
      count(row.size.entries),
      cell(row, ({ costs }) => costs.map(({ appendUs }) => appendUs), 1),
      cell(row, ({ costs }) => costs.map(({ readUs }) => readUs), 1),
      cell(row, ({ exchange }) => exchange.map(({ cpuSecPer1000 }) => cpuSecPer1000), 3),
      cell(row, ({ exchange }) => exchange.map(({ messagesPerSec }) => messagesPerSec), 0),
      spread(row.exchange.map(({ p99Ms }) => p99Ms)).median.toFixed(1),
      count(spread(row.costs.map(({ rssMiB }) => rssMiB)).median),
      mebibytes(row.bytesOnDisk),
    ]),
  ]);
}

const mebibytes = (bytes: number): string => (bytes === 0 ? "" : count(bytes / 2 ** 20));
const count = (value: number): string => Math.round(value).toLocaleString("en-US");
