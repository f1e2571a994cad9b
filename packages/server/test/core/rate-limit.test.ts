import { describe, expect, test } from "vitest";
import { RateLimiter, takeAll } from "../../src/core/rate-limit.ts";

const hourMs = 3_600_000;

describe("RateLimiter", () => {
  test("gives the burst at once, then one after the other", () => {
    const limiter = new RateLimiter({ burst: 3, perHour: 60 });
    expect([1, 2, 3].map(() => limiter.take("a", 0))).toEqual([0, 0, 0]);
    expect(limiter.take("a", 0)).toBe(60_000);
    expect(limiter.take("a", 59_000)).toBe(1_000);
    expect(limiter.take("a", 60_000)).toBe(0);
    expect(limiter.take("a", 60_000)).toBe(60_000);
  });

  test("keys do not share; a full bucket does not overflow", () => {
    const limiter = new RateLimiter({ burst: 1, perHour: 1 });
    expect(limiter.take("a", 0)).toBe(0);
    expect(limiter.take("b", 0)).toBe(0);
    expect(limiter.take("a", 10 * hourMs)).toBe(0);
    expect(limiter.take("a", 10 * hourMs)).toBe(hourMs);
  });

  test("refusing costs nothing, and a clock that goes back gives nothing", () => {
    const limiter = new RateLimiter({ burst: 1, perHour: 1 });
    limiter.take("a", hourMs);
    for (let i = 0; i < 100; i++) expect(limiter.take("a", hourMs)).toBe(hourMs);
    expect(limiter.take("a", 0)).toBe(hourMs);
    expect(limiter.peek("a", hourMs)).toBe(0);
  });

  test("amounts: bytes as well as calls; more than the burst waits for a full bucket", () => {
    const limiter = new RateLimiter({ burst: 100, perHour: 3_600 });
    expect(limiter.take("a", 0, 80)).toBe(0);
    expect(limiter.take("a", 0, 30)).toBe(10_000);
    expect(limiter.take("a", 10_000, 30)).toBe(0);
    expect(limiter.take("a", 10_000, 500)).toBe(100_000);
    expect(limiter.take("a", 110_000, 500)).toBe(0);
    expect(limiter.take("a", 110_000, 1)).toBe(1_000);
  });

  test("a limit of nothing refuses all; without refill it says an hour", () => {
    const limiter = new RateLimiter({ burst: 1, perHour: 0 });
    expect(limiter.take("a", 0)).toBe(0);
    expect(limiter.take("a", 0)).toBe(hourMs);
    expect(limiter.take("a", 100 * hourMs)).toBe(hourMs);
  });

  test("remembers a bounded number of keys, those used last", () => {
    const limiter = new RateLimiter({ burst: 1, perHour: 1 }, 100);
    limiter.take("first", 0);
    for (let i = 0; i < 10_000; i++) {
      limiter.take(`key ${i}`, 0);
      limiter.take("busy", 0);
    }
    expect(limiter.size).toBe(100);
    expect(limiter.peek("busy", 0)).toBe(hourMs);
    expect(limiter.peek("first", 0)).toBe(0);
  });
});

test("takeAll takes from all buckets or from none", () => {
  const wide = new RateLimiter({ burst: 2, perHour: 1 });
  const narrow = new RateLimiter({ burst: 1, perHour: 1 });
  const both = [
    [wide, "a"],
    [narrow, "a"],
  ] as const;
  expect(takeAll(both, 0)).toBe(0);
  expect(takeAll(both, 0)).toBe(hourMs);
  expect(wide.take("a", 0)).toBe(0);
  expect(wide.take("a", 0)).toBe(hourMs);
});
