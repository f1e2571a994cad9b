/**
 * Reads all of a PostgreSQL database as it is at one moment, while servers go on writing: cursors within one REPEATABLE READ transaction. What is fetched
 * at once is bounded in bytes: bodies are asked for once their lengths are known.
 */
import { rowOf, type Row as TableRow } from "../../backup/rows.ts";
import type { Snapshot } from "../../backup/snapshot.ts";
import { merged } from "../../backup/streams.ts";
import { TABLES, tableOf, type Table, type TableName } from "../../backup/tables.ts";
import { StorageError } from "@sotto/protocol";
import { bytesArray, numbersArray } from "./binary.ts";
import { joinPieces } from "./blob-files.ts";
import { BulkClient } from "./bulk-client.ts";
import type { Row } from "./connections.ts";
import { requireOwn } from "./migrate.ts";

/** Rows of a cursor that are fetched at once; of tables with large values few. */
const fetchedRows = 1_000;
const few: Partial<Record<TableName, number>> = { device_lists: 32, key_packages: 128, backups: 8 };
/** Bytes of bodies that are fetched at once. */
const bodiesBytes = 4 * 1_048_576;

const readBodies = `SELECT e.body FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS w (log_id, seq, n)
  CROSS JOIN LATERAL (SELECT body FROM entries e WHERE e.log_id = w.log_id AND e.seq = w.seq) AS e ORDER BY w.n`;

/** How one is opened. */
export interface PostgresSnapshotOptions {
  readonly url: string;
  /** 32 bytes: whose data it is, see migrate.ts. */
  readonly owner: Uint8Array;
  /** Hands on the hashes of entries' bodies, which the database makes, in the place of these. */
  readonly hashes?: boolean;
  /** Whether the database may be one that is being filled. */
  readonly unfinished?: boolean;
}

/**
 * Opens one. It changes nothing, not even the version of the tables.
 * @throws UsageError `config_invalid`; StorageError `data_folder_foreign`, `data_unfinished`, `unavailable`.
 */
export async function openPostgresSnapshot({
  url,
  owner,
  hashes = false,
  unfinished = false,
}: PostgresSnapshotOptions): Promise<Snapshot> {
  const client = await BulkClient.connect(url);
  try {
    await client.rows("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await requireOwn((sql) => client.rows(sql), owner, unfinished);
  } catch (error) {
    await client.close();
    throw error;
  }
  let cursors = 0;
  const read = (table: Table): AsyncGenerator<readonly TableRow[]> =>
    readRows(client, table, hashes, `rows_${cursors++}`);
  return {
    rows: () => merged(TABLES.map(read)),
    readTable: (name) => read(tableOf(name)),
    blobs: { read: (id, from, to) => readBlob(client, id, from, to) },
    digested: hashes,
    close: () => client.close(),
  };
}

/** Within the snapshot: one that is deleted meanwhile is there to its end, and one that was not called finished yet is. */
async function readBlob(
  client: BulkClient,
  id: Uint8Array,
  from: number,
  to: number,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const [file] = await client.rows("SELECT length FROM blob_files WHERE id = $1", [id]);
  if (file === undefined || (file["length"] as number) < to) return undefined;
  return joinPieces(from, to, async (piece) => {
    const sql = "SELECT body FROM blob_pieces WHERE id = $1 AND piece = $2::bigint";
    const [row] = await client.rows(sql, [id, piece]);
    if (row === undefined)
      throw new StorageError("data_folder_damaged", "the database lacks a piece of a blob");
    return row["body"] as Uint8Array;
  });
}

async function* readRows(
  client: BulkClient,
  table: Table,
  hashes: boolean,
  cursor: string,
): AsyncGenerator<readonly TableRow[]> {
  const names = table.columns.map(({ name }) => name);
  const isEntries = table.name === "entries";
  const body = hashes ? "sha256(body) AS body" : "octet_length(body) AS body";
  const columns = names.map((name) => (isEntries && name === "body" ? body : name));
  const key = names.slice(0, table.keyLength).join(", ");
  await client.rows(
    `DECLARE ${cursor} NO SCROLL CURSOR FOR SELECT ${columns.join(", ")} FROM ${table.name} ORDER BY ${key}`,
  );
  const rowsAtOnce = few[table.name] ?? fetchedRows;
  // The next are under way while these are looked at.
  const fetch = (): Promise<readonly Row[]> => {
    const rows = client.rows(`FETCH ${rowsAtOnce} FROM ${cursor}`);
    rows.catch(() => undefined);
    return rows;
  };
  for (let next = fetch(), isLast = false; !isLast;) {
    const rows = await next;
    isLast = rows.length < rowsAtOnce;
    if (!isLast) next = fetch();
    if (isEntries && !hashes) yield* withBodies(client, table, rows);
    else {
      yield rows.map((row) =>
        rowOf(
          table,
          names.map((name) => row[name]),
        ),
      );
    }
  }
  await client.rows(`CLOSE ${cursor}`);
}

/** Puts bodies into the place of their lengths, some mebibytes at a time. */
async function* withBodies(
  client: BulkClient,
  table: Table,
  rows: readonly Row[],
): AsyncGenerator<readonly TableRow[]> {
  for (let from = 0; from < rows.length;) {
    let bytes = 0;
    let to = from;
    while (to < rows.length && (to === from || bytes + (rows[to]?.["body"] as number) <= bodiesBytes)) {
      bytes += rows[to++]?.["body"] as number;
    }
    const some = rows.slice(from, to);
    const bodies = await client.rows(readBodies, [
      bytesArray(
        "uuid",
        some.map((row) => row["log_id"] as Uint8Array),
      ),
      numbersArray(some.map((row) => row["seq"] as number)),
    ]);
    yield some.map((row, at) =>
      rowOf(
        table,
        table.columns.map(({ name }) => (name === "body" ? bodies[at]?.["body"] : row[name])),
      ),
    );
    from = to;
  }
}
