/**
 * The SDK for Node: the client core on node:crypto, node:sqlite, Connect and `ws`.
 *
 * register() makes an account and its vault, open() puts it to work. See docs/sdk.md, and docs/examples for a bot in twenty lines.
 */
import { openVault, type Vault } from "@sotto/crypto";
import { formatFingerprint, parseIdentifier } from "@sotto/protocol";
import { nodeEnv } from "./adapters/node/env.ts";
import { registerInFolder } from "./adapters/node/register.ts";
import { factsOf, trustServer, type PublicServerFacts } from "./adapters/node/server-choice.ts";
import { nodeTransport } from "./adapters/node/transport.ts";
import { openVaultFolder } from "./adapters/node/vault-folder.ts";
import type { Messenger, OpenOptions, RegisterOptions, ServerChoice } from "./api.ts";
import { names } from "./core/records.ts";
import { requestOneTimeCode, type CodeRequested } from "./core/registration.ts";
import { startMessenger } from "./core/start.ts";
import type { Storage } from "./core/storage.ts";
import type { Transport } from "./core/transport.ts";
import { vaultStore } from "./core/vault-store.ts";

export * from "./index.ts";
export type { PublicServerFacts } from "./adapters/node/server-choice.ts";
export type { CodeRequested } from "./core/registration.ts";

/**
 * Asks a server for its public facts. When `choice` carries a key, the server's must equal it.
 * @throws TransportError `server_unreachable`; CryptoError `server_key_mismatch`; UsageError `usage`.
 */
export async function fetchServerFacts(choice: ServerChoice): Promise<PublicServerFacts> {
  return factsOf(nodeEnv(), choice);
}

/**
 * Has the server send a one-time password to the identifier.
 * @throws UsageError `identifier_invalid`, `usage`; TransportError `server_unreachable`; CryptoError `server_key_mismatch`;
 * RefusedError `rate_limited`, `code_delivery_failed`, `server_full`.
 */
export async function requestCode(
  options: ServerChoice & { readonly identifier: string },
): Promise<CodeRequested> {
  const env = nodeEnv();
  const identifier = parseIdentifier(options.identifier);
  const { transport, serverKey } = await trustServer(env, options);
  return requestOneTimeCode(env, transport, serverKey, identifier);
}

/**
 * Makes an account and its vault in `home`. When `code` is a function, a one-time password is requested first. A call that was cut off
 * can be repeated in the same home, with the same passphrase: it goes on with the same keys.
 * @throws StorageError `vault_exists`, `vault_locked`, `vault_foreign`, `passphrase_wrong`; RefusedError `code_refused`,
 * `identifier_taken`, `server_full`; and as requestCode.
 */
export async function register(options: RegisterOptions): Promise<Messenger["self"]> {
  const own = await registerInFolder(nodeEnv(), options);
  return {
    identifier: own.identifier,
    accountId: own.account,
    deviceId: own.device,
    serverOrigin: own.serverOrigin,
    serverFingerprint: formatFingerprint(own.serverFingerprint),
  };
}

/**
 * Opens the vault in `home` and connects. Resolves before the connection stands.
 * @throws StorageError `passphrase_wrong`, `vault_missing`, `vault_locked`, `vault_damaged`, `vault_foreign`.
 */
export async function open(options: OpenOptions): Promise<Messenger> {
  const env = nodeEnv();
  const { header, openStorage, release } = openVaultFolder(options.home);
  let storage: Storage | undefined;
  try {
    const vault = await openVault(env.crypto, await header.read(), options.passphrase);
    storage = openStorage();
    const transport = options.connect === false ? undefined : await transportOf(vault, storage);
    return await startMessenger({ env, vault, header, storage, transport });
  } catch (cause) {
    await storage?.close();
    release();
    throw cause;
  }
}

async function transportOf(vault: Vault, storage: Storage): Promise<Transport | undefined> {
  const own = await vaultStore(vault, storage).get(names.own);
  return own && nodeTransport(own.serverOrigin);
}
