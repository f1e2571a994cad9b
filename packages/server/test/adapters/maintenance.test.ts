import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startMaintenance } from "../../src/adapters/maintenance.ts";
import type { Store } from "../../src/core/store.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What happens to blobs in a test that is not about them. */
const noBlobs = { blobs: { expire: async () => 0 }, blobRetentionSec: 100, blobsExpired: () => {} };

/** A store with so many rows past retention; it notes what it is asked. */
function storeWith(rows: number): { store: Store; asked: [number, number][] } {
  const asked: [number, number][] = [];
  let left = rows;
  const expire = async (beforeSec: number, limit: number): Promise<number> => {
    asked.push([beforeSec, limit]);
    const gone = Math.min(limit, left);
    left -= gone;
    return gone;
  };
  return { store: { expire } as unknown as Store, asked };
}

test("expires in small steps until nothing is left, then now and then", async () => {
  const { store, asked } = storeWith(2_500);
  const told: number[] = [];
  const maintenance = startMaintenance({
    store,
    ...noBlobs,
    retentionSec: 100,
    nowMs: () => 1_000_000,
    expired: (rows) => told.push(rows),
    failed: () => told.push(-1),
  });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toEqual([1_000, 1_000, 500]);
  expect(asked[0]).toEqual([900, 1_000]);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(told).toEqual([1_000, 1_000, 500, 0]);
  maintenance.stop();
  await vi.advanceTimersByTimeAsync(6_000_000);
  expect(asked.length).toBe(4);
});

test("retention has a third of a slow store's time", async () => {
  const startedMs: number[] = [];
  const expire = async (): Promise<number> => {
    startedMs.push(Date.now());
    await new Promise((resolve) => setTimeout(resolve, 60));
    return 1_000;
  };
  const maintenance = startMaintenance({
    store: { expire } as unknown as Store,
    ...noBlobs,
    retentionSec: 100,
    nowMs: Date.now,
    expired: () => {},
    failed: () => {},
  });
  await vi.advanceTimersByTimeAsync(2_000);
  maintenance.stop();
  const gaps = startedMs.slice(1).map((atMs, i) => atMs - startedMs[i]!);
  expect(new Set(gaps)).toEqual(new Set([180]));
});

test("a store that fails is tried again later", async () => {
  const failures: unknown[] = [];
  const store = { expire: () => Promise.reject(new Error("gone")) } as unknown as Store;
  const maintenance = startMaintenance({
    store,
    ...noBlobs,
    retentionSec: 100,
    nowMs: () => 1_000_000,
    expired: () => {},
    failed: (error) => failures.push(error),
  });
  await vi.advanceTimersByTimeAsync(700_000);
  maintenance.stop();
  expect(failures.length).toBe(2);
});

test("blobs go by a retention of their own, unfinished ones after two days, and each part of their storage is looked through", async () => {
  const { store } = storeWith(0);
  const asked: number[][] = [];
  const told: number[] = [];
  let left = 250;
  const maintenance = startMaintenance({
    store,
    blobs: {
      expire: async (...args) => {
        asked.push(args);
        const gone = Math.min(left, args[3]);
        left -= gone;
        return gone;
      },
    },
    retentionSec: 100,
    blobRetentionSec: 1_000_000,
    nowMs: () => 2_000_000_000,
    expired: () => {},
    blobsExpired: (blobs) => told.push(blobs),
    failed: () => told.push(-1),
  });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toEqual([100, 100, 50]);
  expect(asked[0]?.slice(0, 2)).toEqual([1_000_000, 2_000_000 - 172_800]);
  await vi.advanceTimersByTimeAsync(255 * 600_000);
  maintenance.stop();
  expect(new Set(asked.map(([, , sweep]) => sweep)).size).toBe(256);
});
