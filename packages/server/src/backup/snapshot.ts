/** The ports through which data leaves a database and comes into one, whatever it is. */
import type { BlobFiles } from "../core/blobs/files.ts";
import type { Row, Rows } from "./rows.ts";
import type { TableName } from "./tables.ts";

/** Reads bytes of blobs. */
export type BlobReader = Pick<BlobFiles, "read">;

/** A database as it is at one moment, whatever is written meanwhile. */
export interface Snapshot {
  /** All rows in their order. */
  rows(): Rows;
  /** Those of one table. */
  readTable(name: TableName): Rows;
  /** Bytes of blobs as they were then; undefined where they do not lie in the database. */
  readonly blobs?: BlobReader;
  /** Whether entries come with the hashes of their bodies in the place of these. */
  readonly digested: boolean;
  close(): Promise<void>;
}

/** A database that is being filled. */
export interface RowSink {
  /** Stores rows that come in their order. */
  insert(rows: readonly Row[]): Promise<void>;
  /** Makes all of it durable and ready to be served from. */
  finish(): Promise<void>;
}
