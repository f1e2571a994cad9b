/** Linking a browser to an account: the QR code is read off the screen, and scanned by a camera; a terminal and a browser approve. The same camera compares safety numbers. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jsQr from "jsqr";
import type { Browser, Page } from "playwright-core";
import { PNG } from "pngjs";
import { encode } from "uqr";
import { formatSafetyNumberQr } from "@sotto/client";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { TestServer } from "../support/sotto.ts";
import { accessibilityFindings } from "./support/axe.ts";
import {
  choosePassphrase,
  joinApp,
  openApp,
  sendText,
  textsIn,
  writeTo,
  type Reached,
} from "./support/app.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

/** Begins to link a browser, up to its code. */
async function showCode(page: Page): Promise<{ readonly code: string; readonly picture: PNG }> {
  await page.getByRole("button", { name: "Link to an existing device" }).click();
  await choosePassphrase(page);
  const qr = page.getByRole("img", { name: "QR code" });
  await qr.waitFor({ timeout: 30_000 });
  const code = await page.getByRole("group", { name: "Link code" }).innerText();
  return { code, picture: PNG.sync.read(await page.screenshot()) };
}

/** What a QR code in a picture says. */
const readQr = ({ data, width, height }: PNG): string | undefined =>
  jsQr.default(new Uint8ClampedArray(data), width, height)?.data;

/** A picture of a QR code, as a screen shows it. */
function pictureOf(text: string): PNG {
  const { data, size } = encode(text, { ecc: "M", border: 3 });
  const [width, height] = [640, 760];
  const dot = Math.floor(width / size);
  const picture = new PNG({ width, height });
  for (let i = 0; i < width * height; i++) {
    const isDark = data[Math.floor(i / width / dot)]?.[Math.floor((i % width) / dot)] === true;
    picture.data.fill(isDark ? 0 : 255, i * 4, i * 4 + 4);
  }
  return picture;
}

/** A picture as the film of a camera (YUV4MPEG2) that sees nothing else. */
function filmOf({ data, width, height }: PNG): Buffer {
  const luma = Buffer.alloc(width * height);
  for (let i = 0; i < luma.length; i++) {
    const [r = 0, g = 0, b = 0] = data.subarray(i * 4, i * 4 + 3);
    luma[i] = 16 + (65.7 * r + 129 * g + 25 * b) / 256;
  }
  const chroma = Buffer.alloc((width / 2) * (height / 2) * 2, 128);
  const frame = Buffer.concat([Buffer.from("FRAME\n"), luma, chroma]);
  return Buffer.concat([
    Buffer.from(`YUV4MPEG2 W${width} H${height} F5:1 Ip A1:1 C420\n`),
    frame,
    frame,
    frame,
  ]);
}

describe.skipIf(noChromium)("linking a browser", () => {
  let server: TestServer;
  let reached: Reached;
  let browser: Browser;
  /** At a terminal. */
  let gil: Awaited<ReturnType<TestServer["registered"]>>;
  const folder = mkdtempSync(join(tmpdir(), "sotto-film-"));
  beforeAll(async () => {
    server = await TestServer.start();
    reached = { url: server.url, code: (identifier) => server.nextCode(identifier) };
    browser = await startChromium();
    gil = await server.registered("+15551230410");
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("a terminal approves what the picture says, and the history comes", async () => {
    const ann = await server.registered("+15551230411");
    await ann.ok("send", gil.phone, "Written before the browser was there");
    const { page, complaints, close } = await openApp(browser, reached);
    const { code, picture } = await showCode(page);
    expect(await accessibilityFindings(page)).toEqual([]);
    const said = readQr(picture);
    expect(said).toBe(`sotto-link:${code}`);

    const approving = ann.ok("devices", "approve", said?.replace("sotto-link:", "") ?? "", "--confirm");
    await page.getByRole("heading", { name: "This browser is linked" }).waitFor({ timeout: 60_000 });
    await page.getByText("It now belongs to the account of +1 555 123 0411").waitFor();
    await page.getByText("The history is here.").waitFor({ timeout: 60_000 });
    expect(await accessibilityFindings(page)).toEqual([]);
    await approving;
    await page.getByRole("button", { name: "Open Sotto" }).click();
    await page.getByRole("link", { name: gil.phone }).click();
    await expect.poll(() => textsIn(page)).toEqual(["Written before the browser was there"]);
    expect(complaints).toEqual([]);
    await close();
  });

  test("a browser's camera scans it, its person looks twice, and the history goes over", async () => {
    const film = join(folder, "code.y4m");
    const withCamera = await startChromium([
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-video-capture=${film}`,
    ]);
    const ben = await joinApp(withCamera, reached, "+15551230412");
    const fay = await joinApp(browser, reached, "+15551230413");
    await writeTo(ben.page, fay.identifier);
    await sendText(ben.page, "before");
    await ben.page.locator(".status--sent, .status--delivered").first().waitFor();

    const { page, close } = await openApp(browser, reached, { viewport: { width: 640, height: 760 } });
    const { code, picture } = await showCode(page);
    writeFileSync(film, filmOf(picture));

    await ben.page.goto(`${server.url}/#/settings/devices`);
    await ben.page.getByRole("button", { name: "Link a device" }).click();
    await ben.page.getByLabel("Code on the new device").fill("ABCD-EFGH");
    await ben.page.keyboard.press("Enter");
    await ben.page.getByText("That is no link code").waitFor();
    await ben.page.getByLabel("Code on the new device").fill("ABCD-EFGH-JKMN-PQRS");
    await ben.page.keyboard.press("Enter");
    await ben.page.getByText("Nobody asks with this code").waitFor();
    expect(await accessibilityFindings(ben.page)).toEqual([]);
    await ben.page.getByRole("button", { name: "Scan the picture" }).click();

    await ben.page
      .getByRole("heading", { name: "This device asks to be linked" })
      .waitFor({ timeout: 30_000 });
    await ben.page.getByText(code).waitFor();
    await ben.page.getByText("127.0.0.1", { exact: true }).waitFor();
    expect(await accessibilityFindings(ben.page)).toEqual([]);
    const approve = ben.page.getByRole("button", { name: "Link this device" });
    expect(await approve.isDisabled()).toBe(true);
    await ben.page.getByLabel("The device is in front of me").check();
    await approve.click();
    await ben.page.getByText("It is linked.").waitFor({ timeout: 60_000 });

    await page.getByText("The history is here.").waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Open Sotto" }).click();
    await page.getByRole("link", { name: fay.identifier }).click();
    await expect.poll(() => textsIn(page)).toEqual(["before"]);
    await sendText(page, "after");
    await ben.page.getByRole("link", { name: fay.identifier }).click();
    await expect.poll(() => textsIn(ben.page), { timeout: 20_000 }).toEqual(["before", "after"]);
    await close();

    // The same camera compares safety numbers. First Fay shows the wrong one.
    const compare = (at: Page, peer: string): Promise<unknown> =>
      at.goto(`${server.url}/#/c/${encodeURIComponent(peer)}/verify`);
    const show = async (peer: string): Promise<void> => {
      await compare(fay.page, peer);
      await fay.page.getByRole("img", { name: "The safety number as a QR code" }).waitFor();
      writeFileSync(film, filmOf(PNG.sync.read(await fay.page.screenshot())));
    };
    await fay.page.setViewportSize({ width: 640, height: 760 });
    await writeTo(fay.page, gil.phone);
    await show(gil.phone);
    await compare(ben.page, fay.identifier);
    await ben.page.getByRole("button", { name: "Scan their picture" }).click();
    const alert = ben.page.getByRole("alert");
    await alert.getByText("The numbers differ").waitFor({ timeout: 30_000 });
    expect(await ben.page.getByRole("button", { name: "mark as verified" }).count()).toBe(0);
    expect(await accessibilityFindings(ben.page)).toEqual([]);
    await fay.page.keyboard.press("Escape");
    await show(ben.identifier);
    await ben.page.getByRole("button", { name: "Scan their picture" }).click();
    await alert.getByText("Both screens show the same number").waitFor({ timeout: 30_000 });
    await ben.page.getByText("Verified", { exact: true }).first().waitFor();
    expect(await accessibilityFindings(ben.page)).toEqual([]);
    // Fay has no camera.
    await fay.page.getByRole("button", { name: "Scan their picture" }).click();
    await fay.page.getByText("Or compare the digits by eye").waitFor();
    expect([...ben.complaints, ...fay.complaints]).toEqual([]);
    await fay.close();

    // Somebody verified has another identity key now: what is scanned is held against that one, and accepts it.
    const filmNumberOf = async (): Promise<void> => {
      const [said] = await gil.json<{ safety_number: string }>("verify", ben.identifier);
      writeFileSync(film, filmOf(pictureOf(formatSafetyNumberQr(said?.safety_number ?? ""))));
    };
    const scan = async (): Promise<void> => {
      await compare(ben.page, gil.phone);
      await ben.page.getByRole("button", { name: "Scan their picture" }).click();
    };
    await ben.page.goto(`${server.url}/#/`);
    await writeTo(ben.page, gil.phone);
    await sendText(ben.page, "to the old key");
    await filmNumberOf();
    await scan();
    await alert.getByText("Both screens show the same number").waitFor({ timeout: 30_000 });
    await gil.ok("keys", "rotate", "--identity");
    await gil.ok("send", ben.identifier, "with a new key");
    await ben.page.goto(`${server.url}/#/c/${encodeURIComponent(gil.phone)}`);
    await ben.page.getByText(/The identity key of .+ changed/).waitFor();
    await scan();
    await alert.getByText("The numbers differ").waitFor({ timeout: 30_000 });
    await filmNumberOf();
    await scan();
    await alert.getByText("Both screens show the same number").waitFor({ timeout: 30_000 });
    await ben.page.goto(`${server.url}/#/c/${encodeURIComponent(gil.phone)}`);
    await sendText(ben.page, "to the new key");
    await ben.page.locator(".status--sent, .status--delivered").first().waitFor();
    expect(ben.complaints).toEqual([]);
    await withCamera.close();
  });

  test("a code can be given up, and an account that is somebody else's removed", async () => {
    const { page, close } = await openApp(browser, reached);
    const { code } = await showCode(page);
    await page.getByRole("button", { name: "Back" }).click();
    await page.getByRole("heading", { name: "Choose a passphrase" }).waitFor();
    await page.getByRole("button", { name: "Back" }).click();
    const next = await showCode(page);
    expect(next.code).not.toBe(code);
    const eve = await server.registered("+15551230414");
    await eve.ok("devices", "approve", next.code, "--confirm");
    await page.getByRole("heading", { name: "This browser is linked" }).waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "That is not my account" }).click();
    await page.getByText("Then somebody else approved your code").waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Remove it from this browser" }).click();
    await page.getByRole("button", { name: "Create an account" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Create an account" }).waitFor();
    await close();
  });
});
