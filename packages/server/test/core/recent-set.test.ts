import { expect, test } from "vitest";
import { RecentSet } from "../../src/core/recent-set.ts";

const member = (n: number): Uint8Array => Uint8Array.of(n >> 8, n & 255);

test("members leave when their time is over", () => {
  const set = new RecentSet(1_000);
  set.add(member(1), 0);
  expect([set.has(member(1), 999), set.has(member(1), 1_000), set.has(member(2), 0)]).toEqual([
    true,
    false,
    false,
  ]);
  set.add(member(2), 1_000);
  expect(set.size).toBe(1);
});

test("the oldest leave when there are too many", () => {
  const set = new RecentSet(1_000, 10);
  for (let n = 0; n < 500; n++) set.add(member(n), 0);
  expect(set.size).toBe(10);
  expect([set.has(member(489), 1), set.has(member(490), 1), set.has(member(499), 1)]).toEqual([
    false,
    true,
    true,
  ]);
});
