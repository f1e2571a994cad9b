/** A few runs of the soak, always the same. `npm run soak` plays as long as one likes. */
import { expect, test } from "vitest";
import { run } from "@sotto/testkit/soak";

test.each([1, 3])("seed %i: everybody ends where the logs put them", { timeout: 120_000 }, async (seed) => {
  const outcome = await run(seed);
  expect(outcome.wrong).toEqual([]);
  // It is worth something only if much happened.
  expect(outcome.sums.texts).toBeGreaterThan(5);
  expect([...outcome.counts.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(30);
});
