/** Words, segments and snippets of the search: pure functions, held against plainer ones. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byPlace, cut, docsOf, matching, segmentOf, type Doc } from "../src/core/search/segment.ts";
import { snippetOf } from "../src/core/search/snippet.ts";
import { isMeant, spansOf, termsOf, wordsOf } from "../src/core/search/words.ts";

describe("words", () => {
  test.each([
    ["Lunch at NOON, ok?", ["lunch", "at", "noon", "ok"]],
    ["Über die Straße nach Łódź", ["uber", "die", "strasse", "nach", "lodz"]],
    ["naïve café — e\u0301tude ﬁn", ["naive", "cafe", "etude", "fin"]],
    ["Ёлка и йод", ["елка", "и", "иод"]],
    ["ΟΔΟΣ οδός", ["οδοσ"]],
    ["שָׁלוֹם مُحَمَّد", ["שלום", "محمد"]],
    ["你好 世界", ["你", "好", "世", "界"]],
    ["https://example.org/a_b?c=1", ["https", "example", "org", "a", "b", "c", "1"]],
    ["🎉 … !!", []],
    ["ﷺ", ["صلىاللهعليهوسلم"]],
  ])("of %j", (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  test("a word of a megabyte, or of a thousand accents, is its beginning", () => {
    expect(wordsOf(`Z${"\u0300".repeat(3_000)}algo`)).toEqual(["z"]);
    expect(wordsOf("W".repeat(2 ** 20))).toEqual(["w".repeat(64)]);
  });

  test("are the same however they are taken, and hold nothing but letters and digits", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const spans = [...spansOf(text)];
        expect([...new Set(spans.map(({ word }) => word))]).toEqual(wordsOf(text));
        for (const { from, to, word } of spans) {
          expect(word).toMatch(/^[\p{L}\p{N}\p{M}]+$/u);
          expect(wordsOf(text.slice(from, to))).toEqual([word]);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("the last one may still be typed, unless something follows it", () => {
    expect(termsOf("New yo")).toEqual([
      { word: "new", prefix: false },
      { word: "yo", prefix: true },
    ]);
    expect(termsOf("yo ")).toEqual([{ word: "yo", prefix: false }]);
    expect(termsOf("…")).toEqual([]);
  });
});

const word = fc.constantFrom("a", "ab", "abc", "b", "ba", "ccc", "é", "z");
const docs = fc
  .uniqueArray(
    fc.record({
      order: fc.integer({ min: 0, max: 60 }),
      conversation: fc.constantFrom("1", "2", "g3"),
      sender: fc.constantFrom("self", "", "f"),
      sentAt: fc.integer({ min: 0, max: 9 }),
      files: fc.boolean(),
      words: fc.uniqueArray(word).map((words) => words.toSorted()),
    }),
    { selector: ({ order, conversation }) => `${order} ${conversation}` },
  )
  .map((all) => all.toSorted(byPlace));
const term = fc.record({ word, prefix: fc.boolean() });
const doc = (order: number, conversation: string, words: readonly string[] = []): Doc => ({
  order,
  conversation,
  sender: "",
  sentAt: 0,
  files: false,
  words,
});

/** The snippet of a text, with brackets around what is marked. */
function marked(text: string, query: string): string {
  const { text: shown, highlights } = snippetOf([text], termsOf(query));
  return highlights.reduceRight(
    (all, [from, to]) => `${all.slice(0, from)}[${all.slice(from, to)}]${all.slice(to)}`,
    shown,
  );
}

describe("a segment", () => {
  test("holds what it was made of", () => {
    fc.assert(
      fc.property(docs, (all) => {
        expect(docsOf(segmentOf(all))).toEqual(all);
      }),
    );
  });

  test("finds what a look at every message finds", () => {
    fc.assert(
      fc.property(docs, fc.array(term, { maxLength: 3 }), (all, terms) => {
        const expected = all.flatMap(({ words }, number) =>
          terms.every((one) => words.some((known) => isMeant(one, known))) ? [number] : [],
        );
        expect(matching(segmentOf(all), terms)).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  test("is cut into parts that share nothing, none in the midst of an order", () => {
    const many = Array.from({ length: 3_000 }, (_, i) => doc(Math.floor(i / 3), String(i % 3)));
    for (const grows of [true, false]) {
      const parts = cut(many, grows);
      expect(parts.flat()).toEqual(many);
      expect(parts.length).toBeGreaterThan(2);
      for (const [i, part] of parts.entries()) {
        expect(part.length).toBeLessThanOrEqual(1_026);
        expect(part.at(-1)?.order).not.toBe(parts[i + 1]?.[0]?.order);
      }
    }
    expect(
      cut(many, true)
        .slice(0, -1)
        .every((part) => part.length >= 1_024),
    ).toBe(true);
    const long = [0, 1, 2, 3].map((order) => doc(order, "1", ["w".repeat(200_000)]));
    expect(cut(long, true).length).toBe(4);
    expect(cut([], true)).toEqual([]);
  });
});

describe("a snippet", () => {
  test("marks the words, and of the one that is typed what was typed", () => {
    expect(marked("Lunch at noon?\nLunches are late", "lunch")).toBe("[Lunch] at noon? [Lunch]es are late");
    expect(marked("Die Straße, ÜBERMORGEN", "straße uber")).toBe("Die [Straße], [ÜBER]MORGEN");
    expect(marked("e\u0301tude", "e")).toBe("[e\u0301]tude");
  });

  test("shows the place in a long text, whole characters and one line", () => {
    const text = `${"far away ".repeat(50)}needle${" 🎉".repeat(200)}`;
    const { text: shown, highlights } = snippetOf([text], termsOf("needle"));
    expect(shown.startsWith("…")).toBe(true);
    expect(shown.endsWith("…")).toBe(true);
    expect(shown.length).toBeLessThan(170);
    expect(shown.isWellFormed()).toBe(true);
    const [[from, to] = [0, 0]] = highlights;
    expect(shown.slice(from, to)).toBe("needle");
  });

  test("is of the first text with a word, and of the first where there is none", () => {
    expect(snippetOf(["see this", "plan.pdf"], termsOf("pdf")).text).toBe("plan.pdf");
    expect(snippetOf(["see this", "plan.pdf"], [])).toEqual({ text: "see this", highlights: [] });
    expect(snippetOf([], [])).toEqual({ text: "", highlights: [] });
  });

  test("takes time in proportion to hostile texts", () => {
    const started = performance.now();
    snippetOf([`Z${"\u0300".repeat(60_000)} x`], termsOf("zalgo x"));
    snippetOf([`${"\u0300".repeat(60_000)}`], termsOf("z"));
    marked(`w${"\u0300".repeat(60_000)}`, "w");
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
