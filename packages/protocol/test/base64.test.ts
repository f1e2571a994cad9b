/** base64 against Node's own, and one text only for each value. */
import { describe, expect, test } from "vitest";
import { parseBase64, parseBase64Url, toBase64, toBase64Url } from "../src/bytes.ts";

const samples = Array.from({ length: 300 }, (_, length) =>
  Uint8Array.from({ length }, (_, index) => (index * 7919 + length * 104_729) >> 3),
);

describe("base64", () => {
  test("is that of Node, both ways, at every length", () => {
    for (const bytes of samples) {
      const text = Buffer.from(bytes).toString("base64");
      expect(toBase64(bytes)).toBe(text);
      expect(parseBase64(text)).toEqual(bytes);
      const url = Buffer.from(bytes).toString("base64url");
      expect(toBase64Url(bytes)).toBe(url);
      expect(parseBase64Url(url)).toEqual(bytes);
    }
  });

  test("has one text for each value: of all texts of four characters, those are taken that come back", () => {
    const alphabet = "AQgwBP/+9=-_ é\n";
    let taken = 0;
    const build = (prefix: string): void => {
      if (prefix.length < 4) {
        for (const char of alphabet) build(prefix + char);
        return;
      }
      const bytes = parseBase64(prefix);
      const node = Buffer.from(prefix, "base64");
      expect(bytes !== undefined).toBe(node.toString("base64") === prefix);
      if (bytes === undefined) return;
      taken++;
      if (!node.equals(bytes)) throw new Error(`${prefix} is read differently`);
    };
    build("");
    expect(taken).toBeGreaterThan(4_096);
  });

  test.each([
    "A",
    "AA",
    "AAA",
    "AAAAA",
    "AA=",
    "====",
    "A===",
    "=AAA",
    "AA=A",
    "AAAA====",
    "AAB=",
    "AB==",
    "AAA\u0141",
    "AAAAAA==",
  ])("refuses %j", (text) => {
    const canonical = Buffer.from(text, "base64").toString("base64") === text;
    expect(parseBase64(text) !== undefined).toBe(canonical);
  });
});
