/** Chooses where a server keeps what it stores: the data folder's own database, or PostgreSQL. */
import { createHash } from "node:crypto";
import type { BlobFiles } from "../core/blobs/files.ts";
import type { Store } from "../core/store.ts";
import type { TransientStore } from "../core/transient.ts";
import type { DataFolder } from "./data-folder.ts";
import { folderBlobs } from "./folder-blobs.ts";
import { MemoryTransient } from "./memory-transient.ts";
import { openPostgresStore } from "./postgres/store.ts";
import { openSqliteStore } from "./sqlite/store.ts";

/** What a server keeps, and whether other nodes keep it as well. */
export interface OpenedStore {
  readonly store: Store;
  readonly transient: TransientStore;
  readonly blobFiles: BlobFiles;
  /** Other nodes may use it at the same time. */
  readonly shared: boolean;
}

/** @throws SottoError `config_invalid`, `data_folder_damaged`, `data_folder_foreign`, `unavailable`. */
export async function openStore(
  { database }: { readonly database?: string | undefined },
  folder: Pick<DataFolder, "databasePath" | "blobsPath" | "directoryKey" | "key">,
  nowMs: () => number,
): Promise<OpenedStore> {
  if (database === undefined) {
    const store = openSqliteStore({ path: folder.databasePath, nowSec: Math.floor(nowMs() / 1000) });
    const blobFiles = folderBlobs(folder.blobsPath, nowMs);
    return { store, transient: new MemoryTransient(nowMs), blobFiles, shared: false };
  }
  const store = await openPostgresStore({ url: database, owner: databaseOwner(folder), nowMs });
  return { store, transient: store.transient, blobFiles: store.blobFiles, shared: true };
}

/**
 * What a database elsewhere knows its server by, 32 bytes: with other keys nobody would be found in it, and people would be
 * registered a second time. It tells nothing of the keys.
 */
export function databaseOwner({ key, directoryKey }: Pick<DataFolder, "directoryKey" | "key">): Uint8Array {
  return createHash("sha256")
    .update("sotto/database-owner/v1")
    .update(key.fingerprint)
    .update(directoryKey)
    .digest();
}
