/**
 * The vault: everything that a client keeps is sealed under one random 256-bit key, which is wrapped by a key from the
 * passphrase. The header that holds the wrapped key is a fixed 122 bytes:
 *
 *     magic "SOTTOVLT" 8 | version 1 | kdf 1 (1 = PBKDF2-HMAC-SHA256) | iterations 4, big-endian | salt 16
 *     | nonce 12 | wrapped key 32 + tag 16 | check 32 = SHA-256 of everything before
 *
 * The check tells damage from a wrong passphrase; it is no secret, the tag is what authenticates. Records are sealed with
 * AES-256-GCM and random nonces, so one vault seals at most 2^32 records (NIST SP 800-38D §8.3).
 * @see spec/PROTOCOL.md "The vault"
 */
import { LABELS, StorageError, UsageError, concatBytes, equalBytes, labelled, utf8 } from "@sotto/protocol";
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

/** Iterations of PBKDF2 in new headers. */
export const VAULT_ITERATIONS = 600_000;
/** Length of a vault header in bytes. */
export const VAULT_HEADER_BYTES = 122;

// More than this would hang a client that was given a forged header; fewer were never written.
const minIterations = 600_000;
const maxIterations = 10_000_000;
const magic = utf8("SOTTOVLT");
const headerVersion = 1;
const kdfPbkdf2 = 1;
const recordVersion = 1;
const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;
const checkBytes = 32;

/** A header's fields, its check not yet compared. */
interface Header {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly wrapped: Uint8Array;
  /** Everything before the check. */
  readonly body: Uint8Array;
  readonly check: Uint8Array;
  /** Everything before the nonce: what the wrap authenticates. */
  readonly parameters: Uint8Array;
}

/**
 * Makes a vault with a fresh key. Passphrases count in Unicode form NFC, so that it does not matter how "é" was typed.
 * @throws UsageError `usage` for an empty passphrase.
 */
export async function createVault(
  provider: CryptoProvider,
  passphrase: string,
): Promise<{ header: Uint8Array; vault: Vault }> {
  const key = provider.randomBytes(keyBytes);
  const header = await wrap(provider, key, passphrase);
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
    return await wrap(provider, key, next);
  } finally {
    key.fill(0);
  }
}

async function wrap(provider: CryptoProvider, key: Uint8Array, passphrase: string): Promise<Uint8Array> {
  if (passphrase === "") throw new UsageError("usage", "the passphrase must not be empty");
  const salt = provider.randomBytes(saltBytes);
  const iterations = new Uint8Array(4);
  new DataView(iterations.buffer).setUint32(0, VAULT_ITERATIONS);
  const parameters = concatBytes(magic, Uint8Array.of(headerVersion, kdfPbkdf2), iterations, salt);
  const wrappingKey = await derive(provider, passphrase, salt, VAULT_ITERATIONS);
  const nonce = provider.randomBytes(nonceBytes);
  const wrapped = await provider.aesGcmSeal(wrappingKey, nonce, key, labelled(LABELS.vaultWrap, parameters));
  wrappingKey.fill(0);
  const body = concatBytes(parameters, nonce, wrapped);
  return concatBytes(body, await provider.sha256(body));
}

/**
 * The vault's key itself, 32 bytes, the caller's to erase: for browsers, whose tabs hand it to each other, and which can wrap it by a
 * passkey as well.
 * @throws as openVault.
 */
export async function unwrapVaultKey(
  provider: CryptoProvider,
  bytes: Uint8Array,
  passphrase: string,
): Promise<Uint8Array> {
  if (await isNewer(provider, bytes)) {
    throw new StorageError("vault_foreign", "the vault was made by a newer version of Sotto");
  }
  const header = parseVaultHeader(bytes);
  if (!equalBytes(await provider.sha256(header.body), header.check)) throw damaged("fails its check");
  const wrappingKey = await derive(provider, passphrase, header.salt, header.iterations);
  const aad = labelled(LABELS.vaultWrap, header.parameters);
  try {
    return await provider.aesGcmOpen(wrappingKey, header.nonce, header.wrapped, aad);
  } catch (cause) {
    throw new StorageError("passphrase_wrong", "the passphrase is wrong", { cause });
  } finally {
    wrappingKey.fill(0);
  }
}

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
    if (wrap.length !== PASSKEY_WRAP_BYTES) throw damaged("for a passkey has a wrong length");
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

/** Whether a header is whole, whatever its length, and of a version or with a derivation that this program does not know. */
async function isNewer(provider: CryptoProvider, bytes: Uint8Array): Promise<boolean> {
  const checkAt = bytes.length - checkBytes;
  if (checkAt < magic.length + 2 || !equalBytes(bytes.subarray(0, magic.length), magic)) return false;
  if (bytes[magic.length] === headerVersion && bytes[magic.length + 1] === kdfPbkdf2) return false;
  return equalBytes(await provider.sha256(bytes.subarray(0, checkAt)), bytes.subarray(checkAt));
}

/** Cuts a header into its fields, bounds checked, its check not. @throws StorageError `vault_damaged`. */
export function parseVaultHeader(bytes: Uint8Array): Header {
  if (bytes.length !== VAULT_HEADER_BYTES) throw damaged("has a wrong length");
  if (!equalBytes(bytes.subarray(0, magic.length), magic)) throw damaged("is no vault header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint8(8) !== headerVersion) throw damaged("has a version that this program does not know");
  if (view.getUint8(9) !== kdfPbkdf2) throw damaged("names a derivation that this program does not know");
  const iterations = view.getUint32(10);
  if (iterations < minIterations || iterations > maxIterations)
    throw damaged("asks for a wrong iteration count");
  const saltAt = 14;
  const nonceAt = saltAt + saltBytes;
  const wrappedAt = nonceAt + nonceBytes;
  const checkAt = wrappedAt + keyBytes + tagBytes;
  return {
    iterations,
    salt: bytes.subarray(saltAt, nonceAt),
    nonce: bytes.subarray(nonceAt, wrappedAt),
    wrapped: bytes.subarray(wrappedAt, checkAt),
    body: bytes.subarray(0, checkAt),
    check: bytes.subarray(checkAt, checkAt + checkBytes),
    parameters: bytes.subarray(0, nonceAt),
  };
}

function derive(
  provider: CryptoProvider,
  passphrase: string,
  salt: Uint8Array,
  iterations: number,
): Awaitable<Uint8Array> {
  return provider.pbkdf2Sha256(utf8(passphrase.normalize("NFC")), salt, iterations, keyBytes);
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

function damaged(how: string): StorageError {
  return new StorageError("vault_damaged", `the vault's header ${how}`);
}
