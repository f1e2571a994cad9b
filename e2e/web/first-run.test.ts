/** The first steps, as a person takes them: the server's key, number or address, passphrase, code, recovery key; left and resumed; back. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { accessibilityFindings } from "./support/axe.ts";
import {
  PASSPHRASE,
  choosePassphrase,
  joinApp,
  keepRecoveryKey,
  leaveOutName,
  openApp,
  startWebServer,
  unlockIn,
  type WebServer,
} from "./support/app.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const continues = (page: Page): Promise<void> => page.getByRole("button", { name: "Continue" }).click();
const heading = (page: Page, name: string): Promise<void> =>
  page.getByRole("heading", { name, exact: true }).waitFor({ timeout: 60_000 });

describe.skipIf(noChromium)("first run", () => {
  let server: WebServer;
  let browser: Browser;
  const open = (options?: BrowserContextOptions) => openApp(browser, server, options);
  beforeAll(async () => {
    server = await startWebServer(["--reset-delay-sec", "4"]);
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("every screen of the way in is accessible, by keyboard alone, and says what went wrong", async () => {
    const { page, complaints, close } = await open({ permissions: ["clipboard-read", "clipboard-write"] });
    const phone = "+15551230301";
    await page.getByRole("button", { name: "Create an account" }).waitFor();
    await page.locator("summary").click();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Create an account" }).focus();
    await page.keyboard.press("Enter");

    await heading(page, "Your phone number");
    await page.keyboard.press("Enter");
    await page.getByText("Type your phone number.").waitFor();
    await page.keyboard.type("12");
    await page.keyboard.press("Enter");
    await page.getByText("That is no phone number of this country").waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByLabel("Phone number").fill(phone);
    await page.keyboard.press("Enter");

    await heading(page, "What is your name?");
    expect(await accessibilityFindings(page)).toEqual([]);
    // What turns the direction of text is left out, as in every name.
    await page.getByLabel("Name", { exact: true }).fill("  Ann \u202eExample ");
    await page.keyboard.press("Enter");

    await heading(page, "Choose a passphrase");
    await page.keyboard.press("Enter");
    await page.getByText("Choose a passphrase. Without one").waitFor();
    await page.getByRole("button", { name: "Suggest one" }).waitFor();
    await page.getByLabel("Passphrase", { exact: true }).fill("password1");
    await page.getByLabel("Repeat the passphrase").fill("password");
    await page.keyboard.press("Enter");
    await page.getByText("The two are not equal").waitFor();
    await page.getByLabel("Repeat the passphrase").fill("password1");
    await page.getByText("Strength: Very weak").waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("This passphrase is easy to guess").waitFor();
    await page.getByRole("button", { name: "Use it anyway" }).waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Suggest one" }).click();
    const suggested = await page.getByLabel("Passphrase", { exact: true }).inputValue();
    expect(suggested).toMatch(/^([a-z-]+ ){4}[a-z-]+$/);
    await page.getByText("Strength: Strong").waitFor();
    await page.getByRole("button", { name: "Hide the passphrase" }).click();
    await choosePassphrase(page);

    await heading(page, "Type the code");
    const right = await server.code(phone);
    await page.getByLabel("Code").fill(String((Number(right) + 1) % 1_000_000).padStart(6, "0"));
    await page.getByText("That code is wrong or too old").waitFor({ timeout: 60_000 });
    expect(await accessibilityFindings(page)).toEqual([]);
    // Pasted with what stands around it in a message.
    await page.evaluate(
      (text) => navigator.clipboard.writeText(text),
      ` ${right.slice(0, 3)} ${right.slice(3)} `,
    );
    await page.getByLabel("Code").focus();
    await page.keyboard.press("Control+V");

    await heading(page, "Keep your recovery key");
    expect(await accessibilityFindings(page)).toEqual([]);
    const groups = await page.getByRole("group", { name: "Recovery key" }).locator("span").allInnerTexts();
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(groups.join("-"));
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download" }).click(),
    ]);
    const saved = await (await download.createReadStream()).toArray();
    expect(Buffer.concat(saved).toString()).toContain(groups.join("-"));
    await page.getByLabel("Type the last group").fill("0000");
    await page.keyboard.press("Enter");
    await page.getByText("That is not the last group").waitFor();
    await page.getByLabel("Type the last group").fill(` ${groups.at(-1)?.toLowerCase()}`);
    await page.keyboard.press("Enter");
    await page.getByRole("navigation").waitFor();
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByText("Ann Example").waitFor();
    expect(complaints.filter((line) => !line.includes("Failed to load resource"))).toEqual([]);
    await close();
  });

  test("numbers are read as people of that country write them, or with +, and addresses as well", async () => {
    const { page, close } = await open({ locale: "de-DE" });
    await page.getByRole("button", { name: "Konto anlegen" }).click();
    const number = page.getByLabel("Telefonnummer");
    const country = page.getByLabel("Land");
    await expect.poll(() => country.inputValue()).toBe("DE");
    await number.pressSequentially("015123456789");
    expect(await number.inputValue()).toBe("01512 3456789");
    await page.getByRole("button", { name: "Weiter" }).click();
    expect(await server.code("+4915123456789")).toMatch(/^\d{6}$/);
    // The code is there before the page is: going back from here would leave the step that asked for it.
    await page.getByRole("heading", { name: "Wie heißt du?" }).waitFor();
    await page.getByRole("button", { name: "Zurück" }).click();
    await number.fill("");
    await country.selectOption("AT");
    await number.pressSequentially("0664 1234567");
    await page.keyboard.press("Enter");
    expect(await server.code("+436641234567")).toMatch(/^\d{6}$/);
    await page.getByRole("heading", { name: "Wie heißt du?" }).waitFor();
    await page.goBack();
    await number.fill("+41 79 123 45 67");
    expect(await country.inputValue()).toBe("CH");
    // The field becomes another one at the "@", and no letter is lost by that.
    await number.fill("");
    await page.keyboard.type("rudi@example.org");
    await expect.poll(() => page.getByLabel("E-Mail-Adresse").inputValue()).toBe("rudi@example.org");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Wie heißt du?" }).waitFor();
    expect(await server.code("rudi@example.org")).toMatch(/^\d{6}$/);
    await close();
  });

  test("an invite link pins the server's key; another key, or half a link, stops", async () => {
    const { page, close } = await open();
    const { fingerprint } = server;
    await page.goto(`${server.url}/#${fingerprint}`);
    await page.locator("summary").click();
    await page.getByText("It has the key that your invite link names").waitFor();
    expect(new URL(page.url()).hash).toBe("#/");
    await close();

    const other = await open();
    const foreign = `${fingerprint.slice(1)}A`;
    await other.page.goto("about:blank");
    await other.page.goto(`${server.url}/#${foreign}`);
    await heading(other.page, "This is not the server you expect");
    expect(await other.page.locator(".fingerprint").first().innerText()).toContain(foreign.slice(0, 4));
    expect(await accessibilityFindings(other.page)).toEqual([]);
    await other.page.getByRole("button", { name: "Check again" }).click();
    await heading(other.page, "This is not the server you expect");
    await other.page.reload();
    await heading(other.page, "This is not the server you expect");
    await other.close();

    const half = await open();
    await half.page.goto("about:blank");
    await half.page.goto(`${server.url}/#${fingerprint.slice(0, 30)}`);
    await half.page.getByText("The link that brought you here is damaged").waitFor();
    await half.page.locator("summary").click();
    await half.page.getByLabel("Compare with an invite link").fill(`sotto://example.org/#${fingerprint}`);
    await half.page.keyboard.press("Enter");
    await half.page.getByText("It is the same").waitFor();
    await half.page.getByLabel("Compare with an invite link").fill(foreign);
    await half.page.keyboard.press("Enter");
    await heading(half.page, "This is not the server you expect");
    await half.close();
  });

  test("steps are left and resumed: by back, by a reload, with the recovery key on the screen", async () => {
    const { page, close } = await open();
    const phone = "+15551230302";
    await page.getByRole("button", { name: "Create an account" }).click();
    await page.getByLabel("Phone number").fill(phone);
    await continues(page);
    await leaveOutName(page);
    await choosePassphrase(page);
    await heading(page, "Type the code");
    await page.goBack();
    await heading(page, "Choose a passphrase");
    await page.goForward();
    await heading(page, "Type the code");
    const code = await server.code(phone);
    // The passphrase went with the page; the number, and that a code was sent, did not.
    await page.reload();
    await heading(page, "Choose a passphrase");
    expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain(PASSPHRASE);
    await choosePassphrase(page);
    await heading(page, "Type the code");
    expect(await server.code(phone)).toBe(code);
    await page.getByLabel("Code").fill(code);
    await heading(page, "Keep your recovery key");
    const shown = await page.getByRole("group", { name: "Recovery key" }).locator("span").allInnerTexts();
    await page.reload();
    await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
    await page.getByRole("button", { name: "Unlock" }).click();
    await heading(page, "Keep your recovery key");
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
    await page.keyboard.press("Enter");
    expect(await keepRecoveryKey(page)).toBe(shown.join("-"));
    await page.getByRole("navigation").waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    await close();
  });

  test("a registration that was cut off is finished after a reload, with the same keys", async () => {
    const { page, close } = await open();
    const phone = "+15551230303";
    await page.getByRole("button", { name: "Create an account" }).click();
    await page.getByLabel("Phone number").fill(phone);
    await continues(page);
    await leaveOutName(page);
    await choosePassphrase(page);
    await page.context().route(/\/Register$/, (route) => route.abort());
    await page.getByLabel("Code").fill(await server.code(phone));
    await page.getByText("The server cannot be reached").waitFor({ timeout: 60_000 });
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.context().unroute(/\/Register$/);
    await page.reload();
    await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
    await page.getByRole("button", { name: "Unlock" }).click();
    await heading(page, "Your account was not finished");
    // Whoever comes back is sent another code; the first one counts no more.
    await page.getByLabel("Code").fill(await server.code(phone, 2));
    await keepRecoveryKey(page);
    await page.getByRole("navigation").waitFor();
    await page.reload();
    await unlockIn(page);
    await close();
  });

  test("who has an account already is led to it, and comes back with the recovery key", async () => {
    const phone = "+15551230304";
    const first = await open();
    await first.page.getByRole("button", { name: "Create an account" }).click();
    await first.page.getByLabel("Phone number").fill(phone);
    await continues(first.page);
    await leaveOutName(first.page);
    await choosePassphrase(first.page);
    await first.page.getByLabel("Code").fill(await server.code(phone));
    const recoveryKey = await keepRecoveryKey(first.page);
    await first.page.getByRole("navigation").waitFor();
    await first.close();

    const { page, close } = await open();
    await page.getByRole("button", { name: "Create an account" }).click();
    await page.getByLabel("Phone number").fill(phone);
    await continues(page);
    await leaveOutName(page);
    await choosePassphrase(page);
    await page.getByLabel("Code").fill(await server.code(phone, 2));
    await heading(page, "There is an account already");
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "I have my recovery key" }).click();
    await heading(page, "Which account was it?");
    await continues(page);
    await heading(page, "Your recovery key");
    await page.getByLabel("Recovery key").fill("ABCD EFGH");
    await page.keyboard.press("Enter");
    await page.getByText("A recovery key has 32 letters and digits; these are 8.").waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    // One letter of another key: it opens nothing, and the same code counts for the next try.
    await page
      .getByLabel("Recovery key")
      .fill(recoveryKey.replace(/^./, (letter) => (letter === "A" ? "B" : "A")));
    await page.keyboard.press("Enter");
    await choosePassphrase(page);
    await heading(page, "Type the code");
    await page.getByLabel("Code").fill(await server.code(phone, 3));
    await page.getByText("This key does not open that account").waitFor({ timeout: 60_000 });
    await page.getByLabel("Recovery key").fill(recoveryKey.toLowerCase().replaceAll("-", " "));
    await page.keyboard.press("Enter");
    await choosePassphrase(page);
    await page.getByLabel("Code").fill(await server.code(phone, 3));
    await heading(page, "Your account is back");
    expect(await accessibilityFindings(page)).toEqual([]);
    await continues(page);
    await page.getByRole("navigation").waitFor();
    await close();
  });

  test("without any key, a reset waits for its delay, survives a reload, and ends", async () => {
    const phone = "+15551230305";
    const old = await joinApp(browser, server, phone);
    await old.close();
    const { page, close } = await open();
    await page.getByRole("button", { name: "I lost all my devices" }).click();
    await page.getByLabel("Phone number").fill(phone);
    await continues(page);
    await page.getByRole("button", { name: "I lost the key as well" }).click();
    await heading(page, "Begin anew under your number");
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Begin anew" }).click();
    await continues(page);
    await choosePassphrase(page);
    await page.getByLabel("Code").fill(await server.code(phone, 2));
    await keepRecoveryKey(page);
    await heading(page, "The delay is running");
    await page.getByRole("button", { name: "Finish now" }).click();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.reload();
    await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
    await page.getByRole("button", { name: "Unlock" }).click();
    await heading(page, "The delay is running");
    await expect
      .poll(
        async () => {
          await page
            .getByRole("button", { name: "Finish now" })
            .click({ timeout: 1_000 })
            .catch(() => undefined);
          return page.getByLabel("Code").count();
        },
        { timeout: 30_000 },
      )
      .toBe(1);
    await page.getByLabel("Code").fill(await server.code(phone, 3));
    await page.getByRole("navigation").waitFor({ timeout: 60_000 });
    await close();
  });
});
