/** Counting a sending device's messages, against a plain set. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { countMessage } from "../src/core/gaps.ts";
import type { GapRecord } from "../src/core/records.ts";

test("a jump is told once, and what comes late closes it", () => {
  const first = countMessage(undefined, 3);
  expect(first).toEqual({ record: { highest: 3, missing: [[1, 2]] }, missing: 2, late: false });
  const late = countMessage(first.record, 1);
  expect(late).toEqual({ record: { highest: 3, missing: [[2, 2]] }, missing: 0, late: true });
  expect(countMessage(late.record, 2).record).toEqual({ highest: 3, missing: [] });
  expect(countMessage(late.record, 3)).toEqual({ record: late.record, missing: 0, late: false });
});

test("whatever order numbers come in, the record says what a plain set would say", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }), (numbers) => {
      const seen = new Set<number>();
      let record: GapRecord | undefined;
      for (const n of numbers) {
        const before = Math.max(0, ...seen);
        const counted = countMessage(record, n);
        expect(counted.missing).toBe(Math.max(0, n - before - 1));
        expect(counted.late).toBe(n < before && !seen.has(n));
        seen.add(n);
        record = counted.record;
        const highest = Math.max(...seen);
        const missing = Array.from({ length: highest }, (_, i) => i + 1).filter((m) => !seen.has(m));
        const told = record.missing.flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i));
        expect(told).toEqual(missing);
        expect(record.highest).toBe(highest);
      }
    }),
    { seed: 20_261_101 },
  );
});

test("a sender who leaves holes on purpose fills no disk", () => {
  let record: GapRecord | undefined;
  for (let n = 2; n < 10_000; n += 2) record = countMessage(record, n).record;
  expect(record?.missing.length).toBeLessThanOrEqual(64);
  expect(countMessage(record, Number.MAX_SAFE_INTEGER).record.missing.length).toBeLessThanOrEqual(64);
});
