/** Backs a server up while it runs, verifies backups and living data, and makes a server of a backup where nothing is. */
import { randomUUID } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { StorageError, toHex } from "@sotto/protocol";
import { requireEmpty, restoreDataFolder, type RestoredFolder } from "../adapters/data-folder.ts";
import { TEMPORARY_SUFFIX, nameNewFile } from "../adapters/durable-file.ts";
import { nodeCrypto } from "../adapters/node-crypto.ts";
import { databaseOwner } from "../adapters/open-store.ts";
import { PostgresFilling } from "../adapters/postgres/fill.ts";
import { fillSqlite } from "../adapters/sqlite/fill.ts";
import {
  readArchive,
  writeArchive,
  type ArchivedBlob,
  type ArchiveSummary,
  type ArchiveTrust,
} from "./archive.ts";
import { Consistency } from "./consistency.ts";
import {
  openBlobs,
  readLivingData,
  storeBlob,
  type DataPlace,
  type LivingData,
  type OpenedBlobs,
} from "./living.ts";
import { blobOf, blobsIn, type BlobFacts, type Row, type Rows } from "./rows.ts";
import type { BlobReader, RowSink, Snapshot } from "./snapshot.ts";
import { Tally, type DataSummary } from "./tally.ts";

/** Asks for the passphrase of a backup; undefined in the place of it: the backup is not encrypted. */
export type Passphrase = (() => Promise<string>) | undefined;

/**
 * Writes a backup into a new file, mode 0600, which is there when it is whole. The server may run.
 * @throws StorageError `data_not_empty` when the file is there; `data_folder_damaged`, also when it was written and cannot be restored; `data_folder_foreign`, `data_moved`, `data_unfinished`,
 *   `unavailable`, `storage_failed`.
 */
export async function backUp(
  place: DataPlace,
  file: string,
  passphrase: Passphrase,
): Promise<ArchiveSummary> {
  if (existsSync(file)) throw occupied(file);
  const living = await readLivingData(place);
  await using blobs = living.blobs;
  const secret = await passphrase?.();
  const snapshot = await living.openSnapshot();
  const temporary = `${file}.${randomUUID()}${TEMPORARY_SUFFIX}`;
  try {
    const madeAt = new Date().toISOString();
    const gone = new Set<string>();
    const consistency = new Consistency(nodeCrypto);
    const found: { wrong?: string | undefined } = {};
    const out = await open(temporary, "wx", 0o600).catch((cause: unknown) => {
      throw unwritten(file, cause);
    });
    try {
      const content = {
        keys: living.folder.keyFiles,
        blobs: storedBlobs(snapshot.blobs ?? blobs.files, snapshot, gone),
        rows: () =>
          checked(withoutBlobs(snapshot.rows(), gone), (row) => {
            found.wrong ??= consistency.add(row);
          }),
      };
      const write = async (bytes: Uint8Array): Promise<void> => {
        await out.writeFile(bytes).catch((cause: unknown) => {
          throw unwritten(file, cause);
        });
      };
      const summary = await writeArchive(content, madeAt, secret, write);
      await out.sync();
      if (!nameNewFile(temporary, file)) throw occupied(file);
      const wrong = found.wrong ?? consistency.end();
      if (wrong === undefined) return summary;
      throw inconsistent(living, `${wrong}; ${file} was written all the same, but cannot be restored`);
    } finally {
      await out.close();
    }
  } catch (error) {
    // Where nothing can be written, nothing can be removed either: what is told is why.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    await snapshot.close();
  }
}

/** Blobs that are whole. Those that went since the snapshot was taken are noted as gone. */
async function* storedBlobs(
  blobs: BlobReader,
  snapshot: Snapshot,
  gone: Set<string>,
): AsyncGenerator<ArchivedBlob> {
  for await (const { id, size, isWhole } of blobsIn(snapshot.readTable("blobs"))) {
    const bytes = isWhole ? await blobs.read(id, 0, size) : undefined;
    if (bytes === undefined) gone.add(toHex(id));
    else yield { id, size, bytes };
  }
}

/** Rows, each of which was looked at before it goes on. */
async function* checked(rows: Rows, look: (row: Row) => void): AsyncGenerator<readonly Row[]> {
  for await (const some of rows) {
    for (const row of some) look(row);
    yield some;
  }
}

async function* withoutBlobs(rows: Rows, gone: ReadonlySet<string>): AsyncGenerator<readonly Row[]> {
  for await (const some of rows) {
    yield some.filter((row) => {
      const blob = blobOf(row);
      return blob === undefined || !gone.has(toHex(blob.id));
    });
  }
}

/**
 * Reads a whole backup and says what is in it, if all is as it should be.
 * @throws StorageError `backup_damaged`, `backup_foreign`, `backup_unencrypted`, `storage_failed`; CryptoError `passphrase_wrong`.
 */
export function verifyBackup(file: string, trust: ArchiveTrust): Promise<ArchiveSummary> {
  return readArchive(readFile(file), trust);
}

/**
 * Reads all of a server's data as it is at one moment, and sees that it fits together. The server may run.
 * @throws StorageError `data_folder_damaged` when it does not; and as `backUp`.
 */
export async function verifyLiving(place: DataPlace): Promise<DataSummary> {
  const living = await readLivingData(place);
  await using blobFiles = living.blobs;
  const snapshot = await living.openSnapshot();
  const tally = new Tally();
  const consistency = new Consistency(nodeCrypto);
  const missing = new Set<string>();
  let [blobs, blobBytes] = [0, 0];
  try {
    for await (const rows of snapshot.rows()) {
      for (const row of rows) {
        const wrong = consistency.add(row);
        if (wrong !== undefined) throw inconsistent(living, wrong);
        tally.add(row);
        const blob = blobOf(row);
        if (blob === undefined) continue;
        blobs++;
        blobBytes += blob.size;
        if (blob.isWhole && !(await isStored(snapshot.blobs ?? blobFiles.files, blob)))
          missing.add(toHex(blob.id));
      }
    }
  } finally {
    await snapshot.close();
  }
  const wrong = consistency.end();
  if (wrong !== undefined) throw inconsistent(living, wrong);
  const lost = missing.size === 0 ? 0 : await countLost(living, missing);
  if (lost > 0) throw inconsistent(living, `blobs: the bytes of ${lost} are missing or cut short`);
  return { blobs, blobBytes, counts: tally.end() };
}

/** Of blobs whose bytes were not there: how many are still said to be there. The others were deleted meanwhile. */
async function countLost(living: LivingData, missing: ReadonlySet<string>): Promise<number> {
  const snapshot = await living.openSnapshot();
  try {
    let lost = 0;
    for await (const blob of blobsIn(snapshot.readTable("blobs"))) {
      if (missing.has(toHex(blob.id)) && !(await isStored(snapshot.blobs ?? living.blobs.files, blob)))
        lost++;
    }
    return lost;
  } finally {
    await snapshot.close();
  }
}

/** Looks at its end only. */
async function isStored(blobs: BlobReader, { id, size }: BlobFacts): Promise<boolean> {
  const bytes = await blobs.read(id, Math.max(0, size - 1), size);
  if (bytes === undefined) return false;
  for await (const part of bytes) void part;
  return true;
}

/**
 * Makes a server's data of a backup, where nothing is. The backup is read twice: nothing is written before all of it is known to be whole.
 * @throws StorageError `data_not_empty`, and as `verifyBackup`; `data_folder_foreign`, `data_folder_locked`, `unavailable` of the database;
 *   UsageError `config_invalid` when the folder cannot be made.
 */
export async function restore(
  file: string,
  { data, database }: DataPlace,
  { askPassphrase, ...trust }: ArchiveTrust,
): Promise<ArchiveSummary> {
  requireEmpty(data);
  let asked: Promise<string> | undefined;
  const once = { ...trust, askPassphrase: () => (asked ??= askPassphrase()) };
  await verifyBackup(file, once);
  const made: { folder?: RestoredFolder; blobs?: OpenedBlobs; sink?: RowSink & { close(): unknown } } = {};
  try {
    const summary = await readArchive(readFile(file), once, {
      async keys(keys) {
        made.folder = await restoreDataFolder(data, keys);
        const { facts } = made.folder;
        made.sink =
          database === undefined
            ? fillSqlite(facts.databasePath, Math.floor(Date.now() / 1000))
            : await PostgresFilling.open(database, databaseOwner(facts), "restore");
        made.blobs = openBlobs(facts, database);
      },
      blob: (blob) => storeBlob((made.blobs as OpenedBlobs).files, blob),
      rows: (rows) => (made.sink as RowSink).insert(rows),
    });
    await made.sink?.finish();
    made.folder?.finish();
    return summary;
  } catch (error) {
    await made.sink?.close();
    made.folder?.abort();
    throw error;
  } finally {
    await made.sink?.close();
    await made.blobs?.[Symbol.asyncDispose]();
  }
}

async function* readFile(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file, { highWaterMark: 262_144 });
  } catch (cause) {
    const { code = "unknown cause" } = cause as NodeJS.ErrnoException;
    throw new StorageError("storage_failed", `${file} cannot be read (${code})`, { cause });
  }
}

function inconsistent({ folder }: LivingData, wrong: string): StorageError {
  return new StorageError("data_folder_damaged", `${folder.path}: ${wrong}`);
}

function occupied(file: string): StorageError {
  return new StorageError("data_not_empty", `${file} is there already`);
}

function unwritten(file: string, cause: unknown): StorageError {
  const { code = "unknown cause" } = cause as NodeJS.ErrnoException;
  return new StorageError("storage_failed", `${file} cannot be written (${code})`, { cause });
}
