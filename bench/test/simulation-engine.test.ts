/** The engine against what queueing theory knows exactly. */
import { expect, test } from "vitest";
import { Engine } from "../src/simulation/engine.ts";
import { Samples } from "../src/simulation/samples.ts";
import { Station } from "../src/simulation/station.ts";

/** Mean wait in the queue, in milliseconds: arrivals of a Poisson process, the given service. */
function meanWaitMs(
  seed: number,
  servers: number,
  perSec: number,
  service: (engine: Engine) => number,
  arrivals = 300_000,
): number {
  const engine = new Engine(seed);
  const station = new Station(engine, servers);
  const untilMs = (arrivals * 1_000) / perSec;
  engine.arrivals(perSec, untilMs, () => station.serve(service(engine), () => undefined));
  engine.run(untilMs);
  return station.meanWaitMs;
}

/** Erlang's C: how likely all servers are busy. @param offered load in servers. */
function erlangC(servers: number, offered: number): number {
  let [term, sum] = [1, 0];
  for (let k = 0; k < servers; k++) {
    sum += term;
    term *= offered / (k + 1);
  }
  const last = (term * servers) / (servers - offered);
  return last / (sum + last);
}

const exponential = (engine: Engine): number => engine.exponential(1);
/** By how much it is off, as a share. */
const error = (value: number, exact: number): number => Math.abs(value / exact - 1);

test.each([300, 700, 850])("M/M/1 at %d/s and 1 ms: rho / (mu - lambda)", (perSec) => {
  const rho = perSec / 1_000;
  expect(error(meanWaitMs(1, 1, perSec, exponential), rho / (1 - rho))).toBeLessThan(0.05);
});

test.each([500, 800])("M/D/1 at %d/s and 1 ms: half of M/M/1's", (perSec) => {
  const rho = perSec / 1_000;
  const waitMs = meanWaitMs(2, 1, perSec, () => 1);
  expect(error(waitMs, rho / (2 * (1 - rho)))).toBeLessThan(0.05);
});

test.each([
  [2, 1_600],
  [8, 7_000],
])("M/M/%d at %d/s and 1 ms: Erlang's C", (servers, perSec) => {
  const offered = perSec / 1_000;
  const exactMs = erlangC(servers, offered) / (servers - offered);
  expect(error(meanWaitMs(3, servers, perSec, exponential), exactMs)).toBeLessThan(0.05);
});

test("a seed decides a run to its last digit, and another one makes another", () => {
  const seeds = [7, 7, 8];
  const [first, same, other] = seeds.map((seed) => meanWaitMs(seed, 1, 500, exponential, 20_000));
  expect(same).toBe(first);
  expect(other).not.toBe(first);
});

test("of two events at one time the one that was planned first happens first; none happens before its time", () => {
  const engine = new Engine(1);
  const seen: string[] = [];
  for (const [delayMs, name] of [
    [5, "c"],
    [1, "a"],
    [5, "d"],
    [3, "b"],
    [9, "late"],
  ] as const) {
    engine.after(delayMs, () => seen.push(`${name} ${engine.nowMs}`));
  }
  engine.run(8);
  expect(seen).toEqual(["a 1", "b 3", "c 5", "d 5"]);
  expect(engine.nowMs).toBe(8);
  expect(() => engine.after(-1, () => undefined)).toThrow(RangeError);
  expect(() => engine.after(Number.NaN, () => undefined)).toThrow(RangeError);
});

test("who holds a server keeps it until it is given back", () => {
  const engine = new Engine(1);
  const lock = new Station(engine, 1);
  const seen: string[] = [];
  lock.hold((release) => engine.after(10, release));
  lock.serve(2, () => seen.push(`served ${engine.nowMs}`));
  expect(lock.waiting).toBe(1);
  engine.run(100);
  expect(seen).toEqual(["served 12"]);
  expect([lock.waiting, lock.peak, lock.busyMs]).toEqual([0, 1, 2]);
});

test("percentiles", () => {
  const samples = new Samples();
  expect(samples.percentile(0.5)).toBeNaN();
  for (let i = 100; i >= 1; i--) samples.add(i);
  expect([samples.percentile(0), samples.percentile(0.5), samples.percentile(0.99)]).toEqual([1, 51, 100]);
  expect([samples.count, samples.mean]).toEqual([100, 50.5]);
});
