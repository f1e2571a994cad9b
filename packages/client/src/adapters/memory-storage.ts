/**
 * The storage port in memory: for tests, and for programs that want to leave nothing behind.
 * Bytes are copied on the way in and out, so that no caller can alter what is stored.
 */
import { StorageError, toHex } from "@sotto/protocol";
import { compareBytes } from "../core/byte-order.ts";
import type { ChangeSet, Storage } from "../core/storage.ts";

interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What a memory storage holds; handing it to a second storage is like opening the same file again. */
export type MemoryRows = Map<string, Row>;

/** Makes a storage in memory, empty unless `rows` of an earlier one are given. */
export function memoryStorage(rows: MemoryRows = new Map()): Storage {
  let sorted: Row[] | undefined;
  let closed = false;

  const assertOpen = (): void => {
    if (closed) throw new StorageError("storage_failed", "the storage is closed");
  };
  const inOrder = (): Row[] => {
    sorted ??= [...rows.values()].toSorted((a, b) => compareBytes(a.key, b.key));
    return sorted;
  };

  return {
    async get(key) {
      assertOpen();
      return rows.get(toHex(key))?.value.slice();
    },
    async range(from, to, options = {}) {
      assertOpen();
      const all = inOrder();
      const found = all.slice(lowerBound(all, from), lowerBound(all, to));
      if (options.reverse === true) found.reverse();
      return found
        .slice(0, options.limit ?? found.length)
        .map(({ key, value }) => ({ key: key.slice(), value: value.slice() }));
    },
    async apply(changes: ChangeSet) {
      assertOpen();
      for (const key of changes.deletes) rows.delete(toHex(key));
      for (const { key, value } of changes.puts) {
        rows.set(toHex(key), { key: key.slice(), value: value.slice() });
      }
      sorted = undefined;
    },
    async close() {
      closed = true;
    },
  };
}

function lowerBound(rows: readonly Row[], key: Uint8Array): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes((rows[middle] as Row).key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
