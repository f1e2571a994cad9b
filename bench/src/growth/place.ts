/** Where a filled store lies: a data folder with its SQLite, or one with a PostgreSQL database beside it. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { withClient } from "@sotto/testkit/postgres";
import { type Store, openPostgresStore, openSqliteStore } from "@sotto/server/parts";

/** How a process finds it. */
export interface Place {
  /** Holds `data`, the server's data folder, and `accounts`, who may sign in. */
  readonly folder: string;
  /** The URL of a database; undefined: SQLite in the data folder. */
  readonly database: string | undefined;
}

const sqliteFile = ({ folder }: Place): string => join(folder, "data", "sotto.db");

/** Opens the store of a place whose server does not run. */
export async function openPlace(place: Place): Promise<Store> {
  if (place.database === undefined)
    return openSqliteStore({ path: sqliteFile(place), nowSec: Math.floor(Date.now() / 1000) });
  return openPostgresStore({ url: place.database, owner: await ownerOf(place.database) });
}

/** Bytes of an SQLite file with its journal, or of a database's tables and indexes. */
export async function bytesOnDisk(place: Place): Promise<number> {
  if (place.database !== undefined) {
    const size = "SELECT pg_database_size(current_database())::float8 AS bytes";
    const { rows } = await withClient(place.database, (client) => client.query<{ bytes: number }>(size));
    return rows[0]!.bytes;
  }
  return sizeOf(sqliteFile(place)) + sizeOf(`${sqliteFile(place)}-wal`);
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Whose a database says it is: so that it is opened as that server's own. */
async function ownerOf(url: string): Promise<Uint8Array> {
  const { rows } = await withClient(url, (client) =>
    client.query<{ hash: Uint8Array }>("SELECT hash FROM owner"),
  );
  return rows[0]!.hash;
}
