/**
 * The part of the storage port that knows which blobs there are. It names nobody: a blob has an id, which is the hash of
 * what reads it, and the hash of what writes it. Their bytes lie elsewhere (files.ts).
 */

/** What is kept of a blob. */
export interface BlobRecord {
  /** 32 bytes: SHA-256 of its read token. */
  readonly id: Uint8Array;
  /** 32 bytes: SHA-256 of its write token. */
  readonly writeHash: Uint8Array;
  /** Bytes that it has when it is whole. */
  readonly size: number;
  /** Bytes that are durable; whole when they are all. */
  readonly received: number;
  /** When it was begun, in seconds, to the day. */
  readonly storedAtSec: number;
}

/** Keeps what is known of blobs. Writes are durable when they resolve. */
export interface BlobStore {
  /** Adds a blob. `full`: all blobs together would have more than `maxBytes`, counted by what they are to become. */
  createBlob(blob: BlobRecord, maxBytes: number): Promise<"created" | "exists" | "full">;
  readBlob(id: Uint8Array): Promise<BlobRecord | undefined>;
  /** Notes that so much of a blob is durable, unless more is: a node that was slow may tell late. False: it is gone. */
  advanceBlob(id: Uint8Array, received: number): Promise<boolean>;
  /** Whether there was one. */
  deleteBlob(id: Uint8Array): Promise<boolean>;
  /** Ids of blobs from before `beforeSec`, and of unfinished ones from before `unfinishedBeforeSec`; at most `limit`. */
  expiredBlobs(beforeSec: number, unfinishedBeforeSec: number, limit: number): Promise<readonly Uint8Array[]>;
  /** How many there are, and the bytes that they are to have. */
  blobStats(): Promise<{ readonly blobs: number; readonly bytes: number }>;
}
