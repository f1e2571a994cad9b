/** /metrics: the figures of a server that works, and of one whose store fails. */
import { DatabaseSync } from "node:sqlite";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { watchedLimits } from "../../src/core/watched-limits.ts";
import { RateLimiter, takeAll } from "../../src/core/rate-limit.ts";
import { createGauges } from "../../src/http/metrics.ts";
import { requestCode } from "../support/sealed-client.ts";
import { startTestServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporary.ts";

const figures = async (origin: string): Promise<string> => (await fetch(`${origin}/metrics`)).text();
const valueOf = (text: string, name: string): number =>
  Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);

test("/metrics answers while the store fails, and says so", async () => {
  const limits = { codesPerAddress: { burst: 1, perHour: 1 } };
  const server = await startTestServer({ limits });
  await requestCode(server.origin, "+15551230001");
  expect((await requestCode(server.origin, "+15551230002")).code).toBe("rate_limited");
  const before = await figures(server.origin);
  expect(before).toContain('sotto_limits_hit_total{limit="codesPerAddress"} 1');
  expect(before).toMatch(/^sotto_build_info\{version="[\d.]+"\} 1$/m);
  expect(valueOf(before, "sotto_ready")).toBe(1);
  expect(valueOf(before, "sotto_accounts")).toBe(0);
  expect(valueOf(before, "sotto_disk_free_bytes")).toBeGreaterThan(1_000_000);
  expect(valueOf(before, "sotto_disk_size_bytes")).toBeGreaterThan(valueOf(before, "sotto_disk_free_bytes"));
  expect(valueOf(before, "sotto_certificate_expiry_seconds")).toBeNaN();
  server.clock.nowMs += 5_000_000;
  expect(valueOf(await figures(server.origin), "sotto_expiry_lag_seconds")).toBeGreaterThanOrEqual(5_000);

  const database = new DatabaseSync(`${server.dataFolder}/sotto.db`);
  database.exec("DROP TABLE device_lists; DROP TABLE devices; DROP TABLE accounts");
  database.close();
  const after = await figures(server.origin);
  expect(valueOf(after, "sotto_ready")).toBe(0);
  expect(valueOf(after, "sotto_append_queue_bytes")).toBe(0);
});

test("what cannot be read is left out, and comes back", async () => {
  const registry = new Registry();
  let gone = false;
  const answer = async <T>(value: T): Promise<T> => {
    if (gone) throw new Error("gone");
    return value;
  };
  const look = createGauges(registry, {
    store: {
      stats: () => answer({ accounts: 3, logs: 4, entries: 5, bytesOnDisk: 6 }),
      blobStats: () => answer({ blobs: 7, bytes: 8 }),
    },
    dataFolder: temporaryFolder(),
    version: "1.2.3",
    isReady: async () => !gone,
    queuedBytes: () => 9,
    outgoingBytes: () => 10,
    expiryLagSec: () => 11,
    certificateLeftSec: () => (gone ? undefined : 12),
  });
  const read = async (): Promise<number[]> => {
    await look();
    const text = await registry.metrics();
    return ["ready", "accounts", "blob_bytes", "append_queue_bytes", "certificate_expiry_seconds"].map(
      (name) => valueOf(text, `sotto_${name}`),
    );
  };
  expect(await read()).toEqual([1, 3, 8, 9, 12]);
  gone = true;
  expect(await read()).toEqual([0, Number.NaN, Number.NaN, 9, Number.NaN]);
  gone = false;
  expect(await read()).toEqual([1, 3, 8, 9, 12]);
});

test("limits tell their names, asked one by one or together, and only when they refuse", () => {
  const hits: string[] = [];
  const limits = watchedLimits({ narrow: { burst: 1, perHour: 1 }, wide: { burst: 9, perHour: 9 } }, (name) =>
    hits.push(name),
  );
  const [narrow, wide] = [new RateLimiter(limits.narrow), new RateLimiter(limits.wide)];
  expect(
    takeAll(
      [
        [narrow, "x"],
        [wide, "y"],
      ],
      0,
    ),
  ).toBe(0);
  expect(hits).toEqual([]);
  expect(
    takeAll(
      [
        [narrow, "x"],
        [wide, "y"],
      ],
      0,
    ),
  ).toBeGreaterThan(0);
  expect(narrow.take("x", 0)).toBeGreaterThan(0);
  expect(narrow.peek("x", 0)).toBeGreaterThan(0);
  expect(hits).toEqual(["narrow", "narrow", "narrow"]);
});
