import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { LIMITS, ServerFramesSchema, decode } from "@sotto/protocol";
import { withSeed } from "@sotto/testkit";
import { FrameBatch } from "../../../src/core/session/frame-batch.ts";
import { encodeFrame } from "../../../src/core/session/frames.ts";

const allocate = (length: number): Uint8Array => new Uint8Array(length).fill(0xee);

/** Numbers around every length of a varint. */
const edges = Array.from({ length: 53 }, (_, bits) => 2 ** bits).flatMap((n) => [n - 1, n, n + 1]);

describe("frames written by hand", () => {
  test("have the bytes of the generated encoder", async () => {
    await withSeed(20_261_123, (random) => {
      for (let round = 0; round < 400; round++) {
        const batch = new FrameBatch();
        const frames: Parameters<typeof encodeFrame>[0][] = [];
        for (let n = random.integer(6); n >= 0; n--) {
          const request = 1 + random.integer(2 ** random.integer(32));
          const seq = random.pick(edges);
          if (random.chance(0.4)) {
            batch.appended(request, seq);
            frames.push({ case: "appended", value: { request, seq: BigInt(seq) } });
          } else if (random.chance(0.2)) {
            frames.push({ case: "done", value: { request } });
            batch.frame(encodeFrame(frames.at(-1)!));
          } else {
            const log = random.bytes(16);
            const entries = Array.from({ length: 1 + random.integer(5) }, () => ({
              seq: random.pick(edges),
              epoch: random.chance(0.5) ? 0 : random.pick(edges),
              kind: random.integer(4),
              body: random.bytes(random.pick([0, 1, 127, 128, 1_024, 16_384])),
            }));
            batch.entries(log, entries);
            frames.push({
              case: "entries",
              value: {
                logId: log,
                entries: entries.map((entry) => ({
                  ...entry,
                  seq: BigInt(entry.seq),
                  epoch: BigInt(entry.epoch),
                })),
              },
            });
          }
        }
        const waiting = batch.byteLength;
        const head = random.integer(11);
        const [message, ...more] = batch.take((length) => allocate(head + length));
        expect(more).toEqual([]);
        const expected = toBinary(
          ServerFramesSchema,
          create(ServerFramesSchema, { frames: frames.map((frame) => ({ frame })) }),
        );
        expect(Buffer.from(message!).equals(Buffer.concat([allocate(head), expected]))).toBe(true);
        expect(Math.abs(waiting - expected.length)).toBeLessThan(16 * frames.length);
        expect(batch.byteLength).toBe(0);
      }
    });
  });

  test("are split so that every message keeps to the limits, and nothing is lost or turned", () => {
    const batch = new FrameBatch();
    const log = new Uint8Array(16);
    const seqs: number[] = [];
    for (let n = 1; n <= 40; n++) {
      const body = new Uint8Array(n % 2 === 0 ? LIMITS.maxEntryBytes : 10);
      const entries = Array.from({ length: n % 5 === 0 ? 3_000 : 2 }, () => {
        seqs.push(seqs.length + 1);
        return { seq: seqs.length, epoch: 1, kind: 1, body: n % 5 === 0 ? new Uint8Array(1) : body };
      });
      batch.entries(log, entries);
    }
    for (let n = 1; n <= 5_000; n++) batch.appended(n, n);
    const requests: number[] = [];
    const read: number[] = [];
    for (const message of batch.take(allocate)) {
      expect(message.length).toBeLessThanOrEqual(LIMITS.maxMessageBytes);
      const { frames } = decode(ServerFramesSchema, message);
      expect(frames.length).toBeLessThanOrEqual(LIMITS.maxFramesPerMessage);
      for (const { frame } of frames) {
        if (frame.case === "appended") requests.push(frame.value.request);
        if (frame.case === "entries") read.push(...frame.value.entries.map(({ seq }) => Number(seq)));
      }
    }
    expect(read).toEqual(seqs);
    expect(requests).toEqual(Array.from({ length: 5_000 }, (_, n) => n + 1));
  });
});
