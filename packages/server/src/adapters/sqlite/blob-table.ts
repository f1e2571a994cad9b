/**
 * What is known of blobs, in SQLite. The table has no rowids, which would tell in which order blobs came. Every method that
 * writes is called inside a transaction of the store.
 */
import type { DatabaseSync } from "node:sqlite";
import type { BlobRecord, BlobStore } from "../../core/blobs/store.ts";

interface BlobRow {
  readonly id: Uint8Array;
  readonly write_hash: Uint8Array;
  readonly size: number;
  readonly received: number;
  readonly stored_at_sec: number;
}

/** The table of one database. */
export class BlobTable {
  readonly #sql: ReturnType<typeof statements>;
  /** Kept, since adding them up looks at every row; undefined when it must be asked for. */
  #bytes: number | undefined;

  constructor(database: DatabaseSync) {
    this.#sql = statements(database);
  }

  create(blob: BlobRecord, maxBytes: number): Awaited<ReturnType<BlobStore["createBlob"]>> {
    if (this.read(blob.id) !== undefined) return "exists";
    const bytes = this.stats().bytes + blob.size;
    if (bytes > maxBytes) return "full";
    this.#sql.insert.run(blob.id, blob.writeHash, blob.size, blob.received, blob.storedAtSec);
    this.#bytes = bytes;
    return "created";
  }

  read(id: Uint8Array): BlobRecord | undefined {
    const row = this.#sql.read.get(id) as BlobRow | undefined;
    return (
      row && {
        id: row.id,
        writeHash: row.write_hash,
        size: row.size,
        received: row.received,
        storedAtSec: row.stored_at_sec,
      }
    );
  }

  advance(id: Uint8Array, received: number): boolean {
    return this.#sql.advance.run(received, id).changes > 0;
  }

  delete(id: Uint8Array): boolean {
    const blob = this.read(id);
    if (blob === undefined) return false;
    this.#sql.delete.run(id);
    if (this.#bytes !== undefined) this.#bytes -= blob.size;
    return true;
  }

  expired(beforeSec: number, unfinishedBeforeSec: number, limit: number): readonly Uint8Array[] {
    const rows = this.#sql.expired.all(beforeSec, unfinishedBeforeSec, limit);
    return rows.map((row) => row["id"] as Uint8Array);
  }

  stats(): Awaited<ReturnType<BlobStore["blobStats"]>> {
    this.#bytes ??= Number(this.#sql.bytes.get()?.["bytes"]);
    return { blobs: Number(this.#sql.count.get()?.["blobs"]), bytes: this.#bytes };
  }

  rolledBack(): void {
    this.#bytes = undefined;
  }
}

function statements(database: DatabaseSync) {
  return {
    insert: database.prepare(
      "INSERT INTO blobs (id, write_hash, size, received, stored_at_sec) VALUES (?, ?, ?, ?, ?)",
    ),
    read: database.prepare("SELECT * FROM blobs WHERE id = ?"),
    advance: database.prepare("UPDATE blobs SET received = max(received, ?) WHERE id = ?"),
    delete: database.prepare("DELETE FROM blobs WHERE id = ?"),
    expired: database.prepare(
      "SELECT id FROM blobs WHERE stored_at_sec < ? OR (stored_at_sec < ? AND received < size) LIMIT ?",
    ),
    bytes: database.prepare("SELECT coalesce(sum(size), 0) AS bytes FROM blobs"),
    count: database.prepare("SELECT count(*) AS blobs FROM blobs"),
  };
}
