import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  concatBytes,
  equalBytes,
  fromUtf8,
  parseBase64,
  parseBase64Url,
  parseHex,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from "../src/index.ts";

const anyBytes = fc.uint8Array({ maxLength: 300 });
const seed = { seed: 1 };

describe("concatBytes and equalBytes", () => {
  test("join in order, into a new array", () => {
    const first = Uint8Array.of(1, 2);
    const joined = concatBytes(first, new Uint8Array(), Uint8Array.of(3));
    expect([...joined]).toEqual([1, 2, 3]);
    joined[0] = 9;
    expect(first[0]).toBe(1);
    expect(concatBytes().length).toBe(0);
  });

  test("equal only in length and content", () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(equalBytes(a, a.slice())).toBe(true);
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
      }),
      seed,
    );
    expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false);
  });
});

describe("UTF-8", () => {
  test("round trip, and what is no UTF-8 throws", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(fromUtf8(utf8(text))).toBe(text);
      }),
      seed,
    );
    for (const wrong of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      expect(() => fromUtf8(Uint8Array.from(wrong))).toThrow(TypeError);
    }
  });

  test("a byte order mark is kept, so that one text has one form", () => {
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
  });
});

describe("hexadecimal", () => {
  test("round trip, as Node writes it", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
        expect(parseHex(toHex(bytes))).toEqual(bytes);
        expect(parseHex(toHex(bytes).toUpperCase())).toEqual(bytes);
      }),
      seed,
    );
  });
  test.each(["0", "0g", "0x00", " 00", "00\n", "é0", "00 "])("refuses %j", (text) => {
    expect(parseHex(text)).toBeUndefined();
  });
});

describe("base64", () => {
  test("round trip, as Node writes it, in both alphabets", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(parseBase64(toBase64(bytes))).toEqual(bytes);
        expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
        expect(parseBase64Url(toBase64Url(bytes))).toEqual(bytes);
      }),
      seed,
    );
  });

  test("more bytes than one call takes arguments", () => {
    const large = new Uint8Array(200_001).fill(0xa5);
    expect(parseBase64(toBase64(large))).toEqual(large);
  });

  test("the empty text is no bytes", () => {
    expect(parseBase64("")).toEqual(new Uint8Array());
    expect(parseBase64Url("")).toEqual(new Uint8Array());
  });

  test("one value has one text: whatever is taken is written the same", () => {
    const text = fc.string({ unit: fc.constantFrom(..."AQgw/+-_=Zz09 \n"), maxLength: 12 });
    fc.assert(
      fc.property(text, (text) => {
        const [plain, url] = [parseBase64(text), parseBase64Url(text)];
        expect(plain === undefined || toBase64(plain) === text).toBe(true);
        expect(url === undefined || toBase64Url(url) === text).toBe(true);
      }),
      { ...seed, numRuns: 5_000 },
    );
  });

  test.each(["A", "AA", "AAA", "AA=", "AB==", "AAB=", "AA==AA==", "A-==", "A A=", "AAAA\n", "====", "=AAA"])(
    "base64 refuses %j",
    (text) => {
      expect(parseBase64(text)).toBeUndefined();
    },
  );
  test.each(["A", "AB", "AAB", "AA==", "A+", "A/", "AAAAA", " AA"])("base64url refuses %j", (text) => {
    expect(parseBase64Url(text)).toBeUndefined();
  });
});
