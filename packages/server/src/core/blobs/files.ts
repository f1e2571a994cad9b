/**
 * The port for the bytes of blobs. Adapters (memory, a folder; an object store could be one) run one conformance suite.
 *
 * Consistency that each adapter must give: what `write` has resolved for is durable; a blob is read whole or not at all;
 * a removed blob is gone, though who is reading it may read on, or is told in the midst of it that the storage failed.
 */

/** Where the bytes lie. Ids have 32 bytes. Every method throws StorageError `unavailable` when the storage fails. */
export interface BlobFiles {
  /**
   * Writes a blob's bytes from `offset` on, over what lay there, as they come. Resolves with how many that were, once they are
   * durable; undefined when less than `offset` lies there, and then nothing was written.
   */
  write(id: Uint8Array, offset: number, body: AsyncIterable<Uint8Array>): Promise<number | undefined>;
  /** Says that all is written: from now on it can be read. Saying it again does no harm. */
  finish(id: Uint8Array): Promise<void>;
  /** The bytes from `from` up to `to`, read as they are asked for; undefined when it is not there, or shorter. */
  read(id: Uint8Array, from: number, to: number): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Removes a blob, finished or not. One that is not there is passed over. */
  remove(id: Uint8Array): Promise<void>;
  /** Ids of what lies here whose first byte is this one, finished or not. */
  list(firstByte: number): Promise<readonly Uint8Array[]>;
  /** Bytes that the storage has room for. */
  freeBytes(): Promise<number>;
}
