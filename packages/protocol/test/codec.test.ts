import { create, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ClientFramesSchema,
  CodecError,
  concatBytes,
  DeviceListSchema,
  EntryKind,
  InboxItemSchema,
  LIMITS,
  ServerFramesSchema,
  decode,
  utf8,
} from "../src/index.ts";

const repeated = (field: readonly number[], times: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: field.length * times }, (_, i) => field[i % field.length]!);

/** The code with which bytes are refused, or "taken". */
function outcome(schema: Parameters<typeof decode>[0], bytes: Uint8Array, maxBytes?: number): string {
  try {
    decode(schema, bytes, maxBytes);
    return "taken";
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
}

const frames = toBinary(
  ClientFramesSchema,
  create(ClientFramesSchema, {
    frames: [
      { frame: { case: "hello", value: { protocolVersion: 1, clientNonce: new Uint8Array(32).fill(1) } } },
      {
        frame: {
          case: "append",
          value: {
            request: 7,
            logId: new Uint8Array(16),
            kind: EntryKind.MESSAGE,
            epoch: 2n ** 60n,
            body: utf8("x"),
          },
        },
      },
      { frame: { case: "ack", value: { logId: new Uint8Array(16), seq: 3n } } },
    ],
  }),
);

describe("decode", () => {
  test("gives what was encoded, byte fields as views", () => {
    const item = toBinary(
      InboxItemSchema,
      create(InboxItemSchema, { item: { case: "classic", value: utf8("body") } }),
    );
    const decoded = decode(InboxItemSchema, item);
    expect(decoded.item).toEqual({ case: "classic", value: utf8("body") });
    expect((decoded.item.value as Uint8Array).buffer).toBe(item.buffer);
  });

  test("refuses more bytes than allowed before it looks at them", () => {
    expect(outcome(InboxItemSchema, new Uint8Array(LIMITS.maxMessageBytes + 1))).toBe("too_large");
    expect(outcome(InboxItemSchema, new Uint8Array(11), 10)).toBe("too_large");
    expect(outcome(ClientFramesSchema, frames, frames.length)).toBe("taken");
  });

  test("every truncation is refused, or is a whole number of frames", () => {
    const wholes = new Set<number>();
    for (let length = 0; length < frames.length; length++) {
      if (outcome(ClientFramesSchema, frames.subarray(0, length)) === "taken") wholes.add(length);
    }
    expect(wholes.size).toBe(3); // nothing, the first frame, the first two
  });

  test.each([
    ["a known field of another wire type", [0x08, 0x01]],
    ["field number 0", [0x02, 0x00]],
    ["a group", [0x0b, 0x0c]],
    ["an unknown group", [0x7b, 0x7c]],
    ["wire type 6", [0x0e]],
    ["a tag that does not end", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ["a tag past 32 bits", [0x82, 0x80, 0x80, 0x80, 0x10, 0x00]],
    ["a length past the end", [0x0a, 0x05, 0x00]],
    ["a length of 2^63", [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ["a nested length that runs over its parent", [0x0a, 0x02, 0x0a, 0x05, 0x12, 0x03, 1, 2, 3]],
    ["an unknown 64-bit field that is cut", [0x79, 1, 2, 3]],
  ])("refuses %s", (_, bytes) => {
    expect(outcome(ClientFramesSchema, Uint8Array.from(bytes))).toBe("malformed");
  });

  test("skips unknown fields, so that newer peers can add some", () => {
    const unknown = [
      0xf8, 0x07, 0x01, 0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8, 0xfa, 0x07, 0x01, 0x00, 0xfd, 0x07, 1, 2, 3, 4,
    ];
    const decoded = decode(ClientFramesSchema, Uint8Array.from([...unknown, ...frames]));
    expect(toBinary(ClientFramesSchema, decoded)).toEqual(frames);
  });

  test("text that is no UTF-8 is refused", () => {
    // Lookup { identifier: ff }
    expect(outcome(ClientFramesSchema, Uint8Array.of(0x0a, 0x05, 0x52, 0x03, 0x12, 0x01, 0xff))).toBe(
      "malformed",
    );
  });

  test("whatever is taken is encoded to something that is taken and encoded the same", () => {
    fc.assert(
      fc.property(fc.nat(frames.length - 1), fc.nat(255), fc.nat(frames.length), (at, byte, length) => {
        const mutated = frames.slice(0, length);
        if (at < mutated.length) mutated[at] = byte;
        if (outcome(ClientFramesSchema, mutated) !== "taken") return;
        const once = toBinary(ClientFramesSchema, decode(ClientFramesSchema, mutated));
        expect(toBinary(ClientFramesSchema, decode(ClientFramesSchema, once))).toEqual(once);
      }),
      { seed: 5, numRuns: 3_000 },
    );
  });
});

describe("the bound on fields", () => {
  test("a full message of the largest honest frames is within it", () => {
    const append = { request: 1, logId: new Uint8Array(16), accessToken: new Uint8Array(32), epoch: 1n };
    const message = create(ClientFramesSchema, {
      frames: Array.from({ length: LIMITS.maxFramesPerMessage }, () => ({
        frame: {
          case: "append" as const,
          value: { ...append, kind: EntryKind.COMMIT, body: utf8("b"), nextTokenHash: new Uint8Array(32) },
        },
      })),
    });
    expect(outcome(ClientFramesSchema, toBinary(ClientFramesSchema, message))).toBe("taken");
  });

  test.each([
    ["empty frames", ClientFramesSchema, repeated([0x0a, 0x00], 500_000)],
    ["empty frames of a server", ServerFramesSchema, repeated([0x0a, 0x00], 500_000)],
    ["unknown fields", ClientFramesSchema, repeated([0x78, 0x00], 500_000)],
    ["empty devices", DeviceListSchema, repeated([0x32, 0x00], 500_000)],
  ])("a megabyte of %s is refused in a few milliseconds", (_, schema, bytes) => {
    outcome(schema, bytes); // warm
    const started = performance.now();
    expect(outcome(schema, bytes)).toBe("too_large");
    expect(performance.now() - started).toBeLessThan(100);
  });

  test("a frame that names its content again and again is refused too", () => {
    const inner = repeated([0x1a, 0x00], 100_000);
    const frame = concatBytes(Uint8Array.of(0x0a, 0xc0, 0x9a, 0x0c), inner);
    expect(outcome(ClientFramesSchema, frame)).toBe("too_large");
  });
});
