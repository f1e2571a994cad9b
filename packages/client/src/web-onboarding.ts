/**
 * The SDK for browsers, first steps: making an account, linking this browser to one, and coming back. Apart from web.ts, since a browser
 * that has its account never needs it again.
 */
import { vaultOfKey } from "@sotto/crypto";
import { parseIdentifier } from "@sotto/protocol";
import { openDatabase } from "./adapters/web/database.ts";
import { webEnv } from "./adapters/web/env.ts";
import { indexedDbStorage } from "./adapters/web/indexed-db-storage.ts";
import { webTransport } from "./adapters/web/transport.ts";
import { takeVaultPlace } from "./adapters/web/vault-place.ts";
import type {
  BackupInfo,
  Messenger,
  NewAccount,
  NewLink,
  Recovery,
  Reset,
  ResetState,
  Restore,
  ServerChoice,
} from "./api.ts";
import type { FileSource } from "./attachment-api.ts";
import { selfOf } from "./core/messenger.ts";
import { link } from "./core/onboarding/link.ts";
import { recover as recoverAccount } from "./core/onboarding/recover.ts";
import { register as registerAccount } from "./core/onboarding/register.ts";
import { reset as resetAccount } from "./core/onboarding/reset.ts";
import { inspect, restore as restoreBackup } from "./core/onboarding/restore.ts";
import { factsOf, trustServer, type PublicServerFacts } from "./core/onboarding/server-choice.ts";
import type { OnboardingWorld } from "./core/onboarding/world.ts";
import { names } from "./core/records.ts";
import { requestOneTimeCode, type CodeRequested } from "./core/registration.ts";
import { vaultStore } from "./core/vault-store.ts";

/** A browser, with a database for the vault. */
function worldOf(name: string): OnboardingWorld {
  return { env: webEnv(), transportTo: webTransport, takePlace: () => takeVaultPlace(name) };
}

/** As in node.ts. */
export async function fetchServerFacts(choice: ServerChoice): Promise<PublicServerFacts> {
  return factsOf(worldOf(""), choice);
}

/** As in node.ts. */
export async function requestCode(
  options: ServerChoice & { readonly identifier: string; readonly forExisting?: boolean },
): Promise<CodeRequested> {
  const world = worldOf("");
  const identifier = parseIdentifier(options.identifier);
  const { transport, serverKey } = await trustServer(world, options);
  return requestOneTimeCode(world.env, transport, serverKey, identifier, options.forExisting);
}

/** Makes an account and its vault of that name. As register in node.ts. */
export async function register(name: string, options: NewAccount): Promise<Messenger["self"]> {
  return selfOf(await registerAccount(worldOf(name), options));
}

/** Makes this browser a device of an account. As linkDevice in node.ts. */
export async function linkDevice(name: string, options: NewLink): Promise<Messenger["self"]> {
  return selfOf(await link(worldOf(name), options));
}

/** Brings an account back with its recovery key. As recover in node.ts. */
export async function recover(name: string, options: Recovery): Promise<Messenger["self"]> {
  return selfOf(await recoverAccount(worldOf(name), options));
}

/** Begins or ends a reset. As in node.ts. */
export async function reset(name: string, options: Reset): Promise<ResetState> {
  return resetAccount(worldOf(name), options);
}

/** Whose a backup file is. As in node.ts. */
export async function inspectBackup(options: {
  readonly file: FileSource;
  readonly passphrase: string;
}): Promise<BackupInfo> {
  return inspect(webEnv(), options.file, options.passphrase);
}

/** Makes this browser a device of an account, out of a backup file. As restore in node.ts. */
export async function restore(name: string, options: Restore): Promise<Messenger["self"]> {
  return selfOf(await restoreBackup(worldOf(name), options));
}

/** What a registration or reset that was not finished left in a vault. */
export interface PendingAccount {
  /** undefined: nothing but the vault was made. */
  readonly identifier: string | undefined;
}

/** Reads it. undefined when the account is registered. @param key of unlockVault(), 32 bytes. @throws as open() in web.ts. */
export async function pendingAccount(name: string, key: Uint8Array): Promise<PendingAccount | undefined> {
  const database = await openDatabase(name);
  const vault = await vaultOfKey(webEnv().crypto, key);
  const store = vaultStore(vault, indexedDbStorage(database, 0));
  try {
    const own = await store.get(names.own);
    return own?.status === "registered" ? undefined : { identifier: own?.identifier };
  } finally {
    await store.close();
  }
}
