/**
 * The statements about logs. Ids come as arrays which are joined by nested loops, so that each id is looked up in the one partition
 * that its hash names; a test reads the plans.
 */
import { named } from "./connections.ts";

const ids = "unnest($1::uuid[]) AS w (log_id)";
const idsThrough = "unnest($1::uuid[], $2::bigint[]) AS w (log_id, through)";

/** Rows of logs that change: ids, head, trimmed, epoch, token hash, start, bytes added. */
const changes = `unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[], $7::bigint[])
  AS w (log_id, head_seq, trimmed_seq, epoch, token_hash, start_seq, added_bytes)`;
const setChanges = `head_seq = w.head_seq, trimmed_seq = w.trimmed_seq, epoch = w.epoch, token_hash = w.token_hash, start_seq = w.start_seq`;

/** By name. */
export const SQL = named({
  lockLogs: `SELECT l.log_id, l.is_inbox, l.head_seq, l.trimmed_seq, l.epoch, l.token_hash, l.start_seq, l.held_bytes
    FROM ${ids} JOIN logs l ON l.log_id = w.log_id ORDER BY l.log_id FOR UPDATE OF l`,
  namedSlots: `SELECT s.log_id, s.slot, s.cursor, s.used_at_sec
    FROM ${ids} JOIN slots s ON s.log_id = w.log_id AND s.slot = ANY ($2::uuid[])`,
  otherSlots: `SELECT w.log_id, o.lowest, o.count FROM ${ids} CROSS JOIN LATERAL (
    SELECT min(s.cursor) AS lowest, count(*) AS count FROM slots s WHERE s.log_id = w.log_id AND s.slot <> ALL ($2::uuid[])) o`,
  endedEpochs: `SELECT e.log_id, e.epoch, e.token_hash, e.start_seq, e.ended_by_seq
    FROM unnest($1::uuid[], $2::bigint[]) AS w (log_id, epoch)
    JOIN epochs e ON e.log_id = w.log_id AND e.epoch = w.epoch`,
  entrySizes: `SELECT e.log_id, octet_length(e.body) AS size FROM ${idsThrough}
    JOIN entries e ON e.log_id = w.log_id AND e.seq <= w.through ORDER BY e.log_id, e.seq`,

  insertLogs: `INSERT INTO logs (log_id, is_inbox, head_seq, trimmed_seq, epoch, token_hash, start_seq, held_bytes, made_at_sec)
    SELECT log_id, false, head_seq, trimmed_seq, epoch, token_hash, start_seq, added_bytes, made_at_sec
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[], $7::bigint[], $8::bigint[])
      AS w (log_id, head_seq, trimmed_seq, epoch, token_hash, start_seq, added_bytes, made_at_sec)`,
  updateLogs: `UPDATE logs l SET ${setChanges}, held_bytes = l.held_bytes + w.added_bytes
    FROM ${changes} WHERE l.log_id = w.log_id`,
  trimLogs: `WITH gone AS (
      DELETE FROM entries e USING ${changes} WHERE e.log_id = w.log_id AND e.seq <= w.trimmed_seq
      RETURNING w.*, octet_length(e.body) AS size),
    w AS (SELECT log_id, head_seq, trimmed_seq, epoch, token_hash, start_seq, added_bytes, sum(size)::bigint AS freed
      FROM gone GROUP BY log_id, head_seq, trimmed_seq, epoch, token_hash, start_seq, added_bytes)
    UPDATE logs l SET ${setChanges}, held_bytes = l.held_bytes + w.added_bytes - w.freed FROM w WHERE l.log_id = w.log_id`,
  insertEntries: `INSERT INTO entries (log_id, seq, epoch, kind, stored_at_sec, body)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[])`,
  insertEpochs: `INSERT INTO epochs (log_id, epoch, token_hash, start_seq, ended_by_seq)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[])`,
  insertSlots: `INSERT INTO slots (log_id, slot, cursor, used_at_sec)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])`,
  updateSlots: `UPDATE slots s SET cursor = w.cursor, used_at_sec = w.used_at_sec
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) AS w (log_id, slot, cursor, used_at_sec)
    WHERE s.log_id = w.log_id AND s.slot = w.slot`,
  deleteSlots: `DELETE FROM slots s USING unnest($1::uuid[], $2::uuid[]) AS w (log_id, slot)
    WHERE s.log_id = w.log_id AND s.slot = w.slot`,

  readLog: `SELECT is_inbox, head_seq, trimmed_seq, epoch FROM logs WHERE log_id = $1`,
  readHeads: `SELECT w.nth, l.head_seq FROM unnest($1::uuid[]) WITH ORDINALITY AS w (log_id, nth)
    JOIN logs l ON l.log_id = w.log_id`,
  readEpoch: `SELECT token_hash, start_seq, NULL::bigint AS ended_by_seq FROM logs
      WHERE log_id = $1 AND epoch = $2::bigint AND NOT is_inbox
    UNION ALL SELECT token_hash, start_seq, ended_by_seq FROM epochs WHERE log_id = $1 AND epoch = $2::bigint`,
  readCursor: `SELECT cursor FROM slots WHERE log_id = $1 AND slot = $2`,
  readInboxCursor: `SELECT trimmed_seq AS cursor FROM logs WHERE log_id = $1 AND is_inbox`,
  readEntries: `SELECT seq, epoch, kind, body FROM (
      SELECT *, sum(octet_length(body)) OVER (ORDER BY seq) AS total, row_number() OVER (ORDER BY seq) AS nth FROM (
        SELECT seq, epoch, kind, body FROM entries
        WHERE log_id = $1 AND seq > $2::bigint AND seq <= $3::bigint ORDER BY seq LIMIT $4::bigint) AS e) AS sized
    WHERE nth = 1 OR total <= $5::bigint ORDER BY seq`,
});
