/** A group's link, from the admin who makes it to somebody without an account who opens it, asks, and is let in; and its picture. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { joinApp, joinIn, openApp, startWebServer, type Person, type WebServer } from "./support/app.ts";
import { accessibilityFindings } from "./support/axe.ts";
import { noChromium, startChromium } from "./support/browser.ts";
import { jpeg } from "./support/files.ts";
import { leaveTab, shownNotifications } from "./support/notifications.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const annPhone = "+15551230731";
const benPhone = "+15551230732";
const narrow = { width: 320, height: 640 };
const wide = { width: 1100, height: 760 };

/** Whether the page can be scrolled sideways. */
const scrollsSideways = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > innerWidth);

/** How large the picture over the conversation is. */
const pictureIn = (page: Page): Promise<readonly [width: number, height: number]> =>
  page
    .locator(".conversation__header .avatar__picture")
    .evaluate(async (image: HTMLImageElement): Promise<readonly [number, number]> => {
      await image.decode();
      return [image.naturalWidth, image.naturalHeight];
    });

describe.skipIf(noChromium)("a link of a group", () => {
  let server: WebServer;
  let browser: Browser;
  let ann: Person;
  let ben: Omit<Person, "identifier">;
  let link = "";
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
    ann = await joinApp(browser, server, annPhone, {
      permissions: ["notifications"],
      serviceWorkers: "allow",
    });
    ben = await openApp(browser, server);
    await ann.page.goto(`${server.url}/#/new`);
    await ann.page.getByLabel("Name of the group").fill("Book club");
    await ann.page.getByRole("button", { name: "Make the group" }).click();
    await ann.page.getByRole("heading", { level: 1, name: "Book club" }).waitFor();
  });
  afterAll(async () => {
    await ann?.close();
    await ben?.close();
    await browser?.close();
    await server?.stop();
  });

  test("an admin makes one", async () => {
    const { page } = ann;
    await page.getByRole("link", { name: "Details" }).click();
    await page.getByLabel("Good for").selectOption({ label: "1 day" });
    await page.getByRole("button", { name: "Make a link" }).click();
    const field = page.getByLabel("Link", { exact: true });
    await field.waitFor();
    link = await field.inputValue();
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#\/join\/[\w-]{150,}$/);
    await page.getByRole("button", { name: "QR code" }).click();
    await page.getByRole("img", { name: "The link as a QR code" }).waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.setViewportSize(narrow);
    expect(await scrollsSideways(page)).toBe(false);
    await page.setViewportSize(wide);
  });

  test("somebody without an account opens it, registers, asks, and waits; an admin lets them in", async () => {
    const { page } = ben;
    await page.goto(link);
    await page.reload();
    await page.getByText("You were sent a link to a group.").waitFor();
    await joinIn(page, server, benPhone);
    await page.getByText("You were sent a link to the group “Book club”.").waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    // An admin who looks elsewhere is told, and of whom only by looking.
    await ann.page.evaluate(() => localStorage.setItem("sotto.notifications", "full"));
    const back = await leaveTab(ann.page);
    await page.getByRole("button", { name: "Ask to join" }).click();
    await expect
      .poll(() => shownNotifications(ann.page), { timeout: 20_000 })
      .toEqual([{ title: "Book club", body: "Somebody asks to join" }]);
    await back();
    await expect.poll(() => shownNotifications(ann.page)).toEqual([]);
    await page.getByText("Waiting for an admin").waitFor();
    // The link is for asking: it is left neither in the address nor behind "back".
    await expect.poll(() => page.evaluate(() => location.hash)).toBe("#/join/");
    await page.getByRole("link", { name: "You asked to join a group" }).waitFor();
    await page.setViewportSize(narrow);
    expect(await scrollsSideways(page)).toBe(false);
    await page.setViewportSize(wide);

    const row = ann.page.getByRole("navigation").getByRole("link").filter({ hasText: "Book club" });
    await expect.poll(() => row.innerText()).toContain("1 asks to join");
    const asking = ann.page.getByRole("dialog").getByRole("listitem").filter({ hasText: benPhone }).first();
    expect(await asking.innerText()).toContain("Not verified");
    expect(await accessibilityFindings(ann.page)).toEqual([]);
    await ann.page.getByRole("button", { name: `Let in: ${benPhone}` }).click();
    await expect.poll(() => ann.page.getByRole("dialog").innerText()).toContain("2 people");
    await expect.poll(() => row.innerText()).not.toContain("asks to join");
    const joined = page.getByRole("navigation").getByRole("link").filter({ hasText: "Book club" });
    await joined.click();
    await page.getByRole("heading", { level: 1, name: "Book club" }).waitFor();
    expect(await page.getByRole("button", { name: "Accept" }).count()).toBe(0);
    await expect.poll(() => page.getByRole("link", { name: "You asked to join a group" }).count()).toBe(0);
  });

  test("an admin gives the group a picture, cut to a square; everybody sees it, until it is taken away", async () => {
    const dialog = ann.page.getByRole("dialog");
    const input = ann.page.locator(".details__file");
    const buffer = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>");
    await input.setInputFiles({ name: "a.jpg", mimeType: "image/jpeg", buffer });
    await dialog.getByText("That is no picture that this browser can read.").waitFor();
    await input.setInputFiles({
      name: "cover.jpg",
      mimeType: "image/jpeg",
      buffer: await jpeg(ann.page, 640, 320),
    });
    await dialog.getByRole("button", { name: "Change the picture" }).waitFor();
    expect(await dialog.getByText("That is no picture").count()).toBe(0);
    const where = [".details__who", "nav", ".conversation__header"];
    for (const place of where) await ann.page.locator(`${place} .avatar__picture`).waitFor();
    for (const place of where.slice(1)) await ben.page.locator(`${place} .avatar__picture`).waitFor();
    expect(await pictureIn(ben.page)).toEqual([256, 256]);
    expect(await accessibilityFindings(ann.page)).toEqual([]);
    await ann.page.setViewportSize(narrow);
    expect(await scrollsSideways(ann.page)).toBe(false);
    await ann.page.setViewportSize(wide);
    // Who is no admin is not asked for one.
    await ben.page.getByRole("link", { name: "Details" }).click();
    await ben.page.locator(".details__who .avatar__picture").waitFor();
    expect(await ben.page.getByRole("button", { name: "Change the picture" }).count()).toBe(0);

    await dialog.getByRole("button", { name: "Remove the picture" }).click();
    await dialog.getByRole("button", { name: "Choose a picture" }).waitFor();
    for (const page of [ann.page, ben.page])
      await expect.poll(() => page.locator(".avatar__picture").count()).toBe(0);
  });

  test("who is in it is led there; a link that is taken back, or is none, says so", async () => {
    await ann.page.getByRole("button", { name: "Take back" }).click();
    await expect.poll(() => ann.page.getByLabel("Link", { exact: true }).count()).toBe(0);
    const { page } = ben;
    await page.goto(`${server.url}/#/join/%3Cb%3Eno`);
    await page.getByText("That is no link of a group of this server").waitFor();
    expect([...ann.complaints, ...ben.complaints]).toEqual([]);
  });
});
