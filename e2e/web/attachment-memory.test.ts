/** A large file goes out of a browser and takes a fraction of its size in the memory of its page and worker. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test, vi } from "vitest";
import { joinApp, joinIn, sendText, startWebServer, writeTo } from "./support/app.ts";
import { noChromium, startBare, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 300_000 });

const fileBytes = 200_000_000;
// What lies around until it is collected, and two windows of 2 MiB in several forms.
const mostGrownBytes = 120_000_000;

test.skipIf(noChromium || !existsSync("/proc/self/status"))(
  "a file of 200 MB is sent within 120 MB",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "sotto-memory-"));
    const path = join(folder, "film.bin");
    writeFileSync(path, randomBytes(fileBytes));
    const server = await startWebServer(["--max-blob-mib", "300"]);
    const bare = await startBare(join(folder, "profile"));
    const browser = await startChromium();
    try {
      const ben = await joinApp(browser, server, "+15551231102");
      const connection = await bare.connect();
      const page = await connection.contexts()[0]?.newPage();
      if (page === undefined) throw new Error("no page");
      await joinIn(page, server, "+15551231101");
      await writeTo(page, ben.identifier);
      await sendText(page, "Hello");
      await ben.page.getByRole("link", { name: "+15551231101" }).click();
      await ben.page.getByRole("button", { name: "Accept", exact: true }).click();
      await choose(page, path);
      // It is pressed when nobody looks any more.
      await page
        .getByRole("button", { name: "Send" })
        .evaluate((button: HTMLElement) => void setTimeout(() => button.click(), 1_500));
      await connection.close();

      const before = bare.pageBytes();
      let most = before;
      const watching = setInterval(() => (most = Math.max(most, bare.pageBytes())), 250);
      await ben.page.getByRole("button", { name: "Save film.bin" }).waitFor({ timeout: 200_000 });
      clearInterval(watching);
      expect(before).toBeGreaterThan(20_000_000);
      expect(most - before).toBeLessThan(mostGrownBytes);
    } finally {
      await browser.close();
      await bare.stop();
      await server.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  },
);

/** Chooses a file where it lies. */
async function choose(page: Page, path: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { root } = await session.send("DOM.getDocument");
  const selector = ".composer__files";
  const { nodeId } = await session.send("DOM.querySelector", { nodeId: root.nodeId, selector });
  await session.send("DOM.setFileInputFiles", { nodeId, files: [path] });
  await page.getByRole("button", { name: "Remove film.bin" }).waitFor();
}
