import { describe, expect, test } from "vitest";
import { ClientFramesSchema, CodecError, LIMITS, decode, type ClientFrame } from "@sotto/protocol";
import { clientFrame, encodeClientFrames, withSeed, type SeededRandom } from "@sotto/testkit";
import { decodeClientFrames } from "../../../src/core/session/client-frames.ts";

/** What the general decoder makes of a message, as plain values; or the code of its refusal. */
function general(message: Uint8Array): unknown {
  return outcome(() => decode(ClientFramesSchema, message).frames.map(({ frame }) => frame));
}
const byHand = (message: Uint8Array): unknown => outcome(() => decodeClientFrames(message));

function outcome(read: () => readonly unknown[]): unknown {
  try {
    return JSON.parse(
      JSON.stringify(read(), (key, value: unknown) => {
        if (key === "$typeName") return undefined;
        if (typeof value === "bigint") return `${value}n`;
        return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
      }),
    );
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
}

function randomMessage(random: SeededRandom): Uint8Array {
  const frames = Array.from({ length: random.integer(5) }, () => {
    const logId = random.bytes(random.chance(0.9) ? 16 : random.integer(20));
    if (random.chance(0.4)) {
      const slotId = random.bytes(random.pick([0, 16]));
      return clientFrame({ case: "ack", value: { logId, slotId, seq: randomInteger(random) } });
    }
    if (random.chance(0.1)) return clientFrame({ case: "detach", value: { logId } });
    if (random.chance(0.3)) return signInFrame(random, logId);
    if (random.chance(0.05)) return clientFrame({ case: undefined });
    return clientFrame({
      case: "append",
      value: {
        request: random.nextUint32(),
        logId,
        accessToken: random.bytes(random.pick([0, 32])),
        epoch: random.chance(0.5) ? 0n : randomInteger(random),
        kind: random.integer(4),
        body: random.bytes(random.pick([0, 1, 127, 128, 300])),
        nextTokenHash: random.bytes(random.pick([0, 0, 32])),
      },
    });
  });
  return encodeClientFrames(frames);
}

function signInFrame(random: SeededRandom, logId: Uint8Array): ClientFrame {
  switch (random.integer(3)) {
    case 0: {
      const clientNonce = random.bytes(random.pick([0, 32]));
      return clientFrame({ case: "hello", value: { protocolVersion: random.integer(300), clientNonce } });
    }
    case 1: {
      const [deviceId, signature] = [random.bytes(16), random.bytes(random.pick([0, 64]))];
      return clientFrame({ case: "signIn", value: { accountId: logId, deviceId, signature } });
    }
    default:
      return clientFrame({
        case: "attach",
        value: {
          request: random.nextUint32(),
          logId,
          slotId: random.bytes(random.pick([0, 16])),
          accessToken: random.bytes(random.pick([0, 32])),
          epoch: random.chance(0.5) ? 0n : randomInteger(random),
          afterSeq: random.chance(0.5) ? 0n : randomInteger(random),
          window: random.pick([0, 1_024, random.nextUint32()]),
        },
      });
  }
}

const randomInteger = (random: SeededRandom): bigint =>
  ((BigInt(random.nextUint32()) << 32n) | BigInt(random.nextUint32())) >> BigInt(random.integer(64));

describe("messages read by hand", () => {
  test("are what the general decoder reads", async () => {
    await withSeed(11, (random) => {
      for (let n = 0; n < 3_000; n++) {
        const message = randomMessage(random);
        expect(byHand(message)).toEqual(general(message));
      }
    });
  });

  test("also when bytes are changed, cut off, doubled or made up", async () => {
    await withSeed(12, (random) => {
      let refused = 0;
      for (let n = 0; n < 100_000; n++) {
        const original = randomMessage(random);
        const message = random.chance(0.05) ? random.bytes(random.integer(60)) : original.slice();
        for (let twists = random.integer(3); twists >= 0 && message.length > 0; twists--) {
          // Mostly among the tags and lengths at the beginning.
          const at = random.integer(random.chance(0.7) ? Math.min(message.length, 40) : message.length);
          message[at] = random.chance(0.5) ? random.integer(256) : message[at]! ^ (1 << random.integer(8));
        }
        const cut = random.chance(0.2) ? message.subarray(0, random.integer(message.length + 1)) : message;
        const expected = general(cut);
        if (typeof expected === "string") refused++;
        // A comparison of texts: expect() a hundred thousand times takes longer than all the rest.
        const got = JSON.stringify(byHand(cut));
        if (got !== JSON.stringify(expected)) throw new Error(`${Buffer.from(cut).toString("hex")}: ${got}`);
      }
      expect(refused).toBeGreaterThan(10_000);
    });
  }, 120_000);

  test("give views, not copies", () => {
    const message = encodeClientFrames([
      clientFrame({
        case: "append",
        value: { request: 1, logId: new Uint8Array(16), body: new Uint8Array(9) },
      }),
    ]);
    const [frame] = decodeClientFrames(message);
    expect(frame?.case === "append" && frame.value.body.buffer).toBe(message.buffer);
  });

  test("keep to the limits on bytes and frames", () => {
    expect(byHand(new Uint8Array(LIMITS.maxMessageBytes + 1))).toBe("too_large");
    const many = Array.from({ length: LIMITS.maxFramesPerMessage + 1 }, () =>
      clientFrame({ case: "ack", value: { logId: new Uint8Array(16), seq: 1n } }),
    );
    expect(byHand(encodeClientFrames(many))).toBe("too_large");
    expect(decodeClientFrames(encodeClientFrames(many.slice(1))).length).toBe(LIMITS.maxFramesPerMessage);
  });
});
