/**
 * Waking a browser in which no tab is open: from the switch in the settings over the server and a push service of the test's own to what the
 * service worker shows. Chromium here has no push service, so that its subscription is the test's, and the last step is done by DevTools.
 */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { TestPushService, type TestSubscription } from "@sotto/testkit/push-service";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { accessibilityFindings } from "./support/axe.ts";
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
import { noChromium, startChromium } from "./support/browser.ts";
import { leaveTab, shownNotifications } from "./support/notifications.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const annPhone = "+15551231201";
/** Longer than the moment after which a device that went is woken. */
const quietMs = 6_000;

/** Has the browser subscribe at the test's push service. */
async function subscribeAt(context: BrowserContext, subscription: TestSubscription): Promise<void> {
  const { endpoint, p256dh, auth } = subscription;
  const keys = { endpoint, p256dh: [...p256dh], auth: [...auth] };
  await context.addInitScript(({ endpoint, p256dh, auth }) => {
    const key = "test.subscription";
    const made = () => ({
      endpoint,
      options: {
        applicationServerKey: Uint8Array.from(JSON.parse(localStorage.getItem(key) ?? "[]")).buffer,
      },
      getKey: (name: string) => Uint8Array.from(name === "auth" ? auth : p256dh).buffer,
      async unsubscribe() {
        localStorage.removeItem(key);
      },
    });
    Object.assign(PushManager.prototype, {
      async subscribe({ applicationServerKey }: { applicationServerKey: Uint8Array }) {
        localStorage.setItem(key, JSON.stringify([...applicationServerKey]));
        return made();
      },
      getSubscription: async () => (localStorage.getItem(key) === null ? null : made()),
    });
  }, keys);
}

describe.skipIf(noChromium)("push", () => {
  let service: TestPushService;
  let server: WebServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let ben: Person;
  let subscription: TestSubscription;
  beforeAll(async () => {
    service = await TestPushService.start();
    server = await startWebServer(["--push-anywhere", "--push-contact", "mailto:ops@example.org"]);
    browser = await startChromium();
    context = await browser.newContext({ permissions: ["notifications"] });
    subscription = await service.subscribe();
    await subscribeAt(context, subscription);
    page = await context.newPage();
    await page.goto(server.url);
    await joinIn(page, server, annPhone);
    ben = await joinApp(browser, server, "+15551231202");
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await service?.stop();
  });

  async function toSettings(): Promise<void> {
    await page.evaluate(() => {
      location.hash = "#/settings/notifications";
    });
  }
  /** Leaves the app; a page of the same site that is not the app stays, to look from. */
  async function closeApp(): Promise<Page> {
    const outside = await context.newPage();
    await outside.goto(`${server.url}/manifest.webmanifest`);
    await page.close();
    return outside;
  }

  test("it is switched on in the settings", async () => {
    await toSettings();
    const push = page.getByLabel("Also when Sotto is closed");
    expect(await push.count()).toBe(0);
    await page.getByLabel("Show who wrote", { exact: true }).check();
    await push.check();
    await expect.poll(() => push.isEnabled()).toBe(true);
    expect(await push.isChecked()).toBe(true);
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.evaluate(() => {
      location.hash = "#/";
    });
  });

  test("a closed app is woken once, by messages and not by receipts, with nothing in it", async () => {
    await writeTo(page, ben.identifier);
    await sendText(page, "before I go");
    await page.locator(".status--sent, .status--delivered, .status--read").first().waitFor();
    const outside = await closeApp();
    // Its receipts are no reason to wake anybody.
    await ben.page.getByRole("link", { name: annPhone }).click();
    await ben.page.getByText("before I go").first().waitFor();
    await ben.page.waitForTimeout(quietMs);
    expect(service.received).toEqual([]);

    await sendText(ben.page, "wake up");
    await sendText(ben.page, "are you there?");
    const [message] = await service.messages(1);
    await ben.page.waitForTimeout(quietMs);
    await sendText(ben.page, "hello?");
    await ben.page.waitForTimeout(quietMs);
    expect(service.problems).toEqual([]);
    expect(service.received).toHaveLength(1);
    expect(message).toMatchObject({
      endpoint: subscription.endpoint,
      plaintext: new Uint8Array(),
      subject: "mailto:ops@example.org",
      urgency: "high",
      topic: "sotto",
    });
    // It is the server's key that the browser was given.
    const given = await outside.evaluate(() => localStorage.getItem("test.subscription"));
    expect([...(message?.serverKey ?? [])]).toEqual(JSON.parse(given ?? "[]"));
    await outside.close().catch(() => undefined);
  });

  test("the service worker shows that something came, and opening the app clears it", async () => {
    page = await context.newPage();
    await page.goto(`${server.url}/manifest.webmanifest`);
    // Somebody who looks at the app would see it there.
    const back = await leaveTab(page);
    await deliverPush(page, server.url);
    await expect.poll(() => shownNotifications(page)).toEqual([{ title: "Sotto", body: "New messages" }]);
    await back();
    await page.goto(`${server.url}/#/c/${encodeURIComponent(ben.identifier)}`);
    await page.getByRole("heading", { name: "Welcome back" }).waitFor();
    // Whoever has not unlocked it has not seen what came.
    expect(await shownNotifications(page)).toHaveLength(1);
    await unlockIn(page);
    await expect
      .poll(() => textsIn(page), { timeout: 20_000 })
      .toEqual(["before I go", "wake up", "are you there?", "hello?"]);
    await expect.poll(() => shownNotifications(page)).toEqual([]);
  });

  test("a message of somebody new wakes as well", async () => {
    const outside = await closeApp();
    const before = service.received.length;
    const cleo = await joinApp(browser, server, "+15551231203");
    await writeTo(cleo.page, annPhone);
    await sendText(cleo.page, "we met yesterday");
    expect(await service.messages(before + 1)).toHaveLength(before + 1);
    await cleo.close();
    page = await context.newPage();
    await page.goto(server.url);
    await unlockIn(page);
    await outside.close();
  });

  test("switched off, the server forgets it", async () => {
    await toSettings();
    await page.getByLabel("Also when Sotto is closed").uncheck();
    await expect.poll(() => page.getByLabel("Also when Sotto is closed").isEnabled()).toBe(true);
    await closeApp();
    const before = service.received.length;
    await sendText(ben.page, "sleep well");
    await ben.page.locator(".status--sent").last().waitFor();
    await ben.page.waitForTimeout(quietMs);
    expect(service.received).toHaveLength(before);
  });
});

/** As the browser does when its push service has something. */
async function deliverPush(page: Page, origin: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { promise, resolve } = Promise.withResolvers<string>();
  session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
    const [found] = registrations;
    if (found !== undefined) resolve(found.registrationId);
  });
  await session.send("ServiceWorker.enable");
  await session.send("ServiceWorker.deliverPushMessage", { origin, registrationId: await promise, data: "" });
  await session.detach();
}
