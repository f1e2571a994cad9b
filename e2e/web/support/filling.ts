/** Large vaults in browsers: somebody's own, filled by the core itself. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Filling } from "@sotto/testkit/filling";
import type { Page } from "playwright-core";
import { build } from "vite";
import { PASSPHRASE } from "./app.ts";
import type { FillingHarness } from "./filling-harness.ts";

declare const filler: FillingHarness;

let program: Promise<string> | undefined;

/** Locks somebody's vault by a reload, and fills it. The page is at the lock then. */
export async function fillVaultIn(page: Page, filling: Filling): Promise<void> {
  await page.reload();
  await page.getByRole("button", { name: "Unlock" }).waitFor();
  program ??= bundle();
  // Not by a tag: the page lets no script in that is not the app's own.
  await page.evaluate(await program);
  await page.evaluate(([passphrase, given]) => filler.fill(passphrase, given), [
    PASSPHRASE,
    filling,
  ] as const);
}

async function bundle(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "sotto-filling-"));
  try {
    await build({
      configFile: false,
      logLevel: "error",
      build: {
        outDir: folder,
        lib: {
          entry: resolve(import.meta.dirname, "filling-harness.ts"),
          formats: ["iife"],
          name: "sottoFilling",
          fileName: () => "filling.js",
        },
      },
    });
    return readFileSync(join(folder, "filling.js"), "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
