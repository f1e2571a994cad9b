/** A backup of the browser is restored at the terminal, one of the terminal in a browser; and a copy that anybody can read. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Download, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseLines, start, type Result } from "../support/sotto.ts";
import {
  PASSPHRASE,
  choosePassphrase,
  joinApp,
  openApp,
  sendText,
  startWebServer,
  textsIn,
  writeTo,
  type Person,
  type WebServer,
} from "./support/app.ts";
import { accessibilityFindings } from "./support/axe.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const ofBackup = "seven quiet badgers";
const annPhone = "+15551230701";
const benPhone = "+15551230702";

/** Presses what saves a file. */
async function download(page: Page, press: () => Promise<void>): Promise<Download> {
  const [file] = await Promise.all([page.waitForEvent("download"), press()]);
  return file;
}

describe.skipIf(noChromium)("backup", () => {
  let server: WebServer;
  let browser: Browser;
  let ann: Person;
  const folder = mkdtempSync(join(tmpdir(), "sotto-web-backup-"));
  const fromBrowser = join(folder, "browser.backup");
  const fromTerminal = join(folder, "terminal.backup");

  const sotto = async (home: string, ...args: readonly string[]): Promise<Result> => {
    const env = {
      SOTTO_HOME: join(folder, home),
      SOTTO_PASSPHRASE: PASSPHRASE,
      SOTTO_BACKUP_PASSPHRASE: ofBackup,
      SOTTO_SERVER: server.url,
      SOTTO_SERVER_KEY: server.fingerprint,
    };
    const result = await start(args, env).ended;
    if (result.code !== 0) throw new Error(`sotto ${args.join(" ")}: ${result.stderr}`);
    return result;
  };
  const openBackup = async (page: Page): Promise<void> => {
    await page.goto(`${server.url}/#/settings/backup`);
    await page.getByRole("heading", { level: 1, name: "Backup" }).waitFor();
  };

  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
    await sotto("ben", "register", "--phone", benPhone, "--request-only");
    await sotto("ben", "register", "--phone", benPhone, "--code", await server.code(benPhone));
    ann = await joinApp(browser, server, annPhone);
    await writeTo(ann.page, benPhone);
    await sendText(ann.page, "written in the browser");
    await ann.page.getByText("written in the browser").first().waitFor();
    await sotto("ben", "receive");
    await sotto("ben", "send", annPhone, "answered at the terminal");
    await ann.page.getByText("answered at the terminal").first().waitFor();
  });
  afterAll(async () => {
    await ann?.close();
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("of the browser makes a device at the terminal, with the history", async () => {
    const { page } = ann;
    await openBackup(page);
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByLabel("Passphrase for the backup").fill(ofBackup);
    await page.getByLabel("Repeat the passphrase").fill(ofBackup);
    const file = await download(page, () => page.getByRole("button", { name: "Save the backup" }).click());
    expect(file.suggestedFilename()).toMatch(/^sotto-\d{4}-\d\d-\d\d\.backup$/);
    await file.saveAs(fromBrowser);
    await page.getByText("Saved, with 2 messages.").waitFor();
    expect(readFileSync(fromBrowser).includes("written in the browser")).toBe(false);

    await sotto("ann", "restore", fromBrowser, "--request-only");
    await sotto("ann", "restore", fromBrowser, "--code", await server.code(annPhone), "--name", "terminal");
    const { stdout } = await sotto("ann", "history", benPhone, "--json");
    expect(parseLines<{ body: string }>(stdout).map(({ body }) => body)).toEqual([
      "written in the browser",
      "answered at the terminal",
    ]);
    await sotto("ann", "send", benPhone, "from the restored device");
    const { stdout: received } = await sotto("ben", "receive", "--json");
    expect(received).toContain("from the restored device");
  });

  test("of the terminal brings the account into a browser; what is wrong with a file is said", async () => {
    await sotto("ann", "backup", fromTerminal);
    const damaged = join(folder, "damaged.backup");
    const bytes = readFileSync(fromTerminal);
    bytes[300] = (bytes[300] ?? 0) ^ 1;
    writeFileSync(damaged, bytes);
    const { page, complaints, close } = await openApp(browser, server);
    await page.getByRole("button", { name: "I have a backup file" }).click();
    await page.getByRole("heading", { name: "Your backup file" }).waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    const next = page.getByRole("button", { name: "Continue" });
    await next.click();
    await page.getByText("Choose the file that you saved.").waitFor();
    await page.getByLabel("File", { exact: true }).setInputFiles(damaged);
    await page.getByLabel("The backup's passphrase").fill("wrong");
    await next.click();
    await page.getByText("That passphrase is wrong.").waitFor();
    await page.getByLabel("The backup's passphrase").fill(ofBackup);
    await next.click();
    await page.getByText("That file is no backup of Sotto, or is damaged.").waitFor();
    await page.getByLabel("File", { exact: true }).setInputFiles(fromTerminal);
    await next.click();
    const before = await server.code(annPhone);
    await choosePassphrase(page);
    await page.getByLabel("Code").waitFor();
    // Another one than that for the terminal.
    await expect.poll(() => server.code(annPhone)).not.toBe(before);
    await page.getByLabel("Code").fill(await server.code(annPhone));
    await page.getByRole("heading", { name: "Your account is back" }).waitFor({ timeout: 60_000 });
    expect(await accessibilityFindings(page)).toEqual([]);
    await next.click();
    await page.getByRole("navigation").getByRole("link").filter({ hasText: "restored device" }).click();
    await expect
      .poll(() => textsIn(page))
      .toEqual(["written in the browser", "answered at the terminal", "from the restored device"]);
    expect(complaints).toEqual([]);
    await close();
  });

  test("a readable copy is saved of all, or of one conversation", async () => {
    const { page } = ann;
    await openBackup(page);
    const save = (): Promise<void> => page.getByRole("button", { name: "Save the copy" }).click();
    const whole = readFileSync(await (await download(page, save)).path(), "utf8");
    expect(whole).toContain("<!doctype html>");
    expect(whole).toContain("written in the browser");
    await page.getByLabel("Of which conversation").selectOption({ index: 1 });
    await page.locator("select").nth(1).selectOption("JSON");
    const one = JSON.parse(readFileSync(await (await download(page, save)).path(), "utf8"));
    expect(one).toMatchObject({ format: "sotto-history/v1", conversations: [{ peer: benPhone }] });
    expect(ann.complaints).toEqual([]);
  });
});
