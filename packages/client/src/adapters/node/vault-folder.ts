/**
 * A vault's folder, mode 0700:
 *
 *     vault.key     the header: the vault's key, wrapped by the passphrase
 *     store.sqlite  sealed records under blinded keys
 *     lock.sqlite   held by the one process that uses the vault
 *
 * The database comes first and the header last, so that a folder with a header is whole; a header is replaced by renaming.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, readdirSync, renameSync } from "node:fs";
import { chmodSync, mkdirSync, rmSync, rmdirSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { StorageError } from "@sotto/protocol";
import type { Storage } from "../../core/storage.ts";
import type { HeaderFile } from "../../core/vault-header.ts";
import { isUnusedDatabase, sqliteStorage } from "./sqlite-storage.ts";
import { lockVault } from "./vault-lock.ts";

const headerName = "vault.key";
const headerDraftName = "vault.key.new";
const storeName = "store.sqlite";
const lockName = "lock.sqlite";
const withSideFiles = (name: string): string[] =>
  ["-wal", "-shm", "-journal", ""].map((suffix) => name + suffix);
// The lock comes last: while it lies there, it is held.
const ours = new Set([headerName, headerDraftName, ...withSideFiles(storeName), ...withSideFiles(lockName)]);

/** A folder that this process holds the lock of. */
export interface VaultFolder {
  /** Whether a vault was made in it. */
  readonly exists: boolean;
  readonly header: HeaderFile;
  /** Opens the database, which then holds the lock: closing it releases the folder. */
  openStorage(): Storage;
  /** Removes what a vault consists of, and the folder if it was made for it. Releases it. */
  discard(): void;
  release(): void;
}

/**
 * Locks the folder of a vault that exists.
 * @throws StorageError `vault_missing`, `vault_foreign`, `vault_damaged`, `vault_locked`, `storage_failed`.
 */
export function openVaultFolder(home: string): VaultFolder {
  const missing = new StorageError("vault_missing", "there is no vault in that folder");
  const state = inspect(home);
  if (state === "absent" || state === "empty") throw missing;
  const folder = hold(home, false);
  if (folder.exists) return folder;
  folder.release();
  throw missing;
}

/**
 * Locks the folder of a vault to be made, making the folder with mode 0700 if need be.
 * @throws StorageError `vault_foreign`, `vault_damaged`, `vault_locked`, `storage_failed`.
 */
export function prepareVaultFolder(home: string): VaultFolder {
  const state = inspect(home);
  if (state === "absent") attempt(() => mkdirSync(home, { recursive: true, mode: 0o700 }));
  return hold(home, state === "absent");
}

type State = "absent" | "empty" | "begun" | "vault";

/** Looks at a folder without changing anything. */
function inspect(home: string): State {
  if (!existsSync(home)) return "absent";
  return attempt(() => {
    if (!statSync(home).isDirectory()) throw foreign();
    const names = readdirSync(home);
    if (names.length === 0) return "empty";
    if (names.some((name) => !ours.has(name))) throw foreign();
    const [hasHeader, hasStore] = [names.includes(headerName), names.includes(storeName)];
    if (hasHeader && !hasStore) {
      throw new StorageError("vault_damaged", "the vault's database is missing");
    }
    return hasHeader ? "vault" : hasStore ? "begun" : "empty";
  });
}

/** Looks again once nobody else can change anything: a database that was used needs its header. */
function inspectLocked(home: string): boolean {
  const state = inspect(home);
  if (state === "begun" && !isUnusedDatabase(join(home, storeName))) {
    throw new StorageError("vault_damaged", "the vault's header is missing");
  }
  return state === "vault";
}

function hold(home: string, isNew: boolean): VaultFolder {
  const unlock = lockVault(join(home, lockName));
  let exists: boolean;
  try {
    exists = inspectLocked(home);
  } catch (cause) {
    unlock();
    throw cause;
  }
  // Made before a crash, or by hand: the mode is part of the promise.
  attempt(() => chmodSync(home, 0o700));
  const path = join(home, headerName);
  return {
    exists,
    header: {
      async read() {
        if (!existsSync(path)) throw new StorageError("vault_missing", "there is no vault in that folder");
        return attempt(() => new Uint8Array(readFileSync(path)));
      },
      async write(header) {
        attempt(() => replaceFile(home, path, join(home, headerDraftName), header));
      },
    },
    openStorage() {
      const storage = sqliteStorage(join(home, storeName));
      return {
        ...storage,
        async close() {
          await storage.close();
          unlock();
        },
      };
    },
    discard() {
      try {
        for (const name of ours) rmSync(join(home, name), { force: true });
        if (isNew && readdirSync(home).length === 0) rmdirSync(home);
      } finally {
        // Not before: who takes the lock then would have its new vault deleted.
        unlock();
      }
    },
    release: unlock,
  };
}

/** Writes beside, syncs, renames over, syncs the folder: at any moment the old or the new file is there, whole. */
function replaceFile(folder: string, path: string, draft: string, bytes: Uint8Array): void {
  const file = openSync(draft, "w", 0o600);
  try {
    writeSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  const directory = openSync(folder, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function foreign(): StorageError {
  return new StorageError("vault_foreign", "that folder holds files that are not Sotto's");
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    throw new StorageError("storage_failed", "the vault's folder cannot be read or written", { cause });
  }
}
