import { CipherSuite, Aes128Gcm, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { utf8 } from "@sotto/protocol";
import { describe, expect, it } from "vitest";
import { generateInboxKey, openInboxItem, sealInboxItem } from "../src/inbox-seal.ts";
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
    const sealed = await suite.seal(
      { recipientPublicKey, info: buffer(utf8("sotto/inbox/v1")) },
      buffer(utf8("x")),
    );
    const item = { kemOutput: new Uint8Array(sealed.enc), ciphertext: new Uint8Array(sealed.ct) };
    expect(await openInboxItem(at, key, item)).toEqual(utf8("x"));
  });

  it("is not sealed to a point of small order", async () => {
    await expect(sealInboxItem(by, new Uint8Array(32), utf8("x"))).rejects.toMatchObject({
      code: "key_invalid",
    });
  });
});
