import { expect, test } from "vitest";
import { LABELS, fromUtf8, labelled, utf8 } from "../src/index.ts";

test("every label is its own, versioned, and holds no zero byte", () => {
  const labels = Object.values(LABELS);
  expect(new Set(labels).size).toBe(labels.length);
  for (const label of labels) expect(label).toMatch(/^sotto\/[a-z/-]+\/v\d+$/);
});

test("no two labels and contents give the same bytes: the label ends at the first zero byte", () => {
  const signed = labelled(LABELS.signIn, utf8("a"), utf8("b"));
  expect(fromUtf8(signed)).toBe("sotto/sign-in/v1\0ab");
  const prefixes = Object.values(LABELS).map((label) => fromUtf8(labelled(label)));
  for (const one of prefixes) expect(prefixes.filter((other) => other.startsWith(one))).toEqual([one]);
});
