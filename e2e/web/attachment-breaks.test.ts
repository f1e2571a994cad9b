/** Large files whose way is cut off: by the connection, by a reload, by the tab that did the work going away; and giving up on purpose. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { acquaint, joinApp, startWebServer, unlockIn, type Person, type WebServer } from "./support/app.ts";
import { noChromium, startChromium } from "./support/browser.ts";
import { attach, savedBy } from "./support/files.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const megabytes = 40;
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const send = async (page: Page, path: string): Promise<void> => {
  await attach(page, path);
  await page.getByRole("button", { name: "Send" }).click();
};
/** Resolves when a part of it is through, and not all. */
const inTheMiddle = async (page: Page): Promise<void> => {
  const bar = page.getByRole("progressbar").last();
  await expect
    .poll(async () => Number(await bar.getAttribute("aria-valuenow")), { interval: 20, timeout: 60_000 })
    .toBeGreaterThan(5);
};
/** How many blobs lie on the server's disk. */
function blobsOf({ folder }: WebServer): number {
  const blobs = join(folder, "data", "blobs");
  if (!existsSync(blobs)) return 0;
  const files = readdirSync(blobs, { recursive: true, encoding: "utf8" });
  return files.filter((name) => name.length > 60).length;
}

describe.skipIf(noChromium)("large files", () => {
  let server: WebServer;
  let browser: Browser;
  let ann: Person;
  let ben: Person;
  const folder = mkdtempSync(join(tmpdir(), "sotto-large-"));
  const made = (name: string): { readonly path: string; readonly hash: string } => {
    const bytes = randomBytes(megabytes * 1_000_000);
    writeFileSync(join(folder, name), bytes);
    return { path: join(folder, name), hash: hash(bytes) };
  };
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
    ann = await joinApp(browser, server, "+15551230701");
    ben = await joinApp(browser, server, "+15551230702");
    await acquaint(ann, ben);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const arrives = async (name: string): Promise<string> => {
    const button = ben.page.getByRole("button", { name: `Save ${name}` });
    await button.waitFor({ timeout: 90_000 });
    return hash((await savedBy(ben.page, () => button.click())).bytes);
  };

  test("go on where they were when the server was away, both ways", async () => {
    const file = made("up.bin");
    await send(ann.page, file.path);
    await inTheMiddle(ann.page);
    await server.process.stop("SIGKILL");
    await server.process.start();
    const button = ben.page.getByRole("button", { name: "Save up.bin" });
    await button.waitFor({ timeout: 90_000 });
    const saving = savedBy(ben.page, () => button.click());
    await inTheMiddle(ben.page);
    await server.process.stop("SIGKILL");
    await server.process.start();
    expect(hash((await saving).bytes)).toBe(file.hash);
  });

  test("go on by themselves when the tab that did the work closes", async () => {
    const file = made("tabs.bin");
    const second = await ann.page.context().newPage();
    await second.goto(ann.page.url());
    await second.getByLabel("Write a message").waitFor();
    await send(second, file.path);
    await inTheMiddle(second);
    await ann.page.close();
    expect(await arrives("tabs.bin")).toBe(file.hash);
    ann = { ...ann, page: second };
  });

  test("go on when the tab that chose them closes, and another does the work", async () => {
    const file = made("closed.bin");
    const other = await ann.page.context().newPage();
    await other.goto(ann.page.url());
    await other.getByLabel("Write a message").waitFor();
    await send(other, file.path);
    await inTheMiddle(other);
    await other.close();
    expect(await arrives("closed.bin")).toBe(file.hash);
  });

  test("of a few megabytes go out after a reload without being asked for", async () => {
    const bytes = randomBytes(7_000_000);
    writeFileSync(join(folder, "small.bin"), bytes);
    await server.process.stop("SIGKILL");
    await send(ann.page, join(folder, "small.bin"));
    await ann.page.locator(".file", { hasText: "small.bin" }).waitFor();
    await server.process.start();
    await ann.page.reload();
    await unlockIn(ann.page);
    expect(await arrives("small.bin")).toBe(hash(bytes));
  });

  test("ask for the file after a reload, and go on with it", async () => {
    const file = made("reload.bin");
    await send(ann.page, file.path);
    await inTheMiddle(ann.page);
    await ann.page.reload();
    await unlockIn(ann.page);
    await ann.page.getByText("The page was closed before this file had gone out").waitFor();
    const [chooser] = await Promise.all([
      ann.page.waitForEvent("filechooser"),
      ann.page.getByRole("button", { name: "Choose reload.bin again" }).click(),
    ]);
    await chooser.setFiles(file.path);
    expect(await arrives("reload.bin")).toBe(file.hash);
    await ann.page.getByText("The page was closed").waitFor({ state: "detached" });
  });

  test("are given up at a click: an upload leaves nothing behind, a download nothing is saved of", async () => {
    const before = blobsOf(server);
    await send(ann.page, made("stopped.bin").path);
    await inTheMiddle(ann.page);
    await ann.page.getByRole("button", { name: "Do not upload it" }).click();
    await ann.page.locator(".file", { hasText: "stopped.bin" }).waitFor({ state: "detached" });
    await expect.poll(() => blobsOf(server), { timeout: 20_000 }).toBe(before);

    let saved = 0;
    ben.page.on("download", () => (saved += 1));
    await send(ann.page, made("given-up.bin").path);
    const button = ben.page.getByRole("button", { name: "Save given-up.bin" });
    await button.click({ timeout: 90_000 });
    await inTheMiddle(ben.page);
    await ben.page.getByRole("button", { name: "Cancel", exact: true }).click();
    await button.waitFor();
    expect(saved).toBe(0);
    expect(await ben.page.getByText("Try again").count()).toBe(0);
  });
});
