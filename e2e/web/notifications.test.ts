/** What the system shows of new messages while nobody looks: by the person's choice, and of what they want to be bothered with only. */
import type { Browser, Page, Worker } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { accessibilityFindings } from "./support/axe.ts";
import {
  choosePassphrase,
  joinApp,
  openApp,
  sendText,
  startWebServer,
  writeTo,
  type Person,
  type WebServer,
} from "./support/app.ts";
import { noChromium, startChromium } from "./support/browser.ts";
import { leaveTab, shownNotifications } from "./support/notifications.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

/** Time in which a notification would have come. */
const quietMs = 3_000;

describe.skipIf(noChromium)("notifications", () => {
  let server: WebServer;
  let browser: Browser;
  let ann: Person;
  let ben: Person;
  let page: Page;
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
    ann = await joinApp(browser, server, "+15551231101", {
      permissions: ["notifications"],
      serviceWorkers: "allow",
    });
    ben = await joinApp(browser, server, "+15551231102");
    ({ page } = ann);
    await writeTo(page, ben.identifier);
    await sendText(page, "hello Ben");
    await ben.page.getByRole("link", { name: ann.identifier }).click();
    await ben.page.getByText("hello Ben").first().waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  async function open(hash: string): Promise<void> {
    await page.evaluate((hash) => {
      location.hash = hash;
    }, hash);
  }
  async function choose(label: string): Promise<void> {
    await open("#/settings/notifications");
    await page.getByLabel(label, { exact: true }).check();
    await open("#/");
  }

  test("nothing is shown before the person asked for it", async () => {
    await open("#/");
    const back = await leaveTab(page);
    await sendText(ben.page, "before it was asked for");
    await expect.poll(() => page.title(), { timeout: 20_000 }).toBe("(1) Sotto");
    await page.waitForTimeout(quietMs);
    expect(await shownNotifications(page)).toEqual([]);
    await back();
    await open(`#/c/${encodeURIComponent(ben.identifier)}`);
    await expect.poll(() => page.title()).toBe("Sotto");
  });

  test("the page of the settings is accessible", async () => {
    await open("#/settings/notifications");
    await page.getByRole("heading", { name: "When a message comes and nobody looks at Sotto" }).waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
  });

  test.each([
    ["Show who wrote, and what", { title: "+15551231102", body: "a secret" }],
    ["Show who wrote", { title: "+15551231102", body: "New message" }],
    ["Show only that there is something", { title: "Sotto", body: "New message" }],
  ])("%s", async (label, expected) => {
    await choose(label);
    const back = await leaveTab(page);
    await sendText(ben.page, "a secret");
    await expect.poll(() => shownNotifications(page), { timeout: 20_000 }).toEqual([expected]);
    // What the browser keeps beside that says nothing.
    const kept = await page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      return (await registration.getNotifications()).map(({ tag, data }) => JSON.stringify({ tag, data }));
    });
    expect(kept.join()).not.toContain("+1555");
    await back();
    await expect.poll(() => shownNotifications(page)).toEqual([]);
    await open(`#/c/${encodeURIComponent(ben.identifier)}`);
    await expect.poll(() => page.title()).toBe("Sotto");
  });

  test("a click opens the conversation in the tab that is there", async () => {
    await choose("Show who wrote, and what");
    const back = await leaveTab(page);
    await sendText(ben.page, "click me");
    await expect.poll(() => shownNotifications(page), { timeout: 20_000 }).toHaveLength(1);
    const tabs = page.context().pages().length;
    await clickFirst(page.context().serviceWorkers()[0]!);
    await expect.poll(() => decodeURIComponent(new URL(page.url()).hash)).toBe(`#/c/${ben.identifier}`);
    expect(page.context().pages()).toHaveLength(tabs);
    await back();
  });

  test("while another tab is looked at, nothing is shown", async () => {
    const other = await page.context().newPage();
    await other.goto(server.url);
    await other.getByRole("navigation").waitFor();
    const back = await leaveTab(page, other);
    await sendText(ben.page, "seen in the list");
    await expect.poll(() => other.title(), { timeout: 20_000 }).toBe("(1) Sotto");
    await page.waitForTimeout(quietMs);
    expect(await shownNotifications(page)).toEqual([]);
    await other.close();
    await back();
  });

  test("what is read on another device is not shown here", async () => {
    const other = await openApp(browser, server);
    await other.page.getByRole("button", { name: "Link to an existing device" }).click();
    await choosePassphrase(other.page);
    const code = await other.page.getByRole("group", { name: "Link code" }).innerText();
    await open("#/settings/devices");
    await page.getByRole("button", { name: "Link a device" }).click();
    await page.getByLabel("Code on the new device").fill(code);
    await page.keyboard.press("Enter");
    await page.getByLabel("The device is in front of me").check();
    await page.getByRole("button", { name: "Link this device" }).click();
    await page.getByRole("button", { name: "Back to the devices" }).click({ timeout: 60_000 });
    await other.page.getByRole("button", { name: "Open Sotto" }).click({ timeout: 60_000 });
    await other.page.getByRole("link", { name: ben.identifier }).click({ timeout: 60_000 });
    await open("#/");
    const back = await leaveTab(page);
    await sendText(ben.page, "read over there");
    await other.page.getByText("read over there").first().waitFor({ timeout: 60_000 });
    await page.getByText("read over there").first().waitFor({ timeout: 60_000 });
    await page.waitForTimeout(quietMs);
    await expect.poll(() => page.title()).toBe("Sotto");
    expect(await shownNotifications(page)).toEqual([]);
    await back();
    await other.close();
  });

  test("muted conversations, and requests of strangers, bother nobody", async () => {
    await open(`#/c/${encodeURIComponent(ben.identifier)}/details`);
    await page.getByLabel("Notifications").selectOption("3600");
    await open("#/");
    const back = await leaveTab(page);
    await sendText(ben.page, "into the void");
    const cleo = await joinApp(browser, server, "+15551231103");
    await writeTo(cleo.page, ann.identifier);
    await sendText(cleo.page, "you do not know me");
    await page.getByText("you do not know me").waitFor({ timeout: 30_000 });
    await page.getByText("into the void").waitFor();
    await page.waitForTimeout(quietMs);
    expect(await shownNotifications(page)).toEqual([]);
    expect(await page.title()).toBe("Sotto");
    await back();
    await cleo.close();
  });

  test("nothing of it complained", () => {
    expect(ann.complaints).toEqual([]);
  });
});

/** As the browser does when somebody clicks it; an event of one's own cannot be waited for, which the worker's handler would. */
async function clickFirst(worker: Worker): Promise<void> {
  await worker.evaluate(async () => {
    const { registration } = self as unknown as { registration: ServiceWorkerRegistration };
    const [notification] = await registration.getNotifications();
    const event = Object.assign(new Event("notificationclick"), { notification, waitUntil: () => {} });
    self.dispatchEvent(event);
  });
}
