import { sign } from "node:crypto";
import { expect, test } from "vitest";
import { nodeCrypto, verifyEd25519InPool } from "../../src/adapters/node-crypto.ts";
import { ed25519 } from "../support/account.ts";

test.each([
  ["here", nodeCrypto.verifyEd25519],
  ["in the pool", verifyEd25519InPool],
])("verifyEd25519 %s is false for whatever is wrong, and never throws", async (_, verifyEd25519) => {
  const { privateKey, publicKey } = ed25519();
  const data = Uint8Array.of(1, 2, 3);
  const signature = new Uint8Array(sign(null, data, privateKey));
  expect(await verifyEd25519(publicKey, data, signature)).toBe(true);
  const wrong = [
    verifyEd25519(publicKey, Uint8Array.of(1, 2, 4), signature),
    verifyEd25519(ed25519().publicKey, data, signature),
    verifyEd25519(
      publicKey,
      data,
      signature.map((byte) => byte ^ 1),
    ),
    verifyEd25519(publicKey, data, signature.subarray(1)),
    verifyEd25519(publicKey.subarray(1), data, signature),
    verifyEd25519(new Uint8Array(32).fill(255), data, signature),
    verifyEd25519(new Uint8Array(), data, new Uint8Array()),
  ];
  expect(await Promise.all(wrong)).toEqual(Array(7).fill(false));
});

test("equalSecrets compares length and content", () => {
  const a = Uint8Array.of(1, 2);
  expect(nodeCrypto.equalSecrets(a, Uint8Array.of(1, 2))).toBe(true);
  expect(nodeCrypto.equalSecrets(a, Uint8Array.of(1, 3))).toBe(false);
  expect(nodeCrypto.equalSecrets(a, Uint8Array.of(1, 2, 3))).toBe(false);
  expect(nodeCrypto.equalSecrets(new Uint8Array(), new Uint8Array())).toBe(true);
});
