/** Records and lists under seal: a draft reads its own writes, takes some back, and stores all of them at once or none. */
import * as fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { createVault, type Vault } from "@sotto/crypto";
import { nodeProvider } from "@sotto/crypto/node";
import { memoryStorage, type MemoryRows } from "../src/adapters/memory-storage.ts";
import { decodeRecord, encodeRecord } from "../src/core/record-codec.ts";
import { vaultStore, type ListName, type RecordName, type VaultStore } from "../src/core/vault-store.ts";

const list: ListName<string> = { list: "numbers" };
const other: ListName<string> = { list: "others" };
const record: RecordName<unknown> = { record: "one" };

const shared: Promise<{ vault: Vault }> = createVault(nodeProvider(), "x");
let rows: MemoryRows;
let store: VaultStore;
beforeEach(async () => {
  rows = new Map();
  store = vaultStore((await shared).vault, memoryStorage(rows));
});

describe("records", () => {
  test("plain data and byte arrays come back as they were; lengths tell little", () => {
    const value = {
      text: "a\u0000é🌍",
      n: 2 ** 53 - 1,
      bytes: Uint8Array.of(0, 255),
      nested: [{ b: new Uint8Array() }],
      no: false,
    };
    expect(decodeRecord(encodeRecord(value))).toEqual(value);
    expect(encodeRecord("x").length).toBe(64);
    expect(encodeRecord("x".repeat(40)).length).toBe(64);
    expect(encodeRecord("x".repeat(63)).length).toBe(128);
  });

  test("keys and values tell nothing, and a value is bound to its key", async () => {
    const draft = store.draft();
    draft.put(record, "a value that is long enough to be found");
    draft.put({ record: "two" }, "another");
    await draft.commit();
    const [one, two] = [...rows.values()];
    if (one === undefined || two === undefined) throw new Error("two rows");
    expect(one.key).toHaveLength(32);
    expect(Buffer.from(one.value).includes("long enough")).toBe(false);
    const swapped = new Map(
      [...rows].map(([key, row]) => [key, { key: row.key, value: row === one ? two.value : one.value }]),
    );
    const altered = vaultStore((await shared).vault, memoryStorage(swapped));
    await expect(altered.get(record)).rejects.toMatchObject({ code: "vault_damaged" });
  });
});

describe("drafts", () => {
  test("a draft reads its own writes; others see them once they are stored", async () => {
    const draft = store.draft();
    draft.put(record, 1);
    draft.putItem(list, 5, "five");
    expect(await draft.get(record)).toBe(1);
    expect(await draft.page(list)).toEqual([{ order: 5, value: "five" }]);
    expect(await store.get(record)).toBeUndefined();
    await draft.commit();
    expect(await store.get(record)).toBe(1);
    expect(await store.item(list, 5)).toBe("five");
    expect(() => draft.put(record, 2)).toThrow(expect.objectContaining({ code: "internal" }));
  });

  test("what is read several times at once is read from the storage once; what failed is read again", async () => {
    const before = store.draft();
    before.put(record, 1);
    await before.commit();
    const storage = memoryStorage(rows);
    let reads = 0;
    const get: typeof storage.get = (key) =>
      ++reads === 1 ? Promise.reject(new Error("not this time")) : storage.get(key);
    const draft = vaultStore((await shared).vault, { ...storage, get }).draft();
    await expect(Promise.all([draft.get(record), draft.get(record)])).rejects.toThrow("not this time");
    expect(await Promise.all([draft.get(record), draft.get(record)])).toEqual([1, 1]);
    expect(reads).toBe(2);
  });

  test("a savepoint takes back what was written after it, and only that", async () => {
    const draft = store.draft();
    draft.put(record, 1);
    const takeBack = draft.savepoint();
    draft.put(record, 2);
    draft.delete(record);
    draft.putItem(list, 1, "x");
    takeBack();
    expect(await draft.get(record)).toBe(1);
    expect(await draft.page(list)).toEqual([]);
  });

  test("nothing is stored when the storage fails", async () => {
    const failing = vaultStore((await shared).vault, {
      ...memoryStorage(rows),
      apply: () => Promise.reject(new Error("disk")),
    });
    const draft = failing.draft();
    draft.put(record, 1);
    await expect(draft.commit()).rejects.toThrow("disk");
    expect(rows.size).toBe(0);
  });

  test("pages of a draft over stored items are what a plain sorted list would give", async () => {
    const place = fc.integer({ min: 0, max: 12 });
    const change = fc.record({
      order: place,
      value: fc.option(fc.string({ maxLength: 3 }), { nil: undefined }),
    });
    const query = fc.record({
      from: fc.option(place, { nil: undefined }),
      below: fc.option(place, { nil: undefined }),
      limit: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
      reverse: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change), fc.array(change), query, async (stored, pending, asked) => {
        const fresh = vaultStore((await shared).vault, memoryStorage());
        const model = new Map<number, string>();
        const write = (draft: ReturnType<VaultStore["draft"]>, { order, value }: (typeof stored)[number]) => {
          if (value === undefined) {
            draft.deleteItem(list, order);
            model.delete(order);
          } else {
            draft.putItem(list, order, value);
            model.set(order, value);
          }
        };
        const first = fresh.draft();
        for (const one of stored) write(first, one);
        first.putItem(other, 3, "of another list");
        await first.commit();
        const draft = fresh.draft();
        for (const one of pending) write(draft, one);
        const expected = [...model]
          .map(([order, value]) => ({ order, value }))
          .filter(({ order }) => order >= (asked.from ?? 0) && order < (asked.below ?? Infinity))
          .toSorted((a, b) => (asked.reverse ? b.order - a.order : a.order - b.order))
          .slice(0, asked.limit);
        const options = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
        expect(await draft.page(list, options)).toEqual(expected);
        await draft.commit();
        expect(await fresh.page(list, options)).toEqual(expected);
      }),
      { seed: 20_261_102, numRuns: 60 },
    );
  });
});
