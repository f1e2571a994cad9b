/** Texts of messages as parts: nothing is lost, nothing becomes markup, no link reads as another than it is. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isEmojiOnly, partsOf } from "../src/conversation/format.ts";

const joined = (text: string): string =>
  partsOf(text)
    .map((part) => part.text)
    .join("");
const linksIn = (text: string): readonly string[] =>
  partsOf(text).flatMap((part) => (part.type === "link" ? [part.href] : []));

const bare = (given: string): string => given.replaceAll(/[`\s]/g, "");

describe("parts of a text", () => {
  test("without back-quotes nothing is lost and nothing added", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const plain = text.replaceAll("`", "");
        expect(joined(plain)).toBe(plain);
      }),
      { seed: 20261128, numRuns: 2_000 },
    );
  });

  test("with back-quotes only those that mark code are left out", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("`", "```", "a", "\n", " ", "https://x.example/"), { maxLength: 30 }),
        (words) => {
          const text = words.join("");
          expect(bare(joined(text)).length).toBeLessThanOrEqual(bare(text).length);
        },
      ),
      { seed: 20261128, numRuns: 2_000 },
    );
  });

  test("a link ends before what ends the sentence", () => {
    expect(linksIn("See https://sotto.example/docs, and (https://a.example/b).")).toEqual([
      "https://sotto.example/docs",
      "https://a.example/b",
    ]);
    expect(joined("See https://sotto.example/docs, and")).toBe("See https://sotto.example/docs, and");
  });

  test.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "https://bank.example@evil.example/",
    "https://bank.example\u202e/moc",
    "https://a\u200b.example/",
    `https://${"a".repeat(3_000)}.example/`,
    "https://",
  ])("is no link: %s", (text) => {
    expect(linksIn(text)).toEqual([]);
    expect(joined(text)).toBe(text);
  });

  test("code in a line and in a block", () => {
    expect(partsOf("a `b` c")).toEqual([
      { type: "text", text: "a " },
      { type: "code", text: "b" },
      { type: "text", text: " c" },
    ]);
    expect(partsOf("```ts\nconst a = 1;\n```")).toContainEqual({ type: "block", text: "const a = 1;" });
    expect(partsOf("```ts\nhttps://a.example/\n```")).toContainEqual({
      type: "block",
      text: "https://a.example/",
    });
  });

  test("a block that never ends is text", () => {
    expect(partsOf("before ```after")).toEqual([
      { type: "text", text: "before " },
      { type: "text", text: "```after" },
    ]);
  });

  test("a megabyte of anything comes to an end", () => {
    for (const piece of ["`", "https://", "a ", "(", "\u0301"]) {
      const text = piece.repeat(1_000_000 / piece.length);
      expect(joined(text).length).toBeGreaterThan(0);
    }
  });
});

test("one to three emoji and nothing else are large", () => {
  for (const text of ["😀", "👨‍👩‍👧 🏳️‍🌈", "👍🏽👍🏽👍🏽"]) expect(isEmojiOnly(text)).toBe(true);
  for (const text of ["", "a", "1", "😀 ok", "😀😀😀😀", "#"]) expect(isEmojiOnly(text)).toBe(false);
});
