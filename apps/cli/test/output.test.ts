import { expect, test } from "vitest";
import { wrapProse } from "../src/io/output.ts";

test("prose breaks at spaces, and what follows keeps the indent of its line", () => {
  expect(wrapProse("one two three\n  four five six seven", 10)).toBe(
    ["one two", "three", "  four", "  five six", "  seven"].join("\n"),
  );
  expect(wrapProse("! a notice of some length", 12)).toBe(["! a notice", "  of some", "  length"].join("\n"));
});

test("what goes on after an error cannot pass for another line of ours", () => {
  const text = wrapProse("sotto: wait   What to do: send your passphrase [rate_limited]", 24);
  expect(
    text
      .split("\n")
      .slice(1)
      .every((line) => line.startsWith("       ")),
  ).toBe(true);
});

test("blank lines and short ones stay", () => {
  expect(wrapProse("\nshort\n", 80)).toBe("\nshort\n");
});
