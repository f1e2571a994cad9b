/** Pictures and files between two browsers: what is seen, what arrives, and what does not. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  acquaint,
  joinApp,
  sendText,
  startWebServer,
  textsIn,
  type Person,
  type WebServer,
} from "./support/app.ts";
import { accessibilityFindings } from "./support/axe.ts";
import { noChromium, startChromium } from "./support/browser.ts";
import { attach, jpeg, savedBy, withExif } from "./support/files.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const pdf = (name: string, buffer: Buffer) => ({ name, mimeType: "application/pdf", buffer });
const place = "48.2082N 16.3738E, Model X";

describe.skipIf(noChromium)("attachments", () => {
  let server: WebServer;
  let browser: Browser;
  let ann: Person;
  let ben: Person;
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
    ann = await joinApp(browser, server, "+15551230501");
    ben = await joinApp(browser, server, "+15551230502");
    await acquaint(ann, ben);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("a photo is seen before it is sent, goes with its text, and does not say where it was taken", async () => {
    const photo = withExif(await jpeg(ann.page, 1200, 900), place, 6);
    expect(photo.includes(place)).toBe(true);
    await attach(ann.page, { name: "lake.jpg", mimeType: "image/jpeg", buffer: photo });
    const chosen = ann.page.getByRole("list", { name: "Files to go along" });
    await chosen.locator("img").waitFor();
    await chosen.getByText("Place, time and camera are taken out").waitFor();
    expect(await accessibilityFindings(ann.page)).toEqual([]);
    await sendText(ann.page, "At the lake");
    await expect.poll(() => textsIn(ben.page)).toEqual(["Hello", "At the lake"]);

    const picture = ben.page.getByRole("button", { name: "Open the picture lake.jpg" });
    await picture.locator("img").waitFor();
    // Turned, as the camera said.
    const box = await picture.boundingBox();
    expect((box?.height ?? 0) / (box?.width ?? 1)).toBeCloseTo(4 / 3, 1);
    await picture.click();
    const viewer = ben.page.getByRole("dialog", { name: "lake.jpg" });
    await expect
      .poll(() => viewer.locator("img").evaluate((img: HTMLImageElement) => img.naturalHeight))
      .toBe(1200);
    expect(await accessibilityFindings(ben.page)).toEqual([]);
    const saved = await savedBy(ben.page, () =>
      viewer.getByRole("button", { name: "Save lake.jpg" }).click(),
    );
    expect(saved.name).toBe("lake.jpg");
    expect(saved.bytes.subarray(0, 2).toString("hex")).toBe("ffd8");
    expect(saved.bytes.includes("48.2082N")).toBe(false);
    await ben.page.keyboard.press("Escape");
    await viewer.waitFor({ state: "detached" });
    expect(await ben.page.evaluate(() => document.activeElement?.outerHTML.slice(0, 120))).toContain(
      "Open the picture lake.jpg",
    );
  });

  test("files arrive as they were, several at once, and one that is taken out does not go", async () => {
    const first = randomBytes(300_000);
    const second = randomBytes(5_000);
    await attach(ann.page, pdf("plan.pdf", first), pdf("slip.pdf", second), pdf("notes.pdf", second));
    await ann.page.getByRole("button", { name: "Remove slip.pdf" }).click();
    await ann.page.getByRole("button", { name: "Send" }).click();
    for (const [name, bytes] of [
      ["plan.pdf", first],
      ["notes.pdf", second],
    ] as const) {
      const button = ben.page.getByRole("button", { name: `Save ${name}` });
      const saved = await savedBy(ben.page, () => button.click());
      expect({ name: saved.name, same: saved.bytes.equals(bytes) }).toEqual({ name, same: true });
    }
    expect(await ben.page.getByText("slip.pdf").count()).toBe(0);
    await ben.page.getByText("PDF · 300 kB").waitFor();
  });

  test("what is dropped on the conversation and what is pasted goes along", async () => {
    const drop = await ann.page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(["dropped"], "dropped.txt", { type: "text/plain" }));
      return data;
    });
    await ann.page.dispatchEvent(".messages", "dragenter", { dataTransfer: drop });
    await ann.page.getByText("Let go to attach").waitFor();
    await ann.page.dispatchEvent(".messages", "drop", { dataTransfer: drop });
    await ann.page.getByText("Let go to attach").waitFor({ state: "detached" });
    const picture = await jpeg(ann.page, 80, 60);
    await ann.page.getByLabel("Write a message").evaluate(
      (box, bytes) => {
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([Uint8Array.from(bytes)], "pasted.jpg", { type: "image/jpeg" }));
        box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
      },
      [...picture],
    );
    const chosen = ann.page.getByRole("list", { name: "Files to go along" });
    await expect.poll(() => chosen.locator("bdi").allInnerTexts()).toEqual(["dropped.txt", "pasted.jpg"]);
    await ann.page.getByRole("button", { name: "Send" }).click();
    await ben.page.getByRole("button", { name: "Open the picture pasted.jpg" }).waitFor();
    await ben.page.getByRole("button", { name: "Save dropped.txt" }).waitFor();
  });

  test("another tab than the one that leads sends a file", async () => {
    const second = await ann.page.context().newPage();
    await second.goto(ann.page.url());
    const bytes = randomBytes(9_000_000);
    await second.getByLabel("Write a message").waitFor();
    await attach(second, { name: "other-tab.bin", mimeType: "", buffer: bytes });
    await second.getByRole("button", { name: "Send" }).click();
    const button = ben.page.getByRole("button", { name: "Save other-tab.bin" });
    const saved = await savedBy(ben.page, () => button.click());
    expect(saved.bytes.equals(bytes)).toBe(true);
    await second.close();
  });

  test("a file that is handed on is the same file", async () => {
    const message = ben.page.locator(".message", { hasText: "plan.pdf" });
    await message.hover();
    await message.getByRole("button", { name: "More", exact: true }).click();
    await ben.page.getByRole("menuitem", { name: "Forward" }).click();
    await ben.page.getByRole("dialog").getByRole("button", { name: ann.identifier }).click();
    const forwarded = ann.page.locator(".message--in", { hasText: "plan.pdf" });
    await forwarded.getByText("Forwarded").waitFor();
    const saved = await savedBy(ann.page, () =>
      forwarded.getByRole("button", { name: "Save plan.pdf" }).click(),
    );
    expect(saved.bytes.length).toBe(300_000);
  });

  test("what was taken back is said not to be there any more", async () => {
    await attach(ann.page, { name: "gone.txt", mimeType: "text/plain", buffer: Buffer.from("gone") });
    await ann.page.getByRole("button", { name: "Send" }).click();
    const button = ben.page.getByRole("button", { name: "Save gone.txt" });
    await button.waitFor();
    // The server loses it, as it does when its time is over.
    await server.process.stop("SIGTERM");
    rmSync(`${server.folder}/data/blobs`, { recursive: true, force: true });
    await server.process.start();
    await button.click();
    await ben.page.getByText("This file is not on the server any more").waitFor({ timeout: 60_000 });
    expect(await accessibilityFindings(ben.page)).toEqual([]);
  });
});
