/** What counts as one emoji: all that Unicode recommends for interchange, and nothing that is more or other than one. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isEmoji } from "../src/core/emoji.ts";

// As Node's own Unicode data know them.
const recommended = /^\p{RGI_Emoji}$/v;
const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
const tones = ["", "\u{1f3fb}", "\u{1f3fd}", "\u{1f3ff}"];

function* codePoints(): Generator<string> {
  for (let code = 0; code <= 0x1_ffff; code++) {
    if (code < 0xd800 || code > 0xdfff) yield String.fromCodePoint(code);
  }
}

test("every recommended emoji of one code point, with and without a tone or a variation selector", () => {
  const tried = new Set<string>();
  for (const point of codePoints()) {
    for (const text of [point, `${point}\ufe0f`, ...tones.map((tone) => point + tone)]) {
      if (recommended.test(text)) tried.add(text);
    }
  }
  expect([...tried].filter((text) => !isEmoji(text))).toEqual(
    // A tone alone colours nothing.
    ["\u{1f3fb}", "\u{1f3fc}", "\u{1f3fd}", "\u{1f3fe}", "\u{1f3ff}"],
  );
  expect(tried.size).toBeGreaterThan(1_400);
});

test("every flag and keycap, families, and what is joined", () => {
  const letters = Array.from({ length: 26 }, (_, n) => String.fromCodePoint(0x1_f1e6 + n));
  const flags = letters.flatMap((a) => letters.map((b) => a + b)).filter((flag) => recommended.test(flag));
  const keycaps = Array.from("0123456789#*", (key) => `${key}\ufe0f\u20e3`);
  const joined = ["👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "❤️‍🔥", "👁️‍🗨️", "🏳️‍⚧️", "👩🏽‍❤️‍💋‍👨🏿", "🧑🏻‍🦽‍➡️", "⛹🏿‍♂️", "🏳️‍🌈"];
  for (const emoji of [...flags, ...keycaps, ...joined]) {
    expect(recommended.test(emoji), `${emoji}`).toBe(true);
    expect(isEmoji(emoji), `${emoji}`).toBe(true);
  }
  expect(flags.length).toBeGreaterThan(250);
});

test.each([
  ["nothing", ""],
  ["a letter", "a"],
  ["a digit", "1"],
  ["two emoji", "👍👍"],
  ["an emoji and a space", "👍 "],
  ["a joiner at the end", "👍\u200d"],
  ["a tone alone", "\u{1f3fd}"],
  ["zalgo", "👍\u0301\u0301"],
  ["turned text", "\u202e👍"],
  ["one regional letter", "🇩"],
  ["a line break", "👍\n"],
  ["a flag of tags without an end", "🏴\u{e0067}"],
  ["one of 65 bytes or more", `${"👨\u200d".repeat(9)}👨`],
  ["a megabyte", "👨\u200d".repeat(200_000)],
])("is none: %s", (_, text) => {
  expect(isEmoji(text)).toBe(false);
});

test("whatever is taken is one character for whoever reads, and short", () => {
  const part = fc.constantFrom(
    "👍",
    "❤",
    "\ufe0f",
    "\u200d",
    "\u{1f3fd}",
    "🇩",
    "🇪",
    "1",
    "\u20e3",
    "🏴",
    "\u{e0067}",
    "\u{e007f}",
    "a",
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 12 }), (parts) => {
      const text = parts.join("");
      if (!isEmoji(text)) return;
      expect(Array.from(segmenter.segment(text))).toHaveLength(1);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(64);
    }),
    { seed: 0x50770, numRuns: 20_000 },
  );
});
