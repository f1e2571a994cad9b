/**
 * Many tabs, one engine: whoever leads closes, crashes or hangs, and the others go on. And what browsers do to a page: reloads in the
 * middle of a send, a killed browser, a deleted storage.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { noChromium, startChromium, startProfile } from "./support/browser.ts";
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

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

/** Most milliseconds from the end of a leader to the next one's work. */
const handoverMs = 2_000;

/** Milliseconds until the tab shows that its own message was stored by an engine. */
async function timeToSend(page: Page, text: string): Promise<number> {
  const began = performance.now();
  await sendText(page, text);
  await page.locator(".message .text", { hasText: text }).waitFor();
  return performance.now() - began;
}

describe.skipIf(noChromium)("tabs of one browser", () => {
  let server: WebServer;
  let browser: Browser;
  let people = 0;
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Two people who write with each other, the first of them in two tabs. */
  async function twoTabs(): Promise<{ ann: Person; second: Page; ben: Person; close(): Promise<void> }> {
    const ann = await joinApp(browser, server, `+1555124${String(++people).padStart(4, "0")}`);
    const ben = await joinApp(browser, server, `+1555124${String(++people).padStart(4, "0")}`);
    await writeTo(ann.page, ben.identifier);
    await sendText(ann.page, "before");
    await ann.page.locator(".status--sent, .status--delivered").first().waitFor();
    const second = await ann.page.context().newPage();
    await second.goto(ann.page.url());
    await expect.poll(() => textsIn(second), { timeout: 20_000 }).toEqual(["before"]);
    await ben.page.getByRole("link", { name: ann.identifier }).click();
    return {
      ann,
      second,
      ben,
      async close() {
        await ann.close();
        await ben.close();
      },
    };
  }

  test("the leading tab crashes: another leads within two seconds", async () => {
    const { ann, second, ben, close } = await twoTabs();
    const session = await ann.page.context().newCDPSession(ann.page);
    session.send("Page.crash").catch(() => undefined);
    expect(await timeToSend(second, "after the crash")).toBeLessThan(handoverMs);
    await expect.poll(() => textsIn(ben.page), { timeout: 20_000 }).toEqual(["before", "after the crash"]);
    await close();
  });

  test("the leading tab hangs: another leads within two seconds, and nothing is doubled when it wakes", async () => {
    const { ann, second, ben, close } = await twoTabs();
    const [worker] = ann.page.workers();
    const hang = worker?.evaluate(() => {
      const end = Date.now() + 6_000;
      while (Date.now() < end);
    });
    await new Promise((later) => setTimeout(later, 100));
    expect(await timeToSend(second, "while it hangs")).toBeLessThan(handoverMs + 500);
    // Written in the tab that hangs: its worker hears of it when it wakes.
    await sendText(ann.page, "from the sleeper");
    await hang;
    await expect
      .poll(() => textsIn(ben.page), { timeout: 20_000 })
      .toEqual(["before", "while it hangs", "from the sleeper"]);
    await expect
      .poll(() => textsIn(ann.page), { timeout: 20_000 })
      .toEqual(["before", "while it hangs", "from the sleeper"]);
    await expect
      .poll(() => textsIn(second), { timeout: 20_000 })
      .toEqual(["before", "while it hangs", "from the sleeper"]);
    await close();
  });

  test("tabs that come and go while messages are sent: each is there once, in order", async () => {
    const { ann, second, ben, close } = await twoTabs();
    const sent = ["before"];
    const context = second.context();
    let writer = second;
    await ann.page.close();
    for (let round = 0; round < 6; round++) {
      const text = `round ${round}`;
      const next = await context.newPage();
      await next.goto(writer.url());
      await next.getByLabel("Write a message").waitFor();
      const closing = sendText(writer, text).then(() =>
        writer.locator(".message .text", { hasText: text }).waitFor(),
      );
      await closing;
      sent.push(text);
      await writer.close();
      writer = next;
    }
    await expect.poll(() => textsIn(writer), { timeout: 20_000 }).toEqual(sent);
    await expect.poll(() => textsIn(ben.page), { timeout: 20_000 }).toEqual(sent);
    await close();
  });

  test("a reload right after sending loses nothing and sends nothing twice", async () => {
    const { ann, second, ben, close } = await twoTabs();
    await second.close();
    await sendText(ann.page, "just before the reload");
    await ann.page.locator(".message .text", { hasText: "just before the reload" }).waitFor();
    await ann.page.reload();
    await unlockIn(ann.page);
    await expect
      .poll(() => textsIn(ben.page), { timeout: 20_000 })
      .toEqual(["before", "just before the reload"]);
    await expect
      .poll(() => textsIn(ann.page), { timeout: 20_000 })
      .toEqual(["before", "just before the reload"]);
    await close();
  });

  test("without the server, messages wait, and go out when it is back", async () => {
    const { ann, second, ben, close } = await twoTabs();
    await second.close();
    await server.process.stop("SIGKILL");
    await ann.page.getByText("Offline.").waitFor({ timeout: 20_000 });
    await sendText(ann.page, "written offline");
    await ann.page.locator(".message .status--queued").waitFor();
    await server.process.start();
    await expect.poll(() => textsIn(ben.page), { timeout: 60_000 }).toEqual(["before", "written offline"]);
    await close();
  });

  test("a deleted storage is told, and the app begins anew", async () => {
    const { ann, second, close } = await twoTabs();
    await second.close();
    await ann.page.evaluate(() => indexedDB.deleteDatabase("sotto"));
    await ann.page.reload();
    await ann.page.getByRole("button", { name: "Create an account" }).waitFor({ timeout: 20_000 });
    expect(await ann.page.getByRole("navigation").count()).toBe(0);
    await close();
  });
});

describe.skipIf(noChromium)("a profile on the disk", () => {
  test("a browser that is killed has what it showed, and sends what it had stored", async () => {
    const server = await startWebServer();
    const profile = mkdtempSync(join(tmpdir(), "sotto-profile-"));
    const others = await startChromium();
    try {
      const ben = await joinApp(others, server, "+15551249002");
      const first = await startProfile(profile);
      const page = await first.context.newPage();
      await joinIn(page, server, "+15551249001");
      await writeTo(page, ben.identifier);
      await sendText(page, "sent");
      await page.locator(".status--sent, .status--delivered").first().waitFor();
      await server.process.stop("SIGKILL");
      await page.getByText("Offline.").waitFor({ timeout: 20_000 });
      await sendText(page, "stored only");
      await page.locator(".message .status--queued").waitFor();
      first.kill();
      await first.gone;
      await server.process.start();

      const again = await startProfile(profile);
      const reopened = await again.context.newPage();
      await reopened.goto(`${server.url}/#/c/${encodeURIComponent(ben.identifier)}`);
      await unlockIn(reopened);
      await expect.poll(() => textsIn(reopened), { timeout: 20_000 }).toEqual(["sent", "stored only"]);
      await ben.page.getByRole("link", { name: "+15551249001" }).click();
      await expect.poll(() => textsIn(ben.page), { timeout: 30_000 }).toEqual(["sent", "stored only"]);
      await again.context.close();
    } finally {
      await others.close();
      await server.stop();
      rmSync(profile, { recursive: true, force: true });
    }
  });
});
