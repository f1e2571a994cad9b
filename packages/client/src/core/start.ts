/**
 * Putting a messenger together from ports: what the entry points for Node and for browsers share, and what tests use with a
 * simulated world.
 */
import type { Vault } from "@sotto/crypto";
import { StorageError } from "@sotto/protocol";
import type { Messenger } from "../api.ts";
import type { OpenFile } from "./attachments/files.ts";
import { startEngine } from "./engine.ts";
import type { Env } from "./env.ts";
import { messengerOf } from "./messenger.ts";
import { names } from "./records.ts";
import type { Storage } from "./storage.ts";
import type { Transport } from "./transport.ts";
import type { HeaderFile } from "./vault-header.ts";
import { vaultStore } from "./vault-store.ts";

/** What a messenger is made of. */
export interface MessengerParts {
  readonly env: Env;
  /** Opened with the passphrase; `header` is where its wrapped key lies. */
  readonly vault: Vault;
  readonly header: HeaderFile;
  /** Belongs to the messenger from then on, and is closed with it. */
  readonly storage: Storage;
  /** undefined: work with what is stored, without a connection. */
  readonly transport: Transport | undefined;
  /** Removes the vault for good, once it is closed; absent: whoever made the storage does. */
  readonly discard?: () => void | Promise<void>;
  /** Finds files again that were being sent when the process ended, by their `reference`. */
  readonly openFile?: OpenFile;
}

/** Starts a messenger on a vault that holds a registered account. @throws StorageError `vault_missing`, and what the storage throws. */
export async function startMessenger(parts: MessengerParts): Promise<Messenger> {
  const store = vaultStore(parts.vault, parts.storage);
  const own = await store.get(names.own);
  if (own?.status !== "registered") {
    throw new StorageError("vault_missing", "the account in that vault was not finished");
  }
  const engine = await startEngine(store, parts.transport, parts.env, parts.openFile);
  return messengerOf(engine, parts.env, parts.header, parts.discard ?? (() => undefined));
}
