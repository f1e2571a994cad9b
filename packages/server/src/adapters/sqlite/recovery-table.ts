/** Backups and pending resets in SQLite. Every method that writes is called inside a transaction of the store. */
import type { DatabaseSync } from "node:sqlite";

/** The tables of one database. Accounts are meant by their number. */
export class RecoveryTable {
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: DatabaseSync) {
    this.#sql = statements(database);
  }

  put(account: number, backup: Uint8Array): void {
    this.#sql.putBackup.run(account, backup);
  }

  read(account: number): Uint8Array | undefined {
    return this.#sql.readBackup.get(account)?.["backup"] as Uint8Array | undefined;
  }

  putReset(account: number, resetAtSec: number): void {
    this.#sql.putReset.run(account, resetAtSec);
  }

  readReset(account: number): number | undefined {
    const found = this.#sql.readReset.get(account)?.["reset_at_sec"];
    return found === undefined ? undefined : Number(found);
  }

  /** Whether there was one. */
  deleteReset(account: number): boolean {
    return this.#sql.deleteReset.run(account).changes > 0;
  }

  /** Deletes all of an account's. */
  deleteAccount(account: number): void {
    this.#sql.deleteBackup.run(account);
    this.#sql.deleteReset.run(account);
  }
}

function statements(database: DatabaseSync) {
  return {
    putBackup: database.prepare("INSERT OR REPLACE INTO backups (account, backup) VALUES (?, ?)"),
    readBackup: database.prepare("SELECT backup FROM backups WHERE account = ?"),
    deleteBackup: database.prepare("DELETE FROM backups WHERE account = ?"),
    putReset: database.prepare("INSERT OR REPLACE INTO resets (account, reset_at_sec) VALUES (?, ?)"),
    readReset: database.prepare("SELECT reset_at_sec FROM resets WHERE account = ?"),
    deleteReset: database.prepare("DELETE FROM resets WHERE account = ?"),
  };
}
