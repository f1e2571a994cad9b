/** The demo tells the truth: it ends with 0 when everything held, with something else when not, and leaves nothing behind. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cleanEnvironment } from "../support/sotto.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sotto-demo-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the demo with its temporary files in `folder`; `watch` sees all that was printed so far. */
function runDemo(
  watch: (printed: string) => void = () => undefined,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, "main.ts")], {
    env: cleanEnvironment({ TMPDIR: folder }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const onData = (chunk: string): void => {
    output += chunk;
    watch(output);
  };
  child.stdout.setEncoding("utf8").on("data", onData);
  child.stderr.setEncoding("utf8").on("data", onData);
  return new Promise((done) => child.on("close", (code) => done({ code, output })));
}

describe("npm run demo", () => {
  test("plays the whole story and ends with 0", { timeout: 180_000 }, async () => {
    const { code, output } = await runDemo();
    expect(output).toContain("Everything held.");
    expect(code).toBe(0);
    for (const part of [
      "encrypted_aes_key",
      "✓✓ read",
      "both see the same 60 digits",
      "What the server sees",
      "Harbour walk  3 members",
      "laptop is now a device of your account",
      "✓ the laptop shows what Ann wrote before it was there",
      "✓ the laptop is let in no more, and reads nothing that came after",
    ]) {
      expect(output).toContain(part);
    }
    expect(output).not.toMatch(/Warning|\bat .*\.ts:\d+/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test(
    "fails when the server dies in the middle, says so, and still cleans up",
    { timeout: 120_000 },
    async () => {
      let killed = false;
      const { code, output } = await runDemo((printed) => {
        const pid = /process (\d+)/.exec(printed)?.[1];
        if (killed || pid === undefined || !printed.includes("Two people register")) return;
        killed = true;
        process.kill(Number(pid), "SIGKILL");
      });
      expect(code).toBe(1);
      expect(output).toContain("The demo failed:");
      expect(output).not.toContain("Everything held.");
      expect(readdirSync(folder)).toEqual([]);
    },
  );
});
