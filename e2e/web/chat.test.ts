/** Two people in browsers: registering, writing, answering, states; two tabs; the lock. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { noChromium, startChromium } from "./support/browser.ts";
import {
  joinApp,
  sendText,
  startWebServer,
  textsIn,
  unlockIn,
  writeTo,
  type WebServer,
} from "./support/app.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

describe.skipIf(noChromium)("the web app", () => {
  let server: WebServer;
  let browser: Browser;
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("two people write to each other, and see how far their messages came", async () => {
    const ann = await joinApp(browser, server, "+15551230101");
    const ben = await joinApp(browser, server, "+15551230102");
    await writeTo(ann.page, ben.identifier);
    await sendText(ann.page, "Hello Ben");
    await sendText(ann.page, "<img src=x onerror=alert(1)>");
    await ben.page.getByRole("link", { name: ann.identifier }).click();
    await expect.poll(() => textsIn(ben.page)).toEqual(["Hello Ben", "<img src=x onerror=alert(1)>"]);
    await sendText(ben.page, "Hello Ann");
    await expect.poll(() => textsIn(ann.page), { timeout: 10_000 }).toContain("Hello Ann");
    await ben.page.bringToFront();
    await expect
      .poll(() => ann.page.locator(".status--read, .status--delivered").count(), { timeout: 20_000 })
      .toBeGreaterThanOrEqual(2);
    expect(ann.complaints).toEqual([]);
    expect(ben.complaints).toEqual([]);
    await ann.close();
    await ben.close();
  });

  test("a second tab goes on at once when the first one closes, and nothing is doubled", async () => {
    const cleo = await joinApp(browser, server, "+15551230103");
    const dan = await joinApp(browser, server, "+15551230104");
    await writeTo(cleo.page, dan.identifier);
    await sendText(cleo.page, "one");
    const second = await cleo.page.context().newPage();
    await second.goto(cleo.page.url());
    await expect.poll(() => textsIn(second), { timeout: 10_000 }).toEqual(["one"]);
    await sendText(second, "two");
    await expect.poll(() => textsIn(cleo.page)).toEqual(["one", "two"]);
    const closed = Date.now();
    await cleo.page.close();
    await sendText(second, "three");
    await expect.poll(() => textsIn(second)).toEqual(["one", "two", "three"]);
    await second.locator(".status--sent, .status--delivered").nth(2).waitFor();
    expect(Date.now() - closed).toBeLessThan(10_000);
    await dan.page.getByRole("link", { name: cleo.identifier }).click();
    await expect.poll(() => textsIn(dan.page), { timeout: 10_000 }).toEqual(["one", "two", "three"]);
    await second.close();
    await cleo.close();
    await dan.close();
  });

  test("a reload asks for the passphrase, and a wrong one changes nothing", async () => {
    const eve = await joinApp(browser, server, "+15551230105");
    const fay = await joinApp(browser, server, "+15551230106");
    await writeTo(eve.page, fay.identifier);
    await sendText(eve.page, "kept");
    await eve.page.locator(".status--sent, .status--delivered").first().waitFor();
    await eve.page.reload();
    await eve.page.getByLabel("Passphrase", { exact: true }).fill("wrong");
    await eve.page.getByRole("button", { name: "Unlock" }).click();
    await eve.page.getByText("That passphrase is wrong").waitFor();
    await unlockIn(eve.page);
    await expect.poll(() => textsIn(eve.page), { timeout: 10_000 }).toEqual(["kept"]);
    await eve.close();
    await fay.close();
  });
});
