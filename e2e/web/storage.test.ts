/** The client's storage port on IndexedDB, in real Chromium: the conformance suite that every adapter runs, and the lease. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { StorageError } from "@sotto/protocol";
import { storageConformance } from "@sotto/testkit/storage-conformance";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { build } from "vite";
import { noChromium, startChromium } from "./support/browser.ts";
import type { StorageHarness } from "./support/storage-harness.ts";

declare const harness: StorageHarness;

let browser: Browser;
let page: Page;
let server: Server;
const folder = mkdtempSync(join(tmpdir(), "sotto-storage-"));

const typed = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (cause) {
    const code = /\[([a-z_]+)\]/.exec(String(cause))?.[1];
    if (code === undefined) throw cause;
    throw new StorageError(code as "storage_failed", "in the page", { cause });
  }
};

const text = (given: Uint8Array): string => Buffer.from(given).toString("base64");
const bytes = (given: string): Uint8Array => new Uint8Array(Buffer.from(given, "base64"));

async function openInPage(name: string) {
  const handle = await page.evaluate((given) => harness.open(given), name);
  return {
    async get(key: Uint8Array) {
      const value = await typed(page.evaluate(([h, k]) => harness.get(h, k), [handle, text(key)] as const));
      return value === undefined ? undefined : bytes(value);
    },
    async range(from: Uint8Array, to: Uint8Array, options = {}) {
      const args = [handle, text(from), text(to), options] as const;
      const rows = await typed(page.evaluate((given) => harness.range(...given), args));
      return rows.map(({ key, value }) => ({ key: bytes(key), value: bytes(value) }));
    },
    async apply(changes: {
      readonly puts: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
      readonly deletes: readonly Uint8Array[];
    }) {
      const puts = changes.puts.map(({ key, value }) => ({ key: text(key), value: text(value) }));
      const args = [handle, puts, changes.deletes.map(text)] as const;
      await typed(page.evaluate((given) => harness.apply(...given), args));
    },
    close: () => page.evaluate((h) => harness.close(h), handle),
  };
}

describe.skipIf(noChromium)("IndexedDB in Chromium", () => {
  beforeAll(async () => {
    const entry = resolve(import.meta.dirname, "support/storage-harness.ts");
    await build({
      configFile: false,
      logLevel: "error",
      build: { outDir: folder, lib: { entry, formats: ["es"], fileName: () => "harness.js" } },
    });
    server = createServer((request, response) => {
      const script = request.url === "/harness.js";
      response.setHeader("content-type", script ? "text/javascript" : "text/html");
      response.end(
        script
          ? readFileSync(join(folder, "harness.js"))
          : '<!doctype html><script type="module" src="/harness.js"></script>',
      );
    }).listen(0, "127.0.0.1");
    await new Promise((listening) => server.once("listening", listening));
    browser = await startChromium();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => "harness" in globalThis);
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  let databases = 0;
  storageConformance(
    "IndexedDB",
    () => openInPage(`conformance-${++databases}`),
    () => openInPage(`conformance-${databases}`),
  );

  test("who was replaced can write no more, and alters nothing", async () => {
    const key = Uint8Array.of(1);
    const first = await openInPage("lease");
    await first.apply({ puts: [{ key, value: Uint8Array.of(1) }], deletes: [] });
    const second = await openInPage("lease");
    await expect(
      first.apply({ puts: [{ key, value: Uint8Array.of(2) }], deletes: [] }),
    ).rejects.toMatchObject({ code: "vault_locked" });
    expect([...((await second.get(key)) ?? [])]).toEqual([1]);
    await second.apply({ puts: [{ key, value: Uint8Array.of(3) }], deletes: [] });
    expect([...((await second.get(key)) ?? [])]).toEqual([3]);
  });
});
