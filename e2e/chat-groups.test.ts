/** A group in full-screen chats, through pseudo-terminals, with a real server between them. One story, told in order. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PtyTerminal } from "./support/pty.ts";
import { TestServer, type Person } from "./support/sotto.ts";

const escape = "\u001b";
const ctrl = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) - 96);

let server: TestServer;
let ann: Person;
let bob: Person;
let cara: Person;
let annScreen: PtyTerminal;
let bobScreen: PtyTerminal;

beforeAll(async () => {
  server = await TestServer.start();
  ann = await server.registered("+15551230061");
  bob = await server.registered("+15551230062");
  cara = await server.registered("cara@example.org");
}, 60_000);
afterAll(async () => {
  annScreen?.kill();
  bobScreen?.kill();
  await server?.stop();
});

describe("groups in sotto chat", () => {
  test("the menu makes a group; whoever is added sees it at once", async () => {
    bobScreen = bob.terminal(["chat"]);
    await bobScreen.waitFor("● online");
    annScreen = ann.terminal(["chat"]);
    await annScreen.waitFor("● online");
    annScreen.type(ctrl("p"));
    await annScreen.waitFor("Make a group");
    annScreen.type("g");
    await annScreen.waitFor("What it is called:");
    annScreen.type("Book club\r");
    await annScreen.waitFor("Make the group # Book club");
    annScreen.type(`+15551239999\r`);
    await annScreen.waitFor("ask them to register");
    annScreen.type(`${ctrl("u")}${bob.phone} ${cara.phone}\r`);
    await annScreen.waitFor("# Book club  3 members, 0 of 2 verified  mls");
    await bobScreen.waitFor(/▸ # Book club/);
    // Bob does not know her yet.
    expect(await bobScreen.waitFor(/added you\./)).toContain("REQUEST: answer, or Ctrl+P");
    bobScreen.type(ctrl("p"));
    await bobScreen.waitFor("Accept this request");
    bobScreen.type("y");
    await bobScreen.waitFor("# Book club  3 members");
    await cara.ok("conversations", "accept", "Book club");
  });

  test("messages name their writers, live; read by all is read", async () => {
    annScreen.type("Chapter nine by Friday\r");
    await bobScreen.waitFor(/\+15551230061\s*\n.*Chapter nine by Friday/);
    await annScreen.waitFor(/Chapter nine by Friday +✓ sent/);
    await cara.ok("receive");
    await annScreen.waitFor(/Chapter nine by Friday +✓✓ read/);
    await cara.ok("send", "Book club", "Already done");
    await bobScreen.waitFor(/cara@example\.org\s*\n.*Already done/);
    bobScreen.type("Me");
    await annScreen.waitFor(`${bob.phone} is typing …`);
    bobScreen.type(" too\r");
    expect(await annScreen.waitFor(/\+15551230062\s*\n.*Me too/)).toContain("▸ # Book club");
  });

  test("the people of the group: one is verified there, and marked wherever they write", async () => {
    annScreen.type(ctrl("t"));
    await annScreen.waitFor("3 members of # Book club");
    while (!/▸ \+15551230062/.test(annScreen.text())) {
      annScreen.type(`${escape}[B`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    annScreen.type("\r");
    await annScreen.waitFor(/\d{5} \d{5} \d{5} \d{5}/);
    annScreen.type("y");
    await annScreen.waitFor(/▸ \+15551230062 +✓ verified/);
    annScreen.type(escape);
    await annScreen.waitFor("1 of 2 verified");
    expect(await annScreen.waitFor(/\+15551230062 ✓/)).toMatch(/cara@example\.org *$/m);
  });

  test("an admin removes somebody after a question; the others see a line about it", async () => {
    annScreen.type(ctrl("t"));
    await annScreen.waitFor("3 members of # Book club");
    while (!/▸ cara@/.test(annScreen.text())) {
      annScreen.type(`${escape}[B`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    annScreen.type("x");
    await annScreen.waitFor("Remove cara@example.org from # Book club?");
    annScreen.type("y");
    await annScreen.waitFor("# Book club  2 members, ✓ all verified");
    await annScreen.waitFor("· You removed cara@example.org.");
    await bobScreen.waitFor(`· ${ann.phone} removed cara@example.org.`);
    expect(await cara.ok("group", "list")).toContain("you were removed");
  });

  test("a rename reaches the other side; the narrow screen shows the group too", async () => {
    annScreen.type(ctrl("p"));
    await annScreen.waitFor("Rename this group");
    annScreen.type("r");
    await annScreen.waitFor("Rename # Book club");
    annScreen.type(`${ctrl("u")}Film club\r`);
    await bobScreen.waitFor(/▸ # Film club/);
    bobScreen.resize(40, 16);
    await bobScreen.waitFor(/^# Film club {2}2 members/m);
    expect(bobScreen.text()).not.toContain("│");
    bobScreen.type(ctrl("t"));
    await bobScreen.waitFor("2 members of # Film club");
    await bobScreen.waitFor("admin");
    bobScreen.type(escape);
    bobScreen.resize(80, 24);
    await bobScreen.waitFor(/│ # Film club {2}2 members/);
  });

  test("who is no admin is not offered what they may not do, and can leave", async () => {
    bobScreen.type(ctrl("p"));
    await bobScreen.waitFor("Leave this group");
    expect(bobScreen.text()).not.toContain("Rename this group");
    bobScreen.type("l");
    await bobScreen.waitFor("Leave # Film club?");
    bobScreen.type("y");
    await bobScreen.waitFor(/# Film club {2}you left/);
    await annScreen.waitFor(`· ${bob.phone} left.`);
    await annScreen.waitFor("# Film club  1 member");
    bobScreen.type("Hello?\r");
    await bobScreen.waitFor("not in that group any more");
    expect(bobScreen.text()).toContain("> Hello?");
  });

  test("sotto chat NAME opens the group", async () => {
    annScreen.type(ctrl("q"));
    expect(await annScreen.exited).toBe(0);
    annScreen = ann.terminal(["chat", "Film club"]);
    await annScreen.waitFor(/│ # Film club {2}1 member/);
    await annScreen.waitFor("Me too");
  });
});
