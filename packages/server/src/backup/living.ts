/** The data of a server as it lies there, running or not: keys in its folder, and the rest there too or in PostgreSQL. */
import { StorageError } from "@sotto/protocol";
import type { BlobFiles } from "../core/blobs/files.ts";
import { readDataFolder, requireHere, type DataFolderFacts } from "../adapters/data-folder.ts";
import { folderBlobs } from "../adapters/folder-blobs.ts";
import { databaseOwner } from "../adapters/open-store.ts";
import { PostgresBlobFiles } from "../adapters/postgres/blob-files.ts";
import { Connections } from "../adapters/postgres/connections.ts";
import { parseDatabaseUrl } from "../adapters/postgres/database-url.ts";
import { openPostgresSnapshot } from "../adapters/postgres/snapshot.ts";
import { openSqliteSnapshot } from "../adapters/sqlite/snapshot.ts";
import type { ArchivedBlob } from "./archive.ts";
import type { Snapshot } from "./snapshot.ts";

/** Where a server's data is. */
export interface DataPlace {
  /** The data folder. */
  readonly data: string;
  /** `postgres://…`, when the database is not in the folder. */
  readonly database?: string | undefined;
}

/** What of a server's data can be read while it runs. */
export interface LivingData {
  readonly folder: DataFolderFacts;
  readonly blobs: OpenedBlobs;
  openSnapshot(): Promise<Snapshot>;
}

/** @throws StorageError `data_folder_damaged`, `data_folder_foreign`, `data_moved`. */
export async function readLivingData({ data, database }: DataPlace): Promise<LivingData> {
  const folder = await readDataFolder(data);
  if (database === undefined) requireHere(folder);
  return {
    folder,
    blobs: openBlobs(folder, database),
    openSnapshot: async () =>
      database === undefined
        ? openSqliteSnapshot(requireHere(folder))
        : openPostgresSnapshot({ url: database, owner: databaseOwner(folder) }),
  };
}

/** Bytes of blobs, until they are closed. */
export interface OpenedBlobs extends AsyncDisposable {
  readonly files: BlobFiles;
}

/** A server's blobs: they lie where its database does. @throws UsageError `config_invalid`. */
export function openBlobs(
  folder: Pick<DataFolderFacts, "blobsPath">,
  database: string | undefined,
): OpenedBlobs {
  if (database === undefined) {
    return { files: folderBlobs(folder.blobsPath, Date.now), [Symbol.asyncDispose]: async () => undefined };
  }
  const connections = new Connections(parseDatabaseUrl(database));
  return {
    files: new PostgresBlobFiles(connections),
    [Symbol.asyncDispose]: () => connections.close(),
  };
}

/** Stores a whole blob under its id. @throws StorageError `storage_failed`. */
export async function storeBlob(files: BlobFiles, { id, size, bytes }: ArchivedBlob): Promise<void> {
  const written = await files.write(id, 0, bytes);
  if (written !== size) throw new StorageError("storage_failed", "a blob could not be written");
  await files.finish(id);
}
