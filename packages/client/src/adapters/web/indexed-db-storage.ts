/**
 * The storage port on IndexedDB: binary keys are ordered there as the port asks for. A change set is one transaction with strict
 * durability, under the lease of database.ts.
 */
import { StorageError } from "@sotto/protocol";
import type { ChangeSet, Storage } from "../../core/storage.ts";
import { asked, attempt, write, type Database } from "./database.ts";

/** The storage of a vault, for the holder of a lease. Closing it closes the database. */
export function indexedDbStorage(database: Database, lease: number): Storage {
  const { idb, lost } = database;
  const kv = (): IDBObjectStore => {
    if (lost.aborted) throw new StorageError("storage_failed", "the storage is closed");
    return idb.transaction("kv").objectStore("kv");
  };
  let together: IDBObjectStore | undefined;
  /** What is read in one go shares a transaction: making one takes longer than reading. It is over when the browser gets its turn. */
  const shared = (): IDBObjectStore => {
    if (together === undefined || lost.aborted) {
      together = kv();
      queueMicrotask(() => (together = undefined));
    }
    return together;
  };
  return {
    get: async (key) =>
      attempt(async () => (await asked(shared().get(bytes(key)))) as Uint8Array | undefined),
    range: async (from, to, options = {}) =>
      attempt(async () => {
        // IndexedDB takes 0 for "no limit", and refuses a range that ends before it begins.
        if (options.limit === 0 || indexedDB.cmp(bytes(from), bytes(to)) >= 0) return [];
        const range = IDBKeyRange.bound(bytes(from), bytes(to), false, true);
        return options.reverse === true
          ? backwards(kv(), range, options.limit)
          : forwards(kv(), range, options.limit);
      }),
    apply: async (changes: ChangeSet) =>
      attempt(async () => {
        if (lost.aborted) throw new StorageError("storage_failed", "the storage is closed");
        // Copied now: callers may reuse theirs, and the transaction begins later.
        const deletes = changes.deletes.map((key) => key.slice());
        const puts = changes.puts.map(({ key, value }) => ({ key: key.slice(), value: value.slice() }));
        await write(database, lease, (transaction) => {
          const store = transaction.objectStore("kv");
          for (const key of deletes) store.delete(bytes(key));
          for (const { key, value } of puts) store.put(value, bytes(key));
        });
      }),
    async close() {
      database.close();
    },
  };
}

type Rows = Awaited<ReturnType<Storage["range"]>>;

async function forwards(store: IDBObjectStore, range: IDBKeyRange, limit: number | undefined): Promise<Rows> {
  const [keys, values] = await Promise.all([
    asked(store.getAllKeys(range, limit)),
    asked(store.getAll(range, limit)),
  ]);
  return keys.map((key, i) => ({
    key: new Uint8Array(key as ArrayBuffer),
    value: values[i] as Uint8Array,
  }));
}

async function backwards(store: IDBObjectStore, range: IDBKeyRange, limit = Infinity): Promise<Rows> {
  if ("getAllRecords" in store) {
    const all = store.getAllRecords as (
      options: object,
    ) => IDBRequest<{ key: ArrayBuffer; value: Uint8Array }[]>;
    const options = { query: range, direction: "prev", ...(limit !== Infinity && { count: limit }) };
    const records = await asked(all.call(store, options));
    return records.map(({ key, value }) => ({ key: new Uint8Array(key), value }));
  }
  const rows: { key: Uint8Array; value: Uint8Array }[] = [];
  const request = store.openCursor(range, "prev");
  return new Promise((resolve, reject) => {
    request.addEventListener("error", () => reject(request.error as DOMException));
    request.addEventListener("success", () => {
      const cursor = request.result;
      if (cursor !== null) {
        rows.push({ key: new Uint8Array(cursor.key as ArrayBuffer), value: cursor.value as Uint8Array });
      }
      if (cursor === null || rows.length >= limit) resolve(rows);
      else cursor.continue();
    });
  });
}

/** A key in memory of its own length: IndexedDB would keep what lies around a view. */
const bytes = (key: Uint8Array): Uint8Array<ArrayBuffer> =>
  key.byteLength === key.buffer.byteLength ? (key as Uint8Array<ArrayBuffer>) : key.slice();
