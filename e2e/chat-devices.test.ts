/**
 * Devices in full-screen chats, through pseudo-terminals, with a real server between them: a second device is linked from
 * `sotto chat` in a fresh folder, approved in the chat of the first, and revoked there. One story, told in order.
 */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PtyTerminal } from "./support/pty.ts";
import { TestServer, type Person } from "./support/sotto.ts";

const escape = "\u001b";
const ctrl = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) - 96);

let server: TestServer;
let ann: Person;
let ben: Person;
let laptop: Person;
let desk: PtyTerminal;
let fresh: PtyTerminal | undefined;

beforeAll(async () => {
  server = await TestServer.start();
  ann = await server.registered("+15551230071");
  ben = await server.registered("+15551230072");
  laptop = ann.at("laptop");
  await ann.ok("send", ben.phone, "from before");
  await ann.ok("group", "create", "Choir", ben.phone);
  await ben.ok("receive");
}, 90_000);
afterAll(async () => {
  desk?.kill();
  fresh?.kill();
  await server?.stop();
});

describe("devices in sotto chat", () => {
  test("in a folder without an account it asks how to begin; link shows a QR code and a code", async () => {
    const away = laptop.terminal(["chat"]);
    await away.waitFor("Which of them? [r/l/c]");
    away.type("x\r");
    await away.waitFor("answer r, l or c");
    expect(await away.exited).toBe(2);
    expect(existsSync(laptop.home)).toBe(false);

    fresh = laptop.terminal(["chat"], { rows: 30, env: { SOTTO_SERVER: server.invite } });
    await fresh.waitFor("Which of them? [r/l/c]");
    fresh.type("l\r");
    await fresh.waitFor(/Code: \S+/);
    expect(fresh.text()).toMatch(/[\u2580\u2584\u2588]{10}/);
  });

  test("the chat of the first device shows what asks, and lets it in after two steps", async () => {
    const code = /Code: (\S+)/.exec(fresh?.text() ?? "")?.[1] ?? "";
    desk = ann.terminal(["chat"]);
    await desk.waitFor("● online");
    desk.type(ctrl("p"));
    await desk.waitFor("Devices of yours");
    desk.type("d");
    await desk.waitFor("this device");
    desk.type("l");
    await desk.waitFor("Link a new device");
    desk.type(`${code}\r`);
    await desk.waitFor("do you read this code on");
    expect(desk.text()).toContain(code);
    expect(desk.text()).toContain("FRAUD");
    desk.type("y");
    await desk.waitFor("type the word link:");
    desk.type("link\r");
    await desk.waitFor("is a device of yours now");
    await desk.waitFor("has contacts, groups and history", 60_000);
    expect(desk.text()).toMatch(/in use +since/);
  }, 90_000);

  test("the new device says whose account it is, has the history, and opens the chat", async () => {
    await fresh?.waitFor(`This is now a device of ${ann.phone}`);
    await fresh?.waitFor("Enter opens the chat.", 60_000);
    fresh?.type("\r");
    await fresh?.waitFor("● online");
    await fresh?.waitFor("# Choir");
    while (!/│ \+15551230072 {2}/.test(fresh?.text() ?? "")) {
      fresh?.type("\t");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await fresh?.waitFor(/from before +✓/);
    fresh?.type("from the laptop\r");
    await desk.waitFor("You: from the laptop");
    desk.type(escape);
    await desk.waitFor("Write a message");
    desk.type("\t");
    await desk.waitFor(/from the laptop +✓/);
    expect(fresh?.text()).toMatch(/from the laptop +✓/);
  }, 90_000);

  test("the first revokes it after a question; the revoked one says what to do", async () => {
    desk.type(ctrl("p"));
    await desk.waitFor("Devices of yours");
    desk.type("d");
    await desk.waitFor(/in use/);
    desk.type(`${escape}[B`);
    await desk.waitFor(/▸ \S+ +in use/);
    desk.type("x");
    await desk.waitFor("This cannot be");
    desk.type("y");
    await desk.waitFor("sotto keys rotate");
    await desk.waitFor(/revoked +since/);
    await fresh?.waitFor("sign_in_refused");
    await fresh?.waitFor("sotto devices link");
    await ben.ok("send", ann.phone, "after the laptop");
    desk.type(escape);
    await desk.waitFor("after the laptop");
    expect(fresh?.text()).not.toContain("after the laptop");
    fresh?.type(ctrl("q"));
    expect(await fresh?.exited).toBe(0);
  }, 60_000);
});
