import { afterEach, describe, expect, test, vi } from "vitest";
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
    screen.dispatch({ type: "verify" });
    await settled(() =>
      expect(screen.getSnapshot().overlay).toHaveProperty("safetyNumber", expect.any(String)),
    );
    type(screen, "y");
    await settled(() => expect(model.getSnapshot().conversations[0]?.contact?.verified).toBe(true));
  });

  test("a changed identity key can be accepted only when there is one", async () => {
    const messenger = withBob();
    const { model, screen } = await open(messenger);
    screen.dispatch({ type: "verify" });
    type(screen, "a");
    expect(screen.getSnapshot().overlay?.type).toBe("verify");
    messenger.addContact(bob, { identityChanged: true });
    messenger.emit({ type: "notice", notice: { type: "identity_changed", identifier: bob } });
    await settled(() => expect(model.getSnapshot().conversations[0]?.contact?.identityChanged).toBe(true));
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
