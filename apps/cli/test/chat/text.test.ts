import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { graphemes, padEnd, truncate, width, wrap } from "../../src/chat/text.ts";
import { propertyRuns } from "../support/properties.ts";

describe("text in cells", () => {
  test("measures wide and combined characters", () => {
    expect(width("abc")).toBe(3);
    expect(width("日本")).toBe(4);
    expect(width("e\u0301")).toBe(1);
    expect(graphemes("👩‍👩‍👧a")).toEqual(["👩‍👩‍👧", "a"]);
  });

  test("cuts between characters and says so", () => {
    expect(truncate("日本語", 6)).toBe("日本語");
    expect(truncate("日本語", 5)).toBe("日本…");
    expect(truncate("日本語", 4)).toBe("日…");
    expect(truncate("abc", 0)).toBe("");
    expect(padEnd("日", 4)).toBe("日  ");
  });

  test("wraps at spaces, then anywhere, and keeps newlines", () => {
    expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
    expect(wrap("abcdefgh", 3)).toEqual(["abc", "def", "gh"]);
    expect(wrap("a\n\nb", 5)).toEqual(["a", "", "b"]);
    expect(wrap("", 5)).toEqual([""]);
    expect(wrap("ab   cd", 3)).toEqual(["ab", "cd"]);
    expect(wrap("\u2000 \u2000x", 2)).toEqual(["\u2000", "\u2000x"]);
    expect(wrap("日本語テキスト", 5)).toEqual(["日本", "語テ", "キス", "ト"]);
  });

  test("no line is too wide and no visible character is lost", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 2, max: 40 }), (raw, max) => {
        const text = raw.replaceAll(/\p{C}/gu, "");
        const lines = wrap(text, max);
        // One character may be wider than the whole line; there is nothing to break then.
        const tooWide = lines.filter((line) => width(line) > max && graphemes(line).length > 1);
        expect(tooWide).toEqual([]);
        expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
      }),
      propertyRuns,
    );
  });
});
