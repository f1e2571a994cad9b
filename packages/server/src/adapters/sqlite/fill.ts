/**
 * Fills a new SQLite database with what a backup holds. Entries wait in a table of their own until all are there: their numbers have to grow with
 * time, which is what retention goes by, and they come in the order of their logs.
 */
import { rmSync } from "node:fs";
import type { StatementSync } from "node:sqlite";
import type { Row } from "../../backup/rows.ts";
import type { RowSink } from "../../backup/snapshot.ts";
import type { TableName } from "../../backup/tables.ts";
import { syncFile } from "../durable-file.ts";
import { openDatabase } from "./open.ts";
import { inTransaction } from "./transaction.ts";

const account = "(SELECT num FROM accounts WHERE account = ?1)";
const log = "(SELECT num FROM logs WHERE id = ?1)";

/** Parameters are the columns of each table in their order. */
const inserts: Readonly<Record<TableName, string>> = {
  accounts:
    "INSERT INTO accounts (account, identifier_hash, newest_version) VALUES (?1, coalesce(?2, ?1), ?3)",
  device_lists: `INSERT INTO device_lists (account, version, signed_list) VALUES (${account}, ?2, ?3)`,
  devices: `INSERT INTO devices (account, device, signature_key, inbox, revoked) VALUES (${account}, ?2, ?3, ?4, ?5)`,
  key_packages: `INSERT INTO key_packages (account, device, ciphersuite, last_resort, num, key_package)
    VALUES (${account}, ?2, ?3, ?4, ?5, ?6)`,
  backups: `INSERT INTO backups (account, backup) VALUES (${account}, ?2)`,
  resets: `INSERT INTO resets (account, reset_at_sec) VALUES (${account}, ?2)`,
  push_subscriptions: `INSERT INTO push_subscriptions (account, device, endpoint, p256dh, auth) VALUES (${account}, ?2, ?3, ?4, ?5)`,
  retired: "INSERT INTO retired (hash, farewell) VALUES (?1, ?2)",
  blobs: "INSERT INTO blobs (id, write_hash, size, received, stored_at_sec) VALUES (?1, ?2, ?3, ?4, ?5)",
  logs: "INSERT INTO logs (id, is_inbox, head_seq, trimmed_seq, epoch, made_at_sec) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
  epochs: `INSERT INTO epochs (log, epoch, token_hash, start_seq, ended_by_seq) VALUES (${log}, ?2, ?3, ?4, ?5)`,
  slots: `INSERT INTO slots (log, slot, cursor, used_at_sec) VALUES (${log}, ?2, ?3, ?4)`,
  entries: `INSERT INTO waiting.entries (log, seq, epoch, kind, stored_at_sec, body) VALUES (${log}, ?2, ?3, ?4, ?5, ?6)`,
};

/** Makes a database at a path where nothing is. */
export function fillSqlite(path: string, nowSec: number): RowSink & { close(): void } {
  const database = openDatabase(path, nowSec);
  const waiting = `${path}.waiting`;
  // Nobody reads it before finish() has made it durable.
  database.exec("PRAGMA synchronous = OFF");
  database.prepare("ATTACH ? AS waiting").run(waiting);
  database.exec("PRAGMA waiting.journal_mode = OFF; PRAGMA waiting.synchronous = OFF");
  database.exec(`CREATE TABLE waiting.entries (log INTEGER, seq INTEGER, epoch INTEGER, kind INTEGER, stored_at_sec INTEGER, body BLOB,
    PRIMARY KEY (stored_at_sec, log, seq)) WITHOUT ROWID`);
  const statements = Object.fromEntries(
    Object.entries(inserts).map(([name, sql]) => [name, database.prepare(sql)]),
  ) as Record<TableName, StatementSync>;
  const close = (): void => {
    if (database.isOpen) database.close();
    for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(waiting + suffix, { force: true });
  };
  return {
    async insert(rows) {
      inTransaction(database, () => {
        for (const row of rows) insertRow(statements, row);
      });
    },
    async finish() {
      inTransaction(database, () =>
        database.exec(`INSERT INTO entries (log, seq, epoch, kind, stored_at_sec, body)
          SELECT log, seq, epoch, kind, stored_at_sec, body FROM waiting.entries ORDER BY stored_at_sec, log, seq;
          UPDATE logs SET held_bytes = s.size FROM (SELECT log, sum(length(body)) AS size FROM waiting.entries GROUP BY log) s
          WHERE num = s.log`),
      );
      database.exec("DETACH waiting; PRAGMA wal_checkpoint(TRUNCATE)");
      close();
      // SQLite, told not to wait for the disk, has not: not even of what it moved out of its log before this.
      syncFile(path);
    },
    close,
  };
}

function insertRow(statements: Record<TableName, StatementSync>, { table, values }: Row): void {
  const plain = values.map((value) => value ?? null);
  if (table.name !== "logs") {
    statements[table.name].run(...plain);
    return;
  }
  const [id, isInbox, headSeq, trimmedSeq, epoch, tokenHash, startSeq, madeAtSec] = plain;
  statements.logs.run(
    id as Uint8Array,
    isInbox as number,
    headSeq as number,
    trimmedSeq as number,
    epoch as number,
    madeAtSec as number,
  );
  if (tokenHash !== null)
    statements.epochs.run(
      id as Uint8Array,
      epoch as number,
      tokenHash as Uint8Array,
      startSeq as number,
      null,
    );
}
