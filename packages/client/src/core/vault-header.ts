/** Where the vault's header lies: the wrapped key, outside the storage that it opens. Adapters write it crash-safely. */
export interface HeaderFile {
  /** @throws StorageError `vault_missing`, `storage_failed`. */
  read(): Promise<Uint8Array>;
  /** Replaces it: afterwards the old or the new one is there, whatever happens in between. */
  write(header: Uint8Array): Promise<void>;
}
