/** Answering, reacting, editing, taking back, timers, searching and sending again by key, in two full-screen chats over a real server. One story, told in order. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PtyTerminal } from "./support/pty.ts";
import { TestServer, type Person } from "./support/sotto.ts";

const ctrl = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) - 96);
const up = "\u001b[A";

const carol = "+15551230043";
let server: TestServer;
let ann: Person;
let bob: Person;
let annScreen: PtyTerminal;
let bobScreen: PtyTerminal;

beforeAll(async () => {
  server = await TestServer.start();
  ann = await server.registered("+15551230041");
  bob = await server.registered("+15551230042");
  await bob.ok("send", ann.phone, "Hello");
  await ann.ok("receive");
  await ann.ok("send", bob.phone, "Shall we meet at sevn?");
  // Nobody has that number yet.
  for (const text of ["One", "Two"]) await ann.ok("send", carol, text, "--no-wait");
  annScreen = ann.terminal(["chat", bob.phone]);
  bobScreen = bob.terminal(["chat"]);
  await annScreen.waitFor(/meet at sevn\? +✓✓ read/, 60_000);
}, 180_000);
afterAll(async () => {
  annScreen?.kill();
  bobScreen?.kill();
  await server?.stop();
});

describe("messages in the full-screen view", { timeout: 90_000 }, () => {
  test("Ctrl+R picks one, and the footer says what can be done; r answers it", async () => {
    bobScreen.type(ctrl("r"));
    await bobScreen.waitFor(/\d\d:\d\d ▸Shall we/);
    expect(bobScreen.rows().at(-1)).toContain("r answer");
    bobScreen.type("r");
    await bobScreen.waitFor(`answer to ${ann.phone}: Shall we meet`);
    bobScreen.type("Yes\r");
    expect(await annScreen.waitFor(/ {7}Yes/)).toMatch(/\d\d:\d\d {2}> \+15551230041: Shall we meet/);
  });

  test("t reacts, by a digit", async () => {
    bobScreen.type(ctrl("r"));
    await bobScreen.waitFor("r answer");
    bobScreen.type(up);
    await bobScreen.waitFor(/\d\d:\d\d ▸Shall we/);
    bobScreen.type("t");
    await bobScreen.waitFor("An emoji, or a digit");
    bobScreen.type("1\r");
    await bobScreen.waitFor("[👍]");
    expect(await annScreen.waitFor("👍")).not.toContain("[👍]");
  });

  test("e edits what one wrote", async () => {
    annScreen.type(ctrl("r"));
    await annScreen.waitFor("r answer");
    annScreen.type(up);
    await annScreen.waitFor(/\d\d:\d\d ▸Shall we/);
    annScreen.type("e");
    await annScreen.waitFor("editing: Shall we");
    annScreen.type(`${ctrl("u")}Shall we meet at seven?\r`);
    await bobScreen.waitFor(/Shall we meet at seven\? +edited/);
    expect(bobScreen.text()).not.toContain("sevn");
  });

  test("the menu sets how long messages are kept, and both see it", async () => {
    bobScreen.type(ctrl("p"));
    await bobScreen.waitFor("Timer: messages that disappear");
    bobScreen.type("t");
    await bobScreen.waitFor("How long new messages are kept");
    bobScreen.type("1w\r");
    await annScreen.waitFor("Messages disappear 1 week after", 30_000);
    await annScreen.waitFor("disappears after 1w");
    annScreen.type("For a week\r");
    expect(await bobScreen.waitFor(/For a week +disappears/)).toContain("disappears after 1w");
  });

  test("/ searches in all messages as one types, and Enter shows the hit where it was written", async () => {
    bobScreen.type("/");
    await bobScreen.waitFor("Words of the message:");
    bobScreen.type("SEV");
    expect(await bobScreen.waitFor("1 message")).toContain("Shall we meet at seven?");
    bobScreen.type("\r");
    await bobScreen.waitFor(/\d\d:\d\d ▸Shall we meet at seven/);
    bobScreen.type("\u001b");
    await bobScreen.waitUntil(() => !bobScreen.text().includes("▸Shall we"));
  });

  test("what could not be sent is deleted by d, or sent again by s once it can be", async () => {
    annScreen.type("\t");
    await annScreen.waitFor(/Two +✗ failed/);
    await server.registered(carol);
    annScreen.type(ctrl("r"));
    await annScreen.waitFor(/▸Two/);
    expect(annScreen.rows().at(-1)).toContain("s send again");
    annScreen.type("d");
    await annScreen.waitFor("nobody else has it");
    annScreen.type("h");
    await annScreen.waitUntil(() => !annScreen.text().includes("Two"));
    annScreen.type(ctrl("r"));
    await annScreen.waitFor(/▸One/);
    annScreen.type("s");
    await annScreen.waitFor(/One +✓ sent/);
    expect(annScreen.text()).not.toContain("failed");
    annScreen.type("\t");
    await annScreen.waitFor("For a week");
  });

  test("d takes one's own back from everybody", async () => {
    annScreen.type(ctrl("r"));
    await annScreen.waitFor(/\d\d:\d\d ▸For a week/);
    annScreen.type("d");
    await annScreen.waitFor("Delete this message?");
    annScreen.type("e");
    await bobScreen.waitFor(/\d\d:\d\d {2}\(taken back\)/);
    await bobScreen.waitUntil(() => !bobScreen.text().includes("For a week"));
    annScreen.type(ctrl("c"));
    expect(await annScreen.exited).toBe(0);
    expect((await ann.json("history", bob.phone)).at(-1)).toMatchObject({ body: "", deleted: true });
  });
});
