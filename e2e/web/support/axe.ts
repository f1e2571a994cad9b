/** Accessibility, as far as a program can tell: axe-core's rules for WCAG 2.2 AA, in light and dark. */
import axe from "axe-core";
import type { Page } from "playwright-core";

const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds in the page as it is now; one line for each rule and place. */
export async function accessibilityFindings(page: Page): Promise<readonly string[]> {
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // Colours follow with the next frames.
    await page.waitForTimeout(500);
    // Colours that are still on their way from one theme to the other are nobody's.
    await page.evaluate(async () => {
      await new Promise((painted) => requestAnimationFrame(painted));
      const transitions = document.getAnimations().filter((one) => one instanceof CSSTransition);
      await Promise.allSettled(transitions.map(({ finished }) => finished));
    });
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(
      (tags) => (globalThis as unknown as { axe: typeof axe }).axe.run(document, { runOnly: tags }),
      rules,
    );
    for (const { id, nodes } of violations) {
      for (const { html, failureSummary } of nodes)
        found.push(`${colorScheme} ${id}: ${html} ${failureSummary}`);
    }
  }
  return found;
}
