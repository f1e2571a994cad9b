/** Searching by key, and what can be done with a message that was not sent. */
import { afterEach, expect, test, vi } from "vitest";
import { searchLines, snippetSpans } from "../../src/chat/components/search-lines.ts";
import { windowOf } from "../../src/chat/lines.ts";
import { ChatModel } from "../../src/chat/model.ts";
import { menuFor, type Search } from "../../src/chat/overlay.ts";
import { Screen } from "../../src/chat/screen.ts";
import { FakeMessenger } from "../support/fake-messenger.ts";

const ann = "ann@example.org";
const bob = "+15551230002";
const running: { stop(): void }[] = [];
afterEach(() => {
  for (const one of running.splice(0)) one.stop();
});

async function open(messages = 3) {
  const messenger = new FakeMessenger();
  messenger.addContact(ann);
  messenger.put(ann, "in", "the needle in the hay");
  for (let i = 0; i < messages; i++) messenger.put(ann, "in", `message ${i}`);
  messenger.addContact(bob);
  messenger.put(bob, "in", "a needle of Bob's");
  const model = new ChatModel(messenger);
  const screen = new Screen(model, 80, 24, () => undefined);
  running.push(model, screen);
  await model.start(bob);
  const type = (text: string): void => screen.dispatch({ type: "edit", step: { type: "insert", text } });
  const press = (...keys: ("pick" | "up" | "down" | "submit" | "escape")[]): void => {
    for (const key of keys) screen.dispatch({ type: key });
  };
  const search = (): Search | undefined => {
    const { overlay } = screen.getSnapshot();
    return overlay?.type === "search" ? overlay : undefined;
  };
  return { messenger, model, screen, type, press, search };
}

const settled = (check: () => void): Promise<void> => vi.waitFor(check, 2_000);
const textOf = (lines: readonly (readonly { readonly text: string }[])[]): string =>
  lines.map((row) => row.map(({ text }) => text).join("")).join("\n");

test("/ searches as one types, in all conversations; Enter shows a hit where it was written, however far up", async () => {
  const { model, screen, type, press, search } = await open(2_500);
  for (const letter of "/needle") type(letter);
  await settled(() => expect(search()?.page?.hits).toHaveLength(2));
  const shown = searchLines(search()!, 50, 22);
  expect(textOf(shown)).toContain("/ needle");
  expect(
    shown
      .flat()
      .filter(({ style }) => style === "good")
      .map(({ text }) => text),
  ).toEqual(["needle", "needle"]);
  press("down", "submit");
  expect(search()).toBeUndefined();
  await settled(() => expect(screen.getSnapshot().picked).toBeDefined());
  expect(model.getSnapshot().active).toBe(ann);
  const { picked, scroll } = screen.getSnapshot();
  const { paneColumns, messageRows } = screen.areas();
  const { thread } = model.getSnapshot();
  const { lines } = windowOf(thread, paneColumns, messageRows, scroll, { verified: new Set(), picked });
  expect(textOf(lines)).toContain("▸the needle in the hay");
  expect(thread.messages.map(({ body }) => body)).toEqual([
    "the needle in the hay",
    ...Array.from({ length: 2_500 }, (_, i) => `message ${i}`),
  ]);
});

test("a word sent along with the slash, Esc, deleting the slash, // for a text that begins with it, and what is pasted", async () => {
  const { screen, type, press, search } = await open();
  type("/needle");
  expect(search()?.draft.text).toBe("needle");
  press("escape");
  expect(search()).toBeUndefined();
  type("/");
  screen.dispatch({ type: "edit", step: { type: "backspace" } });
  expect(screen.getSnapshot().overlay).toBeUndefined();
  type("/");
  type("/");
  type("etc/hosts");
  expect(screen.getSnapshot()).toMatchObject({ overlay: undefined, draft: { text: "/etc/hosts" } });
  screen.dispatch({ type: "edit", step: { type: "kill-to-start" } });
  screen.paste("/pasted");
  expect(screen.getSnapshot()).toMatchObject({ overlay: undefined, draft: { text: "/pasted" } });
  expect(menuFor(undefined).find(({ command }) => command === "search")?.letter).toBe("/");
});

test("an index that is being made is asked again; nothing found, and what cannot be searched, is said", async () => {
  const { messenger, type, search } = await open();
  messenger.index = "building";
  type("/needle");
  await settled(() => expect(textOf(searchLines(search()!, 50, 22))).toContain("being made"));
  messenger.index = "ready";
  await settled(() => expect(textOf(searchLines(search()!, 50, 22))).toContain("2 messages"));
  type("s");
  await settled(() => expect(textOf(searchLines(search()!, 50, 22))).toContain("Nothing was found."));
  messenger.index = "damaged";
  type("x");
  await settled(() => expect(textOf(searchLines(search()!, 50, 22))).toContain("sotto doctor"));
});

test("hostile text in a hit is shown harmlessly, and the word is in sight on a narrow screen", () => {
  const before = `${"far before it ".repeat(3)}\u001b[2J\u202e`;
  const spans = snippetSpans(`${before}needle after`, [[before.length, before.length + 6]], 30);
  expect(spans.find(({ style }) => style === "good")?.text).toBe("needle");
  // oxlint-disable-next-line no-control-regex
  expect(spans.map(({ text }) => text).join("")).not.toMatch(/[\u0000-\u001f\u202e]/);
});

test("what could not be sent is sent again by s, or deleted here; nobody else is asked about it", async () => {
  const { messenger, model, screen, type, press } = await open();
  const failed = { status: "failed", problem: "identifier_not_found" } as const;
  const first = messenger.put(bob, "out", "first", failed);
  messenger.emit({ type: "message", message: first });
  const second = messenger.put(bob, "out", "second", failed);
  messenger.emit({ type: "message", message: second });
  press("pick");
  expect(screen.getSnapshot().picked).toBe(second.id);
  type("e");
  expect(screen.getSnapshot().aim).toBeUndefined();
  type("d");
  expect(screen.getSnapshot().overlay).toMatchObject({ type: "delete", own: false, unsent: true });
  type("h");
  await settled(() => expect(model.getSnapshot().thread.messages.at(-1)?.id).toBe(first.id));
  await settled(() => expect(screen.getSnapshot().overlay).toBeUndefined());
  press("pick");
  type("s");
  await settled(() =>
    expect(model.getSnapshot().thread.messages.slice(1)).toMatchObject([{ body: "first", status: "queued" }]),
  );
  // It is on its way: the key does nothing more.
  press("pick");
  type("s");
  await settled(() => expect(model.getSnapshot().thread.messages).toHaveLength(2));
});
