import { expect, test } from "vitest";
import { SeededRandom, withSeed } from "../src/index.ts";

function draw(seed: number): number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: 50 }, () => random.nextUint32());
}

test("the same seed gives the same stream, another seed another", () => {
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(new Set(draw(7)).size).toBe(50);
});

test("the generator is xoshiro128**: the first outputs from the state 1, 2, 3, 4 are the published ones", () => {
  const random = new SeededRandom(0);
  (random as unknown as { state: Uint32Array }).state.set([1, 2, 3, 4]);
  expect(Array.from({ length: 4 }, () => random.nextUint32())).toEqual([11520, 0, 5927040, 70819200]);
});

test("integers, bytes, picks and shuffles stay in range and are spread", () => {
  const random = new SeededRandom(1);
  const seen = new Uint32Array(10);
  for (let i = 0; i < 10_000; i++) {
    const value = random.integer(10);
    seen[value] = (seen[value] ?? 0) + 1;
  }
  for (const count of seen) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  expect(random.bytes(33).length).toBe(33);
  expect(random.shuffle([1, 2, 3, 4]).sort()).toEqual([1, 2, 3, 4]);
  expect(["a", "b"]).toContain(random.pick(["a", "b"]));
  expect(() => random.pick([])).toThrow(RangeError);
});

test("withSeed names the seed of a failure", async () => {
  const failing = withSeed(42, () => {
    throw new Error("broken");
  });
  await expect(failing).rejects.toThrow("failed with SOTTO_SEED=42: broken");
  expect(await withSeed(42, (random) => random.seed)).toBe(42);
});
