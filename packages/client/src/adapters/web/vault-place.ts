/** A place for one vault in this browser: an IndexedDB database, under a lease. */
import { StorageError } from "@sotto/protocol";
import type { VaultPlace } from "../../core/onboarding/world.ts";
import {
  isUnused,
  openDatabase,
  readHeader,
  takeLease,
  write,
  writeHeader,
  type Database,
} from "./database.ts";
import { indexedDbStorage } from "./indexed-db-storage.ts";

/**
 * Takes the place of that name. Whoever held it before can write to it no more: callers see to it, by a lock, that nobody does.
 * @throws StorageError `storage_failed`, `storage_full`, `vault_foreign`; `vault_damaged` for records without a header.
 */
export async function takeVaultPlace(name: string): Promise<VaultPlace> {
  const database = await openDatabase(name);
  try {
    const lease = await takeLease(database);
    const exists = (await readHeader(database)) !== undefined;
    if (!exists && !(await isUnused(database))) {
      throw new StorageError("vault_damaged", "the vault's header is missing");
    }
    return placeOf(name, database, lease, exists);
  } catch (cause) {
    database.close();
    throw cause;
  }
}

function placeOf(name: string, database: Database, lease: number, exists: boolean): VaultPlace {
  return {
    exists,
    header: {
      async read() {
        const header = await readHeader(database);
        if (header === undefined)
          throw new StorageError("vault_missing", "there is no vault in this browser");
        return header;
      },
      write: (header) => writeHeader(database, lease, header),
    },
    openStorage: () => indexedDbStorage(database, lease),
    async discard() {
      // Whoever had the storage open closed the database with it.
      database.close();
      const reopened = await openDatabase(name);
      await write(reopened, lease, (transaction) => {
        transaction.objectStore("kv").clear();
        transaction.objectStore("meta").delete("header");
        transaction.objectStore("meta").delete("passkeys");
      }).finally(() => reopened.close());
    },
    release: () => database.close(),
  };
}
