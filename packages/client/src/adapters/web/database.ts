/**
 * One vault's IndexedDB database:
 *
 *     kv    blinded key → sealed value, both bytes
 *     meta  "header" → the vault's header; "lease" → the number of whoever may write; "passkeys" → see passkeys.ts
 *
 * Several tabs may have it open, one of them writes: taking a lease raises its number, and a change set whose lease is not the newest is
 * refused in its own transaction. So a tab that was frozen, and replaced meanwhile, can alter nothing when it thaws.
 */
import { StorageError } from "@sotto/protocol";

const version = 1;

/** The database of a vault; undefined values mean absence. */
export interface Database {
  readonly idb: IDBDatabase;
  /** Set once it cannot be used any more: deleted under us, or closed by the browser. */
  readonly lost: AbortSignal;
  close(): void;
}

/** Opens or makes a database. @throws StorageError `storage_failed`, `vault_foreign` for a newer version's. */
export function openDatabase(name: string): Promise<Database> {
  return new Promise((resolve, reject) => {
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(name, version);
    } catch (cause) {
      reject(failed(cause));
      return;
    }
    request.addEventListener("upgradeneeded", () => {
      request.result.createObjectStore("kv");
      request.result.createObjectStore("meta");
    });
    request.addEventListener("error", () => reject(failed(request.error)));
    request.addEventListener("success", () => {
      const idb = request.result;
      const lost = new AbortController();
      idb.addEventListener("close", () => lost.abort());
      // Somebody deletes it, or a newer program wants it: nothing is gained by standing in the way.
      idb.addEventListener("versionchange", () => {
        lost.abort();
        idb.close();
      });
      resolve({
        idb,
        lost: lost.signal,
        close() {
          lost.abort();
          idb.close();
        },
      });
    });
  });
}

/** Deletes a database and what is in it. @throws StorageError `storage_failed`. */
export async function deleteDatabase(name: string): Promise<void> {
  await asked(indexedDB.deleteDatabase(name));
}

/** Reads the vault's header. */
export async function readHeader({ idb }: Database): Promise<Uint8Array | undefined> {
  return (await attempt(() => asked(idb.transaction("meta").objectStore("meta").get("header")))) as
    | Uint8Array
    | undefined;
}

/** Replaces the vault's header, durably, as the holder of a lease. @throws StorageError `vault_locked` when it was superseded. */
export async function writeHeader(database: Database, lease: number, header: Uint8Array): Promise<void> {
  await write(database, lease, (transaction) => {
    transaction.objectStore("meta").put(header, "header");
  });
}

/** Takes the lease: whoever held it before can write no more. */
export async function takeLease({ idb }: Database): Promise<number> {
  return attempt(async () => {
    const transaction = idb.transaction("meta", "readwrite", { durability: "strict" });
    const meta = transaction.objectStore("meta");
    const lease = (((await asked(meta.get("lease"))) as number | undefined) ?? 0) + 1;
    meta.put(lease, "lease");
    await finished(transaction);
    return lease;
  });
}

/** Whether nothing was ever stored. */
export async function isUnused({ idb }: Database): Promise<boolean> {
  return attempt(async () => (await asked(idb.transaction("kv").objectStore("kv").count())) === 0);
}

/** A durable transaction over everything, that happens only under the newest lease. @throws StorageError `vault_locked`, `storage_full`, `storage_failed`. */
export async function write(
  { idb }: Database,
  lease: number,
  work: (transaction: IDBTransaction) => void,
): Promise<void> {
  await attempt(async () => {
    const transaction = idb.transaction(["kv", "meta"], "readwrite", { durability: "strict" });
    const done = finished(transaction);
    const newest = transaction.objectStore("meta").get("lease");
    let superseded = false;
    newest.addEventListener("success", () => {
      superseded = newest.result !== lease;
      if (superseded) transaction.abort();
      else work(transaction);
    });
    try {
      await done;
    } catch (cause) {
      if (superseded) throw new StorageError("vault_locked", "another tab has taken over", { cause });
      throw cause;
    }
  });
}

/** The result of a request. */
export function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(failed(request.error)));
  });
}

/** Resolves when a transaction is on disk. */
export function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", () => reject(failed(transaction.error)));
  });
}

/** Runs work on a database, with typed errors. @throws StorageError. */
export async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw failed(cause);
  }
}

function failed(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const { name } = (cause ?? {}) as { readonly name?: string };
  if (name === "QuotaExceededError") {
    return new StorageError("storage_full", "the browser has no room left for this site", { cause });
  }
  if (name === "VersionError") {
    return new StorageError("vault_foreign", "the vault was made by a newer version of Sotto", { cause });
  }
  return new StorageError("storage_failed", "the browser's storage cannot be read or written", { cause });
}
