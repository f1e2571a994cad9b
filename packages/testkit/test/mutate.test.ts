/** The fuzzer itself: it varies, it repeats with its seed, and it notices what a parser should not do. */
import { expect, test } from "vitest";
import { SeededRandom, fuzz, mutatedBytes, mutatedText } from "../src/index.ts";

const corpus = [Uint8Array.of(1, 2, 3, 4), new Uint8Array(50).fill(9)];

function make(seed: number): string[] {
  const random = new SeededRandom(seed);
  return Array.from(
    { length: 500 },
    () => mutatedBytes(random, corpus).join() + mutatedText(random, ["sample"]),
  );
}

function parse(bytes: Uint8Array): void {
  if (bytes.length === 2) throw Object.assign(new Error("short"), { code: "malformed" });
  if (bytes.length === 3) throw new RangeError("a bug");
}

function inputs(...lengths: number[]): () => Uint8Array {
  const left = [...lengths];
  return () => new Uint8Array(left.shift() ?? 0);
}

test("inputs are varied, and the same for the same seed", () => {
  expect(make(1)).toEqual(make(1));
  expect(new Set(make(1)).size).toBeGreaterThan(450);
});

test("what the corpus holds is left as it was", () => {
  const random = new SeededRandom(2);
  const before = corpus.map((sample) => sample.slice());
  for (let i = 0; i < 1_000; i++) mutatedBytes(random, corpus);
  expect(corpus).toEqual(before);
});

test("an error without one of the codes ends the run and shows the input", () => {
  expect(fuzz(4, inputs(1, 2, 2, 4), parse, ["malformed"])).toEqual({
    executed: 4,
    taken: 2,
    refused: { malformed: 2 },
  });
  expect(() => fuzz(4, inputs(1, 2), parse, [])).toThrow("input 1 made the parser throw Error: short: 0000");
  expect(() => fuzz(4, inputs(1, 2, 3), parse, ["malformed"])).toThrow("RangeError: a bug: 000000");
});
