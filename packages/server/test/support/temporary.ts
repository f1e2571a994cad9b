/** Folders that a test may fill, removed afterwards. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** An empty folder for the running test. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "sotto-test-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Everything in a folder: names, modes and bytes, to compare before and after. */
export function snapshot(path: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of readdirSync(path, { recursive: true, encoding: "utf8" }).sort()) {
    const file = join(path, name);
    const stat = statSync(file);
    files[name] =
      `${stat.mode.toString(8)} ${stat.isDirectory() ? "" : readFileSync(file).toString("base64")}`;
  }
  return files;
}
