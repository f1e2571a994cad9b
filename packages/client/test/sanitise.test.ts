import { describe, expect, test } from "vitest";
import { safeJson, sanitise, sanitiseLine } from "../src/readable.ts";

describe("text of others on its way to a terminal", () => {
  test("keeps what people write", () => {
    const text = "Grüße, 日本語, שלום, नमस्ते, 👩‍👩‍👧 e\u0301\n  second line";
    expect(sanitise(text)).toBe(text);
  });

  test("shows escape sequences instead of letting them act", () => {
    expect(sanitise("\u001b[2J\u001b]52;c;aGk=\u0007")).toBe("\u241b[2J\u241b]52;c;aGk=\u2407");
    expect(sanitise("\u009b31m")).toBe("<U+009B>31m");
    expect(sanitise("a\rb\bc\u007f")).toBe("a\u240db\u2408c\u2421");
  });

  test("shows bidirectional overrides and isolates, drops marks that nobody sees", () => {
    expect(sanitise("\u202egpj.exe\u2066")).toBe("<U+202E>gpj.exe<U+2066>");
    expect(sanitise("a\u200e\u200b\ufeffb")).toBe("ab");
  });

  test("breaks lines only where a newline is", () => {
    expect(sanitise("a\r\nb\u2028c")).toBe("a\nb<U+2028>c");
    expect(sanitiseLine("a\nb")).toBe("a\u23ceb");
  });

  test("cuts piles of combining marks and shows lone surrogates", () => {
    expect(sanitise(`a${"\u0301".repeat(500)}`)).toBe(`a${"\u0301".repeat(8)}`);
    expect(sanitise("x\ud800y")).toBe("x<U+D800>y");
  });

  test("leaves no control character of any kind, whatever comes in", () => {
    // oxlint-disable-next-line no-control-regex
    const control = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
    const passed = Array.from({ length: 0x10000 }, (_, code) => code).filter((code) =>
      control.test(sanitiseLine(String.fromCharCode(code))),
    );
    expect(passed).toEqual([]);
  });
});

test("JSON for a terminal holds no control character and parses to the same value", () => {
  const value = { body: "\u001b[2J\u009b31m\u202e\u007f\u2028é日本👩‍👩‍👧\n" };
  const line = safeJson(value);
  // oxlint-disable-next-line no-control-regex
  expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
  expect(JSON.parse(line)).toEqual(value);
});
