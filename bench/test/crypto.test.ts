/** The crypto bench itself, as small as it goes: that every system works and every figure is there, never its speed. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { parseCryptoOptions } from "../src/crypto/options.ts";
import type { CryptoResults } from "../src/crypto/samples.ts";

const main = fileURLToPath(new URL("../src/crypto/main.ts", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "sotto-bench-crypto-test-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

test("a tiny run measures Sotto in both ciphersuites and both peers", { timeout: 60_000 }, async () => {
  const args = ["--rounds", "2", "--members", "2,3", "--messages", "3", "--out", join(out, "new")];
  await promisify(execFile)(process.execPath, [main, ...args]);
  const { samples, settings, versions } = JSON.parse(
    readFileSync(join(out, "new", "results-crypto.json"), "utf8"),
  ) as CryptoResults;
  expect(settings).toEqual({ rounds: 2, members: [2, 3], messages: 3, messageBytes: 1024 });
  expect(Object.keys(versions)).toEqual(["Node", "OpenSSL", "sotto", "ts-mls", "libsignal", "CoreCrypto"]);
  for (const sample of samples) {
    expect(sample.values).toHaveLength(2);
    for (const value of sample.values) expect(value).toBeGreaterThan(0);
  }
  const tasksOf = (system: string, members: number) =>
    samples.filter((each) => each.system === system && each.members === members).map(({ task }) => task);
  for (const system of ["sotto-x25519", "sotto-x-wing", "core-crypto"]) {
    expect(tasksOf(system, 3)).toEqual(
      expect.arrayContaining(["create", "add all", "join", "own update", "process an update", "Welcome"]),
    );
  }
  for (const system of ["sotto-x25519", "sotto-x-wing"]) {
    expect(tasksOf(system, 2)).toEqual(
      expect.arrayContaining([
        "first message, stored",
        "state on disk",
        "encrypt, stored, 64 a change set",
        "decrypt, stored, one a change set",
      ]),
    );
  }
  expect(tasksOf("libsignal", 2)).toEqual(
    expect.arrayContaining(["encrypt, in memory", "decrypt, in memory", "first message read"]),
  );
  expect(tasksOf("floor", 0)).toHaveLength(4);
  const report = readFileSync(join(out, "new", "RESULTS.md"), "utf8");
  for (const title of ["### Aims", "Sotto, X-Wing", "libsignal", "CoreCrypto, X25519", "### Bytes"]) {
    expect(report).toContain(title);
  }
});

test("what is no option is refused", () => {
  for (const [args, why] of [
    [["--members", "1"], "at least 2"],
    [["--rounds", "0"], "at least 1"],
    [["--only", "signal"], "no system signal"],
    [["--messages", "x"], "is no number"],
  ] as const) {
    expect(() => parseCryptoOptions(args, out)).toThrow(why);
  }
});
