import { describe, expect, test } from "vitest";
import { MemoryTransient } from "../../src/adapters/memory-transient.ts";
import { nodeCrypto } from "../../src/adapters/node-crypto.ts";
import type { ServerCrypto } from "../../src/core/crypto.ts";
import { OtpStore } from "../../src/core/otp.ts";

const key = new Uint8Array(32).fill(9);
/** Nothing expires in the store: what the codes themselves say counts. */
const otpStore = (crypto = nodeCrypto, store = new MemoryTransient(() => 0)) =>
  new OtpStore(store, crypto, key);

const ann = new Uint8Array(32).fill(1);
const ben = new Uint8Array(32).fill(2);
const purpose = new Uint8Array(32).fill(3);
const other = new Uint8Array(32).fill(4);

const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, "0");

describe("OtpStore", () => {
  test("codes have six digits, zeros in front among them, and spread evenly", async () => {
    const numbers = [0, 7, 999_999, 42];
    const crypto: ServerCrypto = { ...nodeCrypto, randomInteger: () => numbers.shift()! };
    const codes = otpStore(crypto);
    expect(await Promise.all([1, 2, 3, 4].map(() => codes.issue(ann, 0)))).toEqual([
      "000000",
      "000007",
      "999999",
      "000042",
    ]);
    // Real ones: each first digit about a tenth of the time (5 sigma of a binomial of 20,000 is 212).
    const counts = Array.from({ length: 10 }, () => 0);
    const real = otpStore();
    for (let i = 0; i < 20_000; i++) counts[Number((await real.issue(ann, 0))[0])]!++;
    for (const count of counts) expect(Math.abs(count - 2_000)).toBeLessThan(212);
  });

  test("the right code is right once, and repeated for the same purpose", async () => {
    const codes = otpStore();
    const code = await codes.issue(ann, 0);
    expect(await codes.check(ann, code, purpose, 1)).toBe("right");
    expect(await codes.check(ann, code, purpose, 2)).toBe("repeated");
    expect(await codes.check(ann, code, other, 3)).toBe("wrong");
  });

  test("five wrong tries void it", async () => {
    const codes = otpStore();
    const code = await codes.issue(ann, 0);
    for (let i = 0; i < 4; i++) expect(await codes.check(ann, wrong(code), purpose, 1)).toBe("wrong");
    const spare = otpStore();
    const second = await spare.issue(ann, 0);
    for (let i = 0; i < 5; i++) expect(await spare.check(ann, wrong(second), purpose, 1)).toBe("wrong");
    expect(await codes.check(ann, code, purpose, 1)).toBe("right");
    expect(await spare.check(ann, second, purpose, 1)).toBe("wrong");
  });

  test("it lives for ten minutes", async () => {
    const codes = otpStore();
    const code = await codes.issue(ann, 0);
    expect(await codes.check(ann, code, purpose, 600_000)).toBe("wrong");
    const fresh = await codes.issue(ann, 0);
    expect(await codes.check(ann, fresh, purpose, 599_999)).toBe("right");
  });

  test("only the newest counts, and only for its identifier", async () => {
    const numbers = [1, 2, 3];
    const codes = otpStore({ ...nodeCrypto, randomInteger: () => numbers.shift()! });
    const first = await codes.issue(ann, 0);
    const second = await codes.issue(ann, 1);
    const bens = await codes.issue(ben, 1);
    expect(await codes.check(ann, first, purpose, 2)).toBe("wrong");
    expect(await codes.check(ann, bens, purpose, 2)).toBe("wrong");
    expect(await codes.check(ben, second, purpose, 2)).toBe("wrong");
    expect(await codes.check(ann, second, purpose, 2)).toBe("right");
    expect(await codes.check(ben, bens, purpose, 2)).toBe("right");
  });

  test("revoked, it is gone", async () => {
    const codes = otpStore();
    const code = await codes.issue(ann, 0);
    await codes.revoke(ann);
    expect(await codes.check(ann, code, purpose, 1)).toBe("wrong");
  });

  test("a check does the same work whether or not there is a code", async () => {
    const calls: string[] = [];
    const told = new Proxy(new MemoryTransient(() => 0), {
      get: (store, name) => {
        calls.push(`store ${String(name)}`);
        const method: unknown = Reflect.get(store, name);
        return typeof method === "function" ? method.bind(store) : method;
      },
    });
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
    const codes = otpStore(counting, told);
    const code = await codes.issue(ann, 0);
    const work = async (check: () => Promise<unknown>): Promise<string[]> => {
      calls.length = 0;
      await check();
      return [...calls];
    };
    const absent = await work(() => codes.check(ben, code, purpose, 1));
    expect(await work(() => codes.check(ann, wrong(code), purpose, 1))).toEqual(absent);
    expect(await work(() => codes.check(ann, code, purpose, 1))).toEqual(absent);
    expect(await work(() => codes.check(ann, code, purpose, 1))).toEqual(absent);
    expect(await work(() => codes.check(ann, code, purpose, 600_001))).toEqual(absent);
    expect(absent.length).toBe(5);
  });

  test("tries that come at once each count", async () => {
    const codes = otpStore();
    const code = await codes.issue(ann, 0);
    const tries = Array.from({ length: 5 }, () => codes.check(ann, wrong(code), purpose, 1));
    expect(await Promise.all(tries)).toEqual(Array.from({ length: 5 }, () => "wrong"));
    expect(await codes.check(ann, code, purpose, 1)).toBe("wrong");
    const again = await codes.issue(ann, 0);
    const uses = [purpose, other].map((use) => codes.check(ann, again, use, 1));
    expect((await Promise.all(uses)).toSorted()).toEqual(["right", "wrong"]);
  });

  test("a node with the same key and store knows the code; one with another key does not", async () => {
    const store = new MemoryTransient(() => 0);
    const code = await otpStore(nodeCrypto, store).issue(ann, 0);
    expect(await new OtpStore(store, nodeCrypto, other).check(ann, code, purpose, 1)).toBe("wrong");
    expect(await otpStore(nodeCrypto, store).check(ann, code, purpose, 1)).toBe("right");
  });
});
