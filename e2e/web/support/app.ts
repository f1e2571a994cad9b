/** A real server with the web app, and people in browsers of their own. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { formatFingerprint } from "@sotto/protocol";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { KillableServer } from "../../support/killable-server.ts";
import { complaintsOf } from "./browser.ts";
import { freePort } from "@sotto/testkit/free-port";

const bundle = resolve(import.meta.dirname, "../../../apps/web/dist/index.html");

/** The passphrase of everybody in these tests. */
export const PASSPHRASE = "three calm otters";

/** A server that serves the app. */
export interface WebServer {
  readonly url: string;
  readonly folder: string;
  /** Of its key: 43 characters. */
  readonly fingerprint: string;
  /** The newest one-time password for somebody, once that many (1) were sent to them. */
  code(identifier: string, sent?: number): Promise<string>;
  stop(): Promise<void>;
  /** Kills it and starts it again on the same port. */
  process: KillableServer;
}

/** As much of a server as people need. */
export type Reached = Pick<WebServer, "url" | "code">;

/** Starts one in a folder of its own. @param options of `sotto serve`. */
export async function startWebServer(options: readonly string[] = []): Promise<WebServer> {
  if (!existsSync(bundle)) throw new Error("the web app is not built: npm run build:web");
  const folder = mkdtempSync(join(tmpdir(), "sotto-web-"));
  const server = new KillableServer(folder, ["--resend-after-sec", "0", ...options], await freePort());
  const { url, fingerprint } = await server.start();
  return {
    url,
    folder,
    fingerprint: formatFingerprint(fingerprint),
    process: server,
    async code(identifier, sent = 1) {
      for (let tries = 0; tries < 200; tries++) {
        const path = join(folder, "codes");
        const lines = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
        const all = lines.filter((line) => line !== "").map((line) => JSON.parse(line));
        const theirs = all.filter((entry) => entry.identifier === identifier);
        if (theirs.length >= sent) return theirs.at(-1).code;
        await new Promise((later) => setTimeout(later, 50));
      }
      throw new Error(`no code came in time for ${identifier}`);
    },
    async stop() {
      await server.stop("SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Somebody with a browser profile of their own. */
export interface Person {
  readonly identifier: string;
  readonly page: Page;
  /** What the page complained of. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens the app as somebody new, without an account. Who does not look at motion, or at what works without the server, is spared the costs
 * of both: nothing moves, and service workers are off unless `options` let them.
 */
export async function openApp(
  browser: Browser,
  server: Reached,
  { serviceWorkers = "block", ...options }: BrowserContextOptions = {},
): Promise<Omit<Person, "identifier">> {
  const context = await browser.newContext({
    viewport: { width: 1100, height: 760 },
    reducedMotion: "reduce",
    ...options,
  });
  if (serviceWorkers === "block") await context.addInitScript(switchOffServiceWorkers);
  // Before the test's own time is up, so that what is waited for is named.
  context.setDefaultTimeout(25_000);
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  await page.goto(server.url);
  return { page, complaints, close: () => context.close() };
}

/** In the page: as in a browser that has them switched off. Playwright's own way answers with what no browser answers. */
function switchOffServiceWorkers(): void {
  if (!("ServiceWorkerContainer" in globalThis)) return;
  ServiceWorkerContainer.prototype.register = () =>
    Promise.reject(new DOMException("switched off", "SecurityError"));
}

/** Registers somebody in the app, as a person would. */
export async function joinApp(
  browser: Browser,
  server: Reached,
  identifier: string,
  options: BrowserContextOptions = {},
): Promise<Person> {
  const opened = await openApp(browser, server, options);
  await joinIn(opened.page, server, identifier);
  return { ...opened, identifier };
}

/** Registers somebody in a page. */
export async function joinIn(page: Page, server: Reached, identifier: string): Promise<void> {
  if (!page.url().startsWith(server.url)) await page.goto(server.url);
  await page.getByRole("button", { name: "Create an account" }).click();
  await page.getByLabel("Phone number").fill(identifier);
  await page.getByRole("button", { name: "Continue" }).click();
  await leaveOutName(page);
  await choosePassphrase(page);
  await page.getByLabel("Code").fill(await server.code(identifier));
  await keepRecoveryKey(page);
  await page.getByRole("navigation").waitFor();
}

/** Opens the lock. */
export async function unlockIn(page: Page): Promise<void> {
  await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await page.getByRole("button", { name: "Unlock" }).click();
  await page.getByRole("navigation").waitFor();
}

/** Passes over the question for a name. */
export async function leaveOutName(page: Page): Promise<void> {
  await page.getByRole("heading", { name: "What is your name?" }).waitFor();
  await page.getByRole("button", { name: "Continue" }).click();
}

/** Chooses the passphrase of everybody. */
export async function choosePassphrase(page: Page): Promise<void> {
  await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await page.getByLabel("Repeat the passphrase").fill(PASSPHRASE);
  await page.getByRole("button", { name: "Continue" }).click();
}

/** Keeps the recovery key, and shows that it was kept. */
export async function keepRecoveryKey(page: Page): Promise<string> {
  const groups = page.getByRole("group", { name: "Recovery key" }).locator("span");
  await groups.first().waitFor({ timeout: 60_000 });
  const key = (await groups.allInnerTexts()).join("-");
  await page.getByLabel("Type the last group").fill(key.slice(-4));
  await page.getByRole("button", { name: "Continue" }).click();
  return key;
}

/** Opens a conversation with somebody new. */
export async function writeTo(page: Page, identifier: string): Promise<void> {
  await page.getByRole("link", { name: "New conversation" }).click();
  await page.getByLabel("Phone number").fill(identifier);
  await page.getByRole("button", { name: "Write to them" }).click();
  await page.getByLabel("Write a message").waitFor();
}

/** Sends a message in the open conversation. */
export async function sendText(page: Page, text: string): Promise<void> {
  await page.getByLabel("Write a message").fill(text);
  await page.getByRole("button", { name: "Send", exact: true }).click();
}

/** The texts of the open conversation, oldest first. */
export const textsIn = (page: Page): Promise<string[]> => page.locator(".message .text").allInnerTexts();

/** Has somebody write "Hello" to somebody new, who opens it and accepts. */
export async function acquaint(writer: Person, other: Person): Promise<void> {
  await writeTo(writer.page, other.identifier);
  await sendText(writer.page, "Hello");
  await other.page.getByRole("link", { name: writer.identifier }).click();
  await other.page.getByRole("button", { name: "Accept", exact: true }).click();
}
