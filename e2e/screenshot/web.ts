/**
 * Pictures of the web app for the README and the documents: real people on a real server, in Chromium. Run it by
 * `npm run screenshot:web`, after `npm run build:web`.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { joinApp, sendText, startWebServer, writeTo } from "../web/support/app.ts";
import { startChromium } from "../web/support/browser.ts";

const images = resolve(import.meta.dirname, "../../docs/images");
mkdirSync(images, { recursive: true });

const server = await startWebServer();
const browser = await startChromium();
try {
  const ann = await joinApp(browser, server, "+4915112345601", { viewport: { width: 1120, height: 720 } });
  const ben = await joinApp(browser, server, "+4915112345602", {
    viewport: { width: 390, height: 780 },
    colorScheme: "dark",
    deviceScaleFactor: 2,
  });
  const cleo = await joinApp(browser, server, "+4915112345603");

  await writeTo(ann.page, cleo.identifier);
  await sendText(ann.page, "Did the new shelves arrive?");
  await ann.page.getByRole("link", { name: "New conversation" }).click();
  await ann.page.getByLabel("Name of the group").fill("Book club");
  await ann.page.getByLabel("People in the group").fill(`${ben.identifier}, ${cleo.identifier}`);
  await ann.page.getByRole("button", { name: "Make the group" }).click();
  await ann.page.getByLabel("Write a message").waitFor();
  await sendText(ann.page, "Chapter nine by Friday 📚");
  await openIn(cleo.page, "Book club");
  await say(cleo.page, "I am two chapters behind. Can we make it Sunday?");

  await writeTo(ann.page, ben.identifier);
  await sendText(ann.page, "Lunch at noon?");
  await openIn(ben.page, ann.identifier);
  await say(ben.page, "Make it one, I am in the workshop until then");
  await react(ann.page, "Make it one", "👍");
  await sendText(ann.page, "One it is. The usual place: https://cafe.example/menu");
  await say(ben.page, "See you there");
  await ann.page.locator(".message", { hasText: "See you there" }).waitFor();
  await settled(ann.page);
  await ann.page.screenshot({ path: join(images, "web-light.png") });
  await settled(ben.page);
  await ben.page.screenshot({ path: join(images, "web-phone-dark.png") });
  await ann.page.emulateMedia({ colorScheme: "dark" });
  await openIn(ann.page, "Book club");
  await settled(ann.page);
  await ann.page.screenshot({ path: join(images, "web-dark.png") });
} finally {
  await browser.close();
  await server.stop();
}

async function openIn(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name: new RegExp(name.replace("+", "\\+")) }).click();
  await page.getByLabel("Write a message").waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator(".message").first().waitFor();
  await sendText(page, text);
}

async function react(page: Page, text: string, emoji: string): Promise<void> {
  const message = page.locator(".message", { hasText: text });
  await message.hover();
  await message.getByRole("button", { name: "React" }).click();
  await page.getByRole("button", { name: emoji }).click();
}

/** Receipts come a moment after the message. */
async function settled(page: Page): Promise<void> {
  await page.bringToFront();
  await page.waitForTimeout(2_000);
}
