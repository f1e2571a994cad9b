/** Whether what a database keeps of how many bytes each log holds is right. */
import { DatabaseSync } from "node:sqlite";
import { withClient } from "@sotto/testkit/postgres";

/** How many logs of an SQLite database say it wrongly. */
export function wrongSumsInSqlite(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const wrong = database
    .prepare(
      `SELECT num FROM logs WHERE held_bytes <>
       (SELECT coalesce(sum(length(body)), 0) FROM entries WHERE log = logs.num)`,
    )
    .all();
  database.close();
  return wrong.length;
}

/** The same of a PostgreSQL database. */
export async function wrongSumsInPostgres(url: string): Promise<number> {
  const { rows } = await withClient(url, (client) =>
    client.query(
      `SELECT 1 FROM sotto.logs l WHERE held_bytes <>
       (SELECT coalesce(sum(octet_length(body)), 0) FROM sotto.entries e WHERE e.log_id = l.log_id)`,
    ),
  );
  return rows.length;
}
