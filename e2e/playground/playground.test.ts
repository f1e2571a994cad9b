/** The playground, a shorter past of it: made through the real protocol, shown in a browser, and alive. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Browser } from "playwright-core";
import { sendText, textsIn } from "../web/support/app.ts";
import { noChromium, startChromium } from "../web/support/browser.ts";
import { circles } from "./cast.ts";
import { makePlayground, type Playground } from "./playground.ts";
import { exchanges } from "./talk.ts";
import { linkTo } from "./windows.ts";
import { yearOf } from "./year.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

test("a year is full, in order, without gaps left open, and the same for a seed", () => {
  const untilMs = Date.UTC(2026, 10, 28, 12);
  const year = yearOf(untilMs, 365, 7);
  expect(year.length).toBeGreaterThan(1_000);
  expect(year.map(({ atMs }) => atMs)).toEqual(year.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  expect(year.at(-1)?.atMs).toBeLessThan(untilMs);
  expect(year.filter(({ text }) => text.includes("{"))).toEqual([]);
  expect(yearOf(untilMs, 365, 7)).toEqual(year);
  expect(yearOf(untilMs, 365, 8)).not.toEqual(year);
});

test("only those who are in a conversation speak in it", () => {
  for (const { where, lines } of exchanges) {
    const members: readonly string[] =
      typeof where === "string" ? (circles.find(({ name }) => name === where)?.members ?? []) : where;
    for (const { who, reactions = [] } of lines) {
      expect(members).toContain(who);
      for (const [reacting] of reactions) expect(members).toContain(reacting);
    }
  }
});

describe.skipIf(noChromium)("a playground", () => {
  let browser: Browser;
  let playground: Playground;
  beforeAll(async () => {
    browser = await startChromium();
    playground = await makePlayground({ days: 20, seed: 1, port: 0, progress: () => undefined });
  });
  afterAll(async () => {
    await playground?.close();
    await browser?.close();
  });

  test("a visitor sees the past as Ann, and is answered", async () => {
    const { server, people } = playground;
    const ann = people.get("Ann");
    if (ann === undefined) throw new Error("Ann is not there");
    const context = await browser.newContext({ viewport: { width: 1100, height: 760 } });
    const page = await linkTo(context, server.webApp ?? "", ann);
    for (const { name, members } of circles) {
      if ((members as readonly string[]).includes("Ann")) await page.getByRole("link", { name }).waitFor();
    }
    await page.getByRole("link", { name: "+12025550103" }).click();
    await sendText(page, "Are you there?");
    await expect.poll(async () => (await textsIn(page)).length, { timeout: 20_000 }).toBeGreaterThan(1);
    await expect
      .poll(async () => (await textsIn(page)).at(-1), { timeout: 20_000 })
      .not.toBe("Are you there?");
    await context.close();
  });
});
