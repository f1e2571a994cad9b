/**
 * Lets one process at a time use a vault. The lock is SQLite's own file lock on an empty database beside the vault: the operating
 * system drops it when its holder dies, however it dies, so it never has to be broken by hand.
 */
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "@sotto/protocol";

/**
 * Takes the lock; the returned function releases it.
 * @throws StorageError `vault_locked` when another process (or another part of this one) holds it, `storage_failed`.
 */
export function lockVault(path: string): () => void {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    database?.close();
    // SQLITE_BUSY
    if (((cause as { errcode?: number }).errcode ?? 0) % 256 === 5) {
      throw new StorageError("vault_locked", "another process is using this vault", { cause });
    }
    throw new StorageError("storage_failed", "the vault cannot be locked", { cause });
  }
  const held = database;
  return () => {
    if (held.isOpen) held.close();
  };
}
