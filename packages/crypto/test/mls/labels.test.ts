/** The labels of messages are expanded as the library does it. */
import { expandWithLabel } from "ts-mls/crypto/kdf.js";
import { expect, test } from "vitest";
import { ciphersuiteFor } from "../../src/mls/ciphersuite.ts";
import { expandMessageLabels, generationContext } from "../../src/mls/labels.ts";
import { ciphersuites, mlsProviders } from "../support/mls.ts";

const secret = Uint8Array.from({ length: 64 }, (_, i) => i);

for (const provider of mlsProviders) {
  for (const name of ciphersuites) {
    const { kdf } = ciphersuiteFor(provider, name);
    test(`${provider.crypto.name}, ${name}: as the library expands them`, async () => {
      for (const contextBytes of [0, 1, 4, 63, 64, 65, 300, 16_383]) {
        const prk = secret.slice(0, kdf.size);
        const context = new Uint8Array(contextBytes).fill(contextBytes);
        const wanted = (["key", "nonce", "secret"] as const).flatMap((label) =>
          [12, 16, 32, 64, 300].map((length) => [label, length] as const),
        );
        const expected = wanted.map(([label, length]) => expandWithLabel(prk, label, context, length, kdf));
        expect(await expandMessageLabels(prk, context, wanted, kdf)).toEqual(await Promise.all(expected));
      }
      expect(() => expandMessageLabels(secret, new Uint8Array(16_384), [["key", 12]], kdf)).toThrow(
        "too long",
      );
    });
  }
}

test("a generation is four bytes, big-endian", () => {
  expect([...generationContext(0x01020304)]).toEqual([1, 2, 3, 4]);
  expect([...generationContext(0xffffffff)]).toEqual([255, 255, 255, 255]);
});
