/** The certificate as clients check it, by node:crypto alone. */
import { constants, createPublicKey, verify } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ServerCertificateBodySchema, ServerCertificateSchema } from "@sotto/protocol";
import { Challenger } from "../../src/adapters/challenger.ts";
import { nodeCrypto } from "../../src/adapters/node-crypto.ts";
import { ServerKey, generatePrivateKeyPem } from "../../src/adapters/server-key.ts";

const daySec = 86_400;

test("an RSA-certified Ed25519 key signs; it is replaced every day, and when the clock is set back", async () => {
  const key = await ServerKey.fromPem(await generatePrivateKeyPem());
  let nowSec = 1_800_000_000;
  const challenger = new Challenger(key, () => nowSec * 1000);
  expect(challenger.fingerprint).toEqual(nodeCrypto.sha256(key.publicKey));

  /** Checks a certificate as it is now and returns its body. */
  const check = (bytes: Uint8Array) => {
    const certificate = fromBinary(ServerCertificateSchema, bytes);
    const signed = Buffer.concat([Buffer.from("sotto/server-certificate/v1\0"), certificate.body]);
    const rsa = createPublicKey({ key: Buffer.from(key.publicKey), format: "der", type: "spki" });
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    expect(verify("sha256", signed, { key: rsa, ...padding }, certificate.signature)).toBe(true);
    const body = fromBinary(ServerCertificateBodySchema, certificate.body);
    // Clocks that are wrong by two days behind, or four ahead, are let in and told.
    expect(Number(body.notBeforeSec)).toBeLessThanOrEqual(nowSec - 2 * daySec);
    expect(Number(body.notAfterSec)).toBeGreaterThan(nowSec + 4 * daySec);
    expect(body.notAfterSec - body.notBeforeSec).toBe(7n * BigInt(daySec));
    const data = Uint8Array.of(1, 2, 3);
    expect(nodeCrypto.verifyEd25519(body.challengeKey, data, challenger.sign(data))).toBe(true);
    return body;
  };

  const first = check(challenger.certificate());
  nowSec += daySec - 1;
  expect(check(challenger.certificate())).toEqual(first);
  nowSec += 1;
  const second = check(challenger.certificate());
  expect(second.challengeKey).not.toEqual(first.challengeKey);
  nowSec -= 30 * daySec;
  expect(check(challenger.certificate()).challengeKey).not.toEqual(second.challengeKey);
});
