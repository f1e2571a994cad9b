import { afterEach, describe, expect, test, vi } from "vitest";
import type { Notice } from "@sotto/client";
import { UsageError } from "@sotto/protocol";
import { ChatModel } from "../../src/chat/model.ts";
import { Screen } from "../../src/chat/screen.ts";
import { FakeMessenger } from "../support/fake-messenger.ts";

const ann = "ann@example.org";
const bob = "+15551230002";
const running: ChatModel[] = [];
afterEach(() => {
  for (const model of running.splice(0)) model.stop();
});

async function open(
  messenger: FakeMessenger,
  columns = 80,
  rows = 24,
): Promise<{ model: ChatModel; screen: Screen; quits: () => number }> {
  const model = new ChatModel(messenger);
  running.push(model);
  let quits = 0;
  const screen = new Screen(model, columns, rows, () => (quits += 1));
  await model.start();
  return { model, screen, quits: () => quits };
}

function withBob(messages = 0): FakeMessenger {
  const messenger = new FakeMessenger();
  messenger.addContact(bob);
  for (let i = 0; i < messages; i++) messenger.put(bob, "in", `message ${i}`);
  return messenger;
}

const type = (screen: Screen, text: string): void =>
  screen.dispatch({ type: "edit", step: { type: "insert", text } });
const bodies = (model: ChatModel): string[] => model.getSnapshot().thread.messages.map(({ body }) => body);
const settled = (check: () => void): Promise<void> => vi.waitFor(check, 2_000);

describe("the chat screen", () => {
  test("sends what was typed, and typing is told once in a while", async () => {
    const messenger = withBob();
    const { model, screen } = await open(messenger);
    for (const letter of "Hello") type(screen, letter);
    expect(messenger.typingSentTo).toEqual([bob]);
    screen.dispatch({ type: "submit" });
    expect(screen.getSnapshot().draft.text).toBe("");
    await settled(() => expect(bodies(model)).toEqual(["Hello"]));
  });

  test("what could not be sent goes back into the composer, and the footer says what to do", async () => {
    const messenger = withBob();
    const { model, screen } = await open(messenger);
    messenger.failNextSend = new UsageError("identity_changed", "their identity key changed");
    type(screen, "secret");
    screen.dispatch({ type: "submit" });
    await settled(() => expect(screen.getSnapshot().draft.text).toBe("secret"));
    expect(model.getSnapshot().alert).toContain("sotto verify");
    screen.dispatch({ type: "escape" });
    expect(model.getSnapshot().alert).toBeUndefined();
  });

  test("blank drafts are not sent", async () => {
    const messenger = withBob();
    const { screen } = await open(messenger);
    type(screen, "  \n ");
    screen.dispatch({ type: "submit" });
    expect(messenger.messagesByPeer.get(bob)).toEqual([]);
  });

  test("each conversation keeps its draft", async () => {
    const messenger = withBob(1);
    messenger.addContact(ann);
    const { model, screen } = await open(messenger);
    type(screen, "for Bob");
    screen.dispatch({ type: "switch", by: 1 });
    await settled(() => expect(model.getSnapshot().active).toBe(ann));
    expect(screen.getSnapshot().draft.text).toBe("");
    screen.dispatch({ type: "switch", by: 1 });
    await settled(() => expect(screen.getSnapshot().draft.text).toBe("for Bob"));
  });

  test("counts unread messages of other conversations and reads those of the open one", async () => {
    const messenger = withBob(1);
    messenger.addContact(ann);
    const { model } = await open(messenger);
    messenger.arrive(ann, "one");
    messenger.arrive(ann, "two");
    messenger.arrive(bob, "three");
    await settled(() => {
      const unread = Object.fromEntries(
        model.getSnapshot().conversations.map((one) => [one.peer, one.unread]),
      );
      expect(unread).toEqual({ [ann]: 2, [bob]: 0 });
    });
    expect(bodies(model)).toEqual(["message 0", "three"]);
  });

  test("follows the state of a message", async () => {
    const messenger = withBob();
    const { model, screen } = await open(messenger);
    type(screen, "hi");
    screen.dispatch({ type: "submit" });
    await settled(() => expect(bodies(model)).toEqual(["hi"]));
    const id = model.getSnapshot().thread.messages[0]!.id;
    for (const status of ["sent", "delivered", "read"] as const) {
      messenger.emit({ type: "status", id, peer: bob, status });
      expect(model.getSnapshot().thread.messages[0]?.status).toBe(status);
    }
  });

  test("who reads older messages keeps their place when new ones come", async () => {
    const messenger = withBob(60);
    const { model, screen } = await open(messenger);
    screen.dispatch({ type: "page-up" });
    const before = screen.getSnapshot().scroll;
    expect(before).toBeGreaterThan(0);
    messenger.arrive(bob, "new\nof two lines");
    expect(screen.getSnapshot().scroll).toBe(before + 2);
    screen.dispatch({ type: "escape" });
    expect(screen.getSnapshot().scroll).toBe(0);
    expect(bodies(model).at(-1)).toBe("new\nof two lines");
  });

  test("scrolling to the top brings older messages, up to the oldest", async () => {
    const { model, screen } = await open(withBob(250));
    expect(bodies(model)).toHaveLength(100);
    for (let i = 0; i < 40; i++) {
      screen.dispatch({ type: "page-up" });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(bodies(model)).toHaveLength(250);
    expect(bodies(model)[0]).toBe("message 0");
  });

  test("'?' opens the help only where nothing is written", async () => {
    const { screen } = await open(withBob());
    type(screen, "?");
    expect(screen.getSnapshot().overlay?.type).toBe("help");
    screen.dispatch({ type: "escape" });
    type(screen, "really");
    type(screen, "?");
    expect(screen.getSnapshot()).toMatchObject({ overlay: undefined, draft: { text: "really?" } });
  });

  test("a new conversation: a wrong number is explained, a known one is opened", async () => {
    const messenger = withBob();
    const { model, screen } = await open(messenger);
    screen.dispatch({ type: "new" });
    type(screen, "12");
    screen.dispatch({ type: "submit" });
    expect(screen.getSnapshot().overlay).toMatchObject({
      problem: expect.stringContaining("phone number") as string,
    });
    screen.dispatch({ type: "edit", step: { type: "kill-to-start" } });
    type(screen, ann);
    screen.dispatch({ type: "submit" });
    await settled(() =>
      expect(screen.getSnapshot().overlay).toMatchObject({
        problem: expect.stringContaining("register") as string,
      }),
    );
    messenger.addContact(ann);
    screen.dispatch({ type: "submit" });
    await settled(() => expect(model.getSnapshot().active).toBe(ann));
    expect(screen.getSnapshot().overlay).toBeUndefined();
  });

  test("verifying shows the number first and takes y for an answer", async () => {
    const { model, screen } = await open(withBob());
    screen.dispatch({ type: "people" });
    await settled(() =>
      expect(screen.getSnapshot().overlay).toHaveProperty("safetyNumber", expect.any(String)),
    );
    type(screen, "y");
    await settled(() => expect(model.getSnapshot().conversations[0]?.contact?.verified).toBe(true));
  });

  test("a changed identity key can be accepted only when there is one", async () => {
    const messenger = withBob();
    const { model, screen } = await open(messenger);
    screen.dispatch({ type: "people" });
    type(screen, "a");
    expect(screen.getSnapshot().overlay?.type).toBe("verify");
    messenger.addContact(bob, { identityChanged: true });
    messenger.emit({ type: "notice", notice: { type: "identity_changed", identifier: bob } });
    await settled(() => expect(model.getSnapshot().contacts.get(bob)?.identityChanged).toBe(true));
    type(screen, "a");
    await settled(() => expect(model.getSnapshot().conversations[0]?.contact?.identityChanged).toBe(false));
  });

  test("notices stand in their conversation; those of others raise an alert", async () => {
    const messenger = withBob(1);
    messenger.addContact(ann);
    const { model } = await open(messenger);
    messenger.emit({ type: "notice", notice: { type: "gap", from: bob, count: 2 } });
    expect(model.getSnapshot().thread.notices[0]?.text).toContain("2 messages");
    expect(model.getSnapshot().alert).toBeUndefined();
    messenger.emit({ type: "notice", notice: { type: "refused", from: ann, code: "signature_invalid" } });
    expect(model.getSnapshot().alert).toContain(ann);
  });

  test("a narrow screen shows the list or the messages", async () => {
    const messenger = withBob(1);
    messenger.addContact(ann);
    const { model, screen } = await open(messenger, 50, 20);
    expect(screen.areas().narrow).toBe(true);
    screen.dispatch({ type: "escape" });
    expect(screen.getSnapshot().listShown).toBe(true);
    screen.dispatch({ type: "down" });
    await settled(() => expect(model.getSnapshot().active).toBe(ann));
    screen.dispatch({ type: "submit" });
    expect(screen.getSnapshot().listShown).toBe(false);
  });

  test("the first message of all opens its conversation", async () => {
    const messenger = new FakeMessenger();
    const { model } = await open(messenger);
    expect(model.getSnapshot().active).toBeUndefined();
    messenger.addContact(bob);
    messenger.arrive(bob, "hello");
    await settled(() => expect(model.getSnapshot().active).toBe(bob));
    expect(bodies(model)).toEqual(["hello"]);
  });

  test("quits", async () => {
    const { screen, quits } = await open(withBob());
    screen.dispatch({ type: "quit" });
    expect(quits()).toBe(1);
  });
});

const key = (screen: Screen, name: "submit" | "escape" | "people" | "menu" | "down" | "up"): void =>
  screen.dispatch({ type: name });
const overlay = (screen: Screen) => screen.getSnapshot().overlay;

describe("groups on the screen", () => {
  test("the menu makes a group: its name, its people, and it is open", async () => {
    const messenger = withBob();
    messenger.addContact(ann);
    const { model, screen } = await open(messenger);
    key(screen, "menu");
    type(screen, "g");
    type(screen, "Book club");
    key(screen, "submit");
    type(screen, `${bob}, nobody`);
    key(screen, "submit");
    expect(overlay(screen)).toMatchObject({ problem: expect.stringContaining("'nobody'") as string });
    screen.dispatch({ type: "edit", step: { type: "kill-to-start" } });
    type(screen, `${bob} ${ann}`);
    key(screen, "submit");
    await settled(() => expect(overlay(screen)).toBeUndefined());
    const [group] = await messenger.groups();
    expect(group).toMatchObject({ name: "Book club", members: 3 });
    expect(model.getSnapshot().active).toBe(group?.id);
    expect(model.getSnapshot().members?.map(({ identifier }) => identifier)).toEqual([
      messenger.self.identifier,
      bob,
      ann,
    ]);
    type(screen, "Hello all");
    key(screen, "submit");
    await settled(() => expect(bodies(model)).toEqual(["Hello all"]));
  });

  test("somebody unknown is explained in the prompt, and nothing is made", async () => {
    const messenger = withBob();
    const { screen } = await open(messenger);
    for (const letter of ["menu", "g", "Club", "submit", "+15551239999", "submit"]) {
      if (letter === "menu" || letter === "submit") key(screen, letter);
      else type(screen, letter);
    }
    await settled(() =>
      expect(overlay(screen)).toMatchObject({ busy: false, problem: expect.any(String) as string }),
    );
    expect(await messenger.groups()).toEqual([]);
  });

  test("two groups of one name are two conversations, each with its messages", async () => {
    const messenger = withBob();
    const one = messenger.addGroup("Club", [bob]);
    const other = messenger.addGroup("Club", [ann]);
    messenger.put(one.id, "in", "in the first", { from: bob });
    const { model } = await open(messenger);
    await model.select(other.id);
    messenger.arrive(one.id, "again in the first", { from: bob });
    messenger.arrive(other.id, "in the second", { from: ann });
    expect(bodies(model)).toEqual(["in the second"]);
    await model.select(one.id);
    expect(bodies(model)).toEqual(["in the first", "again in the first"]);
    expect(await model.begin("Club")).toBe(false);
    expect(model.getSnapshot().alert).toContain("several groups");
    expect(await model.begin(other.id)).toBe(true);
    expect(model.getSnapshot().active).toBe(other.id);
  });

  test("the people of a group: verified, made an admin, removed after a question", async () => {
    const messenger = withBob();
    messenger.addContact(ann);
    const { id } = messenger.addGroup("Club", [bob, ann]);
    const { model, screen } = await open(messenger);
    await model.select(id);
    const people = (): unknown =>
      Object.fromEntries(
        (model.getSnapshot().members ?? []).map((one) => [one.identifier, [one.role, one.verified]]),
      );
    key(screen, "people");
    type(screen, "o");
    await settled(() =>
      expect(overlay(screen)).toMatchObject({
        problem: expect.stringContaining("at least one admin") as string,
      }),
    );
    key(screen, "down");
    key(screen, "submit");
    await settled(() =>
      expect(overlay(screen)).toMatchObject({
        type: "verify",
        peer: bob,
        safetyNumber: expect.any(String) as string,
      }),
    );
    type(screen, "y");
    expect(overlay(screen)?.type).toBe("members");
    await settled(() =>
      expect(people()).toMatchObject({ [bob]: ["member", true], [ann]: ["member", false] }),
    );
    type(screen, "o");
    await settled(() => expect(people()).toMatchObject({ [bob]: ["admin", true] }));
    type(screen, "x");
    expect(overlay(screen)).toMatchObject({ type: "confirm", step: { kind: "remove", who: bob } });
    type(screen, "y");
    await settled(() => expect(people()).not.toHaveProperty([bob]));
    expect(overlay(screen)).toBeUndefined();
  });

  test("who is no admin is offered nothing that only admins may do", async () => {
    const messenger = withBob();
    const { id } = messenger.addGroup("Club", [bob], { admin: false });
    const { model, screen } = await open(messenger);
    await model.select(id);
    key(screen, "people");
    key(screen, "down");
    for (const letter of ["a", "x", "o"]) type(screen, letter);
    expect(overlay(screen)?.type).toBe("members");
    key(screen, "escape");
    key(screen, "menu");
    type(screen, "r");
    expect(overlay(screen)?.type).toBe("menu");
    type(screen, "l");
    expect(overlay(screen)).toMatchObject({ type: "confirm", step: { kind: "leave" } });
    type(screen, "n");
    expect(overlay(screen)).toBeUndefined();
    expect((await messenger.groups())[0]?.state).toBe("joined");
  });

  test("the menu's arrows choose, and keys that come in one chunk do what they do one by one", async () => {
    const messenger = withBob();
    const { id } = messenger.addGroup("Club", [bob]);
    const { model, screen } = await open(messenger);
    await model.select(id);
    key(screen, "menu");
    key(screen, "down");
    key(screen, "submit");
    expect(overlay(screen)).toMatchObject({ type: "prompt", asked: { kind: "group-name" } });
    key(screen, "escape");
    key(screen, "menu");
    type(screen, "r!");
    expect(overlay(screen)).toMatchObject({ type: "prompt", draft: { text: "Club!" } });
    key(screen, "submit");
    await settled(async () => expect((await messenger.groups())[0]?.name).toBe("Club!"));
  });

  test("what happens in a group stands in it, also from before it was opened; only what concerns oneself alerts", async () => {
    const messenger = withBob(1);
    const { id } = messenger.addGroup("Club", [bob]);
    messenger.put(id, "in", "old", { from: bob });
    const { model } = await open(messenger);
    await model.select(bob);
    const changed = (change: Extract<Notice, { type: "group_changed" }>["change"]): void =>
      messenger.emit({
        type: "notice",
        notice: { type: "group_changed", group: "Club", groupId: id, by: bob, change },
      });
    changed({ kind: "added", who: [ann] });
    expect(model.getSnapshot().alert).toBeUndefined();
    changed({ kind: "joined", who: [messenger.self.identifier] });
    expect(model.getSnapshot().alert).toBe(`Club: ${bob} added you.`);
    await model.select(id);
    messenger.emit({ type: "notice", notice: { type: "healed", conversation: "Club", missed: 2 } });
    expect(
      model.getSnapshot().thread.notices.map(({ text, tone, afterId }) => [text, tone, afterId]),
    ).toEqual([
      [`${bob} added ${ann}.`, "info", model.getSnapshot().thread.messages[0]?.id],
      [`${bob} added you.`, "info", expect.any(String)],
      [expect.stringContaining("2 messages in between"), "info", expect.any(String)],
    ]);
  });

  test("who types in a group is named, in that group only", async () => {
    const messenger = withBob();
    const { id } = messenger.addGroup("Club", [bob]);
    const { model } = await open(messenger);
    messenger.emit({ type: "typing", from: bob, groupId: id });
    expect(Array.from(model.getSnapshot().typing)).toEqual([[id, bob]]);
    messenger.arrive(id, "done", { from: bob });
    expect(model.getSnapshot().typing.size).toBe(0);
  });
});

describe("the division of the screen", () => {
  test.each([
    [80, 24],
    [60, 12],
    [59, 12],
    [24, 8],
    [200, 60],
  ])("%i×%i: everything fits", async (columns, rows) => {
    const { screen } = await open(withBob(), columns, rows);
    screen.paste("x".repeat(2_000));
    const areas = screen.areas();
    expect(areas.tooSmall).toBe(false);
    expect(areas.paneLeft + areas.paneColumns).toBeLessThan(columns);
    expect(areas.messageRows).toBeGreaterThan(0);
    expect(1 + areas.messageRows + 1 + areas.composerRows).toBe(areas.bodyRows);
    expect(1 + areas.bodyRows + 1).toBe(rows);
  });

  test("says when there is no room at all", async () => {
    const { screen } = await open(withBob(), 20, 5);
    expect(screen.areas().tooSmall).toBe(true);
  });
});
