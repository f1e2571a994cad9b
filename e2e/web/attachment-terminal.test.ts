/** Files and pictures between a browser and the terminal, both ways. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { TestServer } from "../support/sotto.ts";
import { joinApp, sendText, writeTo, type Reached } from "./support/app.ts";
import { noChromium, startChromium } from "./support/browser.ts";
import { attach, jpeg, savedBy, withExif } from "./support/files.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe.skipIf(noChromium)("files between a browser and the terminal", () => {
  let server: TestServer;
  let browser: Browser;
  beforeAll(async () => {
    server = await TestServer.start();
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("a photo and a file go there, and come back", async () => {
    const reached: Reached = { url: server.url, code: (identifier) => server.nextCode(identifier) };
    const ben = await server.registered("+15551230801");
    const { page, identifier, complaints } = await joinApp(browser, reached, "+15551230802");
    await writeTo(page, ben.phone);
    await sendText(page, "Hello");
    await page.locator(".message .status--sent").waitFor();
    await ben.ok("receive");
    await ben.ok("conversations", "accept", identifier);

    const photo = withExif(await jpeg(page, 640, 480), "48.2082N 16.3738E");
    const plan = randomBytes(200_000);
    await attach(
      page,
      { name: "lake.jpg", mimeType: "image/jpeg", buffer: photo },
      { name: "plan.pdf", mimeType: "application/pdf", buffer: plan },
    );
    await sendText(page, "From the lake");
    await page.locator(".message--out").last().locator(".status--sent").waitFor();
    const inbox = join(server.folder, "inbox");
    const [line] = (await ben.json("receive", "--save", inbox)) as { attachments?: object[] }[];
    expect(line?.attachments).toMatchObject([
      { name: "lake.jpg", type: "image/jpeg", width: 640, height: 480 },
      { name: "plan.pdf", type: "application/pdf", size: 200_000 },
    ]);
    const saved = readFileSync(join(inbox, "lake.jpg"));
    expect(saved.includes("48.2082N")).toBe(false);
    expect(saved.length).toBeGreaterThan(5_000);
    expect(readFileSync(join(inbox, "plan.pdf")).equals(plan)).toBe(true);

    const files = join(server.folder, "files");
    mkdirSync(files);
    writeFileSync(join(files, "back.jpg"), photo);
    writeFileSync(join(files, "back.bin"), plan);
    const both = ["back.jpg", "back.bin"].flatMap((name) => ["--file", join(files, name)]);
    await ben.ok("send", identifier, "And back", ...both);
    const button = page.getByRole("button", { name: "Save back.bin" });
    expect((await savedBy(page, () => button.click())).bytes.equals(plan)).toBe(true);
    await page.getByRole("button", { name: "Open the picture back.jpg" }).click();
    const shown = page.getByRole("dialog").locator("img");
    await expect.poll(() => shown.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(640);
    expect(complaints).toEqual([]);
  });
});
