/**
 * The storage port on SQLite (node:sqlite): one table of blinded keys and sealed values, WAL, fsync at each commit.
 * Deleted values are overwritten (secure_delete), so that a deleted private key is gone; the write-ahead log, which keeps what was written
 * before, is emptied a second after it was begun, and on closing. Keeping a second process out is the
 * work of vault-lock.ts.
 */
import { DatabaseSync } from "node:sqlite";
import { SottoError, StorageError } from "@sotto/protocol";
import type { ChangeSet, Storage } from "../../core/storage.ts";

// "Sott" in ASCII: tells our files from others'.
const applicationId = 0x536f7474;
const schemaVersion = 1;
/** Emptying takes a third of a millisecond and more: too much for each change set. */
const emptyLogAfterMs = 1_000;

/**
 * Opens or makes the database at `path`.
 * @throws StorageError `vault_foreign` (another program's, or a newer version's), `vault_damaged`, `storage_failed`.
 */
export function sqliteStorage(path: string): Storage {
  const database = open(path);
  const selectOne = database.prepare("SELECT value FROM kv WHERE key = ?");
  const ascending = database.prepare(
    "SELECT key, value FROM kv WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
  );
  const descending = database.prepare(
    "SELECT key, value FROM kv WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT ?",
  );
  const remove = database.prepare("DELETE FROM kv WHERE key = ?");
  const put = database.prepare(
    "INSERT INTO kv (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );

  let emptying: NodeJS.Timeout | undefined;
  const emptyLog = (): void => {
    emptying = undefined;
    try {
      if (database.isOpen) database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // Whatever is wrong with the disk shows with the next change set, which also tries this again.
    }
  };

  return {
    async get(key) {
      const row = attempt(() => selectOne.get(key));
      return row === undefined ? undefined : (row["value"] as Uint8Array);
    },
    async range(from, to, options = {}) {
      const statement = options.reverse === true ? descending : ascending;
      const rows = attempt(() => statement.all(from, to, options.limit ?? -1));
      return rows.map((row) => ({ key: row["key"] as Uint8Array, value: row["value"] as Uint8Array }));
    },
    async apply(changes: ChangeSet) {
      attempt(() => {
        database.exec("BEGIN IMMEDIATE");
        try {
          for (const key of changes.deletes) remove.run(key);
          for (const { key, value } of changes.puts) put.run(key, value);
          database.exec("COMMIT");
        } catch (cause) {
          if (database.isTransaction) database.exec("ROLLBACK");
          throw cause;
        }
      });
      emptying ??= setTimeout(emptyLog, emptyLogAfterMs).unref();
    },
    async close() {
      clearTimeout(emptying);
      if (database.isOpen) database.close();
    },
  };
}

/** Whether nothing was ever stored in the database at `path`. @throws as sqliteStorage. */
export function isUnusedDatabase(path: string): boolean {
  const database = open(path);
  try {
    return attempt(() => database.prepare("SELECT 1 FROM kv LIMIT 1").get()) === undefined;
  } finally {
    database.close();
  }
}

function open(path: string): DatabaseSync {
  return attempt(() => {
    const database = new DatabaseSync(path);
    try {
      const id = pragma(database, "application_id");
      const version = pragma(database, "user_version");
      const tables = database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"];
      if (id !== applicationId && (id !== 0 || tables !== 0)) {
        throw new StorageError("vault_foreign", "the vault's database belongs to another program");
      }
      if (id === applicationId && version !== schemaVersion) {
        throw new StorageError("vault_foreign", "the vault was made by another version of Sotto");
      }
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON");
      database.exec("PRAGMA temp_store = MEMORY");
      if (id === 0) create(database);
    } catch (cause) {
      database.close();
      throw cause;
    }
    return database;
  });
}

function create(database: DatabaseSync): void {
  database.exec(`
    BEGIN IMMEDIATE;
    CREATE TABLE kv (key BLOB NOT NULL UNIQUE, value BLOB NOT NULL) STRICT;
    PRAGMA application_id = ${applicationId};
    PRAGMA user_version = ${schemaVersion};
    COMMIT;
  `);
}

function pragma(database: DatabaseSync, name: string): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name];
}

// SQLITE_CORRUPT and SQLITE_NOTADB.
const damaged = new Set([11, 26]);

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof SottoError) throw cause;
    const code = (cause as { errcode?: number }).errcode;
    if (code !== undefined && damaged.has(code & 0xff)) {
      throw new StorageError("vault_damaged", "the vault's database is damaged", { cause });
    }
    throw new StorageError("storage_failed", "the vault's database cannot be read or written", { cause });
  }
}
