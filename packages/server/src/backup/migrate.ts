/**
 * Moves a server's data from its folder's SQLite to PostgreSQL while it runs.
 *
 * Passes compare the two, row by row in one order, and change what differs: the first copies all, those after it what was written meanwhile. Then
 * a fence keeps everybody from writing, a last pass finds the rest, and both sides are counted and hashed. Only if they are alike the fence is
 * made to last, in a transaction that also sees that nobody wrote behind it: from then on the folder's database serves nobody. Then the new
 * one is opened. Whatever is cut off before that leaves the old server serving; whatever is cut off after it is finished by the next run, and between
 * the two moments neither serves.
 *
 * Blobs that are whole go before the rows of each pass; an upload that is under way begins anew.
 */
import { DatabaseSync } from "node:sqlite";
import { StorageError, toHex } from "@sotto/protocol";
import type { BlobFiles } from "../core/blobs/files.ts";
import { markMoved, readDataFolder, type DataFolderFacts } from "../adapters/data-folder.ts";
import { databaseOwner } from "../adapters/open-store.ts";
import { describeDatabase } from "../adapters/postgres/database-url.ts";
import { PostgresFilling } from "../adapters/postgres/fill.ts";
import { openPostgresSnapshot } from "../adapters/postgres/snapshot.ts";
import { raiseFence, readMovedTo, type Fence } from "../adapters/sqlite/fence.ts";
import { openSqliteSnapshot } from "../adapters/sqlite/snapshot.ts";
import { openBlobs, storeBlob } from "./living.ts";
import { blobsIn, digested, type Row, type Rows } from "./rows.ts";
import type { Snapshot } from "./snapshot.ts";
import { differences } from "./streams.ts";
import { Tally, findDifference, sha256, type Counts } from "./tally.ts";

/** What a migration tells while it goes on. */
export interface MigrationWatch {
  /** A pass has ended; it is waited for. @param changed rows. @param fenced whether nobody could write during it. */
  passed(changed: number, fenced: boolean): void | Promise<void>;
}
/** What came to. */
export interface MigrationSummary {
  /** Where the data is now, without secrets. */
  readonly to: string;
  /** Of what was moved; undefined when an earlier run had done all of it. */
  readonly counts: Counts | undefined;
  /** Milliseconds during which nobody could write. */
  readonly stoodStillMs: number;
}

/** Passes go on while the server runs until one finds less than this to do, but not for ever. */
const enoughRows = 2_000;
const mostPasses = 6;
/** Behind a fence: SQLite may say that something was written where only its log was tidied up. */
const mostFences = 3;
const batchRows = 1_000;
const batchBytes = 4 * 1_048_576;

interface Move {
  readonly folder: DataFolderFacts;
  readonly url: string;
  readonly to: string;
  readonly target: PostgresFilling;
  readonly blobs: { readonly from: BlobFiles; readonly to: BlobFiles; readonly done: Set<string> };
  readonly watch: MigrationWatch | undefined;
}

/**
 * Moves the data. Run again after it was cut off, it goes on.
 * @param from the data folder; it stays the server's, with its keys.
 * @throws StorageError `data_not_empty`, `data_differs`, `data_moved` when it went elsewhere; `data_folder_damaged`, `data_folder_foreign`,
 *   `data_folder_locked`, `unavailable`; UsageError `config_invalid`.
 */
export async function migrateToPostgres(
  from: string,
  url: string,
  watch?: MigrationWatch,
): Promise<MigrationSummary> {
  const folder = await readDataFolder(from);
  const to = describeDatabase(url);
  const movedTo = folder.movedTo ?? movedToOf(folder.databasePath);
  if (movedTo !== undefined && movedTo !== to) {
    throw new StorageError("data_moved", `${folder.path}: its data was moved to ${movedTo}`);
  }
  if (movedTo !== undefined && (await isOpen(folder, url))) {
    markMoved(folder.path, to);
    return { to, counts: undefined, stoodStillMs: 0 };
  }
  const target = await PostgresFilling.open(url, databaseOwner(folder), "migrate");
  try {
    await using source = openBlobs(folder, undefined);
    await using sink = openBlobs(folder, url);
    const blobs = { from: source.files, to: sink.files, done: new Set<string>() };
    const move = { folder, url, to, target, blobs, watch };
    // Nobody can write any more to what was fenced for ever.
    const { counts, stoodStillMs } =
      movedTo === undefined
        ? await moveLiving(move)
        : { counts: await copyAndCompare(move), stoodStillMs: 0 };
    await target.open();
    markMoved(folder.path, to);
    return { to, counts, stoodStillMs };
  } finally {
    await target.close();
  }
}

async function moveLiving(move: Move): Promise<{ counts: Counts; stoodStillMs: number }> {
  for (let pass = 1; pass <= mostPasses; pass++) {
    if ((await copy(move, false)).changed < enoughRows) break;
  }
  for (let attempt = 1; attempt <= mostFences; attempt++) {
    const startMs = performance.now();
    const fence: Fence = raiseFence(move.folder.databasePath);
    try {
      const counts = await copyAndCompare(move);
      if (fence.makeLasting(move.to))
        return { counts, stoodStillMs: Math.round(performance.now() - startMs) };
    } finally {
      fence.lower();
    }
  }
  throw new StorageError("data_folder_locked", `${move.folder.path}: another process goes on writing to it`);
}

/** The last pass: nobody writes. @throws StorageError `data_differs`. */
async function copyAndCompare(move: Move): Promise<Counts> {
  const { counts: sent } = await copy(move, true);
  await move.target.settle();
  const target = await openTarget(move);
  const tally = new Tally();
  try {
    for await (const rows of target.rows()) for (const row of rows) tally.add(row, target.digested);
  } finally {
    await target.close();
  }
  const wrong = findDifference(sent, tally.end());
  if (wrong !== undefined) {
    throw new StorageError(
      "data_differs",
      `${wrong} are not the same in the new database; nothing was moved`,
    );
  }
  return sent;
}

/** Changes the target into what the source is at this moment. */
async function copy(move: Move, fenced: boolean): Promise<{ changed: number; counts: Counts }> {
  await copyBlobs(move);
  await freeIdentifiers(move);
  const source = openSqliteSnapshot(move.folder.databasePath);
  const target = await openTarget(move);
  const tally = new Tally();
  let changed = 0;
  let put: Row[] = [];
  let remove: Row[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    await move.target.change(put, remove);
    changed += put.length + remove.length;
    put = [];
    remove = [];
    bytes = 0;
  };
  try {
    const hashed = hashedRows(source.rows(), (row) => tally.add(row, true));
    for await (const difference of differences(hashed, target.rows(), isSame)) {
      if ("remove" in difference) remove.push(difference.remove);
      else {
        const full = difference.put.full ?? difference.put;
        put.push(full);
        for (const value of full.values) bytes += value instanceof Uint8Array ? value.length : 8;
      }
      if (put.length + remove.length >= batchRows || bytes >= batchBytes) await flush();
    }
    if (put.length + remove.length > 0) await flush();
  } finally {
    await source.close();
    await target.close();
  }
  await move.watch?.passed(changed, fenced);
  return { changed, counts: tally.end() };
}

/** Copies blobs that are whole, each once. Those whose bytes are missing count as deleted. @throws StorageError `storage_failed`. */
async function copyBlobs({ folder, blobs: { from, to, done } }: Move): Promise<void> {
  const source = openSqliteSnapshot(folder.databasePath);
  try {
    for await (const { id, size, isWhole } of blobsIn(source.readTable("blobs"))) {
      if (!isWhole || done.has(toHex(id))) continue;
      // An earlier run may have brought it.
      if ((await to.read(id, size, size)) === undefined) {
        // Its last byte may have come just now.
        if ((await from.read(id, size, size)) === undefined) await from.finish(id);
        const bytes = await from.read(id, 0, size);
        if (bytes === undefined) continue;
        await storeBlob(to, { id, size, bytes });
      }
      done.add(toHex(id));
    }
  } finally {
    await source.close();
  }
}

/** An identifier may have gone from one account to another since the last pass, and two accounts cannot have it for a moment. */
async function freeIdentifiers({ folder, target, ...move }: Move): Promise<void> {
  const source = openSqliteSnapshot(folder.databasePath);
  const before = await openTarget({ folder, ...move });
  try {
    let changed: Row[] = [];
    const found = differences(source.readTable("accounts"), before.readTable("accounts"), isSame);
    for await (const difference of found) {
      const old = "remove" in difference ? difference.remove : difference.over;
      if (old === undefined) continue;
      changed.push(old);
      if (changed.length < batchRows) continue;
      await target.freeIdentifiers(changed);
      changed = [];
    }
    await target.freeIdentifiers(changed);
  } finally {
    await source.close();
    await before.close();
  }
}

const openTarget = ({ folder, url }: Pick<Move, "folder" | "url">): Promise<Snapshot> =>
  openPostgresSnapshot({ url, owner: databaseOwner(folder), hashes: true, unfinished: true });

/** Of rows with hashes in the place of bodies. */
function isSame(a: Row, b: Row): boolean {
  return a.values.every((value, at) => {
    const other = b.values[at];
    return value instanceof Uint8Array && other instanceof Uint8Array
      ? Buffer.compare(value, other) === 0
      : value === other;
  });
}

/** The rows with hashes in the place of bodies, as a database tells of them. */
async function* hashedRows(rows: Rows, look: (row: Row) => void): AsyncGenerator<readonly Row[]> {
  for await (const some of rows) {
    const hashed = some.map((row) => digested(row, sha256));
    for (const row of hashed) look(row);
    yield hashed;
  }
}

/** Whether the move was finished but for the folder's mark. */
async function isOpen(folder: DataFolderFacts, url: string): Promise<boolean> {
  try {
    const snapshot = await openPostgresSnapshot({ url, owner: databaseOwner(folder) });
    await snapshot.close();
    return true;
  } catch (error) {
    if (error instanceof StorageError && error.code === "data_unfinished") return false;
    throw error;
  }
}

function movedToOf(path: string): string | undefined {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    return readMovedTo(database);
  } finally {
    database.close();
  }
}
