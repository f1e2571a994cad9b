/** A process that writes is killed with SIGKILL again and again: each change set is there whole or not at all, and none that was confirmed is lost. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SeededRandom } from "@sotto/testkit";
import { sqliteStorage } from "../src/adapters/node/sqlite-storage.ts";
import { freshFolder } from "./support/folders.ts";

const rounds = process.env["SOTTO_SLOW_TESTS"] === undefined ? 8 : 40;
const keysPerSet = 20;
const module = fileURLToPath(new URL("../src/adapters/node/sqlite-storage.ts", import.meta.url));

// Writes generation after generation, the same number under every key; says a number once it is stored.
const writer = `import { writeSync } from "node:fs";
  import { sqliteStorage } from ${JSON.stringify(module)};
  const storage = sqliteStorage(process.argv[1]);
  for (let n = Number(process.argv[2]); ; n++) {
    const value = new Uint8Array(3_000).fill(n % 251);
    new DataView(value.buffer).setUint32(0, n);
    const puts = Array.from({ length: ${keysPerSet} }, (_, i) => ({ key: Uint8Array.of(i + 1, n % 2), value }));
    const deletes = Array.from({ length: ${keysPerSet} }, (_, i) => Uint8Array.of(i + 1, (n + 1) % 2));
    await storage.apply({ puts, deletes });
    writeSync(1, n + "\\n");
  }`;

test("killed at random moments", { timeout: 120_000 }, async () => {
  const random = new SeededRandom(7);
  const path = join(freshFolder(), "store.sqlite");
  let confirmed = 0;
  for (let round = 0; round < rounds; round++) {
    const child = spawn(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        "--input-type=module",
        "-e",
        writer,
        path,
        String(confirmed + 1),
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => (confirmed = Number(line)));
    await once(lines, "line");
    await new Promise((resolve) => void setTimeout(resolve, random.integer(120)));
    child.kill("SIGKILL");
    await once(child, "close");

    const storage = sqliteStorage(path);
    const found = await storage.range(Uint8Array.of(0), Uint8Array.of(255));
    await storage.close();
    const numbers = found.map(({ value }) => new DataView(value.buffer, value.byteOffset).getUint32(0));
    expect(found).toHaveLength(keysPerSet);
    expect(new Set(numbers).size).toBe(1);
    expect(numbers[0]).toBeGreaterThanOrEqual(confirmed);
    expect(numbers[0]).toBeLessThanOrEqual(confirmed + 1);
    confirmed = numbers[0] as number;
  }
  expect(confirmed).toBeGreaterThan(rounds * 3);
});
