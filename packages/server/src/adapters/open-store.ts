/** Chooses where a server keeps what it stores: the data folder's own database, or PostgreSQL. */
import { createHash } from "node:crypto";
import type { Store } from "../core/store.ts";
import type { DataFolder } from "./data-folder.ts";
import { openPostgresStore } from "./postgres/store.ts";
import { openSqliteStore } from "./sqlite/store.ts";

/** @throws SottoError `config_invalid`, `data_folder_damaged`, `data_folder_foreign`, `unavailable`. */
export async function openStore(
  { database }: { readonly database?: string | undefined },
  folder: Pick<DataFolder, "databasePath" | "directoryKey" | "key">,
  nowSec: number,
): Promise<Store> {
  if (database === undefined) return openSqliteStore({ path: folder.databasePath, nowSec });
  return openPostgresStore({ url: database, owner: databaseOwner(folder) });
}

/**
 * What a database elsewhere knows its server by, 32 bytes: with other keys nobody would be found in it, and people would be
 * registered a second time. It tells nothing of the keys.
 */
function databaseOwner({ key, directoryKey }: Pick<DataFolder, "directoryKey" | "key">): Uint8Array {
  return createHash("sha256")
    .update("sotto/database-owner/v1")
    .update(key.fingerprint)
    .update(directoryKey)
    .digest();
}
