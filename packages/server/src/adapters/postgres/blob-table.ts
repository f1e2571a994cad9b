/** What is known of blobs, in PostgreSQL. Their total is kept beside them and locked by whoever adds one, so that the quota holds for all nodes. */
import type { BlobRecord, BlobStore } from "../../core/blobs/store.ts";
import { named, type Connections } from "./connections.ts";

const SQL = named({
  lockBlobBytes: "SELECT n FROM totals WHERE name = 'blob_bytes' FOR UPDATE",
  addToBlobs: `UPDATE totals SET n = n + CASE name WHEN 'blobs' THEN $1::bigint ELSE $2::bigint END
    WHERE name IN ('blobs', 'blob_bytes')`,
  insertBlob: `INSERT INTO blobs (id, write_hash, size, received, stored_at_sec)
    VALUES ($1, $2, $3::bigint, $4::bigint, $5::bigint)`,
  readBlob: "SELECT id, write_hash, size, received, stored_at_sec FROM blobs WHERE id = $1",
  advanceBlob: "UPDATE blobs SET received = greatest(received, $2::bigint) WHERE id = $1 RETURNING 1 AS done",
  deleteBlob: "DELETE FROM blobs WHERE id = $1 RETURNING size",
  expiredBlobs: `SELECT id FROM blobs WHERE stored_at_sec < greatest($1::bigint, $2::bigint)
    AND (stored_at_sec < $1::bigint OR (stored_at_sec < $2::bigint AND received < size)) LIMIT $3::bigint`,
  blobTotals: "SELECT name, n FROM totals WHERE name IN ('blobs', 'blob_bytes')",
});

/** The table of one database. */
export class BlobTable {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  create(blob: BlobRecord, maxBytes: number): ReturnType<BlobStore["createBlob"]> {
    return this.#connections.transaction(async (transaction) => {
      const [total] = await transaction.rows(SQL.lockBlobBytes);
      const [known] = await transaction.rows(SQL.readBlob, blob.id);
      if (known !== undefined) return "exists";
      if ((total?.["n"] as number) + blob.size > maxBytes) return "full";
      const { id, writeHash, size, received, storedAtSec } = blob;
      transaction.write(SQL.insertBlob, id, writeHash, size, received, storedAtSec);
      transaction.write(SQL.addToBlobs, 1, size);
      return "created";
    });
  }

  async read(id: Uint8Array): Promise<BlobRecord | undefined> {
    const [row] = await this.#connections.rows(SQL.readBlob, id);
    return (
      row && {
        id: row["id"] as Uint8Array,
        writeHash: row["write_hash"] as Uint8Array,
        size: row["size"] as number,
        received: row["received"] as number,
        storedAtSec: row["stored_at_sec"] as number,
      }
    );
  }

  async advance(id: Uint8Array, received: number): Promise<boolean> {
    return (await this.#connections.rows(SQL.advanceBlob, id, received)).length > 0;
  }

  delete(id: Uint8Array): Promise<boolean> {
    return this.#connections.transaction(async (transaction) => {
      // In the order of `create`: the total first.
      await transaction.rows(SQL.lockBlobBytes);
      const [gone] = await transaction.rows(SQL.deleteBlob, id);
      if (gone !== undefined) transaction.write(SQL.addToBlobs, -1, -(gone["size"] as number));
      return gone !== undefined;
    });
  }

  async expired(
    beforeSec: number,
    unfinishedBeforeSec: number,
    limit: number,
  ): Promise<readonly Uint8Array[]> {
    const rows = await this.#connections.rows(SQL.expiredBlobs, beforeSec, unfinishedBeforeSec, limit);
    return rows.map((row) => row["id"] as Uint8Array);
  }

  async stats(): ReturnType<BlobStore["blobStats"]> {
    const rows = await this.#connections.rows(SQL.blobTotals);
    const totals = new Map(rows.map((row) => [row["name"], row["n"] as number]));
    return { blobs: totals.get("blobs") ?? 0, bytes: totals.get("blob_bytes") ?? 0 };
  }
}
