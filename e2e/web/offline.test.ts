/**
 * The app without its server, and with a newer one: it opens, shows and takes messages; another version is let in by the person only, in
 * all tabs at once, and never in the middle of something.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { accessibilityFindings } from "./support/axe.ts";
import {
  joinApp,
  joinIn,
  sendText,
  startWebServer,
  textsIn,
  unlockIn,
  writeTo,
  type WebServer,
} from "./support/app.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const repository = resolve(import.meta.dirname, "../..");
const bundle = join(repository, "apps/web/dist");

/** Builds the app once more, as another version. */
function buildInto(folder: string, label: string): void {
  const main = join(repository, "apps/web/build/main.ts");
  execFileSync(process.execPath, [main, "--out", folder, "--label", label], { stdio: "pipe" });
}

/** Resolves when the page is served by a service worker that has every file. */
const keptOffline = (page: Page): Promise<unknown> =>
  page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    while (navigator.serviceWorker.controller === null) await new Promise((later) => setTimeout(later, 50));
  });

const cachedPaths = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return requests.flat().map(({ url }) => new URL(url).pathname);
  });

const versionIn = async (page: Page): Promise<string> => {
  await page.evaluate(() => {
    location.hash = "#/settings/about";
  });
  return page.locator("dd").first().innerText();
};

describe.skipIf(noChromium)("without the server, and with a newer one", () => {
  let folder: string;
  let served: string;
  let second: string;
  let server: WebServer;
  let browser: Browser;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sotto-offline-"));
    served = join(folder, "served");
    second = join(folder, "second");
    cpSync(bundle, served, { recursive: true });
    buildInto(second, "second");
    server = await startWebServer(["--web", served]);
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The server stops, and comes back with that version of the app. */
  async function serve(version: string): Promise<void> {
    await server.process.stop("SIGTERM");
    rmSync(served, { recursive: true });
    cpSync(version, served, { recursive: true });
    await server.process.start();
  }

  test("it opens without the server, shows what was written, and sends what is written when it is back", async () => {
    const ann = await joinApp(browser, server, "+15551231001", { serviceWorkers: "allow" });
    const ben = await joinApp(browser, server, "+15551231002", { serviceWorkers: "allow" });
    await writeTo(ann.page, ben.identifier);
    await sendText(ann.page, "before");
    await ann.page.locator(".status--sent, .status--delivered").first().waitFor();
    await keptOffline(ann.page);
    await server.process.stop("SIGKILL");

    await ann.page.reload();
    await unlockIn(ann.page);
    await expect.poll(() => textsIn(ann.page), { timeout: 20_000 }).toEqual(["before"]);
    await ann.page.getByText("Offline.").waitFor({ timeout: 20_000 });
    await sendText(ann.page, "written offline");
    await ann.page.locator(".message .status--queued").waitFor();
    // Parts that were never opened before are there as well.
    await ann.page.evaluate(() => {
      location.hash = "#/settings/server";
    });
    await ann.page.getByRole("heading", { name: "What it never learns" }).waitFor();

    await server.process.start();
    await ben.page.getByRole("link", { name: ann.identifier }).click();
    await expect.poll(() => textsIn(ben.page), { timeout: 60_000 }).toEqual(["before", "written offline"]);
    await ann.close();
    await ben.close();
  });

  test("only the app's files are kept, under the same policy, and nothing of what the server answers", async () => {
    const ann = await joinApp(browser, server, "+15551231003", { serviceWorkers: "allow" });
    await keptOffline(ann.page);
    const paths = await cachedPaths(ann.page);
    expect(paths).toContain("/");
    expect(
      paths.filter((path) => !/^\/(?:assets\/[^/]+|[^/]*\.(?:svg|png|webmanifest))?$/.test(path)),
    ).toEqual([]);
    const headers = await ann.page.evaluate(async () => Object.fromEntries((await fetch("/")).headers));
    expect(headers["content-security-policy"]).toContain("require-trusted-types-for 'script'");
    const fromWorker = await ann.page.reload();
    expect(fromWorker?.fromServiceWorker()).toBe(true);
    expect(fromWorker?.headers()["content-security-policy"]).toContain("default-src 'none'");
    await unlockIn(ann.page);
    // A script that is not what the build named is not run, wherever it came from.
    expect(await ann.page.locator("script[src]:not([integrity])").count()).toBe(0);
    expect(ann.complaints).toEqual([]);
    await ann.close();
  });

  describe("another version", () => {
    let context: BrowserContext;
    let page: Page;
    let other: Page;
    let ben: Page;
    beforeAll(async () => {
      const ann = await joinApp(browser, server, "+15551231005", { serviceWorkers: "allow" });
      ({ page } = ann);
      context = page.context();
      ({ page: ben } = await joinApp(browser, server, "+15551231006", { serviceWorkers: "allow" }));
      await writeTo(page, "+15551231006");
      await sendText(page, "old version");
      await page.locator(".status--sent, .status--delivered").first().waitFor();
      await keptOffline(page);
      other = await context.newPage();
      await other.goto(page.url());
      await other.getByText("old version").first().waitFor();
      await serve(second);
    });
    afterAll(() => context?.close());

    test("waits, while the old page works with the new server", async () => {
      for (const tab of [page, other]) {
        await tab.getByText("A new version of Sotto is ready.").waitFor({ timeout: 60_000 });
      }
      await page.bringToFront();
      expect(await accessibilityFindings(page)).toEqual([]);
      await sendText(page, "old page, new server");
      await ben.getByRole("link", { name: "+15551231005" }).click();
      await expect
        .poll(() => textsIn(ben), { timeout: 20_000 })
        .toEqual(["old version", "old page, new server"]);
      await page.getByRole("button", { name: "Later" }).click();
      await page.reload();
      await page.getByText("A new version of Sotto is ready.").waitFor();
      await expect
        .poll(() => textsIn(page), { timeout: 20_000 })
        .toEqual(["old version", "old page, new server"]);
      expect(await versionIn(page)).not.toContain("second");
      await page.goBack();
    });

    test("is let in by the person, in all tabs together, when nobody is in the middle of something", async () => {
      await other.getByLabel("Write a message").fill("a draft");
      // Something is under way in one tab: it is finished first.
      const busy = await other.evaluateHandle(() => {
        const { promise, resolve } = Promise.withResolvers<void>();
        void navigator.locks.request("sotto/busy", { mode: "shared" }, () => promise);
        return { finish: resolve };
      });
      await page.getByRole("button", { name: "Reload" }).click();
      await page.getByText("The new version comes as soon as").waitFor();
      await page.waitForTimeout(1_500);
      expect(await other.getByLabel("Write a message").count()).toBe(1);
      await busy.evaluate(({ finish }) => finish());

      for (const tab of [page, other]) await tab.getByRole("heading", { name: "Welcome back" }).waitFor();
      await unlockIn(page);
      await other.getByRole("navigation").waitFor();
      await expect.poll(() => other.getByLabel("Write a message").inputValue()).toBe("a draft");
      await other.getByLabel("Write a message").fill("");
      for (const tab of [page, other]) {
        await expect
          .poll(() => textsIn(tab), { timeout: 20_000 })
          .toEqual(["old version", "old page, new server"]);
      }
      expect(await versionIn(page)).toContain("second");
      expect(await versionIn(other)).toContain("second");
      expect(await page.locator(".update-bar").count()).toBe(0);
    });

    test("a page that was never kept, with parts that are gone from the server, says what to do", async () => {
      const bare = await browser.newContext({ serviceWorkers: "block" });
      const alone = await bare.newPage();
      await alone.goto(server.url);
      await alone.getByRole("button", { name: "Create an account" }).waitFor();
      const identifier = "+15551231007";
      await joinIn(alone, server, identifier);
      await serve(bundle);
      await alone.getByRole("link", { name: "Settings" }).click();
      await alone.getByText("A part of Sotto could not be loaded.").waitFor();
      expect(await accessibilityFindings(alone)).toEqual([]);
      await alone.getByRole("button", { name: "Reload" }).click();
      await unlockIn(alone);
      await alone.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
      await bare.close();
      await serve(second);
    });

    test("a tab of another version is not followed, and goes on when it is the only one", async () => {
      // Loaded past the service worker, as by Shift and reload.
      await serve(bundle);
      const session = await context.newCDPSession(other);
      await session.send("Page.reload", { ignoreCache: true });
      await other.getByText("Another tab runs another version of Sotto.").waitFor({ timeout: 20_000 });
      await page.getByText("A new version of Sotto is ready.").waitFor();
      await page.close();
      await unlockIn(other);
      expect(await versionIn(other)).not.toContain("second");
    });
  });
});
