/**
 * What every adapter of the client's storage port must do, as one suite that all of them run.
 * The port is described structurally, since the testkit must not depend on the client.
 */
import { beforeEach, describe, expect, test } from "vitest";

interface StorageUnderTest {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  range(
    from: Uint8Array,
    to: Uint8Array,
    options?: { readonly reverse?: boolean; readonly limit?: number },
  ): Promise<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]>;
  apply(changes: {
    readonly puts: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
    readonly deletes: readonly Uint8Array[];
  }): Promise<void>;
  close(): Promise<void>;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const put = (key: Uint8Array, ...value: number[]) => ({ key, value: bytes(...value) });

/**
 * Runs the suite.
 * @param openFresh opens an empty storage.
 * @param reopen opens again what the last openFresh() made, after it was closed.
 */
export function storageConformance(
  name: string,
  openFresh: () => Promise<StorageUnderTest>,
  reopen: () => Promise<StorageUnderTest>,
): void {
  describe(`storage conformance: ${name}`, () => {
    let storage: StorageUnderTest;
    beforeEach(async () => {
      storage = await openFresh();
      return async () => storage.close();
    });
    const keysIn = async (
      from: Uint8Array,
      to: Uint8Array,
      options?: { reverse?: boolean; limit?: number },
    ) => (await storage.range(from, to, options)).map(({ key }) => [...key]);

    test("what is absent is undefined, and a range over nothing is empty", async () => {
      expect(await storage.get(bytes(1))).toBeUndefined();
      expect(await storage.range(bytes(0), bytes(255))).toEqual([]);
    });

    test("what is put is read back, replaced, and deleted", async () => {
      await storage.apply({ puts: [put(bytes(1, 2), 3, 4)], deletes: [] });
      expect([...((await storage.get(bytes(1, 2))) ?? [])]).toEqual([3, 4]);
      await storage.apply({ puts: [put(bytes(1, 2), 5)], deletes: [] });
      expect([...((await storage.get(bytes(1, 2))) ?? [])]).toEqual([5]);
      await storage.apply({ puts: [], deletes: [bytes(1, 2), bytes(9)] });
      expect(await storage.get(bytes(1, 2))).toBeUndefined();
    });

    test("values may be empty or large, keys up to 64 bytes", async () => {
      const key = new Uint8Array(64).fill(0xfe);
      const large = Uint8Array.from({ length: 700_000 }, (_, i) => (i * 31) % 256);
      await storage.apply({ puts: [{ key, value: large }, put(bytes(0))], deletes: [] });
      expect(Buffer.compare((await storage.get(key)) ?? bytes(), large)).toBe(0);
      expect((await storage.get(bytes(0)))?.length).toBe(0);
    });

    test("ranges are ordered as unsigned bytes, shorter keys before longer, from inclusive, to exclusive", async () => {
      const keys = [
        bytes(0x7f),
        bytes(0x80),
        bytes(1),
        bytes(1, 0),
        bytes(1, 0xff),
        bytes(2),
        bytes(0xff, 0xff),
      ];
      await storage.apply({ puts: keys.map((key) => put(key, 1)), deletes: [] });
      expect(await keysIn(bytes(0), bytes(0xff, 0xff, 0xff))).toEqual([
        [1],
        [1, 0],
        [1, 0xff],
        [2],
        [0x7f],
        [0x80],
        [0xff, 0xff],
      ]);
      expect(await keysIn(bytes(1, 0), bytes(0x80))).toEqual([[1, 0], [1, 0xff], [2], [0x7f]]);
      expect(await keysIn(bytes(2), bytes(2))).toEqual([]);
    });

    test("ranges go backwards and stop at a limit", async () => {
      await storage.apply({
        puts: Array.from({ length: 300 }, (_, i) => put(bytes(i >> 8, i & 255), i % 7)),
        deletes: [],
      });
      expect(await keysIn(bytes(0), bytes(2), { limit: 2 })).toEqual([
        [0, 0],
        [0, 1],
      ]);
      expect(await keysIn(bytes(0), bytes(2), { reverse: true, limit: 2 })).toEqual([
        [1, 43],
        [1, 42],
      ]);
      expect(await keysIn(bytes(0), bytes(2), { limit: 0 })).toEqual([]);
      expect(await keysIn(bytes(0), bytes(2))).toHaveLength(300);
    });

    test("in one change set deletes come before puts", async () => {
      await storage.apply({ puts: [put(bytes(1), 1)], deletes: [] });
      await storage.apply({ puts: [put(bytes(1), 2)], deletes: [bytes(1)] });
      expect([...((await storage.get(bytes(1))) ?? [])]).toEqual([2]);
    });

    test("callers keep their bytes: altering them alters nothing stored", async () => {
      const key = bytes(1);
      const value = bytes(7);
      await storage.apply({ puts: [{ key, value }], deletes: [] });
      key[0] = 2;
      value[0] = 8;
      const read = await storage.get(bytes(1));
      expect([...(read ?? [])]).toEqual([7]);
      (read as Uint8Array)[0] = 9;
      expect([...((await storage.get(bytes(1))) ?? [])]).toEqual([7]);
    });

    test("what was applied is there after closing and opening again", async () => {
      await storage.apply({ puts: [put(bytes(1), 1), put(bytes(2), 2)], deletes: [] });
      await storage.apply({ puts: [], deletes: [bytes(1)] });
      await storage.close();
      storage = await reopen();
      expect(await keysIn(bytes(0), bytes(9))).toEqual([[2]]);
    });

    test("a closed storage refuses with a typed error", async () => {
      await storage.close();
      await expect(storage.get(bytes(1))).rejects.toMatchObject({ code: "storage_failed" });
      await expect(storage.apply({ puts: [put(bytes(1), 1)], deletes: [] })).rejects.toMatchObject({
        code: "storage_failed",
      });
    });
  });
}
