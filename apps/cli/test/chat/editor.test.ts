import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { edit, emptyDraft, layOutDraft, type Draft, type Edit } from "../../src/chat/editor.ts";
import { graphemes, width } from "../../src/chat/text.ts";
import { propertyRuns } from "../support/properties.ts";

const draft = (marked: string): Draft => ({ text: marked.replace("|", ""), cursor: marked.indexOf("|") });
const shown = ({ text, cursor }: Draft): string => `${text.slice(0, cursor)}|${text.slice(cursor)}`;
const after = (marked: string, type: Exclude<Edit["type"], "insert">): string =>
  shown(edit(draft(marked), { type }));

describe("editing", () => {
  test("inserts at the cursor", () => {
    expect(shown(edit(draft("a|c"), { type: "insert", text: "b" }))).toBe("ab|c");
  });

  test.each<[Exclude<Edit["type"], "insert">, string, string]>([
    ["backspace", "ab|c", "a|c"],
    ["backspace", "|c", "|c"],
    ["backspace", "👩‍👩‍👧|x", "|x"],
    ["backspace", "e\u0301|", "|"],
    ["delete", "a|日b", "a|b"],
    ["delete", "a|", "a|"],
    ["left", "日|", "|日"],
    ["right", "|👍🏽b", "👍🏽|b"],
    ["word-left", "one two|", "one |two"],
    ["word-right", "one| two x", "one two| x"],
    ["home", "a\nbc|d", "a\n|bcd"],
    ["end", "a|b\nc", "ab|\nc"],
    ["kill-to-end", "a|b\nc", "a|\nc"],
    ["kill-to-start", "a\nbc|d", "a\n|d"],
    ["kill-word", "one two |x", "one |x"],
  ])("%s: %s → %s", (type, before, expected) => {
    expect(after(before, type)).toBe(expected);
  });

  test("the cursor always stands between two characters, whatever is done", () => {
    const step = fc.oneof(
      fc.record({
        type: fc.constant("insert" as const),
        text: fc.string({ unit: "grapheme", maxLength: 4 }),
      }),
      fc.record({
        type: fc.constantFrom(
          "backspace",
          "delete",
          "left",
          "right",
          "word-left",
          "word-right",
          "home",
          "end",
          "kill-word",
        ),
      }) as fc.Arbitrary<Edit>,
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const end = steps.reduce((now, one) => edit(now, one), emptyDraft);
        expect(end.cursor).toBeGreaterThanOrEqual(0);
        expect(end.cursor).toBeLessThanOrEqual(end.text.length);
        const [head, tail] = [end.text.slice(0, end.cursor), end.text.slice(end.cursor)];
        // oxlint-disable-next-line no-control-regex
        expect(head + tail).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
        expect(head.at(-1) ?? "").not.toMatch(/^[\ud800-\udbff]$/);
      }),
      propertyRuns,
    );
  });
});

describe("rows of a draft", () => {
  test("breaks anywhere and knows where the cursor is", () => {
    expect(layOutDraft(draft("abcdef|"), 4)).toEqual({ rows: ["abcd", "ef"], row: 1, column: 2 });
    expect(layOutDraft(draft("abcd|"), 4)).toEqual({ rows: ["abcd", ""], row: 1, column: 0 });
    expect(layOutDraft(draft("ab\n|c"), 4)).toEqual({ rows: ["ab", "c"], row: 1, column: 0 });
    expect(layOutDraft(draft("日本|語"), 4)).toEqual({ rows: ["日本", "語"], row: 1, column: 0 });
    expect(layOutDraft(emptyDraft, 4)).toEqual({ rows: [""], row: 0, column: 0 });
  });

  test("no row is too wide, nothing is lost, and the cursor is inside", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "grapheme", maxLength: 12 })),
        fc.integer({ min: 12, max: 30 }),
        fc.nat(),
        (words, max, at) => {
          const text = words.join("\n").replaceAll(/[^\P{C}\n]/gu, "");
          const clusters = graphemes(text);
          const cursor = clusters.slice(0, at % (clusters.length + 1)).join("").length;
          const { rows, row, column } = layOutDraft({ text, cursor }, max);
          for (const line of rows) expect(width(line)).toBeLessThanOrEqual(max);
          expect(rows.join("")).toBe(text.replaceAll("\n", ""));
          expect(row).toBeLessThan(rows.length);
          expect(column).toBeLessThan(max);
        },
      ),
      propertyRuns,
    );
  });
});
