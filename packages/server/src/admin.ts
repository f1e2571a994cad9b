/** What an operator may ask of a data folder, while a server runs on it or not. Nothing here changes a byte of it. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "@sotto/protocol";
import type { DataFigures } from "./adapters/data-figures.ts";
import { BLOBS_FOLDER, DATA_FILES, readDataFolder, requireHere } from "./adapters/data-folder.ts";
import { UNFINISHED_SUFFIX, blobFile } from "./adapters/folder-blobs.ts";
import { findDatabaseDamage } from "./adapters/database-check.ts";
import { lockFolder } from "./adapters/folder-lock.ts";
import { databaseOwner } from "./adapters/open-store.ts";
import { readFigures } from "./adapters/postgres/stats.ts";
import { verifyLiving } from "./backup/backup.ts";
import type { DataPlace } from "./backup/living.ts";

/** A server's data, and whose it is. */
export interface DataStatus extends DataFigures {
  /** Absolute path. */
  readonly path: string;
  /** SHA-256 of the server's public key, 32 bytes. */
  readonly fingerprint: Uint8Array;
  /** Whether a server uses the folder now. */
  readonly running: boolean;
}

/**
 * The fingerprint of the server whose data lies in a folder, 32 bytes.
 * @throws StorageError `data_folder_damaged`, `data_folder_foreign`.
 */
export async function readFingerprint(folder: string): Promise<Uint8Array> {
  return (await readDataFolder(folder)).key.fingerprint;
}

/**
 * Counts.
 * @throws StorageError `data_folder_damaged`, `data_folder_foreign`, `data_moved`, `data_unfinished`, `unavailable`.
 */
export async function readStatus(place: DataPlace): Promise<DataStatus> {
  const folder = await readDataFolder(place.data);
  const { path, key } = folder;
  const figures =
    place.database === undefined
      ? countInFolder(path, requireHere(folder))
      : await readFigures(place.database, databaseOwner(folder));
  return { path, fingerprint: key.fingerprint, running: isRunning(path), ...figures };
}

function countInFolder(path: string, databasePath: string): DataFigures {
  const database = new DatabaseSync(databasePath, { readOnly: true, timeout: 5_000 });
  try {
    const count = (rows: string): number =>
      Number(database.prepare(`SELECT count(*) AS n FROM ${rows}`).get()?.["n"]);
    return {
      accounts: count("accounts WHERE newest_version > 0"),
      devices: count("devices WHERE revoked = 0"),
      logs: count("logs"),
      entries: count("entries"),
      blobs: count("blobs"),
      blobBytes: Number(database.prepare("SELECT coalesce(sum(size), 0) AS n FROM blobs").get()?.["n"]),
      bytesOnDisk: ["", "-wal"].reduce((sum, suffix) => sum + sizeOf(databasePath + suffix), 0),
    };
  } catch (cause) {
    throw damaged(path, "cannot be read", cause);
  } finally {
    database.close();
  }
}

/**
 * Reads the whole folder, every page of the database too, and looks for each blob's file. Only while no server uses it. A database elsewhere is
 * read while servers use it; its pages are its own affair.
 * @throws StorageError `data_folder_damaged`, `data_folder_foreign`, `data_folder_locked`, `data_moved`, `data_unfinished`, `unavailable`.
 */
export async function checkData(place: DataPlace): Promise<void> {
  if (place.database === undefined) await checkFolder(place.data);
  else await verifyLiving(place);
}

async function checkFolder(data: string): Promise<void> {
  const folder = await readDataFolder(data);
  const { path } = folder;
  const databasePath = requireHere(folder);
  if (isRunning(path)) {
    throw new StorageError("data_folder_locked", `a server is using ${path}; stop it to check its data`);
  }
  const damage = findDatabaseDamage(databasePath, true);
  if (damage !== undefined) throw damaged(path, damage);
  const missing = countMissingBlobs(databasePath, join(path, BLOBS_FOLDER));
  if (missing > 0) {
    const what = missing === 1 ? "the file of 1 blob" : `the files of ${missing} blobs`;
    throw new StorageError(
      "data_folder_damaged",
      `${path}: ${what} in ${BLOBS_FOLDER} are missing or cut short`,
    );
  }
}

function countMissingBlobs(databasePath: string, folder: string): number {
  const database = new DatabaseSync(databasePath, { readOnly: true });
  try {
    let missing = 0;
    for (const row of database.prepare("SELECT id, size, received FROM blobs").iterate()) {
      const file = blobFile(folder, row["id"] as Uint8Array);
      const size = sizeOf(file) || sizeOf(`${file}${UNFINISHED_SUFFIX}`);
      if (size < Number(row["received"])) missing += 1;
    }
    return missing;
  } finally {
    database.close();
  }
}

function isRunning(path: string): boolean {
  const lock = join(path, DATA_FILES.lock);
  if (!existsSync(lock)) return false;
  const release = lockFolder(lock);
  release?.();
  return release === undefined;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function damaged(path: string, damage: string, cause?: unknown): StorageError {
  return new StorageError("data_folder_damaged", `${path}: ${DATA_FILES.database} ${damage}`, { cause });
}
