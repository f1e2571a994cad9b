/** What people call themselves is shown beside their number, never in its place; what one calls them comes before that. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { joinApp, sendText, startWebServer, writeTo, type Person, type WebServer } from "./support/app.ts";
import { accessibilityFindings } from "./support/axe.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const annPhone = "+15551230711";
const benPhone = "+15551230712";

describe.skipIf(noChromium)("names", () => {
  let server: WebServer;
  let browser: Browser;
  let ann: Person;
  let ben: Person;
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
    ann = await joinApp(browser, server, annPhone);
    ben = await joinApp(browser, server, benPhone);
    await ann.page.goto(`${server.url}/#/settings/account`);
    await ann.page.getByRole("textbox", { name: "Name" }).fill("Ann Example");
    await ann.page.getByRole("button", { name: "Save", exact: true }).click();
    await ann.page.getByText("Saved.").waitFor();
    await ann.page.goto(`${server.url}/#/`);
    await writeTo(ann.page, benPhone);
    await sendText(ann.page, "hello Ben");
  });
  afterAll(async () => {
    await ann?.close();
    await ben?.close();
    await browser?.close();
    await server?.stop();
  });

  test("a chosen name stands with the number in list, header and details; a nickname comes before it", async () => {
    const { page } = ben;
    const row = page.getByRole("navigation").getByRole("link").filter({ hasText: "hello Ben" });
    await expect.poll(() => row.innerText()).toContain("Ann Example");
    expect(await row.innerText()).toContain(annPhone);
    await row.click();
    await page.getByRole("heading", { level: 1, name: "Ann Example" }).waitFor();
    await expect.poll(() => page.locator(".conversation__about").innerText()).toBe(annPhone);
    await page.getByRole("button", { name: "Accept" }).click();
    await page.getByRole("link", { name: "Details" }).click();
    await page.getByRole("dialog").getByText(annPhone, { exact: true }).waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByLabel("Nickname").fill("  Sis ");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await expect.poll(() => page.getByRole("dialog").locator("h3").first().innerText()).toBe("Sis");
    await page.keyboard.press("Escape");
    await expect.poll(() => row.innerText()).toContain("Sis");
    expect(await row.innerText()).not.toContain("Ann Example");
    await page.getByRole("link", { name: "Details" }).click();
    await page.getByLabel("Nickname").fill("");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await expect.poll(() => page.getByRole("dialog").locator("h3").first().innerText()).toBe("Ann Example");
    expect(ben.complaints).toEqual([]);
  });
});
