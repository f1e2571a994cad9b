/**
 * The SDK for Node: the client core on node:crypto, node:sqlite, Connect and `ws`.
 *
 * register() makes an account and its vault, open() puts it to work. See docs/sdk.md, and docs/examples for a bot in twenty lines.
 */
import { openVault, type Vault } from "@sotto/crypto";
import { parseIdentifier } from "@sotto/protocol";
import type { FileSource } from "./attachment-api.ts";
import { fileSource } from "./adapters/node/files.ts";
import { nodeEnv } from "./adapters/node/env.ts";
import { nodeTransport } from "./adapters/node/transport.ts";
import { openVaultFolder, prepareVaultFolder } from "./adapters/node/vault-folder.ts";
import type {
  LinkOptions,
  Messenger,
  OpenOptions,
  RecoverOptions,
  RegisterOptions,
  BackupInfo,
  ResetOptions,
  ResetState,
  RestoreOptions,
  ServerChoice,
} from "./api.ts";
import { link } from "./core/onboarding/link.ts";
import { recover as recoverAccount } from "./core/onboarding/recover.ts";
import { register as registerAccount } from "./core/onboarding/register.ts";
import { reset as resetAccount } from "./core/onboarding/reset.ts";
import { inspect, restore as restoreBackup } from "./core/onboarding/restore.ts";
import { factsOf, trustServer, type PublicServerFacts } from "./core/onboarding/server-choice.ts";
import type { OnboardingWorld } from "./core/onboarding/world.ts";
import { selfOf } from "./core/messenger.ts";
import { names } from "./core/records.ts";
import { requestOneTimeCode, type CodeRequested } from "./core/registration.ts";
import { startMessenger } from "./core/start.ts";
import type { Storage } from "./core/storage.ts";
import type { Transport } from "./core/transport.ts";
import { vaultStore } from "./core/vault-store.ts";

export * from "./index.ts";
export { fileSource, folderSink, type FolderSink } from "./adapters/node/files.ts";
export type { PublicServerFacts } from "./core/onboarding/server-choice.ts";
export type { CodeRequested } from "./core/registration.ts";

/** Node, with a folder for the vault. */
function worldAt(home: string): OnboardingWorld {
  return { env: nodeEnv(), transportTo: nodeTransport, takePlace: () => prepareVaultFolder(home) };
}

/**
 * Asks a server for its public facts. When `choice` carries a key, the server's must equal it.
 * @throws TransportError `server_unreachable`; CryptoError `server_key_mismatch`; UsageError `usage`.
 */
export async function fetchServerFacts(choice: ServerChoice): Promise<PublicServerFacts> {
  return factsOf(worldAt(""), choice);
}

/**
 * Has the server send a one-time password to the identifier. `forExisting`: to come back to an account, not to make one.
 * @throws UsageError `identifier_invalid`, `usage`; TransportError `server_unreachable`; CryptoError `server_key_mismatch`;
 * RefusedError `rate_limited`, `code_delivery_failed`, `server_full`.
 */
export async function requestCode(
  options: ServerChoice & { readonly identifier: string; readonly forExisting?: boolean },
): Promise<CodeRequested> {
  const world = worldAt("");
  const identifier = parseIdentifier(options.identifier);
  const { transport, serverKey } = await trustServer(world, options);
  return requestOneTimeCode(world.env, transport, serverKey, identifier, options.forExisting);
}

/**
 * Makes an account and its vault in `home`. When `code` is a function, a one-time password is requested first. A call that was cut off
 * can be repeated in the same home, with the same passphrase: it goes on with the same keys.
 * @throws StorageError `vault_exists`, `vault_locked`, `vault_foreign`, `passphrase_wrong`; RefusedError `code_refused`,
 * `identifier_taken`, `server_full`; and as requestCode.
 */
export async function register(options: RegisterOptions): Promise<Messenger["self"]> {
  return selfOf(await registerAccount(worldAt(options.home), options));
}

/**
 * Makes `home` a device of an account that exists on another one: shows a code, and resolves when that device approved it. Contacts, groups
 * and history come when it is opened.
 * @throws StorageError `vault_exists`, `vault_foreign`; RefusedError `link_refused` when nobody approved in time; as fetchServerFacts.
 */
export async function linkDevice(options: LinkOptions): Promise<Messenger["self"]> {
  return selfOf(await link(worldAt(options.home), options));
}

/**
 * Brings an account back on a new device with its recovery key, when every other is lost: those are revoked.
 * @throws StorageError `vault_exists`, `vault_foreign`; ValidationError `recovery_key_wrong`; RefusedError `code_refused`,
 * `account_unknown`; and as requestCode.
 */
export async function recover(options: RecoverOptions): Promise<Messenger["self"]> {
  return selfOf(await recoverAccount(worldAt(options.home), options));
}

/**
 * Begins anew under an identifier when every device and the recovery key are lost. The first call begins a delay in which the old account's
 * devices can object; a call in the same home after it, with a fresh code, ends it. Every contact sees that the account is another.
 * @throws StorageError `vault_exists`, `vault_foreign`, `passphrase_wrong`; RefusedError `code_refused`, `account_unknown`; and as requestCode.
 */
export async function reset(options: ResetOptions): Promise<ResetState> {
  return resetAccount(worldAt(options.home), options);
}

/**
 * Reads a backup file to its end, and says whose it is. Nothing is changed, nobody is asked.
 * @throws StorageError `passphrase_wrong`, `backup_damaged`, `backup_foreign`.
 */
export async function inspectBackup(options: {
  readonly file: FileSource;
  readonly passphrase: string;
}): Promise<BackupInfo> {
  return inspect(nodeEnv(), options.file, options.passphrase);
}

/**
 * Makes `home` a device of the account that a backup is of, with everything that it holds. Groups come back as their members meet it.
 * @throws StorageError `vault_exists`, `vault_foreign`, `passphrase_wrong`, `backup_damaged`, `backup_foreign`; ValidationError
 * `backup_outdated`, `device_list_rolled_back`; RefusedError `code_refused`, `account_unknown`; and as requestCode.
 */
export async function restore(options: RestoreOptions): Promise<Messenger["self"]> {
  return selfOf(await restoreBackup(worldAt(options.home), options));
}

/**
 * Opens the vault in `home` and connects. Resolves before the connection stands.
 * @throws StorageError `passphrase_wrong`, `vault_missing`, `vault_locked`, `vault_damaged`, `vault_foreign`.
 */
export async function open(options: OpenOptions): Promise<Messenger> {
  const env = nodeEnv();
  const { header, openStorage, discard, release } = openVaultFolder(options.home);
  let storage: Storage | undefined;
  try {
    const vault = await openVault(env.crypto, await header.read(), options.passphrase);
    storage = openStorage();
    const transport = options.connect === false ? undefined : await transportOf(vault, storage);
    return await startMessenger({ env, vault, header, storage, transport, openFile, discard });
  } catch (cause) {
    await storage?.close();
    release();
    throw cause;
  }
}

/** A file that was being sent is found again by its path. */
async function openFile(path: string): Promise<FileSource | undefined> {
  try {
    return await fileSource(path);
  } catch {
    return undefined;
  }
}

async function transportOf(vault: Vault, storage: Storage): Promise<Transport | undefined> {
  const own = await vaultStore(vault, storage).get(names.own);
  return own && nodeTransport(own.serverOrigin);
}
