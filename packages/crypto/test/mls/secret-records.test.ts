/** The records of a secret tree in bytes: as the library's encoders write them, and read back. */
import * as fc from "fast-check";
import { uint32Encoder, uint8Encoder } from "ts-mls/codec/number.js";
import { optionalEncoder } from "ts-mls/codec/optional.js";
import { contramapBufferEncoders, encode } from "ts-mls/codec/tlsEncoder.js";
import { numberRecordEncoder, varLenDataEncoder } from "ts-mls/codec/variableLength.js";
import { type SecretTreeNode, secretTreeNodeEncoder } from "ts-mls/secretTree.js";
import { expect, test } from "vitest";
import { type LeafSecrets, decodeLeafSecrets, encodeLeafSecrets } from "../../src/mls/secret-tree.ts";

const libraryEncoder = encode(
  contramapBufferEncoders<[number, SecretTreeNode | undefined, Record<number, Uint8Array>], LeafSecrets>(
    [
      uint8Encoder,
      optionalEncoder(secretTreeNodeEncoder),
      numberRecordEncoder(uint32Encoder, varLenDataEncoder),
    ],
    (record) => [1, record.ratchets, record.subtrees],
  ),
);

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const secret = fc
  .constantFrom(0, 28, 32, 44, 64, 65)
  .chain((n) => fc.uint8Array({ minLength: n, maxLength: n }));
const numbered = fc
  .uniqueArray(fc.tuple(uint32, secret), { selector: ([key]) => key, maxLength: 8 })
  .map((entries): Record<number, Uint8Array> => Object.fromEntries(entries));
const ratchet = fc.record({ secret, generation: uint32, unusedGenerations: numbered });
const record: fc.Arbitrary<LeafSecrets> = fc.record({
  ratchets: fc.option(fc.record({ handshake: ratchet, application: ratchet }), { nil: undefined }),
  subtrees: numbered,
});

test("records are written as the library writes them, and read back", () => {
  fc.assert(
    fc.property(record, (given) => {
      const bytes = encodeLeafSecrets(given);
      expect(bytes).toEqual(libraryEncoder(given));
      expect(decodeLeafSecrets(bytes)).toEqual(given);
    }),
  );
});
