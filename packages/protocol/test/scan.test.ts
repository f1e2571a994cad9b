/** The scan alone: what it counts, and what it lets pass that the parser then takes. */
import { toBinary, create } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AckSchema, ClientFramesSchema, DeviceListSchema, InboxItemSchema } from "../src/index.ts";
import { scanMessage } from "../src/scan.ts";

const acks = (count: number): Uint8Array =>
  toBinary(
    ClientFramesSchema,
    create(ClientFramesSchema, {
      frames: Array.from({ length: count }, () => ({
        frame: { case: "ack" as const, value: create(AckSchema, { logId: new Uint8Array(16), seq: 1n }) },
      })),
    }),
  );

describe("scanMessage", () => {
  test("counts fields at every depth: an ack in a frame has four", () => {
    expect(scanMessage(ClientFramesSchema, acks(5), 20)).toBeUndefined();
    expect(scanMessage(ClientFramesSchema, acks(5), 19)).toBe("too_large");
    expect(scanMessage(ClientFramesSchema, new Uint8Array(), 0)).toBeUndefined();
  });

  test("counts unknown fields too", () => {
    const unknown = Uint8Array.of(0x78, 0, 0x78, 0, 0x78, 0);
    expect(scanMessage(InboxItemSchema, unknown, 3)).toBeUndefined();
    expect(scanMessage(InboxItemSchema, unknown, 2)).toBe("too_large");
  });

  test.each([
    ["numbers as varints", DeviceListSchema, [0x10, 0x01], undefined],
    ["bytes as a varint", DeviceListSchema, [0x08, 0x01], "malformed"],
    ["a number as bytes", DeviceListSchema, [0x12, 0x01, 0x01], "malformed"],
    ["a message as a varint", DeviceListSchema, [0x30, 0x01], "malformed"],
    ["a number as fixed 64 bits", DeviceListSchema, [0x11, 1, 2, 3, 4, 5, 6, 7, 8], "malformed"],
    [
      "a varint of ten bytes",
      DeviceListSchema,
      [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      undefined,
    ],
    [
      "a varint of eleven bytes",
      DeviceListSchema,
      [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      "malformed",
    ],
    ["a varint that is cut", DeviceListSchema, [0x10, 0xff], "malformed"],
  ] as const)("%s", (_, schema, bytes, problem) => {
    expect(scanMessage(schema, Uint8Array.from(bytes), 100)).toBe(problem);
  });

  test("never throws, and never reads past the end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const framed = new Uint8Array(200).fill(0x0a);
        framed.set(bytes, 50);
        const alone = scanMessage(ClientFramesSchema, bytes, 50);
        expect(scanMessage(ClientFramesSchema, framed.subarray(50, 50 + bytes.length), 50)).toBe(alone);
      }),
      { seed: 6, numRuns: 2_000 },
    );
  });
});
