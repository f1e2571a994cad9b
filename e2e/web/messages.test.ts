/** What can be done with messages, and about conversations and groups: two people in browsers and one at a terminal. */
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { joinApp, sendText, startWebServer, textsIn, type Person, type WebServer } from "./support/app.ts";
import { accessibilityFindings } from "./support/axe.ts";
import { noChromium, startChromium } from "./support/browser.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const benPhone = "+15551230202";

/** The message with that text, not one that quotes it. */
const messageOf = (page: Page, text: string): Locator =>
  page.locator(".message", { has: page.locator(".text", { hasText: text }) });

async function choose(page: Page, text: string, button: string, item?: string): Promise<void> {
  const message = messageOf(page, text);
  await message.hover();
  await message.getByRole("button", { name: button, exact: true }).click();
  if (item !== undefined) await page.getByRole("menuitem", { name: item }).click();
}

describe.skipIf(noChromium)("messages", () => {
  let server: WebServer;
  let browser: Browser;
  let ann: Person;
  let ben: Person;
  beforeAll(async () => {
    server = await startWebServer();
    browser = await startChromium();
    ann = await joinApp(browser, server, "+15551230201");
    // By the address of a conversation, before there is anybody of that number.
    await ann.page.goto(`${server.url}/#/c/${encodeURIComponent(benPhone)}`);
    await sendText(ann.page, "How about lunch at noon?");
    await sendText(ann.page, "Or later?");
    ben = await joinApp(browser, server, benPhone);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("what could not be sent says why; it is sent again once it can be, or deleted", async () => {
    const problems = ann.page.locator(".message__problem");
    await expect.poll(() => problems.count()).toBe(2);
    expect(await problems.first().innerText()).toContain("Nobody on this server has that number or address.");
    expect(await accessibilityFindings(ann.page)).toEqual([]);
    await messageOf(ann.page, "Or later?").getByRole("button", { name: "Delete", exact: true }).click();
    await expect.poll(() => textsIn(ann.page)).toEqual(["How about lunch at noon?"]);
    await ann.page.getByRole("button", { name: "Send again" }).click();
    await ben.page.getByRole("link", { name: ann.identifier }).click();
    await messageOf(ben.page, "lunch at noon").waitFor();
    await expect.poll(() => problems.count()).toBe(0);
    await expect.poll(() => textsIn(ann.page)).toEqual(["How about lunch at noon?"]);
  });

  test("somebody unknown makes a request, and is known once it is accepted", async () => {
    await ben.page.getByText(`${ann.identifier} wants to write with you`).waitFor();
    await ben.page.getByRole("button", { name: "Accept", exact: true }).click();
    await ben.page.getByText("wants to write with you").waitFor({ state: "detached" });
    await messageOf(ann.page, "lunch at noon").locator(".status--read").waitFor();
    expect(await ben.page.getByText("Request", { exact: true }).count()).toBe(0);
  });

  test("a reaction is seen by both, and taken back by a click", async () => {
    await choose(ben.page, "lunch at noon", "React");
    await ben.page.getByRole("button", { name: "👍" }).click();
    const seen = ann.page.locator(".reaction");
    await seen.waitFor();
    expect(await seen.innerText()).toContain("👍");
    await ben.page.locator(".reaction--own").click();
    await expect.poll(() => seen.count(), { timeout: 20_000 }).toBe(0);
  });

  test("an answer shows what it answers, and follows when that is changed", async () => {
    await choose(ben.page, "lunch at noon", "Answer");
    await sendText(ben.page, "At the usual place");
    await ann.page.locator(".quote", { hasText: "lunch at noon" }).waitFor();
    const input = ann.page.getByLabel("Write a message");
    await input.press("ArrowUp");
    await expect.poll(() => input.inputValue()).toBe("How about lunch at noon?");
    await input.fill("How about lunch at one?");
    await input.press("Enter");
    await messageOf(ben.page, "lunch at one").first().waitFor();
    await ben.page.locator(".quote", { hasText: "lunch at one" }).waitFor();
    expect(await messageOf(ben.page, "lunch at one").first().innerText()).toContain("changed");
  });

  test("a message that is deleted for everyone is gone on both sides", async () => {
    await sendText(ann.page, "a slip of the tongue");
    await messageOf(ben.page, "a slip").waitFor();
    await choose(ann.page, "a slip", "More", "Delete for everyone");
    await ben.page.locator(".message__gone").waitFor();
    expect(await messageOf(ben.page, "a slip").count()).toBe(0);
  });

  test("a message that is deleted here comes back by undo, and is gone without it", async () => {
    await choose(ann.page, "usual place", "More", "Delete for me");
    await expect.poll(() => messageOf(ann.page, "usual place").count()).toBe(0);
    await ann.page.getByRole("button", { name: "Undo" }).click();
    await messageOf(ann.page, "usual place").waitFor();
    expect(await messageOf(ben.page, "usual place").count()).toBe(1);
  });

  test("who has it and who read it can be asked for", async () => {
    await choose(ann.page, "lunch at one", "More", "Who has read it");
    const dialog = ann.page.getByRole("dialog");
    await dialog.getByText(ben.identifier).waitFor();
    expect(await dialog.innerText()).toContain("Read");
    await ann.page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  test("a timer is told on both sides, and what disappears is marked", async () => {
    await ann.page.getByRole("link", { name: "Details" }).click();
    await ann.page.getByLabel("Disappearing messages").selectOption("86400");
    await ben.page.getByText(/disappear after 1 day/).waitFor();
    await ann.page.keyboard.press("Escape");
    await sendText(ann.page, "not for long");
    const mark = messageOf(ben.page, "not for long").getByTitle("This message disappears");
    await mark.waitFor();
    expect(await ann.page.getByText(/disappear after 1 day/).count()).toBeGreaterThan(0);
  });

  test("a draft stays in the list, and in the conversation", async () => {
    await ann.page.getByLabel("Write a message").fill("not finished");
    await ann.page.keyboard.press("Escape");
    await ann.page.getByText("Draft:").waitFor();
    await ann.page.getByRole("link", { name: ben.identifier }).click();
    await expect
      .poll(() => ann.page.getByLabel("Write a message").inputValue(), { timeout: 10_000 })
      .toBe("not finished");
    await ann.page.getByLabel("Write a message").fill("");
  });

  test("both see the same safety number, and a mark stays", async () => {
    const numbers: string[] = [];
    for (const { page } of [ann, ben]) {
      await page.getByRole("link", { name: "Details" }).click();
      await page.getByRole("button", { name: "Compare the safety number" }).click();
      numbers.push(await page.locator(".safety-number").innerText());
    }
    expect(numbers[0]).toBe(numbers[1]);
    expect(numbers[0]?.replaceAll(/\D/g, "")).toHaveLength(60);
    await ann.page.getByRole("button", { name: /mark as verified/ }).click();
    await ann.page.getByRole("button", { name: "Take the mark back" }).waitFor();
    await ann.page.keyboard.press("Escape");
    await ann.page.locator(".conversation__name").getByText("Verified").waitFor({ state: "attached" });
    await ben.page.keyboard.press("Escape");
  });

  test("a group is made, renamed, and left", async () => {
    await ann.page.getByRole("link", { name: "New conversation" }).click();
    await ann.page.getByLabel("Name of the group").fill("Book club");
    await ann.page.getByLabel("People in the group").fill(ben.identifier);
    await ann.page.getByRole("button", { name: "Make the group" }).click();
    await ann.page.getByLabel("Write a message").waitFor();
    await sendText(ann.page, "Chapter nine by Friday");
    await ben.page.getByRole("link", { name: /Book club/ }).click();
    await messageOf(ben.page, "Chapter nine").waitFor();
    await ann.page.getByRole("link", { name: "Details" }).click();
    await ann.page.getByLabel("Name of the group").fill("Reading circle");
    await ann.page.getByRole("button", { name: "Rename" }).click();
    await ben.page.getByRole("heading", { name: "Reading circle" }).waitFor();
    await ann.page.keyboard.press("Escape");
    await ben.page.getByRole("link", { name: "Details" }).click();
    await ben.page.getByRole("button", { name: "Leave the group" }).click();
    await ben.page.getByRole("button", { name: "Leave the group" }).click();
    await ben.page.getByText("You are not in this group any more").waitFor();
    await ann.page.getByText("1 person").waitFor({ timeout: 20_000 });
    expect(ann.complaints).toEqual([]);
    expect(ben.complaints).toEqual([]);
  });

  test("who is blocked is not heard, until the block is taken back", async () => {
    await ben.page.goto(`${server.url}/#/c/${encodeURIComponent(ann.identifier)}/details`);
    const dialog = ben.page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Block", exact: true }).click();
    await dialog.getByRole("button", { name: "Unblock" }).waitFor();
    await ann.page.getByRole("link", { name: ben.identifier }).click();
    await sendText(ann.page, "can you hear me?");
    await messageOf(ann.page, "can you hear").locator(".status--sent").waitFor();
    await dialog.getByRole("button", { name: "Unblock" }).click();
    await dialog.getByRole("button", { name: "Block", exact: true }).waitFor();
    await ben.page.keyboard.press("Escape");
    await sendText(ann.page, "and now?");
    await messageOf(ben.page, "and now?").waitFor();
    expect(await messageOf(ben.page, "can you hear").count()).toBe(0);
  });
});
