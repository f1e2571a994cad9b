/**
 * Lets one process at a time use a folder, or several that say so. The lock is SQLite's own on an empty database file: the
 * operating system frees it when the process ends, however it ends, so there is no stale lock to clean up. It works between
 * connections of one process as well.
 */
import { DatabaseSync } from "node:sqlite";

/** `alone`: nobody else has the folder. `together`: whoever else has it takes it together with others, too. */
export type LockKind = "alone" | "together";

/** Those who share are there for good, those who exclude them may only have looked: how long the former wait for the latter. */
const togetherMs = 1_000;

/** Tries to take the lock. Returns what releases it, or undefined when another holds it. */
export function lockFolder(lockFile: string, kind: LockKind = "alone"): (() => void) | undefined {
  const database = new DatabaseSync(lockFile, { timeout: kind === "alone" ? 0 : togetherMs });
  try {
    // Nothing is ever written, so the file stays empty. A transaction that has read shares the file until it ends.
    database.exec("PRAGMA journal_mode = MEMORY");
    database.exec(kind === "alone" ? "BEGIN EXCLUSIVE" : "BEGIN; SELECT 1 FROM sqlite_schema");
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
