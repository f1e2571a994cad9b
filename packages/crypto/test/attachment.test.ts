/** Sealed files: vectors of an independent implementation, round trips by every provider, and every way to cheat with chunks. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as fc from "fast-check";
import { LIMITS, concatBytes, equalBytes, parseHex, toHex } from "@sotto/protocol";
import { SeededRandom } from "@sotto/testkit";
import { describe, expect, test } from "vitest";
import {
  attachmentShape,
  beginDigest,
  contentBytes,
  extendDigest,
  largestAttachment,
  openChunk,
  sealChunk,
  sealedOffset,
} from "../src/attachment.ts";
import type { CryptoProvider } from "../src/provider.ts";
import { pairs, providers } from "./support/providers.ts";

const chunk = LIMITS.attachmentChunkBytes;
const folder = resolve(import.meta.dirname, "../../../vectors/attachment");
const { cases } = JSON.parse(readFileSync(join(folder, "attachments.json"), "utf8")) as {
  cases: {
    size: number;
    key: string;
    sealed_bytes: number;
    chunks: number;
    first_chunk_begins: string;
    last_tag: string;
    sealed_sha256: string;
    digest: string;
  }[];
};
const fileOf = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => i * 31 + Math.floor(i / 256));

async function seal(provider: CryptoProvider, key: Uint8Array, file: Uint8Array) {
  const shape = attachmentShape(file.length);
  const chunks: Uint8Array[] = [];
  let digest = await beginDigest(provider, shape);
  for (let index = 0; index < shape.chunks; index++) {
    const from = index * chunk;
    const content = file.subarray(from, from + contentBytes(shape, index));
    const sealed = await sealChunk(provider, key, shape, index, content);
    expect(sealedOffset(index)).toBe(concatBytes(...chunks).length);
    chunks.push(sealed);
    digest = await extendDigest(provider, digest, sealed);
  }
  return { shape, chunks, digest };
}

async function open(provider: CryptoProvider, key: Uint8Array, size: number, chunks: readonly Uint8Array[]) {
  const shape = attachmentShape(size);
  const parts: Uint8Array[] = [];
  for (const [index, sealed] of chunks.entries())
    parts.push(await openChunk(provider, key, shape, index, sealed));
  return concatBytes(...parts);
}

describe.each(providers)("vectors, $name", (provider) => {
  test.each(cases)("a file of $size bytes", async ({ size, key, ...expected }) => {
    const { chunks, digest, shape } = await seal(provider, parseHex(key)!, fileOf(size));
    const whole = concatBytes(...chunks);
    expect({
      sealed_bytes: shape.sealedBytes,
      chunks: chunks.length,
      first_chunk_begins: toHex(whole.subarray(0, 32)),
      last_tag: toHex(whole.subarray(-16)),
      sealed_sha256: toHex(await provider.sha256(whole)),
      digest: toHex(digest),
    }).toEqual(expected);
    expect(whole.length).toBe(shape.sealedBytes);
    expect(equalBytes(await open(provider, parseHex(key)!, size, chunks), fileOf(size))).toBe(true);
  });
});

test("the vectors are what generate.py makes, byte for byte", ({ skip }) => {
  const python = "/usr/bin/python3";
  if (spawnSync(python, ["-c", "import cryptography"]).status !== 0) {
    if (process.env.CI) throw new Error("in CI this test needs python3-cryptography for /usr/bin/python3");
    skip("python3-cryptography is not installed for /usr/bin/python3");
  }
  const made = spawnSync(python, ["-B", "generate.py", "--check"], { cwd: folder, encoding: "utf8" });
  expect(made).toMatchObject({ status: 0, stderr: "" });
});

describe.each(pairs)("sealed by $by.name, opened by $at.name", ({ by, at }) => {
  test("any file comes back, of any size", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 3 * chunk }), fc.integer(), async (size, seed) => {
        const random = new SeededRandom(seed);
        const [key, file] = [random.bytes(32), random.bytes(size)];
        const { chunks, digest, shape } = await seal(by, key, file);
        expect(equalBytes(await open(at, key, size, chunks), file)).toBe(true);
        let again = await beginDigest(at, shape);
        for (const sealed of chunks) again = await extendDigest(at, again, sealed);
        expect(equalBytes(again, digest)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });
});

describe.each(providers)("what somebody did to the chunks does not open, $name", (provider) => {
  const key = new Uint8Array(32).fill(7);
  const size = 3 * chunk + 1_000;
  const file = fileOf(size);
  const made = seal(provider, key, file);
  const refused = { code: "decryption_failed" };
  const openAt = async (index: number, sealed: Uint8Array, of = size) =>
    openChunk(provider, key, attachmentShape(of), index, sealed);

  test("altered anywhere, cut, or longer", async () => {
    const { chunks } = await made;
    const random = new SeededRandom(1);
    for (const [index, sealed] of chunks.entries()) {
      for (let i = 0; i < 8; i++) {
        const at = random.integer(sealed.length);
        await expect(
          openAt(index, sealed.with(at, sealed[at]! ^ (1 + random.integer(255)))),
        ).rejects.toMatchObject(refused);
      }
      await expect(openAt(index, sealed.subarray(1))).rejects.toMatchObject(refused);
      await expect(openAt(index, sealed.subarray(0, -1))).rejects.toMatchObject(refused);
      await expect(openAt(index, concatBytes(sealed, new Uint8Array(1)))).rejects.toMatchObject(refused);
      await expect(openAt(index, new Uint8Array())).rejects.toMatchObject(refused);
    }
  });

  test("at another place, of another file, or beyond the end", async () => {
    const { chunks, shape } = await made;
    for (let index = 0; index < shape.chunks; index++) {
      for (let place = 0; place < shape.chunks; place++) {
        if (place === index || chunks[place]!.length !== chunks[index]!.length) continue;
        await expect(openAt(place, chunks[index]!)).rejects.toMatchObject(refused);
      }
    }
    const other = await seal(provider, new Uint8Array(32).fill(8), file);
    await expect(openAt(0, other.chunks[0]!)).rejects.toMatchObject(refused);
    await expect(openAt(shape.chunks, chunks.at(-1)!)).rejects.toMatchObject(refused);
    await expect(openAt(-1, chunks[0]!)).rejects.toMatchObject(refused);
  });

  test("the first ones as a whole file, or a whole file as the first ones", async () => {
    // Of exactly two chunks, so that lengths alone give nothing away.
    const two = await seal(provider, key, file.subarray(0, 2 * chunk));
    const { chunks } = await made;
    expect(chunks[1]!.length).toBe(two.chunks[1]!.length);
    await expect(openAt(1, chunks[1]!, 2 * chunk)).rejects.toMatchObject(refused);
    await expect(openAt(1, two.chunks[1]!)).rejects.toMatchObject(refused);
    expect(await openAt(0, chunks[0]!, 2 * chunk)).toEqual(file.subarray(0, chunk));
  });

  test("a file that hides something in its padding", async () => {
    const shape = attachmentShape(1_000);
    const full = attachmentShape(shape.paddedBytes);
    expect(full).toMatchObject({ chunks: 1, sealedBytes: shape.sealedBytes });
    const hiding = file.slice(0, shape.paddedBytes);
    const sealed = await sealChunk(provider, key, full, 0, hiding);
    await expect(openAt(0, sealed, 1_000)).rejects.toMatchObject(refused);
  });

  test("another ciphertext under the same key has another digest, and so has one of other length", async () => {
    const { digest, shape, chunks } = await made;
    const forged = await seal(
      provider,
      key,
      file.map((byte, i) => (i === 5 ? byte ^ 1 : byte)),
    );
    expect(equalBytes(forged.digest, digest)).toBe(false);
    const [first, second] = chunks;
    const ofTwo = async (one: Uint8Array, other: Uint8Array) =>
      extendDigest(provider, await extendDigest(provider, await beginDigest(provider, shape), one), other);
    expect(equalBytes(await ofTwo(first!, second!), await ofTwo(second!, first!))).toBe(false);
    const longer = attachmentShape(2 * size);
    expect(equalBytes(await beginDigest(provider, shape), await beginDigest(provider, longer))).toBe(false);
  });

  test("keys and chunks of wrong lengths are typed errors", async () => {
    const shape = attachmentShape(10);
    const short = new Uint8Array(31);
    await expect(sealChunk(provider, short, shape, 0, new Uint8Array(10))).rejects.toMatchObject({
      code: "key_invalid",
    });
    for (const [index, length] of [
      [0, 9],
      [0, 11],
      [1, 0],
      [-1, 10],
    ] as const) {
      await expect(sealChunk(provider, key, shape, index, new Uint8Array(length))).rejects.toMatchObject({
        code: "usage",
      });
    }
  });
});

describe("shapes", () => {
  test("hide sizes: few lengths are in use, at most 12 % longer", () => {
    const lengths = new Set<number>();
    for (let size = 0; size < 2_000_000; size += 997) {
      const { paddedBytes, sealedBytes, chunks } = attachmentShape(size);
      lengths.add(sealedBytes);
      expect(paddedBytes).toBeGreaterThanOrEqual(size);
      expect(paddedBytes).toBeLessThan(Math.max(4_097, size * 1.12));
      expect(sealedBytes).toBe(paddedBytes + 16 * chunks);
    }
    expect(lengths.size).toBeLessThan(300);
  });

  test("a file of 100 MB fits into a blob of 100 MiB, and the largest that fits is told", () => {
    expect(attachmentShape(100_000_000).sealedBytes).toBeLessThanOrEqual(100 * 1_048_576);
    const largest = largestAttachment(100 * 1_048_576)!;
    expect(largest).toBeGreaterThanOrEqual(100_000_000);
    expect(attachmentShape(largest + 1).sealedBytes).toBeGreaterThan(100 * 1_048_576);
    expect(largestAttachment(4_112)).toBe(4_096);
    expect(largestAttachment(4_111)).toBeUndefined();
    expect(largestAttachment(0)).toBeUndefined();
  });

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])("%d is no size", (size) => {
    expect(() => attachmentShape(size)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});
