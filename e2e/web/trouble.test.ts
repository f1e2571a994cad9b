/**
 * What a browser or a computer can do to the app: no room left, storage taken away, a private window, a wrong clock, a reload before a
 * message is stored. Each is told in clear words, and nothing is lost or doubled by it.
 */
import type { Browser, Page } from "playwright-core";
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
  type Person,
  type WebServer,
} from "./support/app.ts";
import { noChromium, startChromium, startProfile } from "./support/browser.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wrongClock } from "../support/sotto.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/**
 * Fills the browser's storage, as the worker that writes to it sees that: each transaction that stores something is aborted with
 * QuotaExceededError. (Chromium's quota cannot be made small from outside: Storage.overrideQuotaForOrigin changes nothing here.)
 */
async function fillStorage(page: Page): Promise<() => Promise<void>> {
  const [worker] = page.workers();
  await worker!.evaluate(() => {
    const prototype = IDBObjectStore.prototype as unknown as Record<string, unknown>;
    const error = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, "error")!;
    prototype["before"] = { put: prototype["put"], error };
    Object.defineProperty(IDBTransaction.prototype, "error", {
      configurable: true,
      get: () => new DOMException("no room", "QuotaExceededError"),
    });
    prototype["put"] = new Proxy(IDBObjectStore.prototype.put, {
      apply(_put, store: IDBObjectStore) {
        try {
          store.transaction.abort();
        } catch {
          // It was aborted before.
        }
      },
    });
  });
  return () =>
    worker!.evaluate(() => {
      const prototype = IDBObjectStore.prototype as unknown as Record<string, unknown>;
      const { put, error } = prototype["before"] as { put: unknown; error: PropertyDescriptor };
      prototype["put"] = put;
      Object.defineProperty(IDBTransaction.prototype, "error", error);
    });
}

describe.skipIf(noChromium)("trouble", () => {
  let server: WebServer;
  let browser: Browser;
  let people = 0;
  const nobody = (): string => `+1555125${String(++people).padStart(4, "0")}`;
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  async function twoPeople(): Promise<{ readonly ann: Person; readonly ben: Person }> {
    const ann = await joinApp(browser, server, nobody());
    const ben = await joinApp(browser, server, nobody());
    await writeTo(ann.page, ben.identifier);
    await sendText(ann.page, "before");
    await ben.page.getByRole("link", { name: ann.identifier }).click();
    await ben.page.getByText("before").first().waitFor();
    return { ann, ben };
  }

  test("no room left: what was written stays in the field, and goes out once there is room", async () => {
    const { ann, ben } = await twoPeople();
    const makeRoom = await fillStorage(ann.page);
    await sendText(ann.page, "no room for this");
    await ann.page.getByRole("alert").getByText("The browser has no room left.").waitFor();
    await ann.page.getByRole("status").getByText("The browser has no room left.").waitFor();
    expect(await ann.page.getByLabel("Write a message").inputValue()).toBe("no room for this");
    expect(await accessibilityFindings(ann.page)).toEqual([]);
    // What comes meanwhile is not acknowledged, and comes again.
    await sendText(ben.page, "sent while there was no room");
    await ben.page.waitForTimeout(2_000);
    expect(await textsIn(ann.page)).toEqual(["before"]);
    await makeRoom();
    await ann.page.getByText("sent while there was no room").first().waitFor({ timeout: 30_000 });
    await ann.page.getByRole("button", { name: "Send" }).click();
    for (const { page } of [ann, ben]) {
      await expect
        .poll(() => textsIn(page), { timeout: 30_000 })
        .toEqual(["before", "sent while there was no room", "no room for this"]);
    }
    await ann.close();
    await ben.close();
  });

  test("storage that is taken away while the app is open is told, and the app begins anew", async () => {
    const { ann, ben } = await twoPeople();
    const session = await ann.page.context().newCDPSession(ann.page);
    await session.send("Storage.clearDataForOrigin", { origin: server.url, storageTypes: "indexeddb" });
    await sendText(ann.page, "into nothing");
    await ann.page.getByText("The browser's storage does not work.").first().waitFor();
    expect(await ann.page.getByLabel("Write a message").inputValue()).toBe("into nothing");
    await ann.page.reload();
    await ann.page.getByRole("button", { name: "Create an account" }).waitFor();
    await ann.close();
    await ben.close();
  });

  test("a private window works as long as it is open, and leaves nothing", async () => {
    const profile = mkdtempSync(join(tmpdir(), "sotto-private-"));
    const identifier = nobody();
    try {
      // Contexts of Playwright are private windows: nothing of them is on a disk.
      const own = await startChromium();
      const context = await own.newContext();
      const page = await context.newPage();
      await page.goto(server.url);
      await joinIn(page, server, identifier);
      await page.reload();
      await unlockIn(page);
      await context.close();
      const again = await own.newContext();
      const reopened = await again.newPage();
      await reopened.goto(server.url);
      await reopened.getByRole("button", { name: "Create an account" }).waitFor();
      expect(await reopened.evaluate(async () => (await indexedDB.databases()).length)).toBeLessThanOrEqual(
        1,
      );
      await own.close();
      const plain = await startProfile(profile);
      const ordinary = await plain.context.newPage();
      await ordinary.goto(server.url);
      await ordinary.getByRole("button", { name: "Create an account" }).waitFor();
      await plain.context.close();
    } finally {
      rmSync(profile, { recursive: true, force: true });
    }
  });

  test("a reload before a message is stored: it is there once, or still in the field", async () => {
    const { ann, ben } = await twoPeople();
    // The browser asks whether to leave while something is under way.
    ann.page.on("dialog", (dialog) => void dialog.accept());
    for (let round = 0; round < 3; round++) {
      const text = `in the middle ${round}`;
      await ann.page.getByLabel("Write a message").fill(text);
      // As long as a person takes from the last key to the button.
      await ann.page.waitForTimeout(1_000);
      await ann.page.getByRole("button", { name: "Send" }).click({ noWaitAfter: true });
      await ann.page.reload();
      await unlockIn(ann.page);
      const field = ann.page.getByLabel("Write a message");
      await field.waitFor();
      await ann.page.locator(".message .text", { hasText: "before" }).waitFor();
      const shown = await ann.page.locator(".message .text", { hasText: text }).count();
      if (shown === 0) {
        if ((await field.inputValue()) !== text) throw new Error(`"${text}" is lost`);
        await ann.page.getByRole("button", { name: "Send" }).click();
        await ann.page.locator(".message .text", { hasText: text }).waitFor();
      } else await field.fill("");
    }
    const all = ["before", "in the middle 0", "in the middle 1", "in the middle 2"];
    for (const { page } of [ann, ben]) {
      await expect.poll(() => textsIn(page), { timeout: 30_000 }).toEqual(all);
    }
    await ann.close();
    await ben.close();
  });
});

describe.skipIf(noChromium)("clocks", () => {
  const hourMs = 3_600_000;
  test.each([
    ["hours behind", 3 * hourMs, /clock is 3 hours behind the server's/],
    ["months behind", 60 * 24 * hourMs, /clock is too far off/],
  ])("a computer whose clock is %s says so, and goes on when it is right", async (_, serverAheadMs, told) => {
    const server = await startWebServer();
    const browser = await startChromium();
    try {
      const ann = await joinApp(browser, server, "+15551259901");
      await server.process.stop("SIGTERM");
      await server.process.start({ NODE_OPTIONS: wrongClock(serverAheadMs) });
      await ann.page.getByRole("status").getByText(told).waitFor({ timeout: 60_000 });
      expect(await accessibilityFindings(ann.page)).toEqual([]);
      await server.process.stop("SIGTERM");
      await server.process.start();
      await expect
        .poll(() => ann.page.locator(".list__connection").innerText(), { timeout: 60_000 })
        .toBe("");
    } finally {
      await browser.close();
      await server.stop();
    }
  });
});
