/** Accessibility, as far as a program can tell: axe-core's rules for WCAG 2.2 AA, in light and dark. */
import axe from "axe-core";
import type { Page } from "playwright-core";

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** All that the other colours can change. */
const ofColours = ["color-contrast", "link-in-text-block"];

type WithAxe = typeof globalThis & { axe?: typeof axe };

/** What axe finds in the page as it is now; one line for each rule and place. */
export async function accessibilityFindings(page: Page): Promise<readonly string[]> {
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // Colours follow with the next frames; those that are still on their way from one theme to the other are nobody's.
    await page.evaluate(async (wanted) => {
      const media = matchMedia(`(prefers-color-scheme: ${wanted})`);
      // One frame more than it takes to begin transitions.
      for (let frames = 0; frames < 2; frames += media.matches ? 1 : 0)
        await new Promise((painted) => requestAnimationFrame(painted));
      const transitions = document.getAnimations().filter((one) => one instanceof CSSTransition);
      await Promise.allSettled(transitions.map(({ finished }) => finished));
    }, colorScheme);
    if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
    const runOnly = colorScheme === "light" ? tags : { type: "rule" as const, values: ofColours };
    const { violations } = await page.evaluate(
      (only) => (globalThis as WithAxe).axe!.run(document, { runOnly: only, resultTypes: ["violations"] }),
      runOnly,
    );
    for (const { id, nodes } of violations) {
      for (const { html, failureSummary } of nodes)
        found.push(`${colorScheme} ${id}: ${html} ${failureSummary}`);
    }
  }
  return found;
}
