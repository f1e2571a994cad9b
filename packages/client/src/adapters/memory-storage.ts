/**
 * The storage port in memory: for tests, and for programs that want to leave nothing behind.
 * Bytes are copied on the way in and out, so that no caller can alter what is stored.
 */
import { StorageError, toHex } from "@sotto/protocol";
import type { ChangeSet, Storage } from "../core/storage.ts";

interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What a memory storage holds, by keys in hexadecimal; handing it to a second storage is like opening the same file again. */
export type MemoryRows = Map<string, Row>;

/** The keys of rows in order, which in hexadecimal is that of the bytes. Sorting them anew after each change took most of a simulation. */
const orders = new WeakMap<MemoryRows, string[]>();

function orderOf(rows: MemoryRows): string[] {
  const known = orders.get(rows);
  // Whoever owns the rows may have changed them meanwhile.
  if (known !== undefined && known.length === rows.size) return known;
  const order = [...rows.keys()].toSorted();
  orders.set(rows, order);
  return order;
}

/** Makes a storage in memory, empty unless `rows` of an earlier one are given. */
export function memoryStorage(rows: MemoryRows = new Map()): Storage {
  let closed = false;

  const assertOpen = (): void => {
    if (closed) throw new StorageError("storage_failed", "the storage is closed");
  };

  return {
    async get(key) {
      assertOpen();
      return rows.get(toHex(key))?.value.slice();
    },
    async range(from, to, options = {}) {
      assertOpen();
      const order = orderOf(rows);
      const found = order.slice(lowerBound(order, toHex(from)), lowerBound(order, toHex(to)));
      if (options.reverse === true) found.reverse();
      return found.slice(0, options.limit ?? found.length).map((name) => {
        const { key, value } = rows.get(name) as Row;
        return { key: key.slice(), value: value.slice() };
      });
    },
    async apply(changes: ChangeSet) {
      assertOpen();
      const order = orderOf(rows);
      for (const key of changes.deletes) {
        const name = toHex(key);
        if (rows.delete(name)) order.splice(lowerBound(order, name), 1);
      }
      for (const { key, value } of changes.puts) {
        const name = toHex(key);
        if (!rows.has(name)) order.splice(lowerBound(order, name), 0, name);
        rows.set(name, { key: key.slice(), value: value.slice() });
      }
    },
    async close() {
      closed = true;
    },
  };
}

/** The place of the first name that does not come before this one. */
function lowerBound(order: readonly string[], name: string): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((order[middle] as string) < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
