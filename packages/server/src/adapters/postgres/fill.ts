/**
 * Fills a PostgreSQL database with what lies in another, or changes it until it is the same.
 *
 * While it is being filled the table `unfinished` says so, and servers refuse the database. Whoever fills it holds an advisory lock that each
 * connection of a server shares: so nobody else fills it, and no server that was there before writes to it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { StorageError } from "@sotto/protocol";
import type { Row } from "../../backup/rows.ts";
import type { RowSink } from "../../backup/snapshot.ts";
import { TABLES, type Column, type Table, type TableName } from "../../backup/tables.ts";
import { bytesArray, numbersArray } from "./binary.ts";
import { BulkClient } from "./bulk-client.ts";
import { Connections } from "./connections.ts";
import { parseDatabaseUrl } from "./database-url.ts";
import { UNFINISHED_TABLE, claimUse, isUnfinished, migrate } from "./migrate.ts";

/** A server or command that has just ended lets go of the database in a moment. */
const claims = 20;
const betweenClaimsMs = 100;

/** What a database is being filled by. */
export type FilledBy = "restore" | "migrate";

/** A database that is being filled. Made by PostgresFilling.open. */
export class PostgresFilling implements RowSink {
  readonly #client: BulkClient;

  private constructor(client: BulkClient) {
    this.#client = client;
  }

  /**
   * Brings a database up to date and marks it as unfinished. One that a migration was filling is gone on with; what a restore left is emptied.
   * @param owner 32 bytes, see migrate.ts.
   * @throws StorageError `data_not_empty`, `data_folder_foreign`, `data_folder_locked`, `unavailable`; UsageError `config_invalid`.
   */
  static async open(url: string, owner: Uint8Array, by: FilledBy): Promise<PostgresFilling> {
    const connections = new Connections(parseDatabaseUrl(url));
    try {
      await migrate(connections, owner, { unfinished: true });
    } finally {
      await connections.close();
    }
    const client = await BulkClient.connect(url);
    try {
      await claim(client);
      // Nothing is told as done before the database is marked as finished, which waits for all of it.
      await client.rows("SET synchronous_commit = off");
      await begin(client, by);
      return new PostgresFilling(client);
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  insert(rows: readonly Row[]): Promise<void> {
    return this.change(rows, []);
  }

  /** Changes rows, all or none. @param put new ones, or ones to stand in the place of those with the same key. */
  async change(put: readonly Row[], remove: readonly Row[]): Promise<void> {
    await this.#client.transaction(async () => {
      const replaced = put.filter(({ table }) => table.name === "entries");
      // Whoever has the same key goes first: KeyPackages take over numbers, and entries count towards their logs.
      for (const [table, rows] of byTable([...remove, ...replaced]).reverse())
        await this.#remove(table, rows);
      for (const [table, rows] of byTable(put)) await this.#put(table, rows);
    });
  }

  /** Takes identifiers from accounts that no longer have them, so that others may. */
  async freeIdentifiers(accounts: readonly Row[]): Promise<void> {
    if (accounts.length === 0) return;
    await this.#client.rows("UPDATE accounts SET identifier_hash = NULL WHERE account = ANY ($1::uuid[])", [
      column(accounts, 0, "id"),
    ]);
  }

  async finish(): Promise<void> {
    await this.settle();
    await this.open();
  }

  /** Makes all that was written durable, with the sums that the server keeps; it stays marked. */
  async settle(): Promise<void> {
    await this.#client.rows("SET synchronous_commit = on");
    await this.#client.transaction(async () => {
      await this.#client.rows(`
        UPDATE totals SET n = (SELECT count(*) FROM accounts WHERE newest_version > 0) WHERE name = 'accounts';
        UPDATE totals SET n = (SELECT count(*) FROM blobs) WHERE name = 'blobs';
        UPDATE totals SET n = (SELECT coalesce(sum(size), 0) FROM blobs) WHERE name = 'blob_bytes';
        SELECT setval(pg_get_serial_sequence('key_packages', 'num'), coalesce(max(num), 0) + 1, false) FROM key_packages;
      `);
    });
    await this.#client.rows("ANALYZE");
  }

  /** Lets servers use it. */
  async open(): Promise<void> {
    await this.#client.rows(`DROP TABLE ${UNFINISHED_TABLE}`);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #put(table: Table, rows: readonly Row[]): Promise<void> {
    await this.#client.rows(putSql[table.name], parameters(table.columns, rows));
  }

  async #remove(table: Table, rows: readonly Row[]): Promise<void> {
    const key = parameters(table.columns.slice(0, table.keyLength), rows);
    if (table.name === "accounts") {
      for (const child of accountTables) {
        await this.#client.rows(`DELETE FROM ${child} WHERE account = ANY ($1::uuid[])`, key);
      }
    }
    await this.#client.rows(removeSql[table.name], key);
  }
}

async function claim(client: BulkClient): Promise<void> {
  for (let left = claims; !(await claimUse((sql) => client.rows(sql))); left--) {
    if (left === 1) {
      throw new StorageError(
        "data_folder_locked",
        "a server uses this database, or another process fills it",
      );
    }
    await sleep(betweenClaimsMs);
  }
}

async function begin(client: BulkClient, by: FilledBy): Promise<void> {
  await client.transaction(async () => {
    if (await isUnfinished((sql) => client.rows(sql))) {
      const [known] = await client.rows(`SELECT filled_by FROM ${UNFINISHED_TABLE}`);
      if (by === "migrate" && known?.["filled_by"] === by) return;
      const filled = [...TABLES.map(({ name }) => name), "blob_pieces", "blob_files"];
      await client.rows(`TRUNCATE ${filled.join(", ")}`);
      await client.rows(`UPDATE ${UNFINISHED_TABLE} SET filled_by = '${by}'`);
      return;
    }
    for (const { name } of TABLES) {
      const [found] = await client.rows(`SELECT EXISTS (SELECT 1 FROM ${name}) AS any`);
      if (found?.["any"] === true) {
        throw new StorageError("data_not_empty", "the database holds a server's data already");
      }
    }
    await client.rows(`CREATE TABLE ${UNFINISHED_TABLE} (filled_by text NOT NULL)`);
    await client.rows(`INSERT INTO ${UNFINISHED_TABLE} VALUES ('${by}')`);
  });
}

const accountTables = TABLES.filter(({ section, name }) => section === 0 && name !== "accounts").map(
  ({ name }) => name,
);

/** Runs of rows of one table each, in the order of tables. */
function byTable(rows: readonly Row[]): [Table, Row[]][] {
  return TABLES.flatMap((table): [Table, Row[]][] => {
    const some = rows.filter((row) => row.table === table);
    return some.length === 0 ? [] : [[table, some]];
  });
}

const types = {
  id: "uuid",
  hash: "bytea",
  bytes: "bytea",
  text: "text",
  number: "bigint",
  flag: "bigint",
} as const;

function parameters(columns: readonly Column[], rows: readonly Row[]): (Buffer | string[])[] {
  return columns.map(({ kind }, at) => column(rows, at, kind));
}

function column(rows: readonly Row[], at: number, kind: Column["kind"]): Buffer | string[] {
  const values = rows.map((row) => row.values[at]);
  if (kind === "number" || kind === "flag") return numbersArray(values as number[]);
  if (kind === "text") return values as string[];
  return bytesArray(types[kind], values as (Uint8Array | undefined)[]);
}

/** `unnest` of parameters: one array a column. */
const unnested = (columns: readonly Column[]): string =>
  `unnest(${columns.map(({ kind }, at) => `$${at + 1}::${types[kind]}[]`).join(", ")}) AS w (${columns.map(({ name }) => name).join(", ")})`;
const selected = (columns: readonly Column[]): string =>
  columns.map(({ name, kind }) => (kind === "flag" ? `w.${name} <> 0` : `w.${name}`)).join(", ");

function forAll(sqlOf: (table: Table) => string): Readonly<Record<TableName, string>> {
  return Object.fromEntries(TABLES.map((table) => [table.name, sqlOf(table)])) as Record<TableName, string>;
}

const putSql = forAll(({ name, columns, keyLength }) => {
  const names = columns.map((one) => one.name);
  const isNumbered = name === "key_packages";
  if (name === "entries") {
    // What a log holds in bytes is kept in its row.
    return `WITH added AS (INSERT INTO entries (${names.join(", ")}) SELECT ${selected(columns)} FROM ${unnested(columns)}
        RETURNING log_id, octet_length(body) AS size),
      s AS (SELECT log_id, sum(size)::bigint AS size FROM added GROUP BY log_id)
      UPDATE logs l SET held_bytes = l.held_bytes + s.size FROM s WHERE l.log_id = s.log_id`;
  }
  const more = name === "logs" ? { names: ", held_bytes", values: ", 0" } : { names: "", values: "" };
  const key = isNumbered ? ["num"] : names.slice(0, keyLength);
  const changed = names.filter((one) => !key.includes(one)).map((one) => `${one} = excluded.${one}`);
  return `INSERT INTO ${name} (${names.join(", ")}${more.names}) ${isNumbered ? "OVERRIDING SYSTEM VALUE" : ""}
    SELECT ${selected(columns)}${more.values} FROM ${unnested(columns)}
    ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${changed.join(", ")}`;
});

const removeSql = forAll(({ name, columns, keyLength }) => {
  const key = columns.slice(0, keyLength);
  const isSame = key.map(
    (one) => `t.${one.name} = ${one.kind === "flag" ? `(w.${one.name} <> 0)` : `w.${one.name}`}`,
  );
  const deletion = `DELETE FROM ${name} t USING ${unnested(key)} WHERE ${isSame.join(" AND ")}`;
  if (name !== "entries") return deletion;
  return `WITH gone AS (${deletion} RETURNING t.log_id, octet_length(t.body) AS size),
    s AS (SELECT log_id, sum(size)::bigint AS size FROM gone GROUP BY log_id)
    UPDATE logs l SET held_bytes = l.held_bytes - s.size FROM s WHERE l.log_id = s.log_id`;
});
