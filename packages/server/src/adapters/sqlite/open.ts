/**
 * Opening a database file: a new one is set up, ours is brought up to date, anything else is refused and left as it was.
 *
 * Durability: write-ahead log with synchronous=FULL, so that a commit returns after fsync.
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "@sotto/protocol";
import { readMovedTo, removeLapsedFence } from "./fence.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";
import { inTransaction } from "./transaction.ts";

const headerBytes = 100;
const magic = "SQLite format 3\0";
const applicationIdOffset = 68;
const damagedCodes = new Set([11, 26]); // SQLITE_CORRUPT, SQLITE_NOTADB

/** Pages in the log before they are moved into the database: 32 MiB, so that hot pages are moved once, not at each commit. */
const checkpointPages = 8_192;
const cacheKiB = 65_536;
const keptLogBytes = 67_108_864;
const busyTimeoutMs = 5_000;

/**
 * Opens or makes the database at a path.
 * @throws StorageError `data_folder_foreign` for a database of another program or a newer version,
 *   `data_folder_damaged` for one that cannot be read, `data_moved` for one whose data went elsewhere.
 */
export function openDatabase(path: string, nowSec: number): DatabaseSync {
  if (path !== ":memory:") refuseForeign(path);
  try {
    const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    try {
      prepare(database, nowSec);
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError("data_folder_damaged", `the database cannot be opened: ${reason(error)}`, {
      cause: error,
    });
  }
}

/** Looks at the file's header before SQLite may touch the file. */
function refuseForeign(path: string): void {
  if (!existsSync(path)) return;
  const header = Buffer.alloc(headerBytes);
  const file = openSync(path, "r");
  const length = readSync(file, header, 0, headerBytes, 0);
  closeSync(file);
  // An empty file, or one with a journal beside it, is a setup that was interrupted: SQLite rolls it back.
  if (length === 0 || existsSync(`${path}-journal`)) return;
  if (length < headerBytes || header.toString("latin1", 0, magic.length) !== magic) {
    throw new StorageError("data_folder_damaged", "the database file is not a SQLite database");
  }
  if (header.readUInt32BE(applicationIdOffset) !== APPLICATION_ID) throw foreign();
}

function prepare(database: DatabaseSync, nowSec: number): void {
  const id = numberOf(database, "PRAGMA application_id");
  const tables = numberOf(database, "SELECT count(*) FROM sqlite_schema");
  if (id !== APPLICATION_ID && (id !== 0 || tables > 0)) throw foreign();
  database.exec("PRAGMA synchronous = FULL");
  // While a new file is still in rollback mode, its mark goes into the file itself and not into a log beside it.
  migrate(database, nowSec);
  const movedTo = readMovedTo(database);
  if (movedTo !== undefined) throw new StorageError("data_moved", `the data was moved to ${movedTo}`);
  removeLapsedFence(database);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  database.exec(`PRAGMA journal_size_limit = ${keptLogBytes}`);
  database.exec(`PRAGMA cache_size = -${cacheKiB}`);
  database.exec("PRAGMA temp_store = MEMORY");
}

function migrate(database: DatabaseSync, nowSec: number): void {
  inTransaction(database, () => {
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    database.exec(
      "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, applied_at_sec INTEGER NOT NULL) STRICT",
    );
    const done = numberOf(database, "SELECT coalesce(max(version), 0) FROM migrations");
    if (done > MIGRATIONS.length) {
      throw new StorageError(
        "data_folder_foreign",
        `the database was written by a newer version of Sotto (schema ${done}; this one knows ${MIGRATIONS.length})`,
      );
    }
    const record = database.prepare("INSERT INTO migrations (version, applied_at_sec) VALUES (?, ?)");
    for (const [index, sql] of MIGRATIONS.entries()) {
      if (index < done) continue;
      database.exec(sql);
      record.run(index + 1, nowSec);
    }
  });
}

function numberOf(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0]);
}

function foreign(): StorageError {
  return new StorageError("data_folder_foreign", "the database belongs to another program");
}

function reason(error: unknown): string {
  const code = (error as { errcode?: unknown }).errcode;
  if (typeof code === "number" && damagedCodes.has(code & 0xff)) return "it is damaged";
  return error instanceof Error ? error.message : "unknown cause";
}
