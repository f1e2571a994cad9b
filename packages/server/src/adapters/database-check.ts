/**
 * Looks at an SQLite database before anybody opens it for writing, and changes not a byte of it or its journal. It only
 * ever reads: SQLite's own index of the journal (-shm), which it rebuilds at will, is put back as it was.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { pathToFileURL } from "node:url";
import { DatabaseSync } from "node:sqlite";

/** Larger databases are not read through at each start: `sotto admin check` does. */
const quickCheckBytes = 64 * 1_048_576;
const headerBytes = 100;

/**
 * What is wrong with a database that nobody uses; undefined when nothing is.
 * @param thorough reads all of it, whatever its size.
 */
export function findDatabaseDamage(path: string, thorough = false): string | undefined {
  const size = sizeOf(path);
  if (size === undefined) return "is missing";
  const header = readHeader(path);
  if (header.toString("latin1", 0, 16) !== "SQLite format 3\0") return "is not an SQLite database";
  const journalSize = sizeOf(`${path}-wal`) ?? 0;
  const whole = thorough || size + journalSize <= quickCheckBytes;
  // After a clean stop there is no journal; after a kill the journal holds the newest pages, and both are read together.
  if (journalSize === 0) return findTruncation(header, size) ?? findBrokenPages(immutable(path), whole);
  return keepingIndex(`${path}-shm`, () => findBrokenPages(path, whole));
}

/** @see https://www.sqlite.org/fileformat.html#the_database_header */
function findTruncation(header: Buffer, size: number): string | undefined {
  const stored = header.readUInt16BE(16);
  const pageSize = stored === 1 ? 65_536 : stored;
  const pages = header.readUInt32BE(28);
  return pageSize < 512 || size < pages * pageSize ? "is cut short" : undefined;
}

function findBrokenPages(location: string | URL, whole: boolean): string | undefined {
  try {
    const database = new DatabaseSync(location, { readOnly: true });
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

/** Keeps SQLite from locking the file and from making a journal beside it. */
function immutable(path: string): URL {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  return url;
}

function keepingIndex<T>(indexPath: string, look: () => T): T {
  const before = existsSync(indexPath) ? readFileSync(indexPath) : undefined;
  try {
    return look();
  } finally {
    if (before === undefined) rmSync(indexPath, { force: true });
    else writeFileSync(indexPath, before);
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
