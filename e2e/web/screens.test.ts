/**
 * The main screens with a life in them (the playground's): axe finds nothing in light and dark, nothing is wider than the narrowest screen,
 * right to left holds, every word is translated.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { makePlayground, type Playground } from "../playground/playground.ts";
import { linkTo } from "../playground/windows.ts";
import { cast } from "../playground/cast.ts";
import { accessibilityFindings } from "./support/axe.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const wide = { width: 1100, height: 760 };
const narrow = { width: 320, height: 640 };

/** What hangs over the edge of the page, or scrolls sideways, at its present size. */
const tooWide = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => {
    const found: string[] = [];
    for (const element of document.querySelectorAll("body *")) {
      const { left, right, width } = element.getBoundingClientRect();
      const inside = left >= -1 && right <= innerWidth + 1;
      if (inside || width <= 1 || !element.checkVisibility({ visibilityProperty: true })) continue;
      // What is cut off with an ellipsis is meant to be; code may scroll by itself.
      let outer = element.parentElement;
      while (outer !== null && getComputedStyle(outer).overflowX === "visible") outer = outer.parentElement;
      const meant =
        outer !== null &&
        (["hidden", "clip"].includes(getComputedStyle(outer).overflowX) ||
          outer.tagName === "PRE" ||
          outer.scrollWidth <= outer.clientWidth + 1);
      if (!meant) found.push(`${element.tagName} ${element.className}`);
    }
    return found;
  });

describe.skipIf(noChromium)("the main screens", () => {
  let browser: Browser;
  let playground: Playground;
  let page: Page;
  beforeAll(async () => {
    browser = await startChromium();
    playground = await makePlayground({ days: 20, seed: 3, port: 0, progress: () => undefined });
    const ann = playground.people.get("Ann");
    if (ann === undefined) throw new Error("Ann is not there");
    const context = await browser.newContext({ viewport: wide });
    page = await linkTo(context, playground.server.webApp ?? "", ann);
  });
  afterAll(async () => {
    await playground?.close();
    await browser?.close();
  });

  /** Opens a screen by its address, and waits for what it shows. */
  const show = async (hash: string, selector: string): Promise<void> => {
    await page.evaluate((to) => {
      location.hash = to;
    }, hash);
    await page.locator(selector).first().waitFor();
    await expect.poll(() => page.locator(".skeleton-row").count()).toBe(0);
  };
  const groupHash = async (panel = ""): Promise<string> => {
    const groups = await playground.people.get("Ann")?.messenger.groups();
    return `#/c/${groups?.find(({ name }) => name === "Sunday harbour walk")?.id}${panel}`;
  };
  const benHash = `#/c/${encodeURIComponent(cast.Ben)}`;
  const screens = async (): Promise<readonly (readonly [hash: string, selector: string])[]> => [
    ["#/", ".list__rows a"],
    [benHash, ".message"],
    [`${benHash}/details`, ".details__who"],
    [await groupHash(), ".message"],
    [await groupHash("/details"), ".details__who"],
    ["#/new", ".screen"],
  ];

  test("are accessible, on a desk and on the narrowest phone", async () => {
    for (const size of [wide, narrow]) {
      await page.setViewportSize(size);
      for (const [hash, selector] of await screens()) {
        await show(hash, selector);
        expect([hash, size.width, ...(await accessibilityFindings(page))]).toEqual([hash, size.width]);
      }
    }
  });

  test("fit at 320 pixels, from left to right and from right to left, at twice the text as well", async () => {
    await page.setViewportSize(narrow);
    for (const direction of ["ltr", "rtl"]) {
      for (const textSize of ["100%", "200%"]) {
        await page.evaluate(
          ([dir, size]) => {
            document.documentElement.dir = dir ?? "";
            document.documentElement.style.fontSize = size ?? "";
          },
          [direction, textSize],
        );
        for (const [hash, selector] of await screens()) {
          await show(hash, selector);
          expect([hash, direction, textSize, ...(await tooWide(page))]).toEqual([hash, direction, textSize]);
        }
      }
    }
    await page.evaluate(() => {
      document.documentElement.dir = "ltr";
      document.documentElement.style.fontSize = "";
    });
  });

  test("menus and dialogs of a message are accessible", async () => {
    await page.setViewportSize(wide);
    await show(benHash, ".message");
    const message = page.locator(".message").last();
    for (const name of ["React", "More"]) {
      await message.hover();
      await message.getByRole("button", { name, exact: true }).click();
      expect([name, ...(await accessibilityFindings(page))]).toEqual([name]);
      await page.keyboard.press("Escape");
    }
    for (const item of ["Forward", "Who has read it"]) {
      await message.hover();
      await message.getByRole("button", { name: "More", exact: true }).click();
      const entry = page.getByRole("menuitem", { name: item });
      if ((await entry.count()) === 0) {
        await page.keyboard.press("Escape");
        continue;
      }
      await entry.click();
      await page.getByRole("dialog").waitFor();
      expect([item, ...(await accessibilityFindings(page))]).toEqual([item]);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
  });
});
