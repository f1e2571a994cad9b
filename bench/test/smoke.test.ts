/** The bench itself, quickly, with real processes: its shape and that nothing is lost, never its speed. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import type { Results } from "../src/report/results.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "sotto-bench-test-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

test("a quick run measures Sotto and the floor, and loses nothing", { timeout: 120_000 }, async () => {
  await promisify(execFile)(process.execPath, [main, "--quick", "--only", "sotto,relay", "--out", out]);
  const results = JSON.parse(readFileSync(join(out, "results.json"), "utf8")) as Results;
  expect(results.targets.map((target) => target.name)).toEqual(["sotto", "relay"]);
  const [sotto, relay] = results.targets;

  for (const target of [sotto!, relay!]) {
    expect(target.failures).toEqual([]);
    expect(target.exchange).toHaveLength(1);
    const [round] = target.exchange;
    expect(round).toMatchObject({ lost: 0, misordered: 0 });
    expect(round!.sent).toBeGreaterThan(50);
    expect(round!.messagesPerSec).toBeGreaterThan(0);
    expect(round!.p99Ms).toBeGreaterThanOrEqual(round!.p50Ms);
    expect(round!.cpu.server).toBeGreaterThan(0);
    expect(target.idle).toHaveLength(1);
    expect(target.idle[0]!.afterRssBytes).toBeGreaterThan(1e6);
  }
  expect(sotto!.exchange[0]!.leftOver).toBe(0);
  expect(sotto!.fanOut[0]).toMatchObject({ lost: 0, misordered: 0, storedEach: 1 });
  expect(sotto!.away[0]).toMatchObject({ lost: 0, misordered: 0, leftOver: 0 });
  expect(sotto!.away[0]!.acknowledged).toBeGreaterThan(50);
  expect(sotto!.killed[0]).toMatchObject({ lost: 0, misordered: 0 });
  expect(sotto!.killed[0]!.acknowledged).toBeGreaterThan(50);

  const report = readFileSync(join(out, "RESULTS.md"), "utf8");
  for (const title of [
    "(a) 5 pairs",
    "(b) 1024-byte messages for 10 people",
    "SIGKILL",
    "(c) 20 connections",
  ]) {
    expect(report).toContain(title);
  }
});
