/** The growth bench itself, as small as it goes: that every figure is there, never how large it is. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { parseGrowthOptions } from "../src/growth/options.ts";

const main = fileURLToPath(new URL("../src/growth/main.ts", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "sotto-growth-test-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

test(
  "a tiny run fills both stores, measures them and lets entries expire",
  { timeout: 120_000 },
  async () => {
    const sizes = ["--sizes", "40:400", "--on", "sqlite,postgres", "--rounds", "1", "--commits", "2"];
    const small = ["--pairs", "3", "--seconds", "0.2", "--out", out];
    await promisify(execFile)(process.execPath, [main, ...sizes, ...small]);
    const report = readFileSync(join(out, "RESULTS.md"), "utf8");
    for (const text of ["## Growth on SQLite", "## Growth on PostgreSQL", "And retention:", "| 40", "1.00 ×"])
      expect(report).toContain(text);
  },
);

test("what is no size is refused", () => {
  expect(() => parseGrowthOptions(["--sizes", "10"], out)).toThrow("LOGS:ENTRIES");
  expect(() => parseGrowthOptions(["--on", "mysql"], out)).toThrow("no system mysql");
  expect(() => parseGrowthOptions(["--rounds", "0"], out)).toThrow("at least 1");
});
