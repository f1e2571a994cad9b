/**
 * The client's storage port: an ordered map from bytes to bytes with atomic change sets. Adapters: memory, SQLite
 * (Node), IndexedDB (browser). What goes in is sealed by the vault already; keys are blinded by it (see vault-store.ts).
 */

/** One atomic change. */
export interface ChangeSet {
  readonly puts: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
  readonly deletes: readonly Uint8Array[];
}

/** The storage port. Keys are 1 to 64 bytes and ordered as unsigned bytes, shorter before longer. */
export interface Storage {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** Pairs with `from` ≤ key < `to`, ascending or (reverse) descending, at most `limit`. */
  range(
    from: Uint8Array,
    to: Uint8Array,
    options?: { readonly reverse?: boolean; readonly limit?: number },
  ): Promise<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]>;
  /** All or nothing, durable when the promise resolves. Deletes come before puts. */
  apply(changes: ChangeSet): Promise<void>;
  /** Releases the lock. */
  close(): Promise<void>;
}
