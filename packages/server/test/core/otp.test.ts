import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../src/adapters/node-crypto.ts";
import type { ServerCrypto } from "../../src/core/crypto.ts";
import { OtpStore } from "../../src/core/otp.ts";

const ann = new Uint8Array(32).fill(1);
const ben = new Uint8Array(32).fill(2);
const purpose = new Uint8Array(32).fill(3);
const other = new Uint8Array(32).fill(4);

const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, "0");

const id = (i: number): Uint8Array => new Uint8Array(32).fill(i & 255).fill(i >> 8, 0, 16);

describe("OtpStore", () => {
  test("codes have six digits, zeros in front among them, and spread evenly", () => {
    const numbers = [0, 7, 999_999, 42];
    const crypto: ServerCrypto = { ...nodeCrypto, randomInteger: () => numbers.shift()! };
    const codes = new OtpStore(crypto);
    expect([1, 2, 3, 4].map(() => codes.issue(ann, 0))).toEqual(["000000", "000007", "999999", "000042"]);
    // Real ones: each first digit about a tenth of the time (5 sigma of a binomial of 20,000 is 212).
    const counts = Array.from({ length: 10 }, () => 0);
    const real = new OtpStore(nodeCrypto);
    for (let i = 0; i < 20_000; i++) counts[Number(real.issue(ann, 0)[0])]!++;
    for (const count of counts) expect(Math.abs(count - 2_000)).toBeLessThan(212);
  });

  test("the right code is right once, and repeated for the same purpose", () => {
    const codes = new OtpStore(nodeCrypto);
    const code = codes.issue(ann, 0);
    expect(codes.check(ann, code, purpose, 1)).toBe("right");
    expect(codes.check(ann, code, purpose, 2)).toBe("repeated");
    expect(codes.check(ann, code, other, 3)).toBe("wrong");
  });

  test("five wrong tries void it", () => {
    const codes = new OtpStore(nodeCrypto);
    const code = codes.issue(ann, 0);
    for (let i = 0; i < 4; i++) expect(codes.check(ann, wrong(code), purpose, 1)).toBe("wrong");
    const spare = new OtpStore(nodeCrypto);
    const second = spare.issue(ann, 0);
    for (let i = 0; i < 5; i++) expect(spare.check(ann, wrong(second), purpose, 1)).toBe("wrong");
    expect(codes.check(ann, code, purpose, 1)).toBe("right");
    expect(spare.check(ann, second, purpose, 1)).toBe("wrong");
  });

  test("it lives for ten minutes", () => {
    const codes = new OtpStore(nodeCrypto);
    const code = codes.issue(ann, 0);
    expect(codes.check(ann, code, purpose, 600_000)).toBe("wrong");
    const fresh = codes.issue(ann, 0);
    expect(codes.check(ann, fresh, purpose, 599_999)).toBe("right");
  });

  test("only the newest counts, and only for its identifier", () => {
    const numbers = [1, 2, 3];
    const codes = new OtpStore({ ...nodeCrypto, randomInteger: () => numbers.shift()! });
    const first = codes.issue(ann, 0);
    const second = codes.issue(ann, 1);
    const bens = codes.issue(ben, 1);
    expect(codes.check(ann, first, purpose, 2)).toBe("wrong");
    expect(codes.check(ann, bens, purpose, 2)).toBe("wrong");
    expect(codes.check(ben, second, purpose, 2)).toBe("wrong");
    expect(codes.check(ann, second, purpose, 2)).toBe("right");
    expect(codes.check(ben, bens, purpose, 2)).toBe("right");
  });

  test("revoked, it is gone", () => {
    const codes = new OtpStore(nodeCrypto);
    const code = codes.issue(ann, 0);
    codes.revoke(ann);
    expect(codes.check(ann, code, purpose, 1)).toBe("wrong");
  });

  test("a check does the same work whether or not there is a code", () => {
    const calls: string[] = [];
    const counting: ServerCrypto = {
      ...nodeCrypto,
      hmacSha256: (key, data) => {
        calls.push(`hmac ${data.length}`);
        return nodeCrypto.hmacSha256(key, data);
      },
      equalSecrets: (a, b) => {
        calls.push(`equal ${a.length} ${b.length}`);
        return nodeCrypto.equalSecrets(a, b);
      },
    };
    const codes = new OtpStore(counting);
    const code = codes.issue(ann, 0);
    const work = (check: () => unknown): string[] => {
      calls.length = 0;
      check();
      return [...calls];
    };
    const absent = work(() => codes.check(ben, code, purpose, 1));
    expect(work(() => codes.check(ann, wrong(code), purpose, 1))).toEqual(absent);
    expect(work(() => codes.check(ann, code, purpose, 1))).toEqual(absent);
    expect(work(() => codes.check(ann, code, purpose, 1))).toEqual(absent);
    expect(work(() => codes.check(ann, code, purpose, 600_001))).toEqual(absent);
    expect(absent.length).toBe(3);
  });

  test("keeps a bounded number of codes, and none that expired", () => {
    const codes = new OtpStore(nodeCrypto, 100);
    const issued = Array.from({ length: 300 }, (_, i) => codes.issue(id(i), 0));
    expect(codes.size).toBe(100);
    expect(codes.check(id(0), issued[0]!, purpose, 1)).toBe("wrong");
    expect(codes.check(id(299), issued[299]!, purpose, 1)).toBe("right");
    codes.issue(ann, 600_001);
    expect(codes.size).toBe(1);
  });
});
