/**
 * Lets one process at a time use a folder. The lock is SQLite's own on an empty database file: the operating system frees
 * it when the process ends, however it ends, so there is no stale lock to clean up. It works between connections of one
 * process as well.
 */
import { DatabaseSync } from "node:sqlite";

/** Tries to take the lock. Returns what releases it, or undefined when another holds it. */
export function lockFolder(lockFile: string): (() => void) | undefined {
  const database = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    // Nothing is ever written, so the file stays empty.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return () => database.close();
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY is 5.
  return error instanceof Error && "errcode" in error && error.errcode === 5;
}
