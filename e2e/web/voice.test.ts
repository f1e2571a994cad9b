/** Voice messages: recorded from the browser's test tone, heard before they are sent, played by another browser; and no microphone. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { acquaint, joinApp, sendText, startWebServer, type Person, type WebServer } from "./support/app.ts";
import { accessibilityFindings } from "./support/axe.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe.skipIf(noChromium)("voice messages", () => {
  let server: WebServer;
  let browser: Browser;
  let deaf: Browser;
  let ann: Person;
  let ben: Person;
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium([
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      "--autoplay-policy=no-user-gesture-required",
    ]);
    deaf = await startChromium();
    ann = await joinApp(browser, server, "+15551230901");
    ben = await joinApp(deaf, server, "+15551230902");
    await acquaint(ann, ben);
  });
  afterAll(async () => {
    await browser?.close();
    await deaf?.close();
    await server?.stop();
  });

  test("one is recorded, heard, sent, played, moved in, and played faster", async () => {
    await ann.page.getByRole("button", { name: "Record a voice message" }).click();
    const timer = ann.page.getByRole("timer");
    await timer.getByText("0:03").waitFor();
    // The tone is loud enough to be seen.
    await expect.poll(() => heightsIn(ann, ".meter rect")).toBeGreaterThan(6);
    expect(await accessibilityFindings(ann.page)).toEqual([]);
    const shownSec = secondsOf(await timer.innerText());
    await ann.page.getByRole("button", { name: "Stop recording" }).click();
    const heard = ann.page.locator(".recorder").getByRole("button", { name: "Play" });
    await heard.click();
    await ann.page.locator(".recorder").getByRole("button", { name: "Pause" }).waitFor();
    expect(await accessibilityFindings(ann.page)).toEqual([]);
    await ann.page.locator(".recorder").getByRole("button", { name: "Send" }).click();
    await ann.page.getByLabel("Write a message").waitFor();

    const voice = ben.page.getByRole("group", { name: "Voice message" });
    await voice.waitFor();
    expect(await heightsIn(ben, ".waveform rect")).toBeGreaterThan(10);
    const lengthSec = secondsOf(await voice.locator(".player__time").innerText());
    // A busy machine takes its time between the look and the click.
    expect(lengthSec).toBeGreaterThanOrEqual(shownSec);
    expect(lengthSec).toBeLessThan(shownSec + 5);
    await voice.getByRole("button", { name: "Play" }).click();
    await voice.getByRole("button", { name: "Pause" }).waitFor();
    const position = voice.getByRole("slider", { name: "Position" });
    await expect.poll(async () => Number(await position.inputValue())).toBeGreaterThan(0.3);
    await voice.getByRole("button", { name: "Pause" }).click();
    await position.fill("2");
    expect(Number(await position.inputValue())).toBeCloseTo(2, 0);
    await voice.getByRole("button", { name: "Speed: 1 times" }).click();
    await voice.getByRole("button", { name: "Speed: 1.5 times" }).waitFor();
    expect(await accessibilityFindings(ben.page)).toEqual([]);
    await position.fill(String(lengthSec - 1));
    await voice.getByRole("button", { name: "Play" }).click();
    // To its end, and back to the beginning.
    await voice.getByRole("button", { name: "Play" }).waitFor({ timeout: 10_000 });
    await expect.poll(async () => Number(await position.inputValue())).toBe(0);
    expect(ann.complaints).toEqual([]);
    expect(ben.complaints).toEqual([]);
  });

  test("what is thrown away is not sent, and the microphone is let go", async () => {
    await ann.page.getByRole("button", { name: "Record a voice message" }).click();
    await ann.page.getByRole("timer").getByText("0:01").waitFor();
    await ann.page.getByRole("button", { name: "Throw it away" }).click();
    await ann.page.getByRole("button", { name: "Record a voice message" }).click();
    await ann.page.getByRole("timer").getByText("0:01").waitFor();
    await ann.page.keyboard.press("Escape");
    await ann.page.getByRole("button", { name: "Record a voice message" }).waitFor();
    await sendText(ann.page, "never mind");
    await ben.page.getByText("never mind").last().waitFor();
    expect(await ben.page.getByRole("group", { name: "Voice message" }).count()).toBe(1);
  });

  test("who does not allow the microphone is told where to", async () => {
    await ben.page.getByRole("button", { name: "Record a voice message" }).click();
    await ben.page.getByText(/The microphone is not allowed here|No microphone was found/).waitFor();
    expect(await accessibilityFindings(ben.page)).toEqual([]);
    await ben.page.getByRole("button", { name: "Back", exact: true }).click();
    await ben.page.getByRole("button", { name: "Record a voice message" }).waitFor();
  });
});

/** Of a time such as 1:02. */
function secondsOf(clock: string): number {
  const [minutes = 0, seconds = 0] = clock.split(":").map(Number);
  return minutes * 60 + seconds;
}

/** The height of the tallest bar. */
async function heightsIn({ page }: Person, bars: string): Promise<number> {
  const heights = await page
    .locator(bars)
    .evaluateAll((all) => all.map((bar) => Number(bar.getAttribute("height"))));
  return Math.max(0, ...heights);
}
