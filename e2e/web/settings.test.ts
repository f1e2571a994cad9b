/** The settings: each page is accessible and does what it says; shortcuts; the lock by idleness; taking devices off. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { accessibilityFindings } from "./support/axe.ts";
import {
  PASSPHRASE,
  choosePassphrase,
  joinApp,
  openApp,
  sendText,
  startWebServer,
  textsIn,
  unlockIn,
  writeTo,
  type Person,
  type WebServer,
} from "./support/app.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const nextPassphrase = "seven quiet badgers";

describe.skipIf(noChromium)("settings", () => {
  let server: WebServer;
  let browser: Browser;
  let ann: Person;
  let page: Page;
  const openPage = async (name: string): Promise<void> => {
    await page.evaluate((hash) => {
      location.hash = hash;
    }, "#/settings");
    await page.getByRole("link", { name: new RegExp(`^${name}`) }).click();
    await page.getByRole("heading", { level: 1, name }).waitFor();
  };
  beforeAll(async () => {
    server = await startWebServer(["--reset-delay-sec", "3600"]);
    browser = await startChromium();
    ann = await joinApp(browser, server, "+15551230501");
    ({ page } = ann);
  });
  afterAll(async () => {
    await ann?.close();
    await browser?.close();
    await server?.stop();
  });

  test("every page is accessible, in both languages, light and dark", async () => {
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    const pages = page.locator(".screen a.group__row");
    const count = await pages.count();
    expect(count).toBeGreaterThanOrEqual(8);
    for (let i = 0; i < count; i++) {
      await pages.nth(i).click();
      await page.getByRole("link", { name: "Back to the settings" }).waitFor();
      await expect.poll(() => page.locator(".skeleton-row").count()).toBe(0);
      expect(await accessibilityFindings(page)).toEqual([]);
      await page.getByRole("link", { name: "Back to the settings" }).click();
      await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    }
    await openPage("Appearance");
    await page.getByLabel("Deutsch").check();
    await page.getByRole("heading", { level: 1, name: "Aussehen" }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("de");
    await page.getByLabel("English").check();
    await page.getByRole("heading", { level: 1, name: "Appearance" }).waitFor();
  });

  test("a chosen theme is there before anything is drawn, and the system's comes back", async () => {
    await page.emulateMedia({ colorScheme: "light" });
    await openPage("Appearance");
    await page.getByLabel("Dark").check();
    const background = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await expect.poll(background).toBe("rgb(14, 21, 19)");
    const second = await page.context().newPage();
    await second.emulateMedia({ colorScheme: "light" });
    // Not even the app's own program is there yet.
    await second.route("**/assets/index-*.js", (route) => route.abort());
    await second.goto(server.url);
    expect(await second.evaluate(() => document.documentElement.dataset["theme"])).toBe("dark");
    expect(await second.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
      "rgb(14, 21, 19)",
    );
    await second.close();
    await page.getByLabel("As the system").check();
    await expect.poll(background).toBe("rgb(244, 246, 245)");
  });

  test("what the pages about server and app say is so", async () => {
    await openPage("About Sotto");
    const shown = await page.locator(".fingerprint").innerText();
    expect(shown.replaceAll(/\s/g, "")).toBe(server.fingerprint);
    await page.getByText("Server's version").waitFor();
    await openPage("What the server knows");
    await page.getByRole("heading", { name: "What it never learns" }).waitFor();
  });

  test("read receipts are switched off, and that is kept", async () => {
    await openPage("Privacy");
    await page.getByLabel("Read receipts").uncheck();
    await openPage("About Sotto");
    await openPage("Privacy");
    await expect.poll(() => page.getByLabel("Read receipts").isChecked()).toBe(false);
    await page.getByLabel("Read receipts").check();
  });

  test("the recovery key is shown for the passphrase only", async () => {
    await openPage("Account");
    await page.getByLabel("Passphrase", { exact: true }).fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("That passphrase is wrong").waitFor();
    await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
    await page.keyboard.press("Enter");
    await page.getByRole("group", { name: "Recovery key" }).waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
  });

  test("shortcuts go between conversations, open and close what they say", async () => {
    const ben = await joinApp(browser, server, "+15551230502");
    const cleo = await joinApp(browser, server, "+15551230503");
    for (const { identifier } of [ben, cleo]) {
      await page.evaluate(() => {
        location.hash = "#/";
      });
      await writeTo(page, identifier);
      await sendText(page, `Hello ${identifier}`);
      await expect.poll(() => textsIn(page)).toEqual([`Hello ${identifier}`]);
    }
    const hash = (): string => decodeURIComponent(new URL(page.url()).hash);
    await page.keyboard.press("Escape");
    await expect.poll(hash).toBe("#/");
    await page.keyboard.press("Alt+ArrowDown");
    await expect.poll(hash).toBe(`#/c/${cleo.identifier}`);
    await page.keyboard.press("Alt+ArrowDown");
    await expect.poll(hash).toBe(`#/c/${ben.identifier}`);
    await page.keyboard.press("Alt+ArrowUp");
    await expect.poll(hash).toBe(`#/c/${cleo.identifier}`);
    await page.getByLabel("Write a message").waitFor();
    await page.keyboard.press("Control+k");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("type"))).toBe("search");
    await page.keyboard.press("Alt+m");
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe("TEXTAREA");
    // Where one writes, it is a letter.
    await page.keyboard.type("?");
    expect(await page.getByLabel("Write a message").inputValue()).toBe("?");
    await page.getByLabel("Write a message").fill("");
    await page.keyboard.press("Alt+n");
    await expect.poll(hash).toBe("#/new");
    await page.keyboard.press("Control+,");
    await expect.poll(hash).toBe("#/settings");
    // The address changes first: until the page is drawn the cursor may still stand in the field of the one before.
    await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    await page.keyboard.press("?");
    const sheet = page.getByRole("dialog", { name: "Keyboard shortcuts" });
    await sheet.waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await sheet.waitFor({ state: "detached" });
    expect(hash()).toBe("#/settings");
    await page.keyboard.press("Control+/");
    await sheet.getByLabel("A single key (?) opens this list").uncheck();
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.keyboard.press("Escape");
    await expect.poll(hash).toBe("#/");
    expect(await sheet.count()).toBe(0);
    await ben.close();
    await cleo.close();
  });

  test("the passphrase is changed: the old one opens nothing any more", async () => {
    await openPage("Passphrase and lock");
    await page.getByLabel("New passphrase", { exact: true }).fill(nextPassphrase);
    await page.getByLabel("Repeat the passphrase").fill(nextPassphrase);
    await page.getByLabel("Current passphrase").fill("wrong");
    await page.getByRole("button", { name: "Change it" }).click();
    await page.getByText("That passphrase is wrong").waitFor();
    await page.getByLabel("Current passphrase").fill(PASSPHRASE);
    await page.getByRole("button", { name: "Change it" }).click();
    await page.getByText("The passphrase is changed.").waitFor();
    await page.getByRole("button", { name: "Lock now" }).click();
    await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
    await page.keyboard.press("Enter");
    await page.getByText("That passphrase is wrong").waitFor();
    await page.locator("summary").click();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByLabel("Passphrase", { exact: true }).fill(nextPassphrase);
    await page.keyboard.press("Enter");
    await page.getByRole("navigation").waitFor();
  });

  test("it locks by itself once nobody used any tab for the chosen time", async () => {
    await openPage("Passphrase and lock");
    await page.getByLabel("Lock when nobody uses it").selectOption("5");
    const elapse = (minutes: number): Promise<void> =>
      page.evaluate(
        (ms) => localStorage.setItem("sotto.used-at-ms", String(Date.now() - ms)),
        minutes * 60_000,
      );
    const locked = page.getByRole("heading", { name: "Welcome back" });
    await elapse(4);
    await page.waitForTimeout(3_000);
    expect(await locked.count()).toBe(0);
    await elapse(6);
    await locked.waitFor({ timeout: 10_000 });
    await page.getByLabel("Passphrase", { exact: true }).fill(nextPassphrase);
    await page.keyboard.press("Enter");
    await page.getByRole("navigation").waitFor();
    await page.waitForTimeout(3_000);
    expect(await locked.count()).toBe(0);
    await openPage("Passphrase and lock");
    await page.getByLabel("Lock when nobody uses it").selectOption("0");
  });

  test("a device is taken off in two steps, and notices", async () => {
    const other = await openApp(browser, server);
    await other.page.getByRole("button", { name: "Link to an existing device" }).click();
    await choosePassphrase(other.page);
    const code = await other.page.getByRole("group", { name: "Link code" }).innerText();
    await openPage("Devices");
    await page.getByRole("button", { name: "Link a device" }).click();
    await page.getByLabel("Code on the new device").pressSequentially(code.toLowerCase().replaceAll("-", ""));
    expect(await page.getByLabel("Code on the new device").inputValue()).toBe(code);
    await page.keyboard.press("Enter");
    await page.getByLabel("The device is in front of me").check();
    await page.getByRole("button", { name: "Link this device" }).click();
    await page.getByRole("button", { name: "Back to the devices" }).click({ timeout: 60_000 });
    await other.page.getByRole("button", { name: "Open Sotto" }).click({ timeout: 60_000 });
    await page.getByText("This device").waitFor();
    await page.getByRole("button", { name: "Take off" }).click();
    await page.getByText("It reads and writes nothing from then on").waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Take off" }).click();
    await page.getByRole("button", { name: "Take it off" }).click();
    await page.getByRole("heading", { name: "Taken off the account" }).waitFor({ timeout: 60_000 });
    await other.close();
  });

  test("somebody else's reset is shown, and stopped", async () => {
    const other = await openApp(browser, server);
    await other.page.getByRole("button", { name: "I lost all my devices" }).click();
    await other.page.getByLabel("Phone number").fill(ann.identifier);
    await other.page.getByRole("button", { name: "Continue" }).click();
    await other.page.getByRole("button", { name: "I lost the key as well" }).click();
    await other.page.getByRole("button", { name: "Begin anew" }).click();
    await other.page.getByRole("button", { name: "Continue" }).click();
    await choosePassphrase(other.page);
    await other.page.getByLabel("Code").fill(await server.code(ann.identifier, 2));
    await other.page.getByRole("heading", { name: "Keep your recovery key" }).waitFor({ timeout: 60_000 });
    await openPage("Account");
    await page.getByText("Somebody asked to replace your account").waitFor({ timeout: 30_000 });
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Stop it" }).click();
    await page.getByText("It is stopped.").waitFor();
    await other.close();
  });

  test("removed from this browser, nothing of it is left", async () => {
    expect(ann.complaints).toEqual([]);
    await openPage("Account");
    await page.getByRole("button", { name: "Remove …" }).click();
    await page.getByText("This is your only device").waitFor();
    await page.getByRole("button", { name: "Remove everything here" }).click();
    await page.getByRole("button", { name: "Create an account" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Create an account" }).waitFor();
  });

  test("somebody who forgot the passphrase begins anew on the lock", async () => {
    const dan = await joinApp(browser, server, "+15551230504");
    await dan.page.reload();
    await dan.page.locator("summary").click();
    await dan.page.getByRole("button", { name: "Begin anew in this browser" }).click();
    expect(await accessibilityFindings(dan.page)).toEqual([]);
    await dan.page.getByRole("button", { name: "Cancel" }).click();
    await unlockIn(dan.page);
    await dan.page.reload();
    await dan.page.locator("summary").click();
    await dan.page.getByRole("button", { name: "Begin anew in this browser" }).click();
    await dan.page.getByRole("button", { name: "Delete everything here" }).click();
    await dan.page.getByRole("button", { name: "Create an account" }).waitFor();
    await dan.close();
  });

  test("an account is deleted with passphrase and a tick; then the first screen is there, and the number is free", async () => {
    const dora = await joinApp(browser, server, "+15551230509");
    const { page: her } = dora;
    await her.getByRole("link", { name: "Settings" }).click();
    await her.getByRole("link", { name: /^Account/ }).click();
    await her.getByRole("button", { name: "Delete account …" }).click();
    const end = her.getByRole("button", { name: "Delete it for good" });
    await her.getByText("Nothing brings it back").waitFor();
    expect(await accessibilityFindings(her)).toEqual([]);
    expect(await end.isDisabled()).toBe(true);
    await her.getByLabel("I want to delete my account").check();
    const form = her.locator(".delete-account");
    await form.getByLabel("Current passphrase").fill("wrong");
    await end.click();
    await form.getByText("That passphrase is wrong.").waitFor();
    await form.getByLabel("Current passphrase").fill(PASSPHRASE);
    await end.click();
    await her.getByRole("button", { name: "Create an account" }).waitFor();
    await her.reload();
    await her.getByRole("button", { name: "Create an account" }).waitFor();
    expect(dora.complaints).toEqual([]);
    // The number is free: nobody is told that there is an account.
    await dora.close();
    const again = await joinApp(browser, server, "+15551230509");
    expect(again.complaints).toEqual([]);
    await again.close();
  });
});
