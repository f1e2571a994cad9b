/**
 * The SDK for browsers, passkeys: what WebAuthn's PRF extension gives wraps the vault's key a second time, so that a finger or a face opens
 * the vault as the passphrase does. The ceremony is the page's; only its result comes here.
 */
import { openPasskeyWrap, sealPasskeyWrap } from "@sotto/crypto";
import { StorageError, equalBytes } from "@sotto/protocol";
import { openDatabase, type Database } from "./adapters/web/database.ts";
import { webEnv } from "./adapters/web/env.ts";
import { changePasskeys, readPasskeys, type StoredPasskey } from "./adapters/web/passkeys.ts";

/** A passkey that opens a vault. */
export type Passkey = Omit<StoredPasskey, "wrap">;

async function withDatabase<T>(name: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(name);
  try {
    return await work(database);
  } finally {
    database.close();
  }
}

/** The passkeys of a vault. @throws StorageError `storage_failed`, `vault_foreign`. */
export async function passkeysOf(name: string): Promise<readonly Passkey[]> {
  const stored = await withDatabase(name, readPasskeys);
  return stored.map(({ id, salt, addedAt }) => ({ id, salt, addedAt }));
}

/**
 * Lets a passkey open a vault. @param key of the vault, 32 bytes. @param secret what its PRF gave for the salt, 32 bytes.
 * @throws StorageError `vault_missing`, `storage_failed`; UsageError `usage`.
 */
export async function addPasskey(
  name: string,
  key: Uint8Array,
  passkey: Omit<Passkey, "addedAt">,
  secret: Uint8Array,
): Promise<void> {
  const env = webEnv();
  const wrap = await sealPasskeyWrap(env.crypto, key, secret, passkey.id);
  const added = { ...passkey, wrap, addedAt: Math.floor(env.nowMs() / 1000) };
  await withDatabase(name, (database) =>
    changePasskeys(database, (before) => [...before.filter(({ id }) => !equalBytes(id, passkey.id)), added]),
  );
}

/** Takes that away again; the passkey itself stays where it is kept, and opens nothing more here. */
export async function removePasskey(name: string, id: Uint8Array): Promise<void> {
  await withDatabase(name, (database) =>
    changePasskeys(database, (before) => before.filter((known) => !equalBytes(known.id, id))),
  );
}

/** The vault's key, as unlockVault() of web.ts gives it. @throws StorageError `passphrase_wrong` when that passkey does not open it. */
export async function unlockByPasskey(
  name: string,
  passkeyId: Uint8Array,
  secret: Uint8Array,
): Promise<Uint8Array> {
  const known = await withDatabase(name, readPasskeys);
  const found = known.find(({ id }) => equalBytes(id, passkeyId));
  if (found === undefined) throw new StorageError("passphrase_wrong", "that passkey does not open the vault");
  return openPasskeyWrap(webEnv().crypto, found.wrap, secret, passkeyId);
}
