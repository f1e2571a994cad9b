/** What a contact may send to do harm is shown as what it is: text. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { joinApp, sendText, startWebServer, writeTo, type Person, type WebServer } from "./support/app.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const harmful = {
  markup: '<img src=x onerror="document.title=1"><script>document.title=2</script>',
  svg: '<svg onload="document.title=3"><a href="javascript:alert(1)">x</a></svg>',
  bidi: "invoice\u202efdp.exe \u2067right to left\u2069",
  zalgo: `Z${"\u0300\u0301\u0302\u0303".repeat(500)}algo`,
  word: "w".repeat(40_000),
  link: "https://bank.example@evil.example/login",
  script: "javascript:alert(document.cookie)",
};

describe.skipIf(noChromium)("hostile messages", () => {
  let server: WebServer;
  let browser: Browser;
  let mallory: Person;
  let ann: Person;
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
    mallory = await joinApp(browser, server, "+15551230301");
    ann = await joinApp(browser, server, "+15551230302", { viewport: { width: 360, height: 700 } });
    await writeTo(mallory.page, ann.identifier);
    await sendText(mallory.page, "begin");
    await ann.page.getByRole("link", { name: mallory.identifier }).click();
    await ann.page.getByText("begin").first().waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test.each(Object.entries(harmful))("%s is shown as text, and nothing else happens", async (_, text) => {
    const before = await ann.page.locator(".message").count();
    await sendText(mallory.page, text);
    await expect.poll(() => ann.page.locator(".message").count(), { timeout: 30_000 }).toBe(before + 1);
    const shown = ann.page.locator(".message .text").last();
    expect((await shown.textContent())?.slice(0, 100)).toBe(text.slice(0, 100));
    expect(await ann.page.title()).toBe("Sotto");
    expect(await shown.locator("a, img, script, svg").count()).toBe(0);
    // Nothing sticks out of the window, and a pile of marks stays in its bubble.
    const { width, height } = (await shown.boundingBox()) ?? { width: Infinity, height: Infinity };
    expect(width).toBeLessThan(360);
    expect(height).toBeLessThan(text.length > 10_000 ? 20_000 : 300);
    expect(await ann.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  test("a link opens apart, and tells nobody where it came from", async () => {
    await sendText(mallory.page, "see https://sotto.example/x");
    const link = ann.page.getByRole("link", { name: "https://sotto.example/x" });
    await link.waitFor();
    expect(await link.getAttribute("rel")).toContain("noreferrer");
    expect(await link.getAttribute("target")).toBe("_blank");
    expect(ann.complaints).toEqual([]);
  });
});
