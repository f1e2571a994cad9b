/** Picking a message, and answering, reacting, editing and deleting by key. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { UsageError } from "@sotto/protocol";
import { windowOf } from "../../src/chat/lines.ts";
import { ChatModel } from "../../src/chat/model.ts";
import { scrollTo } from "../../src/chat/picking.ts";
import { Screen } from "../../src/chat/screen.ts";
import { FakeMessenger } from "../support/fake-messenger.ts";

const bob = "+15551230002";
const running: ChatModel[] = [];
afterEach(() => {
  for (const model of running.splice(0)) model.stop();
});

async function open(messages = 3) {
  const messenger = new FakeMessenger();
  messenger.addContact(bob);
  for (let i = 0; i < messages; i++) messenger.put(bob, "in", `message ${i}`);
  const own = messenger.put(bob, "out", "mine", { status: "sent" });
  const model = new ChatModel(messenger);
  running.push(model);
  const screen = new Screen(model, 80, 24, () => undefined);
  await model.start();
  const type = (text: string): void => screen.dispatch({ type: "edit", step: { type: "insert", text } });
  const press = (...keys: ("pick" | "up" | "down" | "page-up" | "submit" | "escape")[]): void => {
    for (const key of keys) screen.dispatch({ type: key });
  };
  const thread = () => model.getSnapshot().thread;
  const message = (index: number) => thread().messages[index];
  return { messenger, model, screen, own, type, press, thread, message };
}

const settled = (check: () => void): Promise<void> => vi.waitFor(check, 2_000);

describe("a picked message", () => {
  test("is the newest first; the arrows move, Esc and other keys let go", async () => {
    const { screen, press, own, message, type } = await open();
    press("pick");
    expect(screen.getSnapshot().picked).toBe(own.id);
    press("up", "up");
    expect(screen.getSnapshot().picked).toBe(message(1)?.id);
    press("page-up", "down");
    expect(screen.getSnapshot().picked).toBe(message(1)?.id);
    press("escape");
    expect(screen.getSnapshot().picked).toBeUndefined();
    type("written as usual");
    expect(screen.getSnapshot().draft.text).toBe("written as usual");
  });

  test("r answers it: the next text quotes it, and Esc goes back to a text of its own", async () => {
    const { screen, press, type, message, thread } = await open();
    press("pick", "up");
    type("r");
    expect(screen.getSnapshot().aim).toMatchObject({ type: "answer", message: { body: "message 2" } });
    press("escape");
    expect(screen.getSnapshot().aim).toBeUndefined();
    press("pick", "up");
    type("r");
    type("an answer");
    press("submit");
    await settled(() => expect(thread().messages).toHaveLength(5));
    expect(message(4)).toMatchObject({ body: "an answer", replyTo: { body: "message 2" } });
    expect(screen.getSnapshot().aim).toBeUndefined();
  });

  test("t asks for an emoji, or a digit; what is none is said, 0 takes it back", async () => {
    const { screen, press, type, message } = await open();
    press("pick", "up");
    type("t");
    type("3");
    press("submit");
    await settled(() => expect(message(2)?.reactions).toMatchObject([{ emoji: "😂" }]));
    await settled(() => expect(screen.getSnapshot().overlay).toBeUndefined());
    press("pick", "up");
    type("t");
    type("fine");
    press("submit");
    await settled(() =>
      expect(screen.getSnapshot().overlay).toMatchObject({
        problem: expect.stringContaining("emoji") as string,
      }),
    );
    press("escape", "pick", "up");
    type("t");
    type("0");
    press("submit");
    await settled(() => expect(message(2)?.reactions).toEqual([]));
  });

  test("e edits one's own: what was being written comes back, and what failed is not lost", async () => {
    const { screen, messenger, press, type, message } = await open();
    type("half a text");
    press("pick");
    type("e");
    expect(screen.getSnapshot().draft.text).toBe("mine");
    type(" indeed");
    press("escape");
    expect(screen.getSnapshot().draft.text).toBe("half a text");
    press("pick");
    type("e");
    type(" indeed");
    messenger.failNextSend = new UsageError("identity_changed", "their identity key changed");
    press("submit");
    await settled(() => expect(screen.getSnapshot()).toMatchObject({ draft: { text: "mine indeed" } }));
    press("submit");
    await settled(() =>
      expect(message(3)).toMatchObject({ body: "mine indeed", editedAt: expect.any(Number) as number }),
    );
    expect(screen.getSnapshot().draft.text).toBe("half a text");
    // Somebody else's cannot be edited: the key does nothing.
    press("pick", "up");
    type("e");
    expect(screen.getSnapshot().aim).toBeUndefined();
  });

  test("d deletes: one's own from everybody or here, others' here", async () => {
    const { screen, press, type, thread, message, own } = await open();
    press("pick", "up");
    type("d");
    expect(screen.getSnapshot().overlay).toMatchObject({ type: "delete", own: false });
    type("e");
    expect(screen.getSnapshot().overlay).toMatchObject({ type: "delete" });
    type("h");
    await settled(() => expect(thread().messages).toHaveLength(3));
    await settled(() => expect(screen.getSnapshot().overlay).toBeUndefined());
    press("pick");
    expect(screen.getSnapshot().picked).toBe(own.id);
    type("d");
    type("e");
    await settled(() => expect(message(2)).toMatchObject({ body: "", deleted: true }));
    await settled(() => expect(screen.getSnapshot().overlay).toBeUndefined());
  });

  test("stays in sight, however long the conversation", async () => {
    const { screen, press, thread } = await open(60);
    press("pick");
    for (let i = 0; i < 40; i++) press("up");
    const { picked, scroll } = screen.getSnapshot();
    const { paneColumns, messageRows } = screen.areas();
    const shown = { verified: new Set<string>(), picked };
    const { lines } = windowOf(thread(), paneColumns, messageRows, scroll, shown);
    expect(lines.some((row) => row.some(({ text }) => text.includes("▸")))).toBe(true);
    const view = { columns: paneColumns, rows: messageRows, scroll: 0 };
    expect(scrollTo(thread(), "none", view)).toBe(0);
  });
});

test("the menu sets how long messages are kept", async () => {
  const { screen, messenger, type, press } = await open();
  screen.dispatch({ type: "menu" });
  type("t");
  expect(screen.getSnapshot().overlay).toMatchObject({ type: "prompt", asked: { kind: "timer" } });
  type("soon");
  press("submit");
  expect(screen.getSnapshot().overlay).toMatchObject({ problem: expect.stringContaining("30s") as string });
  for (let i = 0; i < 4; i++) screen.dispatch({ type: "edit", step: { type: "backspace" } });
  type("1w");
  press("submit");
  await settled(() => expect(messenger.timers.get(bob)).toBe(604_800));
});
