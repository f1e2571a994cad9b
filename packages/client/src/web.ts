/**
 * The SDK for browsers: the client core on WebCrypto, noble, IndexedDB, fetch and WebSocket. It runs in a worker as well as in a page.
 * Making an account, and coming back to one, stands apart in web-onboarding.ts: it is needed once, and can be loaded then. What a locked
 * vault needs stands in web-vault.ts: it is small, and can be loaded before.
 *
 * A vault has a name instead of a folder. Whoever uses one holds it: two tabs must not at once, which is theirs to arrange, by a lock; one
 * that goes on all the same can write no more as soon as the other has opened it.
 */
import { vaultOfKey } from "@sotto/crypto";
import { webEnv } from "./adapters/web/env.ts";
import { webTransport } from "./adapters/web/transport.ts";
import { takeVaultPlace } from "./adapters/web/vault-place.ts";
import type { Messenger } from "./api.ts";
import type { OpenFile } from "./core/attachments/files.ts";
import type { VaultPlace } from "./core/onboarding/world.ts";
import { names } from "./core/records.ts";
import { startMessenger } from "./core/start.ts";
import type { Storage } from "./core/storage.ts";
import { vaultStore } from "./core/vault-store.ts";

export * from "./index.ts";
export * from "./web-vault.ts";
export { indexedDbStorage } from "./adapters/web/indexed-db-storage.ts";
export { openDatabase, takeLease } from "./adapters/web/database.ts";
export type { PublicServerFacts } from "./core/onboarding/server-choice.ts";
export type { CodeRequested } from "./core/registration.ts";

/** Opens a vault by its key and connects. `openFile`: see AttachmentInput. Resolves before the connection stands. @throws StorageError `vault_missing`, `vault_damaged`. */
export async function open(
  name: string,
  key: Uint8Array,
  options: { readonly openFile?: OpenFile } = {},
): Promise<Messenger> {
  const env = webEnv();
  const place: VaultPlace = await takeVaultPlace(name);
  let storage: Storage | undefined;
  try {
    const vault = await vaultOfKey(env.crypto, key);
    storage = await place.openStorage();
    const own = await vaultStore(vault, storage).get(names.own);
    const transport = own && webTransport(own.serverOrigin);
    const { header } = place;
    const discard = (): void | Promise<void> => place.discard();
    return await startMessenger({ env, vault, header, storage, transport, discard, ...options });
  } catch (cause) {
    await storage?.close();
    place.release();
    throw cause;
  }
}
