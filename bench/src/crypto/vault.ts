/**
 * The client's real vault in a folder of its own: records sealed with AES-256-GCM in SQLite, synced to disk at each change set. What a
 * group writes is laid out as the client lays it out: a base for each epoch, a record for each leaf that has sent.
 */
import { join } from "node:path";
import { type Draft, type VaultStore, groupNames, sqliteStorage, vaultStore } from "@sotto/client/parts";
import { type MlsDelta, type MlsSnapshot, createVault } from "@sotto/crypto";
import { nodeProvider } from "@sotto/crypto/node";

/** A vault, and what was written to it. */
export interface BenchVault {
  readonly store: VaultStore;
  /** Bytes of the keys and sealed values that were put since it was opened. */
  written(): number;
}

/** Makes a vault. */
export async function openBenchVault(folder: string): Promise<BenchVault> {
  const { vault } = await createVault(nodeProvider(), "bench");
  const storage = sqliteStorage(join(folder, "vault.db"));
  let bytes = 0;
  const store = vaultStore(vault, {
    ...storage,
    apply(changes) {
      for (const { key, value } of changes.puts) bytes += key.length + value.length;
      return storage.apply(changes);
    },
  });
  return { store, written: () => bytes };
}

/** Puts the whole state of a new epoch in place of what was there. */
export async function putEpoch(draft: Draft, id: string, { base, secrets }: MlsSnapshot): Promise<void> {
  for (const { order } of await draft.page(groupNames.secrets(id))) {
    draft.deleteItem(groupNames.secrets(id), order);
  }
  draft.put(groupNames.state(id), base);
  putDelta(draft, id, secrets);
}

/** Puts what one message changed. */
export function putDelta(draft: Draft, id: string, delta: MlsDelta): void {
  for (const record of delta) draft.putItem(groupNames.secrets(id), record.id, record.bytes);
}
