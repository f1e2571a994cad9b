/** The primitives behind MLS: against Wycheproof, against each other, and X-Wing against its draft's vector and another library. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CipherSuite, HkdfSha512, Aes256Gcm } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { ml_kem768_x25519 } from "@noble/post-quantum/hybrid.js";
import { toHex, utf8 } from "@sotto/protocol";
import { describe, expect, test } from "vitest";
import { buffer } from "../../src/providers/hpke.ts";
import { nodeMlKem768, nodeX25519 } from "../../src/providers/node-kems.ts";
import { webX25519 } from "../../src/providers/web-mls.ts";
import { codeOf, hex } from "../support/bytes.ts";
import { mlsProviders } from "../support/mls.ts";

const folder = join(import.meta.dirname, "../../../../../shared/vectors/wycheproof");
const absent = !existsSync(folder) && !process.env.CI;

type Texts = Record<string, string> & {
  readonly tcId: number;
  readonly result: "valid" | "acceptable" | "invalid";
};
interface Group extends Record<string, unknown> {
  readonly tests: readonly Texts[];
}

/** Runs each case of a file; the numbers of those for which `holds` was not true. */
async function run(
  file: string,
  holds: (vector: Texts, group: Group) => Promise<boolean>,
): Promise<readonly number[]> {
  const vectors = JSON.parse(readFileSync(join(folder, file), "utf8")) as {
    numberOfTests: number;
    testGroups: readonly Group[];
  };
  const wrong: number[] = [];
  let executed = 0;
  for (const group of vectors.testGroups) {
    for (const vector of group.tests) {
      executed++;
      if (!(await holds(vector, group))) wrong.push(vector.tcId);
    }
  }
  expect(executed).toBe(vectors.numberOfTests);
  return wrong;
}

describe.skipIf(absent)("Wycheproof", () => {
  test.each([
    ["node:crypto", nodeX25519],
    ["WebCrypto", webX25519(globalThis.crypto.subtle)],
  ] as const)("X25519 by %s: what is shared is right, and all zeros are refused", async (_name, x25519) => {
    const wrong = await run("x25519_test.json", async (vector) => {
      const exchange = async () =>
        toHex(await x25519.diffieHellman(hex(vector.private!), hex(vector.public!)));
      const shared = await exchange().catch(() => "refused");
      return /^0+$/.test(vector.shared!) ? shared === "refused" : shared === vector.shared;
    });
    expect(wrong).toEqual([]);
  });

  test.each([
    ["node:crypto", nodeMlKem768.publicKeyOf, nodeMlKem768.decapsulate],
    [
      "noble",
      (seed: Uint8Array) => ml_kem768.keygen(seed).publicKey,
      (ct: Uint8Array, seed: Uint8Array) => ml_kem768.decapsulate(ct, ml_kem768.keygen(seed).secretKey),
    ],
  ] as const)("ML-KEM-768 by %s", async (_name, publicKeyOf, decapsulate) => {
    const wrong = await run("mlkem_768_test.json", async (vector) => {
      const shared = await codeless(() => {
        const seed = hex(vector.seed!);
        if (vector.ek !== undefined && toHex(publicKeyOf(seed)) !== vector.ek) return "another key";
        return toHex(decapsulate(hex(vector.c!), seed));
      });
      return vector.result === "valid" ? shared === vector.K : shared === undefined;
    });
    expect(wrong).toEqual([]);
  });

  test.each(mlsProviders)("AES-GCM of 128 and 256 bits on $crypto.name", async ({ suites }) => {
    const wrong = await run("aes_gcm_test.json", async (vector, group) => {
      const suite = group.keySize === 128 ? suites.x25519 : suites["x-wing"];
      const [key, iv, aad, msg] = ["key", "iv", "aad", "msg"].map((name) => hex(vector[name]!)) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      const sealed = hex(vector.ct! + vector.tag!);
      const open = async () => toHex(await suite.aeadOpen(key, iv, sealed, aad));
      if (group.keySize === 192 || group.ivSize !== 96) return (await codeOf(open)) === "key_invalid";
      if (vector.result === "invalid") return (await codeOf(open)) === "decryption_failed";
      return (
        toHex(await suite.aeadSeal(key, iv, msg, aad)) === toHex(sealed) && (await open()) === vector.msg
      );
    });
    expect(wrong).toEqual([]);
  });

  test.each(mlsProviders)("HKDF-SHA256 in two steps on $crypto.name", async ({ suites }) => {
    const wrong = await run("hkdf_sha256_test.json", async (vector) => {
      const prk = await suites.x25519.hkdfExtract(hex(vector.salt!), hex(vector.ikm!));
      const made = await codeless(async () =>
        toHex(await suites.x25519.hkdfExpand(prk, hex(vector.info!), Number(vector.size))),
      );
      return vector.result === "invalid" ? made === undefined : made === vector.okm;
    });
    expect(wrong).toEqual([]);
  });
});

test.runIf(absent)("Wycheproof: the vectors are not on this machine", ({ skip }) => {
  expect(absent).toBe(true);
  skip("../shared/vectors/wycheproof is absent, so nothing of it was run");
});

async function codeless<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    return undefined;
  }
}

describe("SHA-512 and its HMAC and HKDF are the same on both", () => {
  test.each([0, 1, 63, 64, 127, 128, 129, 1_000])("%i bytes", async (length) => {
    const [node, web] = mlsProviders.map(({ suites }) => suites["x-wing"]);
    const data = Uint8Array.from({ length }, (_, i) => i & 255);
    expect(await node!.hash(data)).toEqual(await web!.hash(data));
    expect(await node!.hmac(data, data)).toEqual(await web!.hmac(data, data));
    const prk = await node!.hkdfExtract(data, data);
    expect(prk).toEqual(await web!.hkdfExtract(data, data));
    for (const size of [1, 64, 65, 255 * 64])
      expect(await node!.hkdfExpand(prk, data, size)).toEqual(await web!.hkdfExpand(prk, data, size));
    // RFC 4231, test case 2.
    expect(toHex(await node!.hmac(utf8("Jefe"), utf8("what do ya want for nothing?")))).toMatch(
      /^164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554/,
    );
  });
});

describe("X-Wing", () => {
  /** draft-connolly-cfrg-xwing-kem, appendix C, the first vector. */
  const seed = hex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26");
  const eseed = hex(
    "3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2",
  );
  const shared = "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384";

  test("noble's is the draft's", () => {
    const { sharedSecret } = ml_kem768_x25519.encapsulate(ml_kem768_x25519.getPublicKey(seed), eseed);
    expect(toHex(sharedSecret)).toBe(shared);
  });

  test("keys are derived alike by both providers and by @hpke/hybridkem-x-wing", async () => {
    const kem = new XWing();
    for (let i = 0; i < 8; i++) {
      const ikm = new Uint8Array(64).fill(i);
      const theirs = await kem.deriveKeyPair(buffer(ikm));
      const publicKey = new Uint8Array(await kem.serializePublicKey(theirs.publicKey));
      const privateKey = new Uint8Array(await kem.serializePrivateKey(theirs.privateKey));
      for (const { suites } of mlsProviders)
        expect(await suites["x-wing"].kemDerive(ikm)).toEqual({ privateKey, publicKey });
    }
  });

  test("what one seals the others open, @hpke/hybridkem-x-wing among them", async () => {
    const library = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha512(), aead: new Aes256Gcm() });
    const info = utf8("info");
    for (let i = 0; i < 4; i++) {
      for (const at of mlsProviders) {
        const own = at.suites["x-wing"];
        const pair = await own.kemGenerate();
        for (const by of mlsProviders) {
          const sealed = await by.suites["x-wing"].hpkeSeal(pair.publicKey, info, utf8("x"));
          expect(await own.hpkeOpen(pair.privateKey, sealed, info)).toEqual(utf8("x"));
          const recipientKey = await library.kem.deserializePrivateKey(buffer(pair.privateKey));
          const opened = await library.open(
            { recipientKey, enc: buffer(sealed.kemOutput), info: buffer(info) },
            buffer(sealed.ciphertext),
          );
          expect(new Uint8Array(opened)).toEqual(utf8("x"));
        }
        const recipientPublicKey = await library.kem.deserializePublicKey(buffer(pair.publicKey));
        const theirs = await library.seal({ recipientPublicKey, info: buffer(info) }, buffer(utf8("y")));
        const sealed = { kemOutput: new Uint8Array(theirs.enc), ciphertext: new Uint8Array(theirs.ct) };
        expect(await own.hpkeOpen(pair.privateKey, sealed, info)).toEqual(utf8("y"));
      }
    }
  });

  test.each(mlsProviders)(
    "on $crypto.name, keys out of range are refused and altered ones open nothing",
    async ({ suites }) => {
      const suite = suites["x-wing"];
      const pair = await suite.kemGenerate();
      const info = utf8("info");
      // ML-KEM's coefficients are under 3,329 (FIPS 203 §7.2); X25519's half is a point of small order.
      for (const bad of [pair.publicKey.slice().fill(0xff, 0, 384), pair.publicKey.slice().fill(0, 1184)]) {
        expect(await codeOf(() => suite.kemCheck(bad))).toBe("key_invalid");
        expect(await codeOf(() => suite.hpkeSeal(bad, info, utf8("x")))).toBe("key_invalid");
      }
      expect(await codeOf(() => suite.kemCheck(pair.publicKey.slice(1)))).toBe("key_invalid");
      await suite.kemCheck(pair.publicKey);
      expect(await codeOf(() => suite.hpkeSeal(pair.publicKey.slice(1), info, utf8("x")))).toBe(
        "key_invalid",
      );
      const sealed = await suite.hpkeSeal(pair.publicKey, info, utf8("x"));
      for (const at of [0, 600, 1_087, 1_088, 1_118]) {
        const kemOutput = sealed.kemOutput.with(at, sealed.kemOutput[at]! ^ 1);
        expect(await codeOf(() => suite.hpkeOpen(pair.privateKey, { ...sealed, kemOutput }, info))).toBe(
          "decryption_failed",
        );
      }
      expect(
        await codeOf(() =>
          suite.hpkeOpen(pair.privateKey, { ...sealed, kemOutput: new Uint8Array(3) }, info),
        ),
      ).toBe("decryption_failed");
    },
  );
});
