import { CipherSuite, Aes128Gcm, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { utf8 } from "@sotto/protocol";
import { describe, expect, it } from "vitest";
import { generateInboxKey, openInboxItem, sealInboxItem } from "../src/inbox-seal.ts";
import { padmeLength } from "../src/padme.ts";
import { buffer } from "../src/providers/hpke.ts";
import { mlsProviders } from "./support/mls.ts";

const pairs = mlsProviders.flatMap((by) =>
  mlsProviders.map((at) => ({ by, at, names: `${by.crypto.name} to ${at.crypto.name}` })),
);

describe.each(pairs)("an inbox item, $names", ({ by, at }) => {
  it("is opened by the key that it was sealed to, and by no other", async () => {
    const key = await generateInboxKey(at);
    const item = await sealInboxItem(by, key.publicKey, utf8("hello"));
    expect(await openInboxItem(at, key, item)).toEqual(utf8("hello"));
    const other = await generateInboxKey(at);
    await expect(openInboxItem(at, other, item)).rejects.toMatchObject({ code: "decryption_failed" });
    const altered = { ...item, ciphertext: item.ciphertext.with(0, item.ciphertext[0]! ^ 1) };
    await expect(openInboxItem(at, key, altered)).rejects.toMatchObject({ code: "decryption_failed" });
  });

  it("is what the library alone makes of RFC 9180", async () => {
    const suite = new CipherSuite({
      kem: new DhkemX25519HkdfSha256(),
      kdf: new HkdfSha256(),
      aead: new Aes128Gcm(),
    });
    const key = await generateInboxKey(at);
    const recipientPublicKey = await suite.kem.deserializePublicKey(key.publicKey);
    const sealed = async (plaintext: Uint8Array) => {
      const made = await suite.seal(
        { recipientPublicKey, info: buffer(utf8("sotto/inbox/v1")) },
        buffer(plaintext),
      );
      return { kemOutput: new Uint8Array(made.enc), ciphertext: new Uint8Array(made.ct) };
    };
    const padded = new Uint8Array(1_024);
    padded.set([0, 0, 0, 1, 0x78]);
    expect(await openInboxItem(at, key, await sealed(padded))).toEqual(utf8("x"));
    const wrong = [
      padded.with(3, 2).with(6, 1),
      padded.with(1_023, 1),
      padded.with(0, 0xff),
      padded.with(2, 4),
      padded.subarray(0, 1_023),
      new Uint8Array(1_025),
      padded.subarray(0, 5),
      padded.subarray(0, 3),
      new Uint8Array(),
    ];
    for (const plaintext of wrong) {
      const item = await sealed(plaintext);
      await expect(openInboxItem(at, key, item)).rejects.toMatchObject({ code: "malformed" });
    }
  });

  it("has a length by Padmé, exactly", async () => {
    const key = await generateInboxKey(at);
    const tag = 16;
    for (const length of [0, 1, 123, 1_019, 1_020, 1_021, 1_100, 1_147, 1_148, 16_384, 100_000]) {
      const content = by.crypto.randomBytes(length);
      const item = await sealInboxItem(by, key.publicKey, content);
      const padded = item.ciphertext.length - tag;
      expect(padded).toBe(Math.max(1_024, padmeLength(length + 4)));
      expect(padmeLength(padded)).toBe(padded);
      expect(await openInboxItem(at, key, item)).toEqual(content);
    }
  });

  it("is not sealed to a point of small order", async () => {
    await expect(sealInboxItem(by, new Uint8Array(32), utf8("x"))).rejects.toMatchObject({
      code: "key_invalid",
    });
  });
});
