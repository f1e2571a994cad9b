/** What is measured inside of pages: from what a person does to when the browser has drawn what comes of it. All times in milliseconds. */
import type { Page } from "playwright-core";

/** Runs in the page before its own scripts: `watch` has the measures. It travels as text, so all that it needs is inside of it. */
/* oxlint-disable unicorn/consistent-function-scoping */
function install(): void {
  const drawn = (): Promise<void> =>
    new Promise((resolve) => {
      // The frame after this one's drawing has begun: a message comes behind it.
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.addEventListener("message", () => resolve(), { once: true });
        port1.start();
        port2.postMessage(undefined);
      });
    });
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      if (holds()) return resolve();
      const observer = new MutationObserver(() => {
        if (!holds()) return;
        observer.disconnect();
        resolve();
      });
      observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    });
  const now = (): number => performance.timeOrigin + performance.now();
  const watch = {
    now,
    /** When an element is there and drawn, on the clock of the machine. */
    async shown(selector: string, text: string): Promise<number> {
      await until(() =>
        [...document.querySelectorAll(selector)].some((one) => one.textContent?.includes(text)),
      );
      await drawn();
      return now();
    },
    /** From a click to an element. */
    async click(selector: string, awaited: string): Promise<number> {
      const from = performance.now();
      document.querySelector<HTMLElement>(selector)?.click();
      await until(() => document.querySelector(awaited) !== null);
      await drawn();
      return performance.now() - from;
    },
    /** From the next key to its echo where one writes. */
    async key(): Promise<number> {
      const field = document.querySelector<HTMLElement>(".conversation textarea");
      const pressed = new Promise<number>((resolve) =>
        field?.addEventListener("keydown", ({ timeStamp }) => resolve(timeStamp), { once: true }),
      );
      await new Promise((resolve) => field?.addEventListener("input", resolve, { once: true }));
      await drawn();
      return performance.now() - (await pressed);
    },
    /** From the next change of the search to its hits. */
    async search(): Promise<number> {
      const field = document.querySelector<HTMLElement>('[data-shortcut="search"]');
      const from = await new Promise<number>((resolve) =>
        field?.addEventListener("input", ({ timeStamp }) => resolve(timeStamp), { once: true }),
      );
      await until(() => document.querySelector('.results [aria-busy="true"]') !== null);
      await until(() => document.querySelector('.results [aria-busy="false"]') !== null);
      await drawn();
      return performance.now() - from;
    },
    /** Scrolls up through a conversation for so long; the time of each frame. */
    async scroll(selector: string, forMs: number, pxPerFrame: number): Promise<readonly number[]> {
      const box = document.querySelector<HTMLElement>(selector);
      const times: number[] = [];
      let before = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
      for (const begun = before; before - begun < forMs;) {
        box?.scrollBy(0, -pxPerFrame);
        const at = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
        times.push(at - before);
        before = at;
      }
      return times;
    },
    /** The key derivation alone, as the vault does it. */
    async derive(): Promise<number> {
      const from = performance.now();
      const key = await crypto.subtle.importKey("raw", new Uint8Array(18), "PBKDF2", false, ["deriveBits"]);
      const salt = new Uint8Array(16);
      await crypto.subtle.deriveBits(
        { name: "PBKDF2", hash: "SHA-256", salt, iterations: 600_000 },
        key,
        256,
      );
      return performance.now() - from;
    },
  };
  Object.assign(globalThis, { watch });
}

/* oxlint-enable unicorn/consistent-function-scoping */

/** The measures, as pages have them. */
export interface Watch {
  now(): number;
  shown(selector: string, text: string): Promise<number>;
  click(selector: string, awaited: string): Promise<number>;
  key(): Promise<number>;
  /** The measure that was begun last. */
  begun?: Promise<number>;
  search(): Promise<number>;
  scroll(selector: string, forMs: number, pxPerFrame: number): Promise<readonly number[]>;
  derive(): Promise<number>;
}

/** Puts the measures into a page, now and whenever it is loaded. */
export async function putWatchInto(page: Page): Promise<void> {
  await page.addInitScript(install);
  await page.evaluate(install);
}
