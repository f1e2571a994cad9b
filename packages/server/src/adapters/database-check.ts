/**
 * Looks at an SQLite database without changing a byte of it or of its journal, before anybody opens it for writing.
 * After a clean stop there is no journal and the whole file can be read; after a kill only the header can be trusted.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { DatabaseSync } from "node:sqlite";

/** Larger databases are not read through at each start: `sotto admin check` does. */
const quickCheckBytes = 64 * 1_048_576;
const headerBytes = 100;

/**
 * What is wrong with a database; undefined when nothing is.
 * @param thorough reads all of it, whatever its size.
 */
export function findDatabaseDamage(path: string, thorough = false): string | undefined {
  const size = sizeOf(path);
  if (size === undefined) return "is missing";
  const journalSize = sizeOf(`${path}-wal`) ?? 0;
  if (size === 0 && journalSize > 0) return undefined;
  const header = readHeader(path);
  if (header.toString("latin1", 0, 16) !== "SQLite format 3\0") return "is not an SQLite database";
  if (journalSize > 0) return undefined;
  return findTruncation(header, size) ?? findBrokenPages(path, thorough || size <= quickCheckBytes);
}

/** @see https://www.sqlite.org/fileformat.html#the_database_header */
function findTruncation(header: Buffer, size: number): string | undefined {
  const stored = header.readUInt16BE(16);
  const pageSize = stored === 1 ? 65_536 : stored;
  const pages = header.readUInt32BE(28);
  return pageSize < 512 || size < pages * pageSize ? "is cut short" : undefined;
}

function findBrokenPages(path: string, whole: boolean): string | undefined {
  // `immutable` keeps SQLite from locking the file and from making a journal beside it.
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  try {
    const database = new DatabaseSync(url, { readOnly: true });
    try {
      database.prepare("SELECT count(*) FROM sqlite_schema").get();
      const row = whole ? database.prepare("PRAGMA quick_check(1)").get() : undefined;
      return row === undefined || row["quick_check"] === "ok" ? undefined : "is corrupt";
    } finally {
      database.close();
    }
  } catch {
    return "is corrupt";
  }
}

function readHeader(path: string): Buffer {
  const header = Buffer.alloc(headerBytes);
  const file = openSync(path, "r");
  try {
    readSync(file, header, 0, headerBytes, 0);
  } finally {
    closeSync(file);
  }
  return header;
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
