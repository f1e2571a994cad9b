/** Pauses between tries: full jitter below a ceiling that doubles from half a second to half a minute. */
import { expect, test } from "vitest";
import { backoffMs, hintedMs, pauseMs } from "../src/core/reconnect.ts";

test("the ceiling doubles from 0.5 s to 30 s, and jitter covers all of it", () => {
  const ceilings = [1, 2, 3, 4, 5, 6, 7, 8, 1_000_000].map((failures) => backoffMs(failures, 0.999_999_999));
  expect(ceilings).toEqual([499, 999, 1_999, 3_999, 7_999, 15_999, 29_999, 29_999, 29_999]);
  expect(backoffMs(9, 0)).toBe(0);
  expect(backoffMs(9, 0.5)).toBe(15_000);
});

test("what the server asked for is kept, with jitter on top", () => {
  expect(hintedMs(2_000, 0)).toBe(2_000);
  expect(hintedMs(2_000, 0.999_999)).toBe(2_999);
  expect(hintedMs(0, 0.999_999)).toBe(499);
  expect(hintedMs(60_000, 0.999_999)).toBe(64_999);
});

test("after a failure the server's word holds, with jitter, and the pauses grow all the same", () => {
  expect(pauseMs(1, undefined, 0.5)).toBe(backoffMs(1, 0.5));
  expect(pauseMs(1, 10_000, 0)).toBe(10_000);
  expect(pauseMs(1, 10_000, 0.5)).toBe(12_500);
  expect(pauseMs(9, 10_000, 0.999_999)).toBe(29_999);
});
