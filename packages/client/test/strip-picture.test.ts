/** Pictures lose what they tell and keep how they look; whatever is no picture, or a broken one, is a typed error or left alone. */
import { SottoError, concatBytes, equalBytes, toHex, utf8 } from "@sotto/protocol";
import { mutatedBytes, withSeed } from "@sotto/testkit";
import { describe, expect, test } from "vitest";
import type { FileSource } from "../src/api.ts";
import { bytesSource } from "../src/core/media/file-source.ts";
import { stripPicture } from "../src/core/media/picture.ts";
import {
  CANARY,
  JPEG,
  PNG,
  WEBP,
  WEBP_ALPHA,
  WEBP_LOSSLESS,
  exif,
  pngChunk,
  riffChunk,
  segment,
  tellingJpeg,
  tellingPng,
  tellingWebp,
} from "./support/pictures.ts";

async function strip(bytes: Uint8Array) {
  const stripped = await stripPicture(bytesSource(bytes));
  if (stripped === undefined) return undefined;
  const { source, ...facts } = stripped;
  return { ...facts, bytes: await source.read(0, source.size) };
}
const has = (bytes: Uint8Array, text: string): boolean => Buffer.from(bytes).includes(text);
const size = { width: 24, height: 12 };
const turned = { width: 12, height: 24 };

/** A scan of a JPEG with these data. */
const scan = (...data: number[]): Uint8Array =>
  concatBytes(segment(0xda, new Uint8Array(6)), Uint8Array.from(data));

describe("JPEG", () => {
  test("keeps every byte that draws it, and nothing that tells", async () => {
    expect(has(tellingJpeg(), CANARY)).toBe(true);
    const stripped = await strip(tellingJpeg());
    expect(stripped).toMatchObject({ type: "image/jpeg", ...size });
    expect(toHex(stripped!.bytes)).toBe(toHex(JPEG));
    expect(toHex((await strip(JPEG))!.bytes)).toBe(toHex(JPEG));
  });

  test.each([2, 3, 4, 5, 6, 7, 8])("stays turned as it was: %d", async (orientation) => {
    for (const order of ["MM", "II"] as const) {
      const stripped = await strip(tellingJpeg(orientation, order));
      expect(stripped).toMatchObject(orientation >= 5 ? turned : size);
      expect(has(stripped!.bytes, CANARY)).toBe(false);
      // The only EXIF is the 34 bytes that say it.
      const at = Buffer.from(stripped!.bytes).indexOf("Exif");
      expect(toHex(stripped!.bytes.subarray(at - 4, at + 32))).toBe(
        `ffe10022457869660000${`4d4d002a00000008000101120003000000010${orientation}`.replace(
          /010(.)$/,
          "01000$1",
        )}000000000000`,
      );
      expect(equalBytes((await strip(stripped!.bytes))!.bytes, stripped!.bytes)).toBe(true);
    }
  });

  test.each([0, 9, 65_535])("an orientation that there is not counts as none: %d", async (orientation) => {
    expect(toHex((await strip(tellingJpeg(orientation)))!.bytes)).toBe(toHex(JPEG));
  });

  test("the preview in JFIF is left out, of which the real picture may have been cut", async () => {
    const preview = utf8(CANARY.slice(0, 27));
    const jfif = segment(0xe0, JPEG.subarray(6, 18), Uint8Array.of(3, 3), preview);
    const stripped = await strip(concatBytes(JPEG.subarray(0, 2), jfif, JPEG.subarray(20)));
    expect(toHex(stripped!.bytes)).toBe(toHex(JPEG));
  });

  test("several scans, bytes that fill, restarts and stuffed bytes are taken as they are", async () => {
    const frame = segment(0xc2, Uint8Array.of(8, 0, 12, 0, 24, 1, 0, 0, 0));
    const parts = [
      frame,
      scan(1, 0xff, 0, 2, 0xff, 0xd3, 3),
      segment(0xc4, new Uint8Array(20)),
      scan(9, 0xff, 0),
    ];
    const soi = Uint8Array.of(0xff, 0xd8);
    const eoi = Uint8Array.of(0xff, 0xd9);
    const telling = concatBytes(soi, ...parts.flatMap((part) => [segment(0xfe, utf8(CANARY)), part]), eoi);
    const stripped = await strip(telling);
    expect(stripped).toMatchObject(size);
    expect(toHex(stripped!.bytes)).toBe(toHex(concatBytes(soi, ...parts, eoi)));
    const filled = concatBytes(soi, Uint8Array.of(0xff, 0xff), ...parts, Uint8Array.of(0xff), eoi);
    expect(toHex((await strip(filled))!.bytes)).toBe(toHex(concatBytes(soi, ...parts, eoi)));
    // Cut off within its last scan: programs show what there is.
    expect(toHex((await strip(concatBytes(soi, ...parts)))!.bytes)).toBe(
      toHex(concatBytes(soi, ...parts, eoi)),
    );
  });

  test("what Adobe says of colours and a colour profile stay; others of the same number do not", async () => {
    const adobe = segment(0xee, utf8("Adobe"), new Uint8Array(7));
    const stripped = await strip(
      concatBytes(JPEG.subarray(0, 20), adobe, segment(0xee, utf8(`Adobe${CANARY}`)), JPEG.subarray(20)),
    );
    expect(toHex(stripped!.bytes)).toBe(toHex(concatBytes(JPEG.subarray(0, 20), adobe, JPEG.subarray(20))));
    expect(has(stripped!.bytes, "ICC_PROFILE")).toBe(true);
  });
});

describe("PNG", () => {
  test("keeps every byte that draws it, and nothing that tells", async () => {
    const stripped = await strip(tellingPng());
    expect(stripped).toMatchObject({ type: "image/png", ...size });
    expect(toHex(stripped!.bytes)).toBe(toHex(PNG));
  });

  test("stays turned as it was", async () => {
    const stripped = await strip(tellingPng(6));
    expect(stripped).toMatchObject(turned);
    expect(has(stripped!.bytes, CANARY)).toBe(false);
    const at = Buffer.from(stripped!.bytes).indexOf("eXIf");
    expect(at).toBe(8 + 25 + 4);
    // The check is zlib's crc32 of type and data.
    const { crc32 } = await import("node:zlib");
    const chunk = Buffer.from(stripped!.bytes.subarray(at, at + 30));
    expect(Buffer.from(stripped!.bytes).readUInt32BE(at + 30)).toBe(crc32(chunk));
    expect(equalBytes((await strip(stripped!.bytes))!.bytes, stripped!.bytes)).toBe(true);
  });
});

/** A chunk of a WebP, with its header, as it lies there. */
function chunkOf(type: string, from: Uint8Array): Uint8Array {
  const at = Buffer.from(from).indexOf(type);
  return from.subarray(at, at + 8 + Buffer.from(from).readUInt32LE(at + 4));
}

/** A WebP of chunks. */
const whole = (...chunks: Uint8Array[]): Uint8Array =>
  riffChunk("RIFF", concatBytes(utf8("WEBP"), ...chunks));

describe("WebP", () => {
  test.each([
    ["lossy", WEBP],
    ["with transparency", WEBP_ALPHA],
    ["lossless", WEBP_LOSSLESS],
  ])("keeps every byte that draws it, and nothing that tells: %s", async (_, picture) => {
    const stripped = await strip(tellingWebp(picture));
    expect(stripped).toMatchObject({ type: "image/webp", ...size });
    expect(toHex(stripped!.bytes)).toBe(toHex(picture));
    const sideways = await strip(tellingWebp(picture, 8));
    expect(sideways).toMatchObject(size);
    expect(has(sideways!.bytes, CANARY)).toBe(false);
    expect(sideways!.bytes[20]).toBe((picture[20] ?? 0) | 0x08);
    expect(equalBytes((await strip(sideways!.bytes))!.bytes, sideways!.bytes)).toBe(true);
  });

  test("the simple form, and frames of an animation without what else lies in them", async () => {
    for (const [type, picture] of [
      ["VP8 ", WEBP],
      ["VP8L", WEBP_LOSSLESS],
    ] as const) {
      const plain = chunkOf(type, picture);
      const even = plain.length % 2 === 0 ? plain : concatBytes(plain, new Uint8Array(1));
      const stripped = await strip(whole(even, riffChunk("EXIF", exif(6)), riffChunk("XMP ", utf8(CANARY))));
      expect(stripped).toMatchObject(size);
      expect(toHex(stripped!.bytes)).toBe(toHex(whole(even)));
    }
    const plain = chunkOf("VP8 ", WEBP);
    const even = plain.length % 2 === 0 ? plain : concatBytes(plain, new Uint8Array(1));
    const head = concatBytes(riffChunk("VP8X", WEBP.subarray(20, 30)), riffChunk("ANIM", new Uint8Array(6)));
    const frame = (...more: Uint8Array[]) =>
      riffChunk("ANMF", concatBytes(new Uint8Array(16), even, ...more));
    const stripped = await strip(whole(head, frame(riffChunk("PRVT", utf8(CANARY))), frame()));
    expect(toHex(stripped!.bytes)).toBe(toHex(whole(head, frame(), frame())));
  });
});

test("what is no such picture is left alone", async () => {
  for (const bytes of [
    new Uint8Array(),
    utf8("GIF89a"),
    utf8("\xff\xd8"),
    utf8("%PDF-1.7"),
    utf8("RIFF\0\0\0\0WAVE"),
  ]) {
    expect(await strip(bytes)).toBeUndefined();
  }
});

describe("a broken picture is refused, never sent with what is in it", () => {
  test.each([
    ["a JPEG without a frame", concatBytes(JPEG.subarray(0, 20), Uint8Array.of(0xff, 0xd9))],
    ["a JPEG that is cut in a segment", JPEG.subarray(0, 100)],
    ["a JPEG with a segment of no length", concatBytes(JPEG.subarray(0, 2), Uint8Array.of(0xff, 0xe1, 0, 1))],
    [
      "a JPEG with something between segments",
      concatBytes(JPEG.subarray(0, 20), utf8(CANARY), JPEG.subarray(20)),
    ],
    ["a PNG that is cut", PNG.subarray(0, PNG.length - 1)],
    [
      "a PNG without a header",
      concatBytes(PNG.subarray(0, 8), pngChunk("tEXt", utf8(CANARY)), PNG.subarray(8)),
    ],
    ["a WebP that is cut", WEBP.subarray(0, 40)],
    ["a WebP without a picture", concatBytes(utf8("RIFF"), Uint8Array.of(4, 0, 0, 0), utf8("WEBP"))],
    [
      "a PNG of a million parts",
      concatBytes(
        PNG.subarray(0, 33),
        ...Array.from({ length: 100_001 }, () => pngChunk("tEXt", new Uint8Array())),
      ),
    ],
  ])("%s", async (_, bytes) => {
    await expect(strip(bytes)).rejects.toMatchObject({ code: "picture_unreadable" });
  });
});

test("a picture is read a block at a time, whatever its size", async () => {
  const large = concatBytes(JPEG.subarray(0, JPEG.length - 2), new Uint8Array(40_000_000).fill(7));
  let most = 0;
  const source: FileSource = {
    size: large.length,
    read: async (offset, length) => {
      most = Math.max(most, length);
      return large.slice(offset, offset + length);
    },
  };
  const stripped = await stripPicture(source);
  expect(most).toBeLessThanOrEqual(65_536);
  expect(stripped?.source.size).toBe(large.length + 2);
  const end = await stripped?.source.read(large.length - 3, 5);
  expect(end).toEqual(Uint8Array.of(7, 7, 7, 0xff, 0xd9));
});

test(
  "100,000 broken pictures: each gives a typed error or a picture, and stripping that again changes nothing",
  { timeout: 120_000 },
  async () => {
    const corpus = [
      tellingJpeg(6),
      tellingPng(8),
      tellingWebp(WEBP_ALPHA, 3),
      tellingWebp(WEBP_LOSSLESS),
      JPEG,
      PNG,
      WEBP,
    ];
    await withSeed(2026, async (random) => {
      let taken = 0;
      for (let i = 0; i < 100_000; i++) {
        const bytes = mutatedBytes(random, corpus);
        try {
          const stripped = await strip(bytes);
          if (stripped === undefined) continue;
          taken += 1;
          const again = await strip(stripped.bytes);
          if (again === undefined || !equalBytes(again.bytes, stripped.bytes)) {
            throw new Error(`not the same again: ${toHex(bytes)}`);
          }
        } catch (error) {
          if (!(error instanceof SottoError) || error.code !== "picture_unreadable") throw error;
        }
      }
      expect(taken).toBeGreaterThan(10_000);
    });
  },
);
