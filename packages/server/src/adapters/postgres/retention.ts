/**
 * Deletes what is past its time, in PostgreSQL. Of several nodes one does it at a time; the others find it taken and do nothing.
 * Each step is a transaction of its own, so that none holds locks for long.
 */
import type { LogId } from "@sotto/protocol";
import { bytesArray, numbersArray } from "./binary.ts";
import { named, type Connections, type Row, type Transaction } from "./connections.ts";

/** Of an advisory lock; any number that nobody else takes: "Stte" in ASCII. */
const sweepLock = 0x53747465;
const logsPerSweep = 10_000;

const SQL = named({
  lockSweep: `SELECT pg_try_advisory_xact_lock(${sweepLock}) AS locked`,
  expiredEntries: `SELECT log_id, max(seq) AS seq, count(*) AS count FROM (
      SELECT log_id, seq FROM entries WHERE stored_at_sec < $1::bigint ORDER BY stored_at_sec LIMIT $2::bigint) AS o
    GROUP BY log_id`,
  lockSwept: `SELECT l.log_id, l.trimmed_seq FROM unnest($1::uuid[]) AS w (log_id) JOIN logs l ON l.log_id = w.log_id
    ORDER BY l.log_id FOR UPDATE OF l`,
  trimSwept: `WITH gone AS (
      DELETE FROM entries e USING unnest($1::uuid[], $2::bigint[]) AS w (log_id, through)
      WHERE e.log_id = w.log_id AND e.seq <= w.through RETURNING e.log_id, w.through, octet_length(e.body) AS size),
    w AS (SELECT log_id, through, sum(size)::bigint AS freed FROM gone GROUP BY log_id, through)
    UPDATE logs l SET trimmed_seq = greatest(l.trimmed_seq, w.through), held_bytes = l.held_bytes - w.freed
    FROM w WHERE l.log_id = w.log_id`,
  unusedSlots: "SELECT log_id, slot FROM slots WHERE used_at_sec < $1::bigint LIMIT $2::bigint",
  deleteUnusedSlots: `DELETE FROM slots s USING unnest($1::uuid[], $2::uuid[]) AS w (log_id, slot)
    WHERE s.log_id = w.log_id AND s.slot = w.slot AND s.used_at_sec < $3::bigint RETURNING s.log_id`,
  lowestCursors: `SELECT w.log_id, o.lowest FROM unnest($1::uuid[]) AS w (log_id) CROSS JOIN LATERAL (
      SELECT min(s.cursor) AS lowest FROM slots s WHERE s.log_id = w.log_id) o WHERE o.lowest IS NOT NULL`,
  someLogs: `SELECT log_id, NOT is_inbox AND made_at_sec < $2::bigint AND head_seq = trimmed_seq AS old FROM logs
    WHERE log_id > $1 ORDER BY log_id LIMIT $3::bigint`,
  deleteUnusedLogs: `DELETE FROM logs l USING unnest($1::uuid[]) AS w (log_id) WHERE l.log_id = w.log_id
    AND NOT l.is_inbox AND l.made_at_sec < $2::bigint AND l.head_seq = l.trimmed_seq
    AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.log_id = w.log_id) RETURNING l.log_id`,
  // Whoever loses an answer asks within seconds.
  deleteMarks: "DELETE FROM commits WHERE at < now() - interval '1 day'",
  deleteEpochs: "DELETE FROM epochs e USING unnest($1::uuid[]) AS w (log_id) WHERE e.log_id = w.log_id",
});

/** The sweeper of one store. */
export class Retention {
  readonly #connections: Connections;
  /** Logs up to this id were looked at, in this turn, whether they are still of use. */
  #swept: Uint8Array = new Uint8Array(16);

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** See Store.expire. */
  async expire(beforeSec: number, limit: number): Promise<number> {
    await this.#connections.rows(SQL.deleteMarks);
    let gone = await this.#alone((transaction) => expireEntries(transaction, beforeSec, limit));
    if (gone < limit)
      gone += await this.#alone((transaction) => expireSlots(transaction, beforeSec, limit - gone));
    if (gone < limit)
      gone += await this.#alone((transaction) => this.#expireLogs(transaction, beforeSec, limit - gone));
    return gone;
  }

  #alone(work: (transaction: Transaction) => Promise<number>): Promise<number> {
    return this.#connections.transaction(async (transaction) => {
      const [row] = await transaction.rows(SQL.lockSweep);
      return row?.["locked"] === true ? work(transaction) : 0;
    });
  }

  /** Deletes conversation logs that are old, empty and without a reader. Looks at a part of all logs each time. */
  async #expireLogs(transaction: Transaction, beforeSec: number, limit: number): Promise<number> {
    const some = await transaction.rows(SQL.someLogs, this.#swept, beforeSec, logsPerSweep);
    const old = some.filter((row) => row["old"] === true).slice(0, limit);
    const isWhole = old.length < limit;
    // A log that is added meanwhile is found in the next turn.
    if (isWhole) this.#swept = some.length < logsPerSweep ? new Uint8Array(16) : idOf(some.at(-1) as Row);
    if (old.length === 0) return 0;
    const ids = bytesArray("uuid", old.map(idOf));
    await transaction.rows(SQL.lockSwept, ids);
    const gone = await transaction.rows(SQL.deleteUnusedLogs, ids, beforeSec);
    if (gone.length > 0) transaction.write(SQL.deleteEpochs, bytesArray("uuid", gone.map(idOf)));
    return gone.length;
  }
}

const idOf = (row: Row): LogId => row["log_id"] as LogId;

async function expireEntries(transaction: Transaction, beforeSec: number, limit: number): Promise<number> {
  const logs = await transaction.rows(SQL.expiredEntries, beforeSec, limit);
  if (logs.length === 0) return 0;
  const ids = bytesArray("uuid", logs.map(idOf));
  await transaction.rows(SQL.lockSwept, ids);
  transaction.write(SQL.trimSwept, ids, numbersArray(logs.map((row) => row["seq"] as number)));
  return logs.reduce((sum, row) => sum + (row["count"] as number), 0);
}

async function expireSlots(transaction: Transaction, beforeSec: number, limit: number): Promise<number> {
  const found = await transaction.rows(SQL.unusedSlots, beforeSec, limit);
  if (found.length === 0) return 0;
  const logs = bytesArray("uuid", found.map(idOf));
  const slots = bytesArray(
    "uuid",
    found.map((row) => row["slot"] as Uint8Array),
  );
  await transaction.rows(SQL.lockSwept, logs);
  const gone = await transaction.rows(SQL.deleteUnusedSlots, logs, slots, beforeSec);
  const touched = [...new Map(gone.map((row) => [String(row["log_id"]), idOf(row)])).values()];
  const lowest = await transaction.rows(SQL.lowestCursors, bytesArray("uuid", touched));
  if (lowest.length > 0) {
    const through = numbersArray(lowest.map((row) => row["lowest"] as number));
    transaction.write(SQL.trimSwept, bytesArray("uuid", lowest.map(idOf)), through);
  }
  return gone.length;
}
