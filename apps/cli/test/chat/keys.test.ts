import type { Key } from "ink";
import { describe, expect, test } from "vitest";
import { actionsOf, cleanPaste } from "../../src/chat/keys.ts";

const noKey: Key = {
  upArrow: false,
  downArrow: false,
  leftArrow: false,
  rightArrow: false,
  pageDown: false,
  pageUp: false,
  home: false,
  end: false,
  return: false,
  escape: false,
  ctrl: false,
  shift: false,
  tab: false,
  backspace: false,
  delete: false,
  meta: false,
  super: false,
  hyper: false,
  capsLock: false,
  numLock: false,
};
const insert = (text: string): object => ({ type: "edit", step: { type: "insert", text } });

describe("keys", () => {
  test("text is inserted, with the keys that came in the same chunk in their order", () => {
    expect(actionsOf("hi\r", noKey)).toEqual([insert("hi"), { type: "submit" }]);
    expect(actionsOf("ab\u007f日\u0015", noKey)).toEqual([
      insert("ab"),
      { type: "edit", step: { type: "backspace" } },
      insert("日"),
      { type: "edit", step: { type: "kill-to-start" } },
    ]);
    expect(actionsOf("a\nb", noKey)).toEqual([insert("a"), insert("\n"), insert("b")]);
  });

  test("Enter sends, Alt+Enter breaks the line", () => {
    expect(actionsOf("", { ...noKey, return: true })).toEqual([{ type: "submit" }]);
    expect(actionsOf("", { ...noKey, return: true, meta: true })).toEqual([insert("\n")]);
  });

  test("control keys without a meaning insert nothing", () => {
    expect(actionsOf("y", { ...noKey, ctrl: true })).toEqual([]);
    expect(actionsOf("x", { ...noKey, meta: true })).toEqual([]);
    expect(actionsOf("\u0000\u001c", noKey)).toEqual([]);
  });

  test("pasted text keeps its lines and loses its control characters", () => {
    expect(cleanPaste("a\r\nb\rc\td\u001b[31m\u009be")).toBe("a\nb\nc    d[31me");
  });
});
