/** Transactions that write. */
import type { DatabaseSync } from "node:sqlite";

/** Does work in one, all or nothing; whoever else writes is waited for. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // SQLite itself undoes a transaction after some errors, and not after others.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
