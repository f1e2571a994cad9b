/**
 * Wycheproof against every primitive that we call, on each provider. The files are no part of this repository: without them
 * the tests are skipped, in CI they fail.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "@sotto/protocol";
import { describe, expect, test } from "vitest";
import { codeOf, hex } from "../support/bytes.ts";
import { providers } from "../support/providers.ts";

const folder = join(import.meta.dirname, "../../../../../shared/vectors/wycheproof");
const absent = !existsSync(folder) && !process.env.CI;

type Texts = Record<string, string>;
interface Group extends Record<string, unknown> {
  readonly tests: readonly (Texts & { readonly tcId: number; readonly result: "valid" | "invalid" })[];
}

/** Runs each case of a file, and returns the numbers of those for which `check` did not return true. */
async function run(
  file: string,
  check: (group: Group, vector: Group["tests"][number]) => Promise<boolean>,
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
      if (!(await check(group, vector))) wrong.push(vector.tcId);
    }
  }
  expect(executed).toBeGreaterThan(0);
  expect(executed).toBe(vectors.numberOfTests);
  return wrong;
}

describe.skipIf(absent).each(providers)("Wycheproof on $name", (provider) => {
  test("AES-256-GCM; other key and nonce sizes are refused", async () => {
    let ours = 0;
    const wrong = await run("aes_gcm_test.json", async (group, vector) => {
      const [key, iv, aad, msg] = [vector.key!, vector.iv!, vector.aad!, vector.msg!].map(hex) as Four;
      const sealed = hex(vector.ct! + vector.tag!);
      if (group.keySize !== 256 || group.ivSize !== 96) {
        const seal = await codeOf(() => provider.aesGcmSeal(key, iv, msg, aad));
        const open = await codeOf(() => provider.aesGcmOpen(key, iv, sealed, aad));
        return seal === "key_invalid" && open === "key_invalid";
      }
      ours++;
      if (vector.result === "invalid") {
        return (await codeOf(() => provider.aesGcmOpen(key, iv, sealed, aad))) === "decryption_failed";
      }
      const cut = await codeOf(() => provider.aesGcmOpen(key, iv, sealed.subarray(0, -4), aad));
      const made = await provider.aesGcmSeal(key, iv, msg, aad);
      const opened = await provider.aesGcmOpen(key, iv, sealed, aad);
      return toHex(made) === toHex(sealed) && toHex(opened) === vector.msg && cut === "decryption_failed";
    });
    expect(wrong).toEqual([]);
    expect(ours).toBeGreaterThan(60);
  });

  test("Ed25519", async () => {
    const wrong = await run("ed25519_test.json", async (group, vector) => {
      const { pk } = group.publicKey as Texts;
      const valid = await provider.ed25519Verify(hex(pk!), hex(vector.msg!), hex(vector.sig!));
      return valid === (vector.result === "valid");
    });
    expect(wrong).toEqual([]);
  });

  test("HKDF-SHA256", async () => {
    const wrong = await run("hkdf_sha256_test.json", async (_group, vector) => {
      const derive = async () =>
        provider.hkdfSha256(hex(vector.ikm!), hex(vector.salt!), hex(vector.info!), Number(vector.size));
      if (vector.result === "invalid") return (await codeOf(derive)) === "key_invalid";
      return toHex(await derive()) === vector.okm;
    });
    expect(wrong).toEqual([]);
  });

  test("PBKDF2-HMAC-SHA256", async () => {
    const wrong = await run("pbkdf2_hmacsha256_test.json", async (_group, vector) => {
      const { password, salt, iterationCount, dkLen, dk } = vector;
      const derived = await provider.pbkdf2Sha256(
        hex(password!),
        hex(salt!),
        Number(iterationCount),
        Number(dkLen),
      );
      return toHex(derived) === dk;
    });
    expect(wrong).toEqual([]);
  });

  test("RSA-OAEP, SHA-256; a label other than the empty one is refused", async () => {
    let opened = 0;
    const wrong = await run("rsa_oaep_2048_sha256_mgf1sha256_test.json", async (group, vector) => {
      const open = async () => provider.rsaOaepOpen(hex(group.privateKeyPkcs8 as string), hex(vector.ct!));
      if (vector.result === "invalid" || vector.label !== "")
        return (await codeOf(open)) === "decryption_failed";
      opened++;
      return toHex(await open()) === vector.msg;
    });
    expect(wrong).toEqual([]);
    expect(opened).toBeGreaterThan(0);
  });

  test("RSASSA-PSS, SHA-256, 32-byte salt", async () => {
    const wrong = await run("rsa_pss_2048_sha256_mgf1_32_test.json", async (group, vector) => {
      const { publicKeyDer } = group as unknown as Texts;
      const valid = await provider.rsaPssVerify(hex(publicKeyDer!), hex(vector.msg!), hex(vector.sig!));
      return valid === (vector.result === "valid");
    });
    expect(wrong).toEqual([]);
  });
});

test.runIf(absent)("Wycheproof: the vectors are not on this machine", ({ skip }) => {
  expect(absent).toBe(true);
  skip("../shared/vectors/wycheproof is absent, so nothing of it was run");
});

type Four = [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
