/**
 * The SDK for browsers, while a vault is locked: whether there is one, its key by the passphrase, its end. Apart from web.ts, so that a page can
 * ask for the passphrase before the messenger is loaded.
 */
import { unwrapVaultKey } from "@sotto/crypto";
import { webProvider } from "@sotto/crypto/web";
import { StorageError } from "@sotto/protocol";
import { deleteDatabase, openDatabase, readHeader } from "./adapters/web/database.ts";
import type { FileSource } from "./attachment-api.ts";

/** A File or Blob to send. */
export function blobSource(blob: Blob): FileSource {
  return {
    size: blob.size,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
  };
}

/** Whether there is a vault of that name. It changes nothing. @throws StorageError `storage_failed`, `vault_foreign`. */
export async function vaultExists(name: string): Promise<boolean> {
  const database = await openDatabase(name);
  try {
    return (await readHeader(database)) !== undefined;
  } finally {
    database.close();
  }
}

/**
 * The key of a vault, 32 bytes, for open(); the caller's to erase. It changes nothing.
 * @throws StorageError `passphrase_wrong`, `vault_missing`, `vault_damaged`, `vault_foreign`, `storage_failed`.
 */
export async function unlockVault(name: string, passphrase: string): Promise<Uint8Array> {
  const database = await openDatabase(name);
  try {
    const header = await readHeader(database);
    if (header === undefined) throw new StorageError("vault_missing", "there is no vault in this browser");
    return await unwrapVaultKey(webProvider(), header, passphrase);
  } finally {
    database.close();
  }
}

/** Destroys a vault: what was only there is gone. */
export async function destroyVault(name: string): Promise<void> {
  await deleteDatabase(name);
}
