/** Two people in full-screen chats, through pseudo-terminals, with a real server between them. One story, told in order. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PtyTerminal } from "./support/pty.ts";
import { cleanEnvironment, launcher, TestServer, type Person } from "./support/sotto.ts";

const escape = "\u001b";
const ctrl = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) - 96);

let server: TestServer;
let ann: Person;
let bob: Person;
let annScreen: PtyTerminal;
let bobScreen: PtyTerminal;

beforeAll(async () => {
  server = await TestServer.start();
  ann = await server.registered("+15551230031");
  bob = await server.registered("+15551230032");
}, 60_000);
afterAll(async () => {
  annScreen?.kill();
  bobScreen?.kill();
  await server?.stop();
});

describe("sotto chat", () => {
  test("opens on the alternate screen at 80×24, connects, and says how to begin", async () => {
    annScreen = ann.terminal(["chat"]);
    await annScreen.waitFor("● online");
    expect(annScreen.alternate).toBe(true);
    expect(annScreen.text()).toContain("No conversations yet.");
    expect(annScreen.rows()).toHaveLength(24);
    expect(annScreen.rows()[0]).toContain(ann.phone);
  });

  test("wherever the shell left the cursor, the first line is whole; and the shell's lines come back", async () => {
    const shell = new PtyTerminal({
      file: "/bin/sh",
      args: ["-c", 'printf "one\\ntwo\\n\\$ "; "$0" chat', launcher],
      env: cleanEnvironment(bob.env),
    });
    await shell.waitFor("● online");
    expect(shell.rows()[0]).toMatch(/^ Sotto {2}\+15551230032 +● online *$/);
    shell.type(ctrl("q"));
    expect(await shell.exited).toBe(0);
    expect(shell.rows().slice(0, 3)).toEqual(["one", "two", "$ "]);
  });

  test("a new conversation: somebody unknown is explained, somebody registered is opened", async () => {
    annScreen.type(ctrl("n"));
    await annScreen.waitFor("Write to somebody");
    annScreen.type("+15551239999\r");
    await annScreen.waitFor("ask them to register");
    annScreen.type(`${ctrl("u")}${bob.phone}\r`);
    await annScreen.waitFor("No messages yet. Write the first one.");
    expect(annScreen.text()).toContain("unverified  mls");
  });

  test("a message to somebody who is away is sent; it is read when they come, and both see it at once", async () => {
    annScreen.type("Hello Bob, grüße! 日本\r");
    await annScreen.waitFor(/Hello Bob, grüße! 日本 +✓ sent/);
    bobScreen = bob.terminal(["chat"]);
    await bobScreen.waitFor("● online");
    await bobScreen.waitFor(/\d\d:\d\d {2}Hello Bob, grüße! 日本/);
    // Bob does not know her yet: she learns no more than that it arrived, until he accepts.
    await annScreen.waitFor(/Hello Bob, grüße! 日本 +✓✓ delivered/);
    expect(bobScreen.text()).toContain("REQUEST: answer, or Ctrl+P");
    bobScreen.type(ctrl("p"));
    await bobScreen.waitFor("Accept this request");
    bobScreen.type("y");
    await bobScreen.waitFor("unverified  mls");
    expect(await annScreen.waitFor(/Hello Bob, grüße! 日本 +✓✓ read/)).toContain("▸ +15551230032");
  });

  test("one sees the other typing, and then the message, live", async () => {
    bobScreen.type("I am writ");
    await annScreen.waitFor(`${bob.phone} is typing …`);
    bobScreen.type("ing\r");
    await annScreen.waitFor(/\d\d:\d\d {2}I am writing/);
    await annScreen.waitUntil(() => !annScreen.text().includes("is typing"));
    expect(await bobScreen.waitFor(/I am writing +✓✓ read/)).toContain("▸ +15551230031");
  });

  test("the help opens, fits, and any key closes it", async () => {
    annScreen.type("?");
    await annScreen.waitFor("Any key closes this.");
    for (const key of ["Tab", "Ctrl+N", "Ctrl+P", "Ctrl+T", "Ctrl+C", "delivered"]) {
      expect(annScreen.text()).toContain(key);
    }
    annScreen.type("x");
    await annScreen.waitUntil(() => !annScreen.text().includes("Any key closes this."));
    expect(annScreen.text()).not.toMatch(/^> x/m);
  });

  test("a resize is drawn anew: narrow with one pane, and back to two", async () => {
    annScreen.resize(50, 16);
    await annScreen.waitFor(/^\d\d:\d\d {2}I am writing/m);
    expect(annScreen.rows()[0]).toContain("● online");
    expect(annScreen.text()).not.toContain("│");
    annScreen.type(escape);
    await annScreen.waitFor(/▸ \+15551230032/);
    annScreen.type("\r");
    await annScreen.waitFor(/^\d\d:\d\d {2}I am writing/m);
    annScreen.resize(120, 40);
    await annScreen.waitFor(/│ \d\d:\d\d {2}I am writing/);
    expect(annScreen.rows()).toHaveLength(40);
    expect(annScreen.rows()[39]).toContain("quit");
    annScreen.resize(80, 24);
    await annScreen.waitUntil(() => (annScreen.rows()[23] ?? "").includes("quit"));
    expect(annScreen.rows()[0]).toContain("● online");
  });

  test("both see the same safety number, and y marks the contact as verified", async () => {
    const number = /\d{5} \d{5} \d{5} \d{5}/g;
    annScreen.type(ctrl("t"));
    await annScreen.waitFor(number);
    bobScreen.type(ctrl("t"));
    await bobScreen.waitFor(number);
    const rows = annScreen.text().match(number);
    expect(rows).toHaveLength(3);
    expect(bobScreen.text().match(number)).toEqual(rows);
    annScreen.type("y");
    await annScreen.waitFor("✓ verified");
    bobScreen.type(escape);
    await bobScreen.waitFor("unverified");
  });

  test("messages from a third person ask first, then count as unread, and Tab leads to them", async () => {
    const eve = await server.registered("+15551230033");
    await eve.ok("send", ann.phone, "Psst");
    await eve.ok("send", ann.phone, "Are you there?");
    await annScreen.waitFor(/\+15551230033 +request/);
    annScreen.type("\t");
    await annScreen.waitFor(/│ \d\d:\d\d {2}Are you there\?/);
    annScreen.type(ctrl("p"));
    await annScreen.waitFor("Accept this request");
    annScreen.type("y");
    await annScreen.waitUntil(() => !annScreen.text().includes("request"));
    annScreen.type("\t");
    await annScreen.waitFor(/│ \d\d:\d\d {2}I am writing/);
    await eve.ok("send", ann.phone, "Psst again");
    await annScreen.waitFor(/\+15551230033 +\(1\)/);
    annScreen.type("\t");
    await annScreen.waitUntil(() => !annScreen.text().includes("(1)"));
    await eve.ok("receive");
    expect((await eve.json("history", ann.phone)).map(({ status }) => status)).toEqual([
      "read",
      "read",
      "read",
    ]);
    annScreen.type("\t");
    await annScreen.waitFor(/│ \d\d:\d\d {2}I am writing/);
  });

  test("hostile text does nothing to the screen", async () => {
    await bobScreen.waitFor("● online");
    bobScreen.type(`${escape}[200~\u202eevil <b>\u0007${escape}]0;owned${escape}[201~\r`);
    await annScreen.waitFor("<U+202E>evil <b>");
    expect(annScreen.raw).not.toContain("\u202e");
    expect(annScreen.rows()[0]).toContain("● online");
  });

  test("the server goes away and comes back: what was written meanwhile is queued, then sent", async () => {
    await server.down();
    await annScreen.waitFor("○ ");
    annScreen.type("Written offline\r");
    await annScreen.waitFor(/Written offline +◌ queued/);
    await server.up();
    await annScreen.waitFor("● online", 60_000);
    await bobScreen.waitFor(/\d\d:\d\d {2}Written offline/, 60_000);
    expect(await annScreen.waitFor(/Written offline +✓✓ read/, 30_000)).toContain("● online");
  }, 120_000);

  test("Ctrl+C quits with 0, restores the terminal, and another command can use the account", async () => {
    annScreen.type("an unsent draft");
    annScreen.type(ctrl("c"));
    expect(await annScreen.exited).toBe(0);
    await annScreen.waitUntil(() => !annScreen.alternate);
    // The cursor is shown and bracketed paste is off again.
    expect(annScreen.raw.lastIndexOf(`${escape}[?25h`)).toBeGreaterThan(
      annScreen.raw.lastIndexOf(`${escape}[?25l`),
    );
    expect(annScreen.raw.lastIndexOf(`${escape}[?2004l`)).toBeGreaterThan(
      annScreen.raw.lastIndexOf(`${escape}[?2004h`),
    );
    expect(annScreen.text().trim()).toBe("");
    const rows = await ann.json("history", bob.phone, "--offline");
    expect(rows.map(({ body }) => body)).toContain("Written offline");
  });

  test("SIGTERM restores the terminal too", async () => {
    bobScreen.kill("SIGTERM");
    expect(await bobScreen.exited).toBe(143);
    await bobScreen.waitUntil(() => !bobScreen.alternate);
  });

  test("a crash restores the terminal, says what to do, and ends with 1", async () => {
    const crash = 'process.on("SIGUSR2", () => { throw new Error("boom"); })';
    const env = { NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(crash)}"` };
    bobScreen = bob.terminal(["chat"], { env });
    await bobScreen.waitUntil(() => bobScreen.alternate);
    bobScreen.kill("SIGUSR2");
    expect(await bobScreen.exited).toBe(1);
    await bobScreen.waitFor("an unexpected error: boom");
    expect(bobScreen.alternate).toBe(false);
    expect(bobScreen.text()).toContain("What to do:");
    expect((await bob.run("devices")).code).toBe(0);
  });

  test("NO_COLOR: no colours, states in words", async () => {
    annScreen = ann.terminal(["chat", bob.phone], { env: { NO_COLOR: "1" } });
    await annScreen.waitFor("● online");
    await annScreen.waitFor("✓✓ read");
    // oxlint-disable-next-line no-control-regex
    expect(annScreen.raw).not.toMatch(/\u001b\[(?:3[0-8]|9[0-7])[;m]/);
    annScreen.type(ctrl("q"));
    expect(await annScreen.exited).toBe(0);
  });
});
