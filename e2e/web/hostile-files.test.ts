/** What a contact may send as a file to do harm is shown as what it is, and only saved. The contact has the SDK, and says what it likes. */
import { bytesSource, open, type AttachmentInput, type Messenger } from "@sotto/client/node";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { TestServer } from "../support/sotto.ts";
import { joinApp, writeTo, sendText, type Person, type Reached } from "./support/app.ts";
import { accessibilityFindings } from "./support/axe.ts";
import { noChromium, startChromium } from "./support/browser.ts";
import { attach, bomb, savedBy } from "./support/files.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const svg =
  '<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=1"><script>document.title=2</script></svg>';
const calm = { title: "Sotto", complaints: [], fits: true };
const html = "<!doctype html><script>document.title=3</script><h1>Log in again</h1>";

describe.skipIf(noChromium)("hostile files", () => {
  let server: TestServer;
  let browser: Browser;
  let mallory: Messenger;
  let ann: Person;
  beforeAll(async () => {
    server = await TestServer.start();
    const reached: Reached = { url: server.url, code: (identifier) => server.nextCode(identifier) };
    browser = await startChromium();
    const person = await server.registered("+15551230601");
    ann = await joinApp(browser, reached, "+15551230602", { viewport: { width: 360, height: 700 } });
    await writeTo(ann.page, person.phone);
    await sendText(ann.page, "Hello");
    mallory = await open({ home: person.home, passphrase: person.passphrase });
  });
  afterAll(async () => {
    await mallory?.close();
    await browser?.close();
    await server?.stop();
  });

  const send = async (content: string | Buffer, given: Omit<AttachmentInput, "source">): Promise<void> => {
    const source = bytesSource(Uint8Array.from(Buffer.from(content)));
    await mallory.send(ann.identifier, "", { attachments: [{ source, keepMetadata: true, ...given }] });
  };
  /** Nothing ran, nothing was refused by the browser, nothing sticks out of the window. */
  const state = async () => ({
    title: await ann.page.title(),
    complaints: ann.complaints,
    fits: (await ann.page.evaluate(() => document.documentElement.scrollWidth)) <= 360,
  });

  test.each([
    ["a drawing with a script", svg, "drawing.svg", "image/svg+xml"],
    ["a page", html, "page.html", "text/html"],
    ["a drawing that calls itself a photo", svg, "photo.svg", "image/svg+xml"],
  ])("%s is a file that is saved and nothing else, with a warning", async (_, content, name, type) => {
    await send(content, { name, type, width: 10, height: 10 });
    const row = ann.page.locator(".file", { hasText: name });
    await row.getByText("Can run a program when it is opened").waitFor({ timeout: 30_000 });
    const saved = await savedBy(ann.page, () => row.getByRole("button", { name: `Save ${name}` }).click());
    expect(saved).toEqual({ name, bytes: Buffer.from(content) });
    expect(await row.locator("img, object, embed, iframe").count()).toBe(0);
    expect(await state()).toEqual(calm);
  });

  test.each([
    ["letters that turn around", "invoice\u202Efdp.exe", "invoicefdp.exe"],
    ["two endings", "holiday.jpg.exe", "holiday.jpg.exe"],
    ["a long name", `${"a".repeat(230)}.pdf.scr`, `${"a".repeat(146)}.scr`],
    ["a path", "../../.ssh/authorized_keys", "authorized_keys"],
  ])("%s in a name hide nothing", async (_, name, shown) => {
    await send("x", { name, type: "image/jpeg; charset=x".slice(0, 10) });
    const row = ann.page.locator(".file", { has: ann.page.locator("bdi", { hasText: shown }) });
    const picture = ann.page.getByRole("button", { name: `Open the picture ${shown}` });
    await row.or(picture).first().waitFor({ timeout: 30_000 });
    expect(await state()).toEqual(calm);
  });

  test("a picture that says it is huge is a file; one that lies about it is not decoded", async () => {
    const huge = bomb(60_000, 60_000);
    await send(huge, { name: "honest.png", type: "image/png", width: 60_000, height: 60_000 });
    await ann.page.locator(".file", { hasText: "honest.png" }).waitFor({ timeout: 30_000 });
    await send(huge, { name: "liar.png", type: "image/png", width: 100, height: 100 });
    await ann.page.getByRole("button", { name: "Open the picture liar.png" }).click();
    const viewer = ann.page.getByRole("dialog");
    await viewer.getByText("This is no picture that can be shown here without harm").waitFor();
    expect(await viewer.locator("img").count()).toBe(0);
    expect(await accessibilityFindings(ann.page)).toEqual([]);
    await ann.page.keyboard.press("Escape");
    expect(await state()).toEqual(calm);
  });

  test("a script that calls itself a photo is not shown", async () => {
    await send(svg, { name: "cat.jpg", type: "image/jpeg", width: 300, height: 200 });
    await ann.page.getByRole("button", { name: "Open the picture cat.jpg" }).click();
    const viewer = ann.page.getByRole("dialog");
    await viewer.getByText("This is no picture that can be shown here without harm").waitFor();
    await ann.page.keyboard.press("Escape");
    expect(await state()).toEqual(calm);
  });

  test("a blur that is none leaves an empty place", async () => {
    for (const preview of [new Uint8Array(1), Uint8Array.of(1, 2, 3, 0, 0), new Uint8Array(64).fill(0xff)]) {
      await send(svg, { name: "blur.jpg", type: "image/jpeg", width: 300, height: 200, preview });
    }
    await expect.poll(() => ann.page.locator(".picture__blur").count(), { timeout: 30_000 }).toBe(3);
    expect(await state()).toEqual(calm);
  });

  test("a sound that is none says so", async () => {
    await send(html, { name: "voice.webm", type: "audio/webm", voice: true, durationMs: 3_000 });
    await ann.page.getByRole("button", { name: "Play" }).click();
    await ann.page.getByText("This browser cannot play that recording").waitFor();
    // The browser's own words about what it cannot decode are no complaint of ours.
    expect(await ann.page.title()).toBe("Sotto");
  });

  test("what is chosen here and is huge goes as a file, undecoded", async () => {
    await attach(ann.page, { name: "mine.png", mimeType: "image/png", buffer: bomb(50_000, 50_000) });
    const chosen = ann.page.getByRole("list", { name: "Files to go along" });
    await chosen.getByText("mine.png").waitFor();
    await ann.page.getByRole("button", { name: "Send" }).click();
    await ann.page.locator(".message--out .file", { hasText: "mine.png" }).waitFor();
    expect(await chosen.count()).toBe(0);
  });
});
