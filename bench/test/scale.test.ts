/** docs/scale.md says what the code says, and the arithmetic holds where it can be done by hand. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { sectionOf } from "../src/report/section.ts";
import { loadOf, storageOf, trafficOf } from "../src/scale/load.ts";
import { limitsOf, machinesOf, moneyOf } from "../src/scale/machines.ts";
import { SCALE_TABLES, short } from "../src/scale/tables.ts";
import { SCENARIOS } from "../src/simulation/scenarios.ts";

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

describe("npm run simulate was run since the code changed", () => {
  test.each(Object.entries(SCALE_TABLES))("docs/scale.md: %s", (name, table) => {
    expect(sectionOf(read("docs/scale.md"), `scale ${name}`)).toBe(table().join("\n"));
  });

  test("bench/RESULTS.md: exchange, to the last digit", () => {
    expect(sectionOf(read("bench/RESULTS.md"), "exchange")).toBe(SCENARIOS.exchange(1));
  });

  test("a document without markers is refused", () => {
    expect(() => sectionOf("nothing", "exchange")).toThrow("exchange");
  });
});

test("one million people by hand", () => {
  const load = loadOf(1e6, "as built");
  expect(load.averageMessages).toBeCloseTo(40e6 / 86_400);
  expect(load.messages).toBeCloseTo((3 * 40e6) / 86_400);
  // 29 others with 1.5 devices: 4 of 10 answer at once, 6 of 10 a tenth as often; each second message has a "read" of each person.
  const { pair, group } = trafficOf("as built");
  expect(group.receipts).toBeCloseTo(29 * (1.5 * (0.4 + 0.06) + 0.5));
  // 45 conversations with one person, 3 devices in each; 5 groups of 45 devices; each device makes a Commit in 7 days.
  const [pairCommits, groupCommits] = [(22.5e6 * 3) / 7, (1e6 / 6) * (45 / 7)];
  expect(load.commits).toBeCloseTo((3 * (pairCommits + groupCommits)) / 86_400);
  expect(load.deliveries).toBeCloseTo(
    load.messages * (0.8 * 3 * (1 + pair.receipts) + 0.2 * 45 * (1 + group.receipts)) +
      (3 * (3 * pairCommits + 45 * groupCommits)) / 86_400,
  );
  expect(load.looks).toBeCloseTo((600_000 * 51) / 1.5);
  expect(storageOf(1e6, "as built").attachments).toBeCloseTo(1e6 * 400_000 * 30);
});

test("all grows with people, and the changes make everything cheaper", () => {
  const [some, more] = [moneyOf(1e8, "changed"), moneyOf(1e9, "changed")];
  expect(more.total / some.total).toBeCloseTo(10, 1);
  for (const people of [1e6, 1e8, 1e9]) {
    expect(machinesOf(people, "changed").nodes).toBeLessThan(machinesOf(people, "as built").nodes / 10);
    expect(moneyOf(people, "changed").total).toBeLessThan(moneyOf(people, "as built").total / 3);
  }
  const { databaseShares, nodeShares } = machinesOf(1e8, "as built");
  for (const shares of [databaseShares, nodeShares]) {
    expect(Object.values(shares).reduce((sum, share) => sum + share)).toBeCloseTo(1);
  }
});

const at = (design: "as built" | "changed", name: string): number =>
  limitsOf(design).find((limit) => limit.name.startsWith(name))?.people ?? Number.NaN;

test("what docs/scale.md says in words is what the limits say", () => {
  expect(at("as built", "one primary")).toBeGreaterThan(250_000);
  expect(at("as built", "one primary")).toBeLessThan(350_000);
  expect(at("changed", "one primary")).toBeGreaterThan(5e6);
  const { codes, total } = moneyOf(1e9, "changed");
  expect(codes / total).toBeGreaterThan(0.5);
  const [first, second] = Object.entries(machinesOf(1e6, "as built").databaseShares).toSorted(
    (a, b) => b[1] - a[1],
  );
  expect([first?.[0], (first?.[1] ?? 0) > 2 * (second?.[1] ?? 1)]).toEqual(["looks", true]);
});

test("numbers as people say them", () => {
  expect([short(463), short(1_389), short(46_296), short(4.5e8), short(1.2e13, "B")]).toEqual([
    "463",
    "1.39 k",
    "46.3 k",
    "450 M",
    "12 TB",
  ]);
});
