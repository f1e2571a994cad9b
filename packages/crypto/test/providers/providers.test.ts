/** What Wycheproof does not cover: known answers, sameness of the two providers, and typed refusals. */
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { concatBytes, isRsa2048PublicKey, toHex, utf8 } from "@sotto/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codeOf, flipped, hex } from "../support/bytes.ts";
import { pairs, providers } from "../support/providers.ts";
import { key } from "../support/vectors.ts";

const none = new Uint8Array();

/** DER of an RSA pair with another size or exponent than ours. */
function otherRsa(modulusLength: number, publicExponent: number) {
  return generateKeyPairSync("rsa", {
    modulusLength,
    publicExponent,
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "der" },
  });
}
const small = otherRsa(1024, 65_537);
const odd = otherRsa(2048, 3);

/** The y coordinate of an encoded point, and the encoding of one. */
const yOf = (encoded: string): bigint => BigInt(`0x${toHex(hex(encoded).toReversed())}`) & (2n ** 255n - 1n);
const encodeY = (value: bigint): Uint8Array => hex(value.toString(16).padStart(64, "0")).toReversed();

describe.each(providers)("$name: known answers", (provider) => {
  test("SHA-256 (FIPS 180-4)", async () => {
    expect(toHex(await provider.sha256(utf8("abc")))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });

  test("HMAC-SHA256 (RFC 4231, cases 1 and 6), and an empty key", async () => {
    const first = await provider.hmacSha256(hex("0b".repeat(20)), utf8("Hi There"));
    expect(toHex(first)).toBe("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    const long = utf8("Test Using Larger Than Block-Size Key - Hash Key First");
    const sixth = await provider.hmacSha256(hex("aa".repeat(131)), long);
    expect(toHex(sixth)).toBe("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    const empty = await provider.hmacSha256(none, none);
    expect(toHex(empty)).toBe("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  });

  test("AES-256-CFB128 (NIST SP 800-38A, F.3.17)", async () => {
    const cfbKey = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
    const iv = hex("000102030405060708090a0b0c0d0e0f");
    const plaintext = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    const ciphertext = "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b";
    expect(toHex(await provider.aesCfbEncrypt(cfbKey, iv, plaintext))).toBe(ciphertext);
    expect(toHex(await provider.aesCfbDecrypt(cfbKey, iv, hex(ciphertext)))).toBe(toHex(plaintext));
    // No padding: what is shorter than a block is the beginning of the same stream.
    const short = await provider.aesCfbEncrypt(cfbKey, iv, plaintext.subarray(0, 21));
    expect(toHex(short)).toBe(ciphertext.slice(0, 42));
  });

  test("Ed25519 (RFC 8032 §7.1, test 3)", async () => {
    const seed = hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
    const publicKey = hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    const signature = await provider.ed25519Sign(seed, hex("af82"));
    expect(toHex(signature)).toBe(
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    );
    expect(await provider.ed25519Verify(publicKey, hex("af82"), signature)).toBe(true);
  });
});

describe.each(providers)("$name: what it refuses", (provider) => {
  const key32 = new Uint8Array(32);
  test.each([
    ["an AES key of 16 bytes", () => provider.aesGcmSeal(key32.subarray(16), new Uint8Array(12), none, none)],
    ["a GCM nonce of 16 bytes", () => provider.aesGcmSeal(key32, new Uint8Array(16), none, none)],
    ["a CFB key of 16 bytes", () => provider.aesCfbEncrypt(key32.subarray(16), new Uint8Array(16), none)],
    ["a CFB IV of 12 bytes", () => provider.aesCfbDecrypt(key32, new Uint8Array(12), none)],
    ["HKDF of 0 bytes", () => provider.hkdfSha256(key32, none, none, 0)],
    ["HKDF of 8,161 bytes", () => provider.hkdfSha256(key32, none, none, 8161)],
    ["HKDF with 1,025 bytes of info", () => provider.hkdfSha256(key32, none, new Uint8Array(1025), 32)],
    ["PBKDF2 without iterations", () => provider.pbkdf2Sha256(key32, key32, 0, 32)],
    ["PBKDF2 of half an iteration", () => provider.pbkdf2Sha256(key32, key32, 0.5, 32)],
    ["PBKDF2 of 0 bytes", () => provider.pbkdf2Sha256(key32, key32, 1, 0)],
    ["an Ed25519 seed of 31 bytes", () => provider.ed25519Sign(key32.subarray(1), none)],
    ["191 bytes for OAEP", () => provider.rsaOaepSeal(key("mallory").publicKey, new Uint8Array(191))],
    ["RSA-1024 to seal to", () => provider.rsaOaepSeal(small.publicKey, none)],
    ["RSA-1024 to open with", () => provider.rsaOaepOpen(small.privateKey, new Uint8Array(128))],
    ["RSA-1024 to sign with", () => provider.rsaPssSign(small.privateKey, none)],
    ["e = 3 to seal to", () => provider.rsaOaepSeal(odd.publicKey, none)],
    ["e = 3 to open with", () => provider.rsaOaepOpen(odd.privateKey, new Uint8Array(256))],
    ["e = 3 to sign with", () => provider.rsaPssSign(odd.privateKey, none)],
    ["a private key of random bytes", () => provider.rsaPssSign(new Uint8Array(1200).fill(7), none)],
    [
      "an Ed25519 key as an RSA key",
      () => provider.rsaPssSign(hex(`302e020100300506032b657004220420${"11".repeat(32)}`), none),
    ],
  ])("%s: key_invalid", async (_name, work) => {
    expect(await codeOf(work)).toBe("key_invalid");
  });

  test("a ciphertext shorter than its tag: decryption_failed", async () => {
    for (const length of [0, 1, 15]) {
      const open = () => provider.aesGcmOpen(key32, new Uint8Array(12), new Uint8Array(length), none);
      expect(await codeOf(open)).toBe("decryption_failed");
    }
  });

  test("OAEP of a wrong length: decryption_failed", async () => {
    for (const length of [0, 1, 255, 257, 512]) {
      const open = () => provider.rsaOaepOpen(key("mallory").privateKey, new Uint8Array(length));
      expect(await codeOf(open)).toBe("decryption_failed");
    }
  });

  test("verification answers false to keys and signatures of any kind", async () => {
    for (const bytes of [
      none,
      key32,
      new Uint8Array(64),
      new Uint8Array(256).fill(255),
      new Uint8Array(294),
    ]) {
      for (const other of [
        none,
        key32,
        new Uint8Array(64),
        new Uint8Array(256),
        small.publicKey,
        odd.publicKey,
      ]) {
        expect(await provider.rsaPssVerify(other, none, bytes)).toBe(false);
        expect(await provider.ed25519Verify(other, none, bytes)).toBe(false);
      }
    }
  });

  test("Ed25519 keys of small order verify nothing, in any encoding", async () => {
    const p = 2n ** 255n - 19n;
    const ys = new Set(
      ED25519_TORSION_SUBGROUP.map(yOf).flatMap((value) =>
        value + p < 2n ** 255n ? [value, value + p] : [value],
      ),
    );
    expect(ys.size).toBe(7);
    // R = the neutral element and S = 0: holds for every message under a key of small order, where h·A vanishes.
    const signature = concatBytes(Uint8Array.of(1), new Uint8Array(63));
    for (const value of ys) {
      for (const sign of [0n, 1n]) {
        const publicKey = encodeY(value | (sign << 255n));
        for (let i = 0; i < 8; i++) {
          expect(await provider.ed25519Verify(publicKey, Uint8Array.of(i), signature)).toBe(false);
        }
      }
    }
  });

  test("a key array that was overwritten is parsed anew", async () => {
    const pair = await provider.ed25519Generate();
    const seed = pair.privateKey.slice();
    const before = await provider.ed25519Sign(seed, none);
    seed.fill(0);
    const after = await provider.ed25519Sign(seed, none);
    expect(toHex(after)).not.toBe(toHex(before));
    expect(await provider.ed25519Verify(pair.publicKey, none, after)).toBe(false);
  });
});

describe.each(providers)("$name: keys and random bytes", (provider) => {
  test("makes keys of the promised form", async () => {
    const ed = await provider.ed25519Generate();
    expect([ed.privateKey.length, ed.publicKey.length]).toEqual([32, 32]);
    const rsa = await provider.rsaGenerate();
    expect(isRsa2048PublicKey(rsa.publicKey)).toBe(true);
    const sealed = await provider.rsaOaepSeal(rsa.publicKey, utf8("x"));
    expect(await provider.rsaOaepOpen(rsa.privateKey, sealed)).toEqual(utf8("x"));
  });

  test("random bytes of any length, never the same", () => {
    expect(provider.randomBytes(0).length).toBe(0);
    const long = provider.randomBytes(150_000);
    expect(long.length).toBe(150_000);
    expect(long.subarray(-100).some((byte) => byte !== 0)).toBe(true);
    expect(toHex(provider.randomBytes(16))).not.toBe(toHex(provider.randomBytes(16)));
  });

  test("gives plain byte arrays", async () => {
    for (const bytes of [
      provider.randomBytes(8),
      await provider.sha256(none),
      await provider.hmacSha256(none, none),
    ]) {
      expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    }
  });

  test("compares secrets", () => {
    const [ab, ac, abc, none] = [utf8("ab"), utf8("ac"), utf8("abc"), utf8("")];
    expect(provider.equalSecrets(none, none)).toBe(true);
    expect(provider.equalSecrets(ab, utf8("ab"))).toBe(true);
    expect(provider.equalSecrets(ab, ac)).toBe(false);
    expect(provider.equalSecrets(ab, abc)).toBe(false);
    expect(provider.equalSecrets(none, ab)).toBe(false);
  });
});

describe.each(pairs)("made by $by.name, read by $at.name", ({ by, at }) => {
  const rsa = key("mallory");
  const bytes = fc.uint8Array({ maxLength: 400 });
  const property = { seed: 20_261, numRuns: 30 };

  test("AES-GCM opens, and no flipped byte does", async () => {
    const input = fc.tuple(bytes, bytes, fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat());
    const holds = fc.asyncProperty(input, async ([plaintext, aad, secret, flip]) => {
      const nonce = secret.subarray(0, 12);
      const sealed = await by.aesGcmSeal(secret, nonce, plaintext, aad);
      expect(await at.aesGcmOpen(secret, nonce, sealed, aad)).toEqual(plaintext);
      const altered = flipped(sealed, flip % sealed.length, flip % 8);
      expect(await codeOf(() => at.aesGcmOpen(secret, nonce, altered, aad))).toBe("decryption_failed");
      const otherAad = concatBytes(aad, Uint8Array.of(0));
      expect(await codeOf(() => at.aesGcmOpen(secret, nonce, sealed, otherAad))).toBe("decryption_failed");
    });
    await fc.assert(holds, property);
  });

  test("AES-CFB is the same stream", async () => {
    const secret = hex("07".repeat(32));
    const holds = fc.asyncProperty(
      bytes,
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      async (plaintext, iv) => {
        const sealed = await by.aesCfbEncrypt(secret, iv, plaintext);
        expect(sealed.length).toBe(plaintext.length);
        expect(await at.aesCfbDecrypt(secret, iv, sealed)).toEqual(plaintext);
      },
    );
    await fc.assert(holds, property);
  });

  test("RSA-OAEP opens, and no flipped byte does", async () => {
    const holds = fc.asyncProperty(fc.uint8Array({ maxLength: 190 }), fc.nat(), async (plaintext, flip) => {
      const sealed = await by.rsaOaepSeal(rsa.publicKey, plaintext);
      expect(sealed.length).toBe(256);
      expect(await at.rsaOaepOpen(rsa.privateKey, sealed)).toEqual(plaintext);
      const altered = flipped(sealed, flip % 256, flip % 8);
      expect(await codeOf(() => at.rsaOaepOpen(rsa.privateKey, altered))).toBe("decryption_failed");
    });
    await fc.assert(holds, property);
  });

  test("signatures verify, and no flipped byte does", async () => {
    const ed = await by.ed25519Generate();
    const holds = fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 400 }),
      fc.nat(),
      async (data, flip) => {
        const [pss, edSignature] = [
          await by.rsaPssSign(rsa.privateKey, data),
          await by.ed25519Sign(ed.privateKey, data),
        ];
        const otherData = flipped(data, flip % data.length, flip % 8);
        expect([
          await at.rsaPssVerify(rsa.publicKey, data, pss),
          await at.rsaPssVerify(rsa.publicKey, otherData, pss),
          await at.rsaPssVerify(rsa.publicKey, data, flipped(pss, flip % 256, flip % 8)),
          await at.ed25519Verify(ed.publicKey, data, edSignature),
          await at.ed25519Verify(ed.publicKey, otherData, edSignature),
          await at.ed25519Verify(ed.publicKey, data, flipped(edSignature, flip % 64, flip % 8)),
        ]).toEqual([true, false, false, true, false, false]);
      },
    );
    await fc.assert(holds, property);
  });

  test("hashes and derivations are the same", async () => {
    const holds = fc.asyncProperty(
      bytes,
      bytes,
      fc.integer({ min: 1, max: 100 }),
      async (one, two, length) => {
        expect(await by.sha256(one)).toEqual(await at.sha256(one));
        expect(await by.hmacSha256(one, two)).toEqual(await at.hmacSha256(one, two));
        expect(await by.hkdfSha256(one, two, one, length)).toEqual(
          await at.hkdfSha256(one, two, one, length),
        );
        expect(await by.pbkdf2Sha256(one, two, 3, length)).toEqual(
          await at.pbkdf2Sha256(one, two, 3, length),
        );
      },
    );
    await fc.assert(holds, property);
  });
});

test("the provider for browsers reaches no node: module", () => {
  const folder = join(import.meta.dirname, "../../src/providers");
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const source = readFileSync(join(folder, name), "utf8");
    expect(source).not.toMatch(/from "node:|\bBuffer\b|\bprocess\./);
    for (const [, next] of source.matchAll(/from "\.\/([^"]+)"/g)) visit(next!);
  };
  visit("web.ts");
  expect([...seen]).toContain("web-mls.ts");
  expect([...seen].filter((name) => name.startsWith("node"))).toEqual([]);
});
