/** Figures of a PostgreSQL database for /metrics. Of large tables the planner's estimate is told: counting would read all of them each time. */
import type { DataFigures } from "../data-figures.ts";
import { Connections, named } from "./connections.ts";
import { parseDatabaseUrl } from "./database-url.ts";
import { requireOwn } from "./migrate.ts";
import { SCHEMA } from "./schema.ts";

const SQL = named({
  sizes: `SELECT parent.relname AS name, sum(greatest(c.reltuples, 0))::bigint AS rows
    FROM pg_class parent JOIN pg_inherits i ON i.inhparent = parent.oid JOIN pg_class c ON c.oid = i.inhrelid
    WHERE parent.relnamespace = '${SCHEMA}'::regnamespace AND parent.relname IN ('logs', 'entries') AND parent.relkind = 'p'
    GROUP BY parent.relname`,
  bytes: "SELECT pg_database_size(current_database()) AS bytes",
  countLogs: "SELECT count(*) AS rows FROM logs",
  countEntries: "SELECT count(*) AS rows FROM entries",
  totals: "SELECT name, n FROM totals",
  countDevices: "SELECT count(*) AS rows FROM devices WHERE NOT revoked",
});
const countedRows = 100_000;

/** Reads them. */
export async function readStats(
  connections: Connections,
): Promise<{ logs: number; entries: number; bytesOnDisk: number }> {
  const [estimates, bytes] = await Promise.all([connections.rows(SQL.sizes), connections.rows(SQL.bytes)]);
  const count = async (table: "logs" | "entries"): Promise<number> => {
    const estimate = (estimates.find(({ name }) => name === table)?.["rows"] as number | undefined) ?? 0;
    if (estimate > countedRows) return estimate;
    const [row] = await connections.rows(table === "logs" ? SQL.countLogs : SQL.countEntries);
    return row?.["rows"] as number;
  };
  const [logs, entries] = await Promise.all([count("logs"), count("entries")]);
  return { logs, entries, bytesOnDisk: bytes[0]?.["bytes"] as number };
}

/** What an operator is told of a database. @param owner see migrate.ts. @throws StorageError `data_folder_foreign`, `data_unfinished`, `unavailable`. */
export async function readFigures(url: string, owner: Uint8Array): Promise<DataFigures> {
  const connections = new Connections(parseDatabaseUrl(url));
  try {
    await connections.script((run) => requireOwn(run, owner, false));
    const totals = new Map(
      (await connections.rows(SQL.totals)).map((row) => [row["name"], row["n"] as number]),
    );
    const [devices] = await connections.rows(SQL.countDevices);
    return {
      accounts: totals.get("accounts") ?? 0,
      devices: devices?.["rows"] as number,
      ...(await readStats(connections)),
      blobs: totals.get("blobs") ?? 0,
      blobBytes: totals.get("blob_bytes") ?? 0,
    };
  } finally {
    await connections.close();
  }
}
