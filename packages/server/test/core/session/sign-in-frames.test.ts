import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ServerCertificateSchema } from "@sotto/protocol";
import { withSeed } from "@sotto/testkit";
import { encodeFrame } from "../../../src/core/session/frames.ts";
import { attachedFrame, challengeFrame, signedInFrame } from "../../../src/core/session/sign-in-frames.ts";

/** Numbers around every length of a varint. */
const edges = Array.from({ length: 53 }, (_, bits) => 2 ** bits).flatMap((n) => [n - 1, n, n + 1]);

test("Challenge, SignedIn and Attached have the bytes of the generated encoder", async () => {
  await withSeed(20_261_129, (random) => {
    const number = (): number => (random.chance(0.2) ? 0 : random.pick(edges));
    for (let round = 0; round < 300; round++) {
      const nonce = random.bytes(random.pick([0, 1, 32]));
      const bytes = random.bytes(random.pick([0, 64, 65, 127, 128]));
      const certificate = toBinary(
        ServerCertificateSchema,
        create(ServerCertificateSchema, { body: random.bytes(44), signature: random.bytes(256) }),
      );
      const [one, two, three, four] = [number(), number(), number(), number()] as const;
      expect(
        challengeFrame({ serverNonce: nonce, certificate, signature: bytes, serverTimeMs: one }),
      ).toEqual(
        encodeFrame({
          case: "challenge",
          value: {
            serverNonce: nonce,
            certificate: fromBinary(ServerCertificateSchema, certificate),
            signature: bytes,
            serverTimeMs: BigInt(one),
          },
        }),
      );
      expect(
        signedInFrame({ deviceListVersion: one, resetAtSec: two, maxBlobBytes: three, pushKey: bytes }),
      ).toEqual(
        encodeFrame({
          case: "signedIn",
          value: {
            deviceListVersion: BigInt(one),
            resetAtSec: BigInt(two),
            maxBlobBytes: BigInt(three),
            pushKey: bytes,
          },
        }),
      );
      const request = random.nextUint32();
      expect(
        attachedFrame({
          request,
          logId: nonce,
          headSeq: one,
          trimmedSeq: two,
          epoch: three,
          cursorSeq: four,
        }),
      ).toEqual(
        encodeFrame({
          case: "attached",
          value: {
            request,
            logId: nonce,
            headSeq: BigInt(one),
            trimmedSeq: BigInt(two),
            epoch: BigInt(three),
            cursorSeq: BigInt(four),
          },
        }),
      );
    }
  });
});
