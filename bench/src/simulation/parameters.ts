/**
 * Every figure that the simulation and docs/scale.md stand on, with where it comes from. "Measured" are those that a run of the bench, or
 * of `npm run simulate -- --measure`, printed; tests hold them against what was measured last. All others are assumptions, and are told as such.
 */

/** A figure. */
export interface Parameter {
  readonly value: number;
  readonly unit: string;
  /** Where it was measured, or why it is assumed. */
  readonly from: string;
  readonly measured: boolean;
}

const measured = (value: number, unit: string, from: string): Parameter => ({
  value,
  unit,
  from,
  measured: true,
});
const assumed = (value: number, unit: string, from: string): Parameter => ({
  value,
  unit,
  from,
  measured: false,
});
const bench = (row: string): string => `bench/RESULTS.md, npm run bench of 2026-11-28: ${row}`;
const profile = (row: string): string =>
  `docs/performance.md, "Where the time goes", profile of 2026-11: ${row}`;
const store = (row: string): string => `bench/RESULTS.md, "PostgreSQL, each operation": ${row}`;

/** By name. */
export const PARAMETERS = {
  // One node with SQLite, everything in one thread: the exchange of the bench, by its profile.
  exchangeMessageUs: measured(22.2, "µs", profile("45,000 messages/s by one busy thread")),
  sqliteShare: measured(0.62, "", profile("SQLite 62 %")),
  sqliteInsertShare: measured(0.15, "", profile("insert 15 %")),
  sqliteDeleteShare: measured(0.11, "", profile("delete 11 %")),
  fsyncMs: measured(0.45, "ms", "the disk of the bench's machine, under SQLite with synchronous=FULL"),
  clientMessageUs: measured(13.8, "µs", bench("(a) Sotto: the generator used 0.57 of a core at 41,424/s")),

  // What a connection costs a node.
  frameUs: measured(
    4.75,
    "µs",
    bench("(a) bare relay: 0.019 CPU s for 1,000, of four WebSocket messages each"),
  ),
  signInMs: measured(1.15, "ms", bench("(c) Sotto: CPU s for 1,000 connections")),
  upgradeMs: measured(0.16, "ms", bench("(c) bare relay: CPU s for 1,000 connections")),
  connectionKiB: measured(7.7, "KiB", bench("(c) Sotto: RSS each")),

  // PostgreSQL: CPU time of the database, and of the node that asks it. A commit costs something by itself, and each operation in it: the rows of
  // a table are taken apart by subtraction, as bench/test/simulation-parameters.test.ts has it.
  commitDbUs: measured(925, "µs", store("1 append a commit")),
  commitNodeUs: measured(775, "µs", store("1 append a commit")),
  appendDbUs: measured(22.5, "µs", store("256 appends a commit")),
  appendNodeUs: measured(18, "µs", store("256 appends a commit")),
  ackDbUs: measured(21, "µs", store("256 acks a commit, which move cursors")),
  ackNodeUs: measured(13, "µs", store("256 acks a commit, which move cursors")),
  deleteDbUs: measured(30, "µs", store("256 acks a commit, which delete")),
  scanSlotUs: measured(0.62, "µs", store("1 ack a commit, log with 2048 slots")),
  scanSlotAckUs: measured(0.012, "µs", store("32 acks a commit, log with 2048 slots")),
  readDbUs: measured(90, "µs", store("reading one entry, log with 45 slots")),
  readNodeUs: measured(115, "µs", store("reading one entry, log with 2048 slots")),
  headDbUs: measured(2.8, "µs", store("looking at a head, 1000 at once")),
  headNodeUs: measured(1.3, "µs", store("looking at a head, 1000 at once")),
  attachDbUs: measured(276, "µs", store("attaching, 32 at once")),
  attachNodeUs: measured(233, "µs", store("attaching, 32 at once")),
  appendDiskBytes: measured(
    4_400,
    "bytes",
    "npm run bench -- --only sotto-postgres --scenario exchange of 2026-11-29: 8.6 KiB for a message and its receipt",
  ),

  // What nobody measured here.
  databaseRoundTripMs: assumed(0.5, "ms", "nodes and database in one region, in two buildings"),
  busMs: assumed(0.5, "ms", "a wake-up through NATS in one region"),
  wakeUs: assumed(5, "µs", "CPU of NATS for one wake-up to one node, in and out"),
  clientRoundTripMs: assumed(40, "ms", "a phone on a good network, as bench:web emulates"),
} as const satisfies Record<string, Parameter>;

/** The values alone. */
export const P = Object.fromEntries(Object.entries(PARAMETERS).map(([name, { value }]) => [name, value])) as {
  readonly [Name in keyof typeof PARAMETERS]: number;
};

/** What the bench measured of the exchange when the profile was taken: the model is held against it. */
export const MEASURED_EXCHANGE = {
  date: "2026-11-28",
  messagesPerSec: 41_424,
  p50Ms: 37.1,
  p99Ms: 71.4,
  /** 10 pairs with one message under way each; see docs/performance.md. */
  quietMs: [3, 5],
  /** The same on PostgreSQL, one node: CPU time of both, by `npm run bench -- --only sotto-postgres --scenario exchange`; one round. */
  postgresCpuSecPer1000: 0.091,
} as const;
