/** The figures that the simulation stands on are those that were measured last. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { P } from "../src/simulation/parameters.ts";
import { sectionOf } from "../src/report/section.ts";
import type { Results } from "../src/report/results.ts";
import { spread } from "../src/report/tables.ts";

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

const median = <T>(rounds: readonly T[], value: (round: T) => number): number =>
  spread(rounds.map(value)).median;
/** What an operation costs beside its 256th of the commit. */
const share = (per: number, fixed: number): number => per - fixed / 256;
/** Names of the parameters that are off by more than a factor. */
const farFrom = (measured: Partial<typeof P>, factor: number): string[] =>
  Object.entries(measured)
    .filter(([name, value]) => !(Math.abs(Math.log(P[name as keyof typeof P] / value)) < Math.log(factor)))
    .map(([name]) => name);

// The machine drifts by a factor of two.
test("what comes from the bench is within a factor of two of its last run", () => {
  const { targets } = JSON.parse(read("bench/results.json")) as Results;
  const of = (name: string): Results["targets"][number] => targets.find((target) => target.name === name)!;
  const measured = {
    frameUs: (median(of("relay").exchange, (round) => round.cpuSecPer1000) / 4) * 1_000,
    signInMs: median(of("sotto").idle, (round) => round.connectCpuSecPer1000),
    upgradeMs: median(of("relay").idle, (round) => round.connectCpuSecPer1000),
    connectionKiB: median(of("sotto").idle, (round) => round.rssBytesEach / 1_024),
  };
  expect(farFrom(measured, 2)).toEqual([]);
});

test("the costs of PostgreSQL are those of the table", () => {
  const rows = new Map(
    sectionOf(read("bench/RESULTS.md"), "store")
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map((line) => line.split("|").map((cell) => cell.trim()))
      .map(([, name = "", database, node]) => [name, { database: Number(database), node: Number(node) }]),
  );
  const of = (name: string): { database: number; node: number } => {
    const row = rows.get(name);
    if (row === undefined) throw new Error(`no row "${name}"`);
    return row;
  };
  const [one, many] = [of("1 append a commit"), of("256 appends a commit")];
  const [moves, deletes] = [
    of("256 acks a commit, which move cursors"),
    of("256 acks a commit, which delete"),
  ];
  const [few, most] = [of("1 ack a commit, log with 45 slots"), of("1 ack a commit, log with 2048 slots")];
  const [few32, most32] = [
    of("32 acks a commit, log with 45 slots"),
    of("32 acks a commit, log with 2048 slots"),
  ];
  const [reads, reads2] = [
    of("reading one entry, log with 45 slots"),
    of("reading one entry, log with 2048 slots"),
  ];
  const [head, attach] = [of("looking at a head, 1000 at once"), of("attaching, 32 at once")];
  const scan = (most.database - few.database) / (2_048 - 45);
  const derived: Partial<typeof P> = {
    commitDbUs: one.database - P.appendDbUs,
    commitNodeUs: one.node - P.appendNodeUs,
    appendDbUs: share(many.database, P.commitDbUs),
    appendNodeUs: share(many.node, P.commitNodeUs),
    ackDbUs: share(moves.database, P.commitDbUs),
    ackNodeUs: share(moves.node, P.commitNodeUs),
    deleteDbUs: deletes.database - moves.database,
    scanSlotUs: scan,
    scanSlotAckUs: (32 * (most32.database - few32.database) - scan * (2_048 - 45)) / (31 * (2_048 - 45)),
    readDbUs: (reads.database + reads2.database) / 2,
    readNodeUs: (reads.node + reads2.node) / 2,
    headDbUs: head.database,
    headNodeUs: head.node,
    attachDbUs: attach.database,
    attachNodeUs: attach.node,
  };
  expect(farFrom(derived, 1.1)).toEqual([]);
  expect(farFrom({ commitDbUs: 2 * P.commitDbUs }, 1.1)).toEqual(["commitDbUs"]);
});
