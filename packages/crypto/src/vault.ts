/**
 * The vault: everything that a client keeps is sealed under one random 256-bit key, which is wrapped by a key from the
 * passphrase (passphrase-header.ts, with the magic "SOTTOVLT"). Records are sealed with AES-256-GCM and random nonces, so one
 * vault seals at most 2^32 records (NIST SP 800-38D §8.3).
 * @see spec/PROTOCOL.md "The vault"
 */
import { LABELS, StorageError, UsageError, concatBytes, labelled, utf8 } from "@sotto/protocol";
import {
  openPassphraseHeader,
  parsePassphraseHeader,
  sealPassphraseHeader,
  type HeaderKind,
  type PassphraseHeader,
} from "./passphrase-header.ts";
import type { Awaitable, CryptoProvider } from "./provider.ts";

/** Seals and opens what a client keeps. */
export interface Vault {
  /** Seals a record for the storage key that it is kept under: version 1, nonce 12, ciphertext, tag 16 (29 bytes more). */
  seal(key: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>;
  /** @throws StorageError `vault_damaged` for anything that this vault did not seal for this very key. */
  open(key: Uint8Array, sealed: Uint8Array): Promise<Uint8Array>;
  /** A storage key that tells nothing about the name behind it. @param length 1 to 32 bytes, 32 if absent. */
  blind(name: string | Uint8Array, length?: number): Awaitable<Uint8Array>;
}

const vaultHeader: HeaderKind = {
  magic: "SOTTOVLT",
  label: LABELS.vaultWrap,
  what: "the vault",
  damaged: "vault_damaged",
  foreign: "vault_foreign",
};
const recordVersion = 1;
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;

/** Makes a vault with a fresh key. @throws UsageError `usage` for an empty passphrase. */
export async function createVault(
  provider: CryptoProvider,
  passphrase: string,
): Promise<{ header: Uint8Array; vault: Vault }> {
  const key = provider.randomBytes(keyBytes);
  const header = await sealPassphraseHeader(provider, vaultHeader, key, passphrase);
  const vault = await vaultOfKey(provider, key);
  key.fill(0);
  return { header, vault };
}

/**
 * @throws StorageError `passphrase_wrong`, `vault_foreign` when a newer version wrote the header, or `vault_damaged` when it is not as it
 * was written.
 */
export async function openVault(
  provider: CryptoProvider,
  header: Uint8Array,
  passphrase: string,
): Promise<Vault> {
  const key = await unwrapVaultKey(provider, header, passphrase);
  const vault = await vaultOfKey(provider, key);
  key.fill(0);
  return vault;
}

/**
 * The header for a changed passphrase: the same key, wrapped anew. What is sealed stays as it is.
 * @throws StorageError `passphrase_wrong`, `vault_foreign`, `vault_damaged`; UsageError `usage` for an empty new passphrase.
 */
export async function rewrapVault(
  provider: CryptoProvider,
  header: Uint8Array,
  current: string,
  next: string,
): Promise<Uint8Array> {
  const key = await unwrapVaultKey(provider, header, current);
  try {
    return await sealPassphraseHeader(provider, vaultHeader, key, next);
  } finally {
    key.fill(0);
  }
}

/**
 * The vault's key itself, 32 bytes, the caller's to erase: for browsers, whose tabs hand it to each other, and which can wrap it by a
 * passkey as well.
 * @throws as openVault.
 */
export function unwrapVaultKey(
  provider: CryptoProvider,
  bytes: Uint8Array,
  passphrase: string,
): Promise<Uint8Array> {
  return openPassphraseHeader(provider, vaultHeader, bytes, passphrase);
}

/** Cuts a header into its fields, bounds checked, its check not. @throws StorageError `vault_damaged`. */
export const parseVaultHeader = (bytes: Uint8Array): PassphraseHeader =>
  parsePassphraseHeader(vaultHeader, bytes);

/** Length in bytes of a vault key as sealPasskeyWrap() gives it. */
export const PASSKEY_WRAP_BYTES = nonceBytes + keyBytes + tagBytes;

/**
 * The vault's key wrapped a second time, by what a passkey gives: nonce 12, ciphertext 32, tag 16.
 * @param secret of the passkey's PRF, 32 bytes. @param credentialId which passkey it is of.
 */
export async function sealPasskeyWrap(
  provider: CryptoProvider,
  key: Uint8Array,
  secret: Uint8Array,
  credentialId: Uint8Array,
): Promise<Uint8Array> {
  const wrappingKey = await passkeyWrappingKey(provider, secret);
  const nonce = provider.randomBytes(nonceBytes);
  const aad = labelled(LABELS.vaultPasskey, credentialId);
  const wrapped = await provider.aesGcmSeal(wrappingKey, nonce, key, aad);
  wrappingKey.fill(0);
  return concatBytes(nonce, wrapped);
}

/** The vault's key, 32 bytes, the caller's to erase. @throws StorageError `passphrase_wrong` when it was wrapped by another secret, or altered. */
export async function openPasskeyWrap(
  provider: CryptoProvider,
  wrap: Uint8Array,
  secret: Uint8Array,
  credentialId: Uint8Array,
): Promise<Uint8Array> {
  const wrappingKey = await passkeyWrappingKey(provider, secret);
  const aad = labelled(LABELS.vaultPasskey, credentialId);
  try {
    if (wrap.length !== PASSKEY_WRAP_BYTES) {
      throw new StorageError("vault_damaged", "the wrap for a passkey has a wrong length");
    }
    return await provider.aesGcmOpen(
      wrappingKey,
      wrap.subarray(0, nonceBytes),
      wrap.subarray(nonceBytes),
      aad,
    );
  } catch (cause) {
    throw new StorageError("passphrase_wrong", "the passkey does not open the vault", { cause });
  } finally {
    wrappingKey.fill(0);
  }
}

/** @throws UsageError `usage` for a secret of another length than 32 bytes. */
async function passkeyWrappingKey(provider: CryptoProvider, secret: Uint8Array): Promise<Uint8Array> {
  if (secret.length !== keyBytes) throw new UsageError("usage", "a passkey's secret has 32 bytes");
  return provider.hkdfSha256(secret, new Uint8Array(), utf8(LABELS.vaultPasskey), keyBytes);
}

/** The vault under a key of unwrapVaultKey. The key is not kept. */
export async function vaultOfKey(provider: CryptoProvider, key: Uint8Array): Promise<Vault> {
  const none = new Uint8Array();
  const recordKey = await provider.hkdfSha256(key, none, utf8(LABELS.vaultRecord), keyBytes);
  const nameKey = await provider.hkdfSha256(key, none, utf8(LABELS.vaultKeyName), keyBytes);
  return {
    async seal(storageKey, plaintext) {
      const nonce = provider.randomBytes(nonceBytes);
      const aad = labelled(LABELS.vaultRecord, storageKey);
      const sealed = await provider.aesGcmSeal(recordKey, nonce, plaintext, aad);
      return concatBytes(Uint8Array.of(recordVersion), nonce, sealed);
    },
    async open(storageKey, sealed) {
      const record = parseSealedRecord(sealed);
      const aad = labelled(LABELS.vaultRecord, storageKey);
      try {
        return await provider.aesGcmOpen(recordKey, record.nonce, record.ciphertext, aad);
      } catch (cause) {
        throw new StorageError("vault_damaged", "a stored record was altered", { cause });
      }
    },
    async blind(name, length = 32) {
      if (!Number.isInteger(length) || length < 1 || length > 32) {
        throw new UsageError("usage", "a blinded name has 1 to 32 bytes");
      }
      const digest = await provider.hmacSha256(nameKey, typeof name === "string" ? utf8(name) : name);
      return digest.slice(0, length);
    },
  };
}

/** Cuts a sealed record into nonce and ciphertext (views). @throws StorageError `vault_damaged`. */
export function parseSealedRecord(sealed: Uint8Array): { nonce: Uint8Array; ciphertext: Uint8Array } {
  if (sealed.length < 1 + nonceBytes + tagBytes || sealed[0] !== recordVersion) {
    throw new StorageError("vault_damaged", "a stored record is no sealed record");
  }
  return { nonce: sealed.subarray(1, 1 + nonceBytes), ciphertext: sealed.subarray(1 + nonceBytes) };
}
