/** The measurements themselves, each in a real browser with a real server. */
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { peopleOf, wordOf, type Filling } from "@sotto/testkit/filling";
import type { Browser, Page } from "playwright-core";
import { PASSPHRASE, joinApp, unlockIn, writeTo, type Person, type WebServer } from "../web/support/app.ts";
import { fillVaultIn } from "../web/support/filling.ts";
import { putWatchInto, type Watch } from "./in-page.ts";

declare const watch: Watch;

/** Values of one measure. */
export type Series = readonly number[];

/** A phone on a good mobile network, as the browser's developer tools emulate one. */
export const PHONE_NETWORK = { latencyMs: 40, downMbit: 20, upMbit: 5 };

const row = (key: string): string => `.row[href="#/c/${encodeURIComponent(key)}"]`;
const untilSec = (): number => Math.floor(Date.now() / 1000) - 60;

/** Compressed bytes of scripts: what the first screen needs, its worker included, and everything. */
export function scriptBytes(): { readonly initial: number; readonly all: number } {
  const dist = resolve(import.meta.dirname, "../../apps/web/dist");
  const size = (name: string): number => readFileSync(join(dist, name)).length;
  const all = readdirSync(join(dist, "assets")).filter((name) => name.endsWith(".js.br"));
  // As the build found them: the page's, its worker's, and the messenger's.
  const initial = readFileSync(join(dist, ".initial"), "utf8").split("\n");
  const sum = (names: readonly string[]): number => names.reduce((bytes, name) => bytes + size(name), 0);
  return {
    initial: sum(initial.map((name) => `${name}.br`)),
    all: sum(all.map((name) => `assets/${name}`)),
  };
}

/** Somebody whose vault holds so many conversations. */
export async function filled(
  browser: Browser,
  server: WebServer,
  identifier: string,
  conversations: readonly number[],
): Promise<{ readonly person: Person; readonly filling: Filling }> {
  // As on a first visit: nothing is kept by a service worker.
  const person = await joinApp(browser, server, identifier, { reducedMotion: "no-preference" });
  const filling = { seed: 5, conversations, untilSec: untilSec() };
  await fillVaultIn(person.page, filling);
  await untilIndexed(person.page);
  await putWatchInto(person.page);
  return { person, filling };
}

/** Whoever wrote those messages has an index of them as well: it is made now, and kept. The page is at the lock then. */
async function untilIndexed(page: Page): Promise<void> {
  await unlockIn(page);
  await page.getByRole("searchbox", { name: "Search" }).fill(wordOf(1));
  await page.locator(".hit").first().waitFor({ timeout: 300_000 });
  await page.reload();
  await page.getByRole("button", { name: "Unlock" }).waitFor();
}

/** From nothing to the lock, and from the passphrase to the list; and what the key derivation alone takes. */
export async function coldStart(
  page: Page,
  url: string,
  rounds: number,
): Promise<{ readonly load: Series; readonly unlock: Series; readonly derive: Series }> {
  const load: number[] = [];
  const unlock: number[] = [];
  const derive: number[] = [];
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  await network.send("Network.setCacheDisabled", { cacheDisabled: true });
  await network.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: PHONE_NETWORK.latencyMs,
    downloadThroughput: (PHONE_NETWORK.downMbit * 1e6) / 8,
    uploadThroughput: (PHONE_NETWORK.upMbit * 1e6) / 8,
  });
  for (let i = 0; i < rounds; i++) {
    await page.goto("about:blank");
    await page.goto(url, { waitUntil: "commit" });
    await page.getByRole("button", { name: "Unlock" }).waitFor();
    load.push(
      await page.evaluate(async () => (await watch.shown("button", "Unlock")) - performance.timeOrigin),
    );
    derive.push(await page.evaluate(() => watch.derive()));
    await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
    unlock.push(await page.evaluate(() => watch.click("form button", ".list__all .row")));
  }
  await network.detach();
  return { load, unlock, derive };
}

/** Opening the longest conversation, scrolling through it, and writing in it. */
export async function longConversation(
  page: Page,
  filling: Filling,
  rounds: number,
): Promise<{ readonly open: Series; readonly frames: Series; readonly key: Series }> {
  const [long = "", other = ""] = peopleOf(filling).map(({ identifier }) => identifier);
  await unlockIn(page);
  await page.locator(row(long)).waitFor();
  const open: number[] = [];
  for (let i = 0; i < rounds; i++) {
    open.push(
      await page.evaluate(([selector]) => watch.click(selector, ".messages__item .message"), [
        row(long),
      ] as const),
    );
    await page.locator(row(other)).click();
    await page.locator(".conversation__name", { hasText: other }).waitFor();
  }
  await page.locator(row(long)).click();
  await page.locator(".message").first().waitFor();
  const frames = await page.evaluate(() => watch.scroll(".messages__scroller", 8_000, 80));
  const field = page.getByLabel("Write a message");
  await field.focus();
  const key: number[] = [];
  for (let i = 0; i < 5 * rounds; i++) {
    const press = (): Promise<void> => page.keyboard.press("abcdefgh".charAt(i % 8));
    key.push(await during(page, "key", press));
    await page.waitForTimeout(50);
  }
  await field.fill("");
  return { open, frames, key };
}

/** Begins a measure in the page, and does what it waits for once it has begun. */
async function during(page: Page, measure: "key" | "search", act: () => Promise<void>): Promise<number> {
  await page.evaluate((name) => void (watch.begun = watch[name]()), measure);
  await act();
  return page.evaluate(() => watch.begun ?? 0);
}

/** Typing a search, letter by letter; the first one, which reads the index, apart. */
export async function searching(
  page: Page,
  rounds: number,
): Promise<{ readonly first: number; readonly next: Series }> {
  const field = page.getByRole("searchbox", { name: "Search" });
  await field.focus();
  // As long as a person takes from the field to the first key.
  await page.waitForTimeout(300);
  const times: number[] = [];
  const words = Array.from({ length: rounds }, (_, i) => wordOf(1 + i * 977));
  for (const word of words) {
    await field.fill("");
    for (const letter of word.slice(0, 5)) {
      times.push(await during(page, "search", () => page.keyboard.press(letter)));
      await page.waitForTimeout(60);
    }
  }
  await page.keyboard.press("Escape");
  const [first = 0, ...next] = times;
  return { first, next };
}

/** From "send" to the message on the other's screen. */
export async function sending(from: Person, to: Person, rounds: number): Promise<Series> {
  await writeTo(from.page, to.identifier);
  await from.page.getByLabel("Write a message").fill("begin");
  await from.page.getByRole("button", { name: "Send" }).click();
  await to.page.locator(row(from.identifier)).click();
  await to.page.locator(".message", { hasText: "begin" }).waitFor();
  await putWatchInto(from.page);
  await putWatchInto(to.page);
  // Updates after joining are over then.
  await from.page.waitForTimeout(3_000);
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const text = `message ${i}.`;
    await from.page.getByLabel("Write a message").fill(text);
    const shown = to.page.evaluate((wanted) => watch.shown(".message .text", wanted), text);
    const sentAt = await from.page.evaluate(() => {
      const at = watch.now();
      document.querySelector<HTMLElement>('.conversation button[aria-label="Send"]')?.click();
      return at;
    });
    times.push((await shown) - sentAt);
    await from.page.waitForTimeout(100);
  }
  return times;
}
