/** The emoji picker: by keyboard alone, by words of two languages, in texts and as reactions; what was used last comes first. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  joinApp,
  sendText,
  startWebServer,
  textsIn,
  unlockIn,
  writeTo,
  type Person,
  type WebServer,
} from "./support/app.ts";
import { accessibilityFindings } from "./support/axe.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe.skipIf(noChromium)("the emoji picker", () => {
  let server: WebServer;
  let browser: Browser;
  let ann: Person;
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
    ann = await joinApp(browser, server, "+15551231001");
    const ben = await joinApp(browser, server, "+15551231002");
    await writeTo(ann.page, ben.identifier);
    await ben.close();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("one is found by a word, chosen by keys, and stands where the text was begun", async () => {
    const { page } = ann;
    const write = page.getByLabel("Write a message");
    await write.fill("good  work");
    await write.evaluate((box: HTMLTextAreaElement) => box.setSelectionRange(5, 5));
    await page.getByRole("button", { name: "Emoji", exact: true }).click();
    const search = page.getByRole("searchbox", { name: "Search emoji" });
    await search.fill("thumb up");
    await page.getByRole("dialog").getByRole("button", { name: "thumbs up" }).waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await search.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect.poll(() => write.inputValue()).toBe("good 👍 work");
    await expect.poll(() => write.evaluate((box) => box === document.activeElement)).toBe(true);
    await page.keyboard.type("!");
    expect(await write.inputValue()).toBe("good 👍! work");
    await page.getByRole("button", { name: "Send" }).click();
    await expect.poll(() => textsIn(page)).toEqual(["good 👍! work"]);
  });

  test("words of the other language find it too, and nothing is said to be nothing", async () => {
    const { page } = ann;
    await page.getByRole("button", { name: "Emoji", exact: true }).click();
    const dialog = page.getByRole("dialog");
    const search = dialog.getByRole("searchbox");
    await search.fill("schmetterl");
    await dialog.getByRole("button", { name: "butterfly" }).waitFor();
    await search.fill("qqqq");
    await dialog.getByText("Nothing found").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(page.url()).toContain("#/c/");
  });

  test("arrow keys go through a group, and back to the search", async () => {
    const { page } = ann;
    await page.getByRole("button", { name: "Emoji", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Animals and plants" }).click();
    const focused = (): Promise<string | null | undefined> =>
      page.evaluate(() => document.activeElement?.textContent);
    await dialog.getByRole("searchbox").focus();
    await page.keyboard.press("ArrowDown");
    expect(await focused()).toBe("🐵");
    await page.keyboard.press("ArrowRight");
    expect(await focused()).toBe("🐒");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    expect(await focused()).toBe("🐒");
    await page.keyboard.press("ArrowUp");
    expect(await dialog.getByRole("searchbox").evaluate((box) => box === document.activeElement)).toBe(true);
    await page.keyboard.press("Escape");
  });

  test("any of them can be a reaction, and is offered first the next time, after a reload too", async () => {
    const { page } = ann;
    const message = page.locator(".message", { hasText: "good" });
    await message.hover();
    await message.getByRole("button", { name: "React" }).click();
    await message.getByRole("button", { name: "Another emoji" }).click();
    await page.getByRole("searchbox", { name: "Search emoji" }).fill("otter");
    await page.getByRole("dialog").getByRole("button", { name: "otter" }).click();
    await message.locator(".reaction", { hasText: "🦦" }).waitFor();
    await page.reload();
    await unlockIn(page);
    await page.getByLabel("Write a message").waitFor();
    await sendText(page, "and so on");
    await page.getByRole("button", { name: "Emoji", exact: true }).click();
    const used = page.getByRole("dialog").getByRole("group", { name: "Used last" });
    await expect.poll(() => used.getByRole("button").allInnerTexts()).toEqual(["🦦", "👍"]);
    expect(ann.complaints).toEqual([]);
  });
});
