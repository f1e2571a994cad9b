/** Devices on the chat screen: the list, letting one in by two deliberate steps, revoking one, and the history that comes. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { ChatModel } from "../../src/chat/model.ts";
import { Screen } from "../../src/chat/screen.ts";
import type { Overlay } from "../../src/chat/overlay.ts";
import { approveLines, deviceLines } from "../../src/chat/components/device-lines.ts";
import type { Action } from "../../src/chat/keys.ts";
import { FakeMessenger } from "../support/fake-messenger.ts";

const bob = "+15551230002";
const code = "ABCD-EFGH-JKMN-PQRS";
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function open(messenger: FakeMessenger) {
  const model = new ChatModel(messenger);
  const screen = new Screen(model, 80, 24, () => undefined);
  cleanups.push(() => {
    screen.stop();
    model.stop();
  });
  await model.start();
  return { model, screen };
}

/** A phone asks under the code. */
function asked(): FakeMessenger {
  const messenger = new FakeMessenger();
  messenger.addContact(bob);
  const request = {
    code,
    name: "phone\u001b[2J",
    platform: "Linux",
    address: "192.0.2.7",
    askedAt: 1_700_000_000,
  };
  messenger.asking.set(code, request);
  return messenger;
}

const type = (screen: Screen, text: string): void =>
  screen.dispatch({ type: "edit", step: { type: "insert", text } });
const key = (screen: Screen, name: Exclude<Action["type"], "edit" | "switch">): void =>
  screen.dispatch({ type: name });
const overlay = (screen: Screen): Overlay | undefined => screen.getSnapshot().overlay;
const settled = (check: () => void | Promise<void>): Promise<void> => vi.waitFor(check, 2_000);

async function toList(screen: Screen): Promise<void> {
  key(screen, "menu");
  type(screen, "d");
  await settled(() =>
    expect(overlay(screen)).toMatchObject({ type: "devices", devices: [{ name: "desk" }] }),
  );
}

async function toRequest(screen: Screen): Promise<void> {
  await toList(screen);
  type(screen, "l");
  type(screen, code);
  key(screen, "submit");
  await settled(() => expect(overlay(screen)).toMatchObject({ type: "approve", sure: false }));
}

describe("letting a device in", () => {
  test("shows what asks, takes a yes and a word, and says when the device has everything", async () => {
    const messenger = asked();
    const { screen } = await open(messenger);
    await toRequest(screen);
    key(screen, "submit");
    type(screen, "abc");
    expect(overlay(screen)).toMatchObject({ sure: false });
    type(screen, "y");
    type(screen, "yes");
    key(screen, "submit");
    expect(overlay(screen)).toMatchObject({ type: "approve", sure: true });
    expect(overlay(screen)).toHaveProperty("problem", expect.stringContaining("not the word link"));
    expect(messenger.deviceList).toHaveLength(1);
    screen.dispatch({ type: "edit", step: { type: "kill-to-start" } });
    type(screen, " LINK ");
    key(screen, "submit");
    await settled(() =>
      expect(overlay(screen)).toMatchObject({
        type: "devices",
        devices: [{ current: true }, { current: false }],
        note: expect.stringContaining("is a device of yours now") as string,
      }),
    );
    messenger.linking = 0;
    await settled(() =>
      expect(overlay(screen)).toHaveProperty(
        "note",
        expect.stringContaining("has contacts, groups and history"),
      ),
    );
  });

  test("a no, and Esc at either step, link nothing and lead back to the list", async () => {
    const messenger = asked();
    const { screen } = await open(messenger);
    const leave: (() => void)[] = [
      () => type(screen, "n"),
      () => key(screen, "escape"),
      () => {
        type(screen, "ylink");
        expect(overlay(screen)).toMatchObject({ sure: true, draft: { text: "link" } });
        key(screen, "escape");
      },
    ];
    for (const go of leave) {
      await toRequest(screen);
      go();
      await settled(() => expect(overlay(screen)).toMatchObject({ type: "devices", devices: [{}] }));
      key(screen, "escape");
    }
    expect(messenger.deviceList).toHaveLength(1);
  });

  test("a code that is none, or that nothing waits under, is said where it was typed", async () => {
    const { screen } = await open(asked());
    await toList(screen);
    type(screen, "l");
    for (const [text, said] of [
      ["short", "ABCD-EFGH"],
      ["AAAA-AAAA-AAAA-AAAA", "sotto devices link"],
    ] as const) {
      screen.dispatch({ type: "edit", step: { type: "kill-to-start" } });
      type(screen, text);
      key(screen, "submit");
      await settled(() =>
        expect(overlay(screen)).toMatchObject({
          type: "prompt",
          busy: false,
          draft: { text },
          problem: expect.stringContaining(said) as string,
        }),
      );
    }
    key(screen, "escape");
    expect(overlay(screen)?.type).toBe("devices");
  });

  test("what asks cannot write to the screen, and where it does not all fit nothing but that is said", async () => {
    const { screen } = await open(asked());
    await toRequest(screen);
    const approve = overlay(screen);
    if (approve?.type !== "approve") throw new Error("no request");
    const text = (columns: number, rows: number): string =>
      approveLines(approve, columns, rows, 1_700_000_090)
        .map((line) => line.map((span) => span.text).join(""))
        .join("\n");
    expect(text(53, 22)).toContain("phone␛[2J");
    expect(text(53, 22)).toContain("90 seconds ago");
    expect(text(53, 22).split("\n").at(-1)).toContain("y  yes");
    for (const [columns, rows] of [
      [53, 13],
      [39, 17],
      [200, 9],
    ] as const) {
      expect(text(columns, rows)).toContain("y  yes");
      expect(text(columns, rows).split("\n").length).toBeLessThanOrEqual(rows);
    }
    expect(text(23, 6)).toMatch(/too\s+small/);
    expect(text(23, 6)).not.toContain("y  yes");
  });
});

describe("the list", () => {
  test("revokes another device after a question, not this one, and none twice", async () => {
    const messenger = asked();
    const phone = { id: "f".repeat(32), name: "old phone", addedAt: 1, current: false, revoked: false };
    messenger.deviceList = [phone, ...messenger.deviceList];
    const { screen } = await open(messenger);
    key(screen, "menu");
    type(screen, "d");
    await settled(() => expect(overlay(screen)).toMatchObject({ devices: [{}, {}] }));
    key(screen, "down");
    type(screen, "x");
    expect(overlay(screen)).toHaveProperty("problem", expect.stringContaining("cannot revoke itself"));
    key(screen, "up");
    type(screen, "x");
    expect(overlay(screen)).toMatchObject({ type: "confirm", step: { kind: "revoke", device: phone } });
    type(screen, "n");
    await settled(() => expect(overlay(screen)).toMatchObject({ type: "devices", devices: [phone, {}] }));
    type(screen, "xy");
    await settled(() =>
      expect(overlay(screen)).toMatchObject({
        devices: [{ name: "desk" }, { name: "old phone", revoked: true }],
        note: expect.stringContaining("sotto keys rotate --identity") as string,
      }),
    );
    key(screen, "down");
    type(screen, "x");
    expect(overlay(screen)?.type).toBe("devices");
  });

  test("a long one scrolls with the selected device in sight, on any screen", () => {
    const devices = Array.from({ length: 40 }, (_, n) => ({
      id: String(n).padStart(32, "0"),
      name: n % 2 === 0 ? `device ${n}` : "",
      addedAt: 1_700_000_000,
      current: n === 0,
      revoked: n > 20,
    }));
    for (const [columns, rows] of [
      [53, 22],
      [39, 10],
      [23, 6],
    ] as const) {
      const list = { type: "devices", devices, selected: 36, note: undefined, problem: undefined } as const;
      const lines = deviceLines(list, columns, rows).map((line) => line.map(({ text }) => text).join(""));
      expect(lines.length).toBeLessThanOrEqual(rows);
      expect(lines.some((line) => line.startsWith("\u25b8 device"))).toBe(true);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    }
  });
});

describe("a device that was just linked", () => {
  test("shows how much of the history has come, and what has come in the open conversation", async () => {
    const messenger = new FakeMessenger();
    messenger.addContact(bob);
    const { model } = await open(messenger);
    expect(model.getSnapshot().thread.messages).toEqual([]);
    messenger.put(bob, "in", "from long ago");
    messenger.emit({ type: "history", part: 1, parts: 2 });
    expect(model.getSnapshot().history).toEqual({ taken: 1, parts: 2 });
    await settled(() =>
      expect(model.getSnapshot().thread.messages.map(({ body }) => body)).toEqual(["from long ago"]),
    );
    messenger.emit({ type: "history", part: 0, parts: 2 });
    expect(model.getSnapshot().history).toBeUndefined();
  });
});

test("a device that was revoked says once what to do", async () => {
  const messenger = asked();
  const { model } = await open(messenger);
  const refused = { type: "connection", state: "offline", problem: "sign_in_refused" } as const;
  messenger.emit(refused);
  expect(model.getSnapshot().alert).toContain("sotto devices link");
  model.dismissAlert();
  messenger.emit(refused);
  expect(model.getSnapshot().alert).toBeUndefined();
});
