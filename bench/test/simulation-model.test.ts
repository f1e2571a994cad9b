/** The model against what the bench measured, and what must hold whatever the figures are. */
import { expect, test } from "vitest";
import { DatabaseModel } from "../src/simulation/database.ts";
import { Engine } from "../src/simulation/engine.ts";
import { exchangeOnPostgres, simulateExchange } from "../src/simulation/exchange.ts";
import { GroupCommitModel } from "../src/simulation/group-commit.ts";
import { simulateHotLog, type HotLogOptions } from "../src/simulation/hot-log.ts";
import { MEASURED_EXCHANGE } from "../src/simulation/parameters.ts";
import { simulateReconnect, type ReconnectOptions } from "../src/simulation/reconnect.ts";
import { simulateRegion, type RegionOptions } from "../src/simulation/region.ts";

test("the exchange of the bench: throughput and p50 within a tenth, waiting where nothing queues within its bounds", () => {
  const { messagesPerSec, p50Ms } = simulateExchange(100, 16, 200, 1);
  const measured = MEASURED_EXCHANGE;
  expect(messagesPerSec / measured.messagesPerSec).toBeGreaterThan(0.9);
  expect(messagesPerSec / measured.messagesPerSec).toBeLessThan(1.1);
  expect(p50Ms / measured.p50Ms).toBeGreaterThan(0.9);
  expect(p50Ms / measured.p50Ms).toBeLessThan(1.1);
  const quiet = simulateExchange(10, 1, 200, 1);
  expect(quiet.p50Ms).toBeGreaterThan(measured.quietMs[0]);
  expect(quiet.p50Ms).toBeLessThan(1.1 * measured.quietMs[1]);
});

test("the exchange on PostgreSQL: what its parts cost comes to what the bench measured, within a quarter", () => {
  const share = exchangeOnPostgres() / MEASURED_EXCHANGE.postgresCpuSecPer1000;
  expect(share).toBeGreaterThan(0.8);
  expect(share).toBeLessThan(1.25);
});

test("a group commit runs alone, keeps its distance, and takes acks with it or after their patience", () => {
  const engine = new Engine(1);
  const seen: string[] = [];
  const committer = new GroupCommitModel<string>(
    engine,
    (operations, acks, done) => {
      seen.push(`${engine.nowMs}: ${operations.join("")} ${acks}`);
      engine.after(5, done);
    },
    3,
  );
  committer.submit("a");
  engine.after(1, () => committer.submit("b"));
  engine.after(2, () => committer.submit("c"));
  engine.after(3, () => committer.submitAcks(9));
  engine.after(30, () => committer.submitAcks(1));
  engine.run(100);
  expect(seen).toEqual(["0: a 0", "7: bc 3", "50:  1"]);
});

test("commits of two nodes to one log wait for each other, those to other logs do not; while it is away nothing is durable", () => {
  const engine = new Engine(1);
  const database = new DatabaseModel(engine, 8);
  const seen: string[] = [];
  const commit = (name: string, hot: readonly string[]): void =>
    database.commit({ cpuMs: 10, hot }, (isDurable) =>
      seen.push(`${name} ${isDurable} ${Math.round(engine.nowMs)}`),
    );
  commit("first", ["log"]);
  commit("second", ["log"]);
  commit("other", []);
  engine.run(50);
  expect(seen).toEqual(["first true 11", "other true 11", "second true 23"]);
  database.fail(100);
  commit("lost", []);
  engine.run(200);
  expect(seen.at(-1)).toBe("lost false 51");
});

const hot: HotLogOptions = {
  readers: 1_000,
  messagesPerSec: 10,
  nodes: 10,
  databaseCores: 16,
  otherAppendsPerSec: 100,
  design: "as built",
  measureMs: 2_000,
  seed: 1,
};

test("a hot log slows what has nothing to do with it; with the two changes it does not", () => {
  const [built, changed] = [simulateHotLog(hot), simulateHotLog({ ...hot, design: "changed" })];
  expect(built.reachedAll).toBe(1);
  expect(changed.reachedAll).toBe(1);
  expect(built.otherP99Ms).toBeGreaterThan(3 * changed.otherP99Ms);
  expect(changed.lastReaderP99Ms).toBeLessThan(100);
  expect(simulateHotLog({ ...hot, readers: 100_000 }).isSaturated).toBe(true);
  expect(simulateHotLog(hot)).toEqual(built);
});

const storm: ReconnectOptions = {
  nodes: 2,
  clientsEach: 500,
  databaseCores: 4,
  gone: "all",
  downMs: 2_000,
  hintMs: undefined,
  pauses: "as built",
  attaching: "as built",
  logs: 51,
  seed: 1,
};

test("everybody comes back: nobody before there is a node, all in the end, and attaching by one statement is what shortens it", () => {
  const built = simulateReconnect(storm);
  expect(built.allAreIn).toBe(true);
  expect(built.signedInHalfSec).toBeGreaterThan(2);
  expect(built.triesEach).toBeGreaterThan(1);
  // Two threads, 1,000 clients, 51 logs each: less work than this there is not.
  expect(built.readingAllSec).toBeGreaterThan((1_000 / 2) * 51 * 0.000_233);
  const drained = simulateReconnect({ ...storm, downMs: 1_000, hintMs: 2_000 });
  expect(drained.triesEach).toBe(1);
  const changed = simulateReconnect({ ...storm, downMs: 1_000, hintMs: 2_000, attaching: "one statement" });
  expect(changed.readingAllSec).toBeLessThan(drained.readingAllSec);
});

const loss: RegionOptions = {
  nodes: 3,
  clientsEach: 100,
  utilisation: 0.3,
  failoverSec: 5,
  attaching: "as built",
  logs: 51,
  horizonSec: 40,
  seed: 1,
};

test("the loss of a region passes where two thirds can bear it, and never where they cannot", () => {
  const light = simulateRegion(loss);
  expect(light.recoveredSec).toBeGreaterThanOrEqual(5);
  expect(light.finalBacklog).toBeLessThan(100);
  const heavy = simulateRegion({ ...loss, utilisation: 0.75, horizonSec: 25 });
  expect(heavy.recoveredSec).toBeUndefined();
  expect(heavy.finalBacklog).toBeGreaterThan(1_000);
});
