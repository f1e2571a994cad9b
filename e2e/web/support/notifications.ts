/** Looking at notifications, and looking away from a tab. */
import type { Page } from "playwright-core";

/** What the system shows now, of this page's site. */
export const shownNotifications = (
  page: Page,
): Promise<readonly { readonly title: string; readonly body: string }[]> =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return (await registration.getNotifications()).map(({ title, body }) => ({ title, body }));
  });

/**
 * Somebody leaves a tab for another one. Returns what brings them back. (Tests of Playwright see every page as the one in front, so that it
 * is told here that this one is not.)
 */
export async function leaveTab(page: Page, other?: Page): Promise<() => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setFocusEmulationEnabled", { enabled: false });
  const front = other ?? (await page.context().newPage());
  await front.bringToFront();
  await page.waitForFunction(() => !document.hasFocus());
  return async () => {
    if (other === undefined) await front.close();
    await session.send("Emulation.setFocusEmulationEnabled", { enabled: true });
    await page.bringToFront();
    await page.waitForFunction(() => document.hasFocus());
    await session.detach();
  };
}
