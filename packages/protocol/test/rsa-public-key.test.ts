import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { RSA_PUBLIC_KEY_BYTES, isRsa2048PublicKey } from "../src/index.ts";

function spki(modulusLength: number, publicExponent = 65_537): Uint8Array {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength, publicExponent });
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}

describe("isRsa2048PublicKey", () => {
  test("takes what node:crypto makes", () => {
    const key = spki(2048);
    expect(key.length).toBe(RSA_PUBLIC_KEY_BYTES);
    expect(isRsa2048PublicKey(key)).toBe(true);
  });

  test("refuses other sizes, other exponents and other algorithms", () => {
    expect(isRsa2048PublicKey(spki(1024))).toBe(false);
    expect(isRsa2048PublicKey(spki(3072))).toBe(false);
    expect(isRsa2048PublicKey(spki(2048, 3))).toBe(false);
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
    expect(isRsa2048PublicKey(new Uint8Array(ec.export({ type: "spki", format: "der" })))).toBe(false);
    expect(isRsa2048PublicKey(new Uint8Array())).toBe(false);
  });

  test("refuses a changed frame, an even modulus, a short modulus, and bytes before or after", () => {
    const key = spki(2048);
    const changed = (index: number, change: (byte: number) => number) =>
      Uint8Array.from(key, (byte, at) => (at === index ? change(byte) : byte));
    for (const index of [0, 3, 10, 24, 32])
      expect(isRsa2048PublicKey(changed(index, (b) => b ^ 1))).toBe(false);
    expect(isRsa2048PublicKey(changed(33, (b) => b & 0x7f))).toBe(false);
    expect(isRsa2048PublicKey(changed(288, (b) => b & 0xfe))).toBe(false);
    expect(isRsa2048PublicKey(changed(293, (b) => b ^ 1))).toBe(false);
    expect(isRsa2048PublicKey(Uint8Array.of(...key, 0))).toBe(false);
    expect(isRsa2048PublicKey(key.subarray(1))).toBe(false);
  });
});
