/**
 * Reads all of an SQLite database as it is at one moment, while a server goes on writing: a read transaction of a connection of its own. Meanwhile
 * the write-ahead log keeps what the server writes, and grows by it.
 */
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "@sotto/protocol";
import { rowOf, type Row } from "../../backup/rows.ts";
import type { Snapshot } from "../../backup/snapshot.ts";
import { merged } from "../../backup/streams.ts";
import { TABLES, tableOf, type Table, type TableName } from "../../backup/tables.ts";

/** In the order of each table's key; every ORDER BY follows indexes, so that nothing is sorted. */
const queries: Readonly<Record<TableName, string>> = {
  accounts: `SELECT account, CASE newest_version WHEN 0 THEN NULL ELSE identifier_hash END, newest_version FROM accounts ORDER BY account`,
  device_lists: `SELECT a.account, l.version, l.signed_list FROM accounts a CROSS JOIN device_lists l ON l.account = a.num
    ORDER BY a.account, l.version`,
  devices: `SELECT a.account, d.device, d.signature_key, d.inbox, d.revoked FROM accounts a CROSS JOIN devices d ON d.account = a.num
    ORDER BY a.account, d.device`,
  key_packages: `SELECT a.account, k.device, k.ciphersuite, k.last_resort, k.num, k.key_package
    FROM accounts a CROSS JOIN key_packages k ON k.account = a.num
    ORDER BY a.account, k.device, k.ciphersuite, k.last_resort, k.num`,
  backups:
    "SELECT a.account, b.backup FROM accounts a CROSS JOIN backups b ON b.account = a.num ORDER BY a.account",
  resets:
    "SELECT a.account, r.reset_at_sec FROM accounts a CROSS JOIN resets r ON r.account = a.num ORDER BY a.account",
  push_subscriptions: `SELECT a.account, p.device, p.endpoint, p.p256dh, p.auth
    FROM accounts a CROSS JOIN push_subscriptions p ON p.account = a.num ORDER BY a.account, p.device`,
  retired: "SELECT hash, farewell FROM retired ORDER BY hash",
  blobs: "SELECT id, write_hash, size, received, stored_at_sec FROM blobs ORDER BY id",
  logs: `SELECT l.id, l.is_inbox, l.head_seq, l.trimmed_seq, l.epoch, e.token_hash, coalesce(e.start_seq, 0), l.made_at_sec
    FROM logs l LEFT JOIN epochs e ON e.log = l.num AND e.epoch = l.epoch ORDER BY l.id`,
  epochs: `SELECT l.id, e.epoch, e.token_hash, e.start_seq, e.ended_by_seq FROM logs l CROSS JOIN epochs e ON e.log = l.num
    WHERE e.ended_by_seq IS NOT NULL ORDER BY l.id, e.epoch`,
  slots: `SELECT l.id, s.slot, s.cursor, s.used_at_sec FROM logs l CROSS JOIN slots s ON s.log = l.num ORDER BY l.id, s.slot`,
  entries: `SELECT l.id, e.seq, e.epoch, e.kind, e.stored_at_sec, e.body FROM logs l CROSS JOIN entries e ON e.log = l.num
    ORDER BY l.id, e.seq`,
};

/** A batch ends at either. */
const batchRows = 256;
const batchBytes = 1_048_576;

/** Opens one. @throws StorageError `data_folder_damaged`. */
export function openSqliteSnapshot(path: string): Snapshot {
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
    database.exec("BEGIN");
    // The moment is that of the first read.
    database.prepare("SELECT count(*) FROM migrations").get();
    return {
      rows: () => merged(TABLES.map((table) => readTable(database, table))),
      readTable: (name) => readTable(database, tableOf(name)),
      digested: false,
      close: async () => database.close(),
    };
  } catch (cause) {
    throw new StorageError("data_folder_damaged", "the database cannot be read", { cause });
  }
}

async function* readTable(database: DatabaseSync, table: Table): AsyncGenerator<readonly Row[]> {
  const statement = database.prepare(queries[table.name]);
  statement.setReturnArrays(true);
  let batch: Row[] = [];
  let bytes = 0;
  for (const values of statement.iterate() as unknown as Iterable<unknown[]>) {
    batch.push(rowOf(table, values));
    for (const value of values) bytes += value instanceof Uint8Array ? value.length : 8;
    if (batch.length < batchRows && bytes < batchBytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  yield batch;
}
