/** What every adapter must do with blobs: their records, as a part of the storage conformance suite, and their bytes. */
import { describe, expect, test } from "vitest";
import { concatBytes } from "@sotto/protocol";
import type { BlobFiles, BlobRecord, Store } from "@sotto/server";

const day = 86_400;
const id = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const blob = (n: number, over: Partial<BlobRecord> = {}): BlobRecord => ({
  id: id(n),
  writeHash: id(100 + n),
  size: 100,
  received: 0,
  storedAtSec: 10 * day,
  ...over,
});
const wide = 1_000_000;

/** Adds the tests of records to a suite. @param again closes the store and opens what it left, where it can. */
export function blobRecordConformance(current: () => Store, again: () => Promise<void>): void {
  describe("records of blobs", () => {
    test("a blob is added once, read back, advanced and deleted", async () => {
      expect(await current().readBlob(id(1))).toBeUndefined();
      expect(await current().createBlob(blob(1), wide)).toBe("created");
      expect(await current().createBlob(blob(1, { size: 7 }), wide)).toBe("exists");
      expect(await current().advanceBlob(id(1), 40)).toBe(true);
      // A node that was slow tells late what another has gone beyond.
      expect(await current().advanceBlob(id(1), 30)).toBe(true);
      await again();
      expect(await current().readBlob(id(1))).toEqual(blob(1, { received: 40 }));
      expect(await current().deleteBlob(id(1))).toBe(true);
      expect(await current().deleteBlob(id(1))).toBe(false);
      expect(await current().advanceBlob(id(1), 41)).toBe(false);
      expect(await current().readBlob(id(1))).toBeUndefined();
    });

    test("together they keep within a bound, counted by what they are to become", async () => {
      expect(await current().createBlob(blob(1), 250)).toBe("created");
      expect(await current().createBlob(blob(2), 250)).toBe("created");
      expect(await current().createBlob(blob(3), 250)).toBe("full");
      await again();
      expect(await current().blobStats()).toEqual({ blobs: 2, bytes: 200 });
      expect(await current().createBlob(blob(3, { size: 51 }), 250)).toBe("full");
      await current().deleteBlob(id(1));
      expect(await current().createBlob(blob(3, { size: 150 }), 250)).toBe("created");
      expect(await current().blobStats()).toEqual({ blobs: 2, bytes: 250 });
    });

    test("those past their time are found, unfinished ones sooner", async () => {
      const store = current();
      await store.createBlob(blob(1, { storedAtSec: 5 * day, received: 100 }), wide);
      await store.createBlob(blob(2, { storedAtSec: 8 * day, received: 99 }), wide);
      await store.createBlob(blob(3, { storedAtSec: 8 * day, received: 100 }), wide);
      await store.createBlob(blob(4, { storedAtSec: 9 * day }), wide);
      const expired = async (limit: number) =>
        (await current().expiredBlobs(6 * day, 9 * day, limit)).map(([first]) => first).toSorted();
      expect(await expired(10)).toEqual([1, 2]);
      expect(await expired(1)).toHaveLength(1);
      expect(await current().readBlob(id(1))).toBeDefined();
    });
  });
}

async function* pieces(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

/** Comparing bytes one by one takes seconds. */
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** Runs the suite of the bytes. @param open opens an empty place. @param again opens again what it left, where it can. */
export function blobFilesConformance(
  name: string,
  open: () => BlobFiles,
  again: (files: BlobFiles) => BlobFiles,
): void {
  describe(`blob files conformance: ${name}`, () => {
    const whole = Uint8Array.from({ length: 600_000 }, (_, i) => (i * 7) % 251);
    const all = async (files: BlobFiles, from = 0, to = whole.length) => {
      const read = await files.read(id(1), from, to);
      if (read === undefined) return undefined;
      const parts: Uint8Array[] = [];
      for await (const part of read) parts.push(Uint8Array.from(part));
      return text(concatBytes(...parts));
    };

    test("what is written in parts is read as a whole once it is finished, and not before", async () => {
      let files = open();
      expect(await files.write(id(1), 0, pieces(whole.subarray(0, 10), whole.subarray(10, 70_000)))).toBe(
        70_000,
      );
      expect(await all(files, 0, 70_000)).toBeUndefined();
      files = again(files);
      expect(await files.write(id(1), 70_000, pieces(whole.subarray(70_000)))).toBe(530_000);
      expect(await all(files)).toBeUndefined();
      await files.finish(id(1));
      await files.finish(id(1));
      expect(await all(files)).toBe(text(whole));
      expect(await all(again(files))).toBe(text(whole));
    });

    test("what is written again lies over what lay there", async () => {
      const files = open();
      await files.write(id(1), 0, pieces(new Uint8Array(100_000).fill(0xee)));
      expect(await files.write(id(1), 5, pieces(whole.subarray(5)))).toBe(whole.length - 5);
      await files.write(id(1), 0, pieces(whole.subarray(0, 5)));
      await files.finish(id(1));
      expect(await all(files)).toBe(text(whole));
    });

    test("nothing is written behind a hole", async () => {
      const files = open();
      expect(await files.write(id(1), 1, pieces(whole))).toBeUndefined();
      await files.write(id(1), 0, pieces(whole.subarray(0, 10)));
      expect(await files.write(id(1), 11, pieces(whole))).toBeUndefined();
      expect(await files.write(id(1), 10, pieces())).toBe(0);
    });

    test("parts are read, and nothing beyond the end", async () => {
      const files = open();
      await files.write(id(1), 0, pieces(whole));
      await files.finish(id(1));
      expect(await all(files, 10, 20)).toBe(text(whole.subarray(10, 20)));
      expect(await all(files, 200_000, 599_000)).toBe(text(whole.subarray(200_000, 599_000)));
      expect(await all(files, whole.length - 1)).toBe(text(whole.subarray(-1)));
      expect(await all(files, 20, 20)).toBe("");
      expect(await all(files, 0, whole.length + 1)).toBeUndefined();
    });

    test("what is removed is gone, finished or not, and finishing what is not there does nothing", async () => {
      const files = open();
      await files.write(id(1), 0, pieces(whole));
      await files.finish(id(1));
      await files.write(id(2), 0, pieces(whole));
      for (const n of [1, 2, 3]) await files.remove(id(n));
      await files.finish(id(2));
      expect(await all(files)).toBeUndefined();
      expect(await files.list(1)).toEqual([]);
      expect(await files.list(2)).toEqual([]);
      expect(await files.write(id(1), 1, pieces(whole))).toBeUndefined();
    });

    test("what lies there is listed by its first byte", async () => {
      const files = open();
      const others = [1, 2, 3].map((n) => Uint8Array.of(7, ...id(n).subarray(1)));
      for (const other of others) await files.write(other, 0, pieces(whole));
      await files.finish(others[0] ?? id(0));
      const listed = (await files.list(7))
        .map((one) => [...one])
        .toSorted((a, b) => (a[1] ?? 0) - (b[1] ?? 0));
      expect(listed).toEqual(others.map((one) => [...one]));
      expect(await files.list(8)).toEqual([]);
      expect(await files.freeBytes()).toBeGreaterThan(1_000_000);
    });

    test("whoever is reading what is removed reads on, or is told", async () => {
      const files = open();
      await files.write(id(1), 0, pieces(whole));
      await files.finish(id(1));
      const read = await files.read(id(1), 0, whole.length);
      await files.remove(id(1));
      const drain = async (): Promise<number> => {
        let bytes = 0;
        for await (const part of read ?? pieces()) bytes += part.length;
        return bytes;
      };
      expect([whole.length, "unavailable"]).toContain(
        await drain().catch((error: unknown) => (error as { code?: unknown }).code),
      );
    });
  });
}
