/**
 * The header before everything that a passphrase opens: a random key of 32 bytes, wrapped by one from the passphrase, in a fixed 122 bytes:
 *
 *     magic 8 | version 1 | kdf 1 (1 = PBKDF2-HMAC-SHA256) | iterations 4, big-endian | salt 16
 *     | nonce 12 | wrapped key 32 + tag 16 | check 32 = SHA-256 of everything before
 *
 * The check tells damage from a wrong passphrase; it is no secret, the tag is what authenticates. Passphrases count in Unicode form NFC, so
 * that it does not matter how "é" was typed.
 * @see spec/PROTOCOL.md "The vault", "Backup files"
 */
import {
  StorageError,
  UsageError,
  concatBytes,
  equalBytes,
  labelled,
  utf8,
  type ErrorCode,
  type Label,
} from "@sotto/protocol";
import type { Awaitable, CryptoProvider } from "./provider.ts";

/** Iterations of PBKDF2 in new headers. */
const writtenIterations = 600_000;
/** Length of a header in bytes. */
export const PASSPHRASE_HEADER_BYTES = 122;

/** What a header is of. */
export interface HeaderKind {
  /** 8 ASCII characters. */
  readonly magic: string;
  /** Of the wrap. */
  readonly label: Label;
  /** In messages: "the vault", "the backup". */
  readonly what: string;
  /** Not as it was written. */
  readonly damaged: ErrorCode;
  /** Of a newer version. */
  readonly foreign: ErrorCode;
}

// More than this would hang a client that was given a forged header; fewer were never written.
const minIterations = 600_000;
const maxIterations = 10_000_000;
const magicBytes = 8;
const version = 1;
const kdfPbkdf2 = 1;
const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;
const checkBytes = 32;

/** A header's fields, its check not yet compared. */
export interface PassphraseHeader {
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

/** The header that wraps a key. @param key 32 bytes. @throws UsageError `usage` for an empty passphrase. */
export async function sealPassphraseHeader(
  provider: CryptoProvider,
  kind: HeaderKind,
  key: Uint8Array,
  passphrase: string,
): Promise<Uint8Array> {
  if (passphrase === "") throw new UsageError("usage", "the passphrase must not be empty");
  const salt = provider.randomBytes(saltBytes);
  const iterations = new Uint8Array(4);
  new DataView(iterations.buffer).setUint32(0, writtenIterations);
  const parameters = concatBytes(utf8(kind.magic), Uint8Array.of(version, kdfPbkdf2), iterations, salt);
  const wrappingKey = await derive(provider, passphrase, salt, writtenIterations);
  const nonce = provider.randomBytes(nonceBytes);
  const wrapped = await provider.aesGcmSeal(wrappingKey, nonce, key, labelled(kind.label, parameters));
  wrappingKey.fill(0);
  const body = concatBytes(parameters, nonce, wrapped);
  return concatBytes(body, await provider.sha256(body));
}

/**
 * The key of a header, 32 bytes, the caller's to erase.
 * @throws StorageError `passphrase_wrong`; the kind's `foreign` when a newer version wrote it, `damaged` when it is not as it was written.
 */
export async function openPassphraseHeader(
  provider: CryptoProvider,
  kind: HeaderKind,
  bytes: Uint8Array,
  passphrase: string,
): Promise<Uint8Array> {
  if (await isNewer(provider, kind, bytes)) {
    throw new StorageError(kind.foreign, `${kind.what} was made by a newer version of Sotto`);
  }
  const header = parsePassphraseHeader(kind, bytes);
  if (!equalBytes(await provider.sha256(header.body), header.check)) throw damaged(kind, "fails its check");
  const wrappingKey = await derive(provider, passphrase, header.salt, header.iterations);
  const aad = labelled(kind.label, header.parameters);
  try {
    return await provider.aesGcmOpen(wrappingKey, header.nonce, header.wrapped, aad);
  } catch (cause) {
    throw new StorageError("passphrase_wrong", "the passphrase is wrong", { cause });
  } finally {
    wrappingKey.fill(0);
  }
}

/** Whether a header is whole, whatever its length, and of a version or with a derivation that this program does not know. */
async function isNewer(provider: CryptoProvider, { magic }: HeaderKind, bytes: Uint8Array): Promise<boolean> {
  const checkAt = bytes.length - checkBytes;
  if (checkAt < magicBytes + 2 || !equalBytes(bytes.subarray(0, magicBytes), utf8(magic))) return false;
  if (bytes[magicBytes] === version && bytes[magicBytes + 1] === kdfPbkdf2) return false;
  return equalBytes(await provider.sha256(bytes.subarray(0, checkAt)), bytes.subarray(checkAt));
}

/** Cuts a header into its fields, bounds checked, its check not. @throws StorageError the kind's `damaged`. */
export function parsePassphraseHeader(kind: HeaderKind, bytes: Uint8Array): PassphraseHeader {
  if (bytes.length !== PASSPHRASE_HEADER_BYTES) throw damaged(kind, "has a wrong length");
  if (!equalBytes(bytes.subarray(0, magicBytes), utf8(kind.magic))) throw damaged(kind, "is none");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint8(8) !== version) throw damaged(kind, "has a version that this program does not know");
  if (view.getUint8(9) !== kdfPbkdf2) throw damaged(kind, "names an unknown derivation");
  const iterations = view.getUint32(10);
  if (iterations < minIterations || iterations > maxIterations)
    throw damaged(kind, "asks for a wrong iteration count");
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

function damaged({ what, damaged: code }: HeaderKind, how: string): StorageError {
  return new StorageError(code, `the header of ${what} ${how}`);
}
