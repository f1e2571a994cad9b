/** Searching in the app: as one types, with filters, by keyboard, in one conversation; a hit that is far away is shown where it was written. */
import { peopleOf, wordOf } from "@sotto/testkit/filling";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  joinApp,
  sendText,
  startWebServer,
  unlockIn,
  writeTo,
  type Person,
  type WebServer,
} from "./support/app.ts";
import { accessibilityFindings } from "./support/axe.ts";
import { noChromium, startChromium } from "./support/browser.ts";
import { attach } from "./support/files.ts";
import { fillVaultIn } from "./support/filling.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const filling = { seed: 7, conversations: [3_000, 40, 40], untilSec: Math.floor(Date.now() / 1000) - 60 };
const [longest, second] = peopleOf(filling).map(({ identifier }) => identifier) as [string, string];

const field = (page: Page): Locator => page.getByRole("searchbox", { name: "Search" });
const hits = (page: Page): Locator => page.locator(".hit");
const isInView = (element: Locator): Promise<boolean> =>
  element.evaluate((one) => {
    const { top, bottom } = one.getBoundingClientRect();
    const box = one.closest(".messages__scroller")?.getBoundingClientRect();
    return box !== undefined && top >= box.top - 1 && bottom <= box.bottom + 1;
  });

describe.skipIf(noChromium)("search", () => {
  let server: WebServer;
  let browser: Browser;
  let ann: Person;
  let ben: Person;
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
    ann = await joinApp(browser, server, "+15551230901");
    ben = await joinApp(browser, server, "+15551230902");
    await fillVaultIn(ann.page, filling);
    await unlockIn(ann.page);
    await writeTo(ann.page, ben.identifier);
    for (const text of ["Frühstück um neun?", "Lunch at <b>noon</b>", "Late lunches again"]) {
      await sendText(ann.page, text);
    }
    await ann.page.locator(".status--sent, .status--delivered").nth(2).waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("finds messages as one types, marks the words, and conversations by their names", async () => {
    const { page } = ann;
    await field(page).fill("lunch");
    await expect.poll(() => hits(page).count()).toBe(2);
    expect(await hits(page).locator("mark").allInnerTexts()).toEqual(["lunch", "Lunch"]);
    expect(await hits(page).nth(1).innerText()).toContain("Lunch at <b>noon</b>");
    await field(page).fill("fruhst");
    await expect.poll(() => hits(page).locator("mark").allInnerTexts()).toEqual(["Frühst"]);
    await page.locator(".results__state", { hasText: "1 message" }).waitFor();
    await field(page).fill(ben.identifier.slice(-6));
    await page.locator(".results .row", { hasText: ben.identifier }).waitFor();
    await field(page).fill("no such word");
    await page.locator(".results__state", { hasText: "No messages found" }).waitFor();
    await page.getByRole("button", { name: "End the search" }).click();
    expect(await page.locator(".list__all li").count()).toBeGreaterThan(3);
  });

  test("follows what is written, changed and deleted", async () => {
    const { page } = ann;
    await field(page).fill("zeppelin");
    await page.locator(".results__state", { hasText: "No messages found" }).waitFor();
    await ben.page.getByRole("link", { name: ann.identifier }).click();
    await sendText(ben.page, "A zeppelin!");
    await expect.poll(() => hits(page).count(), { timeout: 10_000 }).toBe(1);
    const message = ben.page.locator(".message", { hasText: "zeppelin" });
    await message.hover();
    await message.getByRole("button", { name: "More" }).click();
    await ben.page.getByRole("menuitem", { name: "Delete for everyone" }).click();
    await expect.poll(() => hits(page).count(), { timeout: 10_000 }).toBe(0);
    await page.getByRole("button", { name: "End the search" }).click();
  });

  test("a hit opens the conversation at that message, however far away, again and again", async () => {
    const { page } = ann;
    // The oldest of many pages.
    await field(page).fill(`${wordOf(3)} ${wordOf(7)}`);
    await hits(page).first().waitFor();
    for (let count = 0; count !== (await hits(page).count());) {
      count = await hits(page).count();
      const more = page.getByRole("button", { name: "Show more" });
      if (await more.isVisible()) await more.click();
      await page.waitForTimeout(500);
    }
    for (const which of [hits(page).last(), hits(page).first(), hits(page).last()]) {
      const id = (await which.getAttribute("href"))?.split("/at/")[1] ?? "";
      await which.click();
      const message = page.locator(`[data-id="${id}"]`);
      await message.waitFor();
      await expect.poll(() => isInView(message)).toBe(true);
      expect(await message.getAttribute("class")).toContain("message--flash");
      // It stays there.
      await page.waitForTimeout(400);
      expect(await isInView(message)).toBe(true);
      expect(page.url()).not.toContain("/at/");
    }
    expect(await page.locator(".messages__item").count()).toBeLessThan(260);
    await page.getByRole("button", { name: "Jump to the newest message" }).click();
    await page.getByRole("button", { name: "End the search" }).click();
  });

  test("filters by person, conversation, day and files", async () => {
    const { page } = ann;
    await field(page).fill(wordOf(2));
    await hits(page).nth(19).waitFor();
    await page.getByLabel("In which conversation").selectOption(second);
    await expect
      .poll(async () => new Set(await hits(page).locator(".hit__where").allInnerTexts()))
      .toEqual(new Set([second]));
    await page.getByLabel("From whom").selectOption("From me");
    await expect
      .poll(async () => new Set(await hits(page).locator(".hit__who").allInnerTexts()))
      .toEqual(new Set(["You"]));
    await page.getByLabel("In which conversation").selectOption("");
    await page.getByLabel("From whom").selectOption("");
    await page.getByRole("button", { name: "Date" }).click();
    await page.getByLabel("To", { exact: true }).fill("2001-01-01");
    await page.locator(".results__state", { hasText: "No messages found" }).waitFor();
    await page.getByRole("button", { name: "Date" }).click();
    await hits(page).first().waitFor();
    // The composer has one of that name too.
    await page.getByRole("group", { name: "Filters" }).getByRole("button", { name: "Files" }).click();
    await page.locator(".results__state", { hasText: "No messages found" }).waitFor();
    // Of a text and a file with one word, the file; with no word at all as well.
    await ben.page.getByRole("link", { name: ann.identifier }).click();
    await sendText(ben.page, "A giraffe");
    await attach(ben.page, { name: "giraffe.txt", mimeType: "text/plain", buffer: Buffer.from("spots") });
    await ben.page.getByRole("button", { name: "Send" }).click();
    for (const words of ["giraffe", ""]) {
      await field(page).fill(words);
      await expect.poll(() => hits(page).count(), { timeout: 10_000 }).toBe(1);
      expect(await hits(page).innerText()).toContain("giraffe.txt");
    }
    await field(page).fill("giraffe");
    await page.getByRole("group", { name: "Filters" }).getByRole("button", { name: "Files" }).click();
    await expect.poll(() => hits(page).count()).toBe(2);
    await page.getByRole("button", { name: "End the search" }).click();
  });

  test("in the open conversation alone, by keyboard", async () => {
    const { page } = ann;
    await page.locator(`.row[href*="${encodeURIComponent(longest)}"]`).click();
    await page.getByLabel("Write a message").waitFor();
    await page.keyboard.press("Control+Shift+F");
    await expect.poll(() => field(page).evaluate((one) => one === document.activeElement)).toBe(true);
    expect(await page.getByLabel("In which conversation").inputValue()).toBe(longest);
    await page.keyboard.type("de");
    await hits(page).first().waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const focused = page.locator(".hit:focus");
    const id = (await focused.getAttribute("href"))?.split("/at/")[1] ?? "";
    await page.keyboard.press("Enter");
    await expect.poll(() => isInView(page.locator(`[data-id="${id}"]`))).toBe(true);
    await page.keyboard.press("Control+K");
    await page.keyboard.press("Escape");
    expect(await page.locator(".results").count()).toBe(0);
    expect(await field(page).inputValue()).toBe("");
  });

  test("has nothing that axe finds, on a desk and at 320 pixels", async () => {
    const { page } = ann;
    await page.keyboard.press("Control+K");
    await field(page).fill("lunch");
    await hits(page).first().waitFor();
    await page.getByRole("button", { name: "Date" }).click();
    expect(await accessibilityFindings(page)).toEqual([]);
    await shoot(page, "desk");
    await page.setViewportSize({ width: 320, height: 640 });
    await page.goto(`${server.url}/#/`);
    await hits(page).first().waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    expect(await accessibilityFindings(page)).toEqual([]);
    await shoot(page, "phone");
    await hits(page).first().click();
    await page.locator(".message--flash").waitFor();
    await page.getByRole("button", { name: "Search in this conversation" }).click();
    await expect.poll(() => field(page).evaluate((one) => one === document.activeElement)).toBe(true);
    await page.getByRole("button", { name: "End the search" }).click();
    await page.setViewportSize({ width: 1100, height: 760 });
    expect(ann.complaints).toEqual([]);
  });
});

/** Pictures to look at, where somebody wants them. */
async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env["SOTTO_SHOTS"];
  if (folder === undefined) return;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${folder}/search-${name}-${colorScheme}.png` });
  }
}
