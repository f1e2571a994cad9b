/** Passkeys that open the vault, with Chromium's virtual authenticator: WebAuthn's PRF, as a fingerprint reader gives it. */
import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { accessibilityFindings } from "./support/axe.ts";
import {
  choosePassphrase,
  keepRecoveryKey,
  leaveOutName,
  openApp,
  startWebServer,
  unlockIn,
  type WebServer,
} from "./support/app.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

interface Authenticator {
  readonly session: CDPSession;
  readonly authenticatorId: string;
}

/** An authenticator inside of the computer, whose owner's finger always fits. */
async function addAuthenticator(page: Page, hasPrf: boolean): Promise<Authenticator> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      hasPrf,
    },
  });
  return { session, authenticatorId };
}

describe.skipIf(noChromium)("passkeys", () => {
  let server: WebServer;
  let browser: Browser;
  beforeAll(async () => {
    const started = await startWebServer();
    // Passkeys are for names: a bare address has none.
    server = { ...started, url: started.url.replace("127.0.0.1", "localhost") };
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Registers, up to the offer of a passkey. */
  async function joinToOffer(page: Page, phone: string): Promise<void> {
    await page.getByRole("button", { name: "Create an account" }).click();
    await page.getByLabel("Phone number").fill(phone);
    await page.getByRole("button", { name: "Continue" }).click();
    await leaveOutName(page);
    await choosePassphrase(page);
    await page.getByLabel("Code").fill(await server.code(phone));
    await keepRecoveryKey(page);
    await page.getByRole("heading", { name: "Unlock with a passkey?" }).waitFor();
  }

  test("one is set up after the first run, unlocks after a reload, and not once it is gone", async () => {
    const { page, complaints, close } = await openApp(browser, server);
    const { session, authenticatorId } = await addAuthenticator(page, true);
    await joinToOffer(page, "+15551230601");
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Set up a passkey" }).click();
    await page.getByRole("navigation").waitFor();

    await page.reload();
    const unlock = page.getByRole("button", { name: "Use a passkey" });
    await unlock.waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await unlock.click();
    await page.getByRole("navigation").waitFor();

    // What is stored opens nothing without the authenticator: neither key nor secret lie there.
    const stored = await page.evaluate(
      () =>
        new Promise<{ readonly keys: string[]; readonly wrap: number }>((resolve, reject) => {
          const opening = indexedDB.open("sotto");
          opening.addEventListener("error", reject);
          opening.addEventListener("success", () => {
            const asked = opening.result.transaction("meta").objectStore("meta").get("passkeys");
            asked.addEventListener("success", () => {
              const [passkey] = asked.result as [{ wrap: Uint8Array }];
              opening.result.close();
              resolve({ keys: Object.keys(passkey).toSorted(), wrap: passkey.wrap.length });
            });
          });
        }),
    );
    expect(stored).toEqual({ keys: ["addedAt", "id", "salt", "wrap"], wrap: 60 });

    await page.reload();
    await session.send("WebAuthn.clearCredentials", { authenticatorId });
    await unlock.click();
    await page.getByText("That passkey did not open it").waitFor({ timeout: 130_000 });
    expect(await accessibilityFindings(page)).toEqual([]);
    await unlockIn(page);
    expect(complaints).toEqual([]);
    await close();
  });

  test("it is added and removed in the settings, and outlives a changed passphrase", async () => {
    const { page, close } = await openApp(browser, server);
    await addAuthenticator(page, true);
    await joinToOffer(page, "+15551230602");
    await page.getByRole("button", { name: "Not now" }).click();
    await page.getByRole("navigation").waitFor();
    await page.goto(`${server.url}/#/settings/security`);
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByRole("button", { name: "Remove this passkey" }).waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByLabel("Current passphrase").fill("three calm otters");
    await page.getByLabel("New passphrase", { exact: true }).fill("seven quiet badgers");
    await page.getByLabel("Repeat the passphrase").fill("seven quiet badgers");
    await page.getByRole("button", { name: "Change it" }).click();
    await page.getByText("The passphrase is changed.").waitFor();
    await page.getByRole("button", { name: "Lock now" }).click();
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByRole("navigation").waitFor();
    await page.getByRole("button", { name: "Remove this passkey" }).click();
    await page.getByRole("button", { name: "Remove this passkey" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Lock now" }).click();
    await page.getByText("Forgot it?").waitFor();
    expect(await page.getByRole("button", { name: "Use a passkey" }).count()).toBe(0);
    await close();
  });

  test("one that keeps no secret is said to be of no use, and is not stored", async () => {
    const { page, close } = await openApp(browser, server);
    await addAuthenticator(page, false);
    await joinToOffer(page, "+15551230603");
    await page.getByRole("button", { name: "Set up a passkey" }).click();
    await page.getByText("This passkey cannot keep a secret").waitFor();
    await page.getByRole("button", { name: "Not now" }).click();
    await page.getByRole("navigation").waitFor();
    await page.reload();
    await page.getByText("Forgot it?").waitFor();
    expect(await page.getByRole("button", { name: "Use a passkey" }).count()).toBe(0);
    await close();
  });
});
