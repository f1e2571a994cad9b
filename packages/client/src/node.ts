/**
 * The SDK for Node: the client core on node:crypto, node:sqlite, Connect and `ws`.
 *
 * register() makes an account and its vault, open() puts it to work. See docs/ for a bot in twenty lines.
 */
import {
  createVault,
  exportPublicKey,
  fingerprintOf,
  importPublicKey,
  openVault,
  verifyServerKey,
} from "@sotto/crypto";
import type { ServerKey, Vault } from "@sotto/crypto";
import {
  StorageError,
  UsageError,
  formatFingerprint,
  parseFingerprint,
  parseIdentifier,
  parseServerAddress,
} from "@sotto/protocol";
import { nodeEnv } from "./adapters/node/env.ts";
import { nodeTransport } from "./adapters/node/transport.ts";
import { openVaultFolder, prepareVaultFolder, type VaultFolder } from "./adapters/node/vault-folder.ts";
import type { Messenger, OpenOptions, RegisterOptions, ServerChoice } from "./api.ts";
import type { Env } from "./core/env.ts";
import { names, type OwnAccount } from "./core/records.ts";
import {
  canSignIn,
  isDefinitive,
  markRegistered,
  registerPending,
  requestOneTimeCode,
  storeNewAccount,
  type CodeRequested,
} from "./core/registration.ts";
import { startMessenger } from "./core/start.ts";
import type { Storage } from "./core/storage.ts";
import type { Transport } from "./core/transport.ts";
import { vaultStore, type VaultStore } from "./core/vault-store.ts";

export * from "./index.ts";
export type { CodeRequested } from "./core/registration.ts";

/** What a server says of itself, before anything of it is trusted. */
export interface PublicServerFacts {
  /** `https://host[:port]`. */
  readonly origin: string;
  /** SHA-256 of the server's public key: 43 characters of base64url. */
  readonly fingerprint: string;
  /** SubjectPublicKeyInfo in PEM. */
  readonly publicKeyPem: string;
  readonly version: string;
  readonly protocolVersion: number;
  readonly serverTimeMs: number;
  readonly registrationOpen: boolean;
  readonly classicAllowed: boolean;
}

/**
 * Asks a server for its public facts. When `choice` carries a key, the server's must equal it.
 * @throws TransportError `server_unreachable`; CryptoError `server_key_mismatch`; UsageError `usage`.
 */
export async function fetchServerFacts(choice: ServerChoice): Promise<PublicServerFacts> {
  const env = nodeEnv();
  const { origin, fingerprint } = await resolveChoice(env, choice);
  const { publicKey, ...facts } = await nodeTransport(origin).getServer();
  const actual = await fingerprintOf(env.crypto, publicKey);
  const key = await verifyServerKey(env.crypto, fingerprint ?? actual, publicKey);
  return {
    origin,
    fingerprint: formatFingerprint(key.fingerprint),
    publicKeyPem: exportPublicKey(publicKey),
    ...facts,
  };
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
 * @throws StorageError `vault_exists`, `vault_locked`, `vault_foreign`; RefusedError `code_refused`, `identifier_taken`, `server_full`;
 * and as requestCode.
 */
export async function register(options: RegisterOptions): Promise<Messenger["self"]> {
  const env = nodeEnv();
  const identifier = parseIdentifier(options.identifier);
  if (options.passphrase === "") throw new UsageError("usage", "the passphrase must not be empty");
  const server = await trustServer(env, options);
  const folder = prepareVaultFolder(options.home);
  let store: VaultStore | undefined;
  try {
    if (folder.exists) {
      store = await openStore(env, folder, options.passphrase);
      const before = await store.get(names.own);
      if (before?.status === "registered") {
        throw new StorageError("vault_exists", "that folder holds an account already");
      }
      if (before?.identifier === identifier && (await canSignIn(env, store, server.transport))) {
        await markRegistered(store, before);
        return selfOf(before);
      }
    }
    const code = await askCode(env, server, options);
    store ??= await makeStore(env, folder, options.passphrase);
    const own = await pendingAccount(env, store, identifier, server);
    try {
      await registerPending(env, store, server.transport, server.serverKey, own, code);
    } catch (cause) {
      if (!isDefinitive(cause)) throw cause;
      // An earlier try may have succeeded after all; then these keys are the account's only ones.
      if (folder.exists && (await canSignIn(env, store, server.transport))) {
        await markRegistered(store, own);
        return selfOf(own);
      }
      await store.close();
      store = undefined;
      folder.discard();
      throw cause;
    }
    return selfOf(own);
  } finally {
    await store?.close();
    folder.release();
  }
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

interface TrustedServer {
  readonly origin: string;
  readonly transport: Transport;
  readonly serverKey: ServerKey;
}

async function trustServer(env: Env, choice: ServerChoice): Promise<TrustedServer> {
  const { origin, fingerprint } = await resolveChoice(env, choice);
  if (fingerprint === undefined) {
    throw new UsageError("usage", "the server's key must be known: give its fingerprint, or an invite link");
  }
  const transport = nodeTransport(origin);
  const { publicKey } = await transport.getServer();
  return { origin, transport, serverKey: await verifyServerKey(env.crypto, fingerprint, publicKey) };
}

async function resolveChoice(
  env: Env,
  { server, serverKey }: ServerChoice,
): Promise<{ origin: string; fingerprint: Uint8Array | undefined }> {
  const address = parseServerAddress(server);
  if (serverKey === undefined) return address;
  const given = serverKey.includes("BEGIN")
    ? await fingerprintOf(env.crypto, importPublicKey(serverKey))
    : parseFingerprint(serverKey);
  if (given === undefined) {
    throw new UsageError(
      "usage",
      "the server's key must be a fingerprint (43 characters) or a public key in PEM",
    );
  }
  if (
    address.fingerprint !== undefined &&
    formatFingerprint(address.fingerprint) !== formatFingerprint(given)
  ) {
    throw new UsageError("usage", "the invite link and the server key name different keys");
  }
  return { origin: address.origin, fingerprint: given };
}

async function askCode(env: Env, server: TrustedServer, options: RegisterOptions): Promise<string> {
  if (typeof options.code === "string") return options.code;
  await requestOneTimeCode(env, server.transport, server.serverKey, parseIdentifier(options.identifier));
  return options.code();
}

async function openStore(env: Env, folder: VaultFolder, passphrase: string): Promise<VaultStore> {
  const vault = await openVault(env.crypto, await folder.header.read(), passphrase);
  return vaultStore(vault, folder.openStorage());
}

async function makeStore(env: Env, folder: VaultFolder, passphrase: string): Promise<VaultStore> {
  const { header, vault } = await createVault(env.crypto, passphrase);
  const storage = folder.openStorage();
  await folder.header.write(header);
  return vaultStore(vault, storage);
}

async function pendingAccount(
  env: Env,
  store: VaultStore,
  identifier: ReturnType<typeof parseIdentifier>,
  server: TrustedServer,
): Promise<OwnAccount> {
  const before = await store.get(names.own);
  if (before !== undefined && before.identifier === identifier && before.serverOrigin === server.origin)
    return before;
  return storeNewAccount(env, store, {
    identifier,
    serverOrigin: server.origin,
    serverKey: server.serverKey,
  });
}

function selfOf(own: OwnAccount): Messenger["self"] {
  return {
    identifier: own.identifier,
    accountId: own.account,
    deviceId: own.device,
    serverOrigin: own.serverOrigin,
    serverFingerprint: formatFingerprint(own.serverFingerprint),
  };
}
