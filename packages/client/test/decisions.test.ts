/** Decisions about conversations: whatever order devices hear of them in, they come to the same. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, merge, standing, type Decided } from "../src/core/decisions.ts";

const decision = <T>(value: fc.Arbitrary<T>) => fc.record({ value, atMs: fc.integer({ min: 0, max: 5 }) });
const decided: fc.Arbitrary<Decided> = fc.record(
  {
    pinned: decision(fc.boolean()),
    archived: decision(fc.boolean()),
    markedUnread: decision(fc.boolean()),
    mutedUntil: decision(fc.integer({ min: 0, max: 3 })),
  },
  { requiredKeys: [] },
);

describe("merging", () => {
  test("comes to the same in any order, and told twice changes nothing", () => {
    fc.assert(
      fc.property(decided, decided, decided, (a, b, c) => {
        expect(merge(a, b)).toEqual(merge(b, a));
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
        expect(merge(merge(a, b), b)).toEqual(merge(a, b));
      }),
    );
  });

  test("a decision beats everything that was known when it was made, whatever the clock says", () => {
    fc.assert(
      fc.property(decided, fc.boolean(), fc.integer({ min: 0, max: 5 }), (before, pinned, nowMs) => {
        const fresh = decide(before, { pinned }, nowMs);
        expect(standing(merge(before, fresh)).pinned).toBe(pinned);
        expect(standing(merge(fresh, before)).pinned).toBe(pinned);
      }),
    );
  });
});

test("what changes nothing is no decision", () => {
  expect(decide(undefined, { pinned: false, mutedUntil: 0 }, 7)).toEqual({});
  expect(decide(undefined, { pinned: true }, 7.5)).toEqual({ pinned: { value: true, atMs: 7 } });
  expect(decide({ pinned: { value: true, atMs: 9 } }, { pinned: true, archived: true }, 7)).toEqual({
    archived: { value: true, atMs: 7 },
  });
  expect(decide({ pinned: { value: true, atMs: 9 } }, { pinned: false }, 7)).toEqual({
    pinned: { value: false, atMs: 10 },
  });
});
