/** What both providers refuse before a platform sees it, so that they take and refuse exactly the same. */
import { CryptoError, equalBytes, parseHex } from "@sotto/protocol";

/** Largest plaintext of RSA-2048 with OAEP and SHA-256, in bytes. */
const maxOaepBytes = 256 - 2 * 32 - 2;
const maxHkdfBytes = 255 * 32;
const tagBytes = 16;

/** DER in front of the 32-byte seed in an Ed25519 PKCS #8 key (RFC 8410 §7). */
export const ED25519_PKCS8_PREFIX = hex("302e020100300506032b657004220420");
/** DER in front of the 32 bytes in an Ed25519 SubjectPublicKeyInfo (RFC 8410 §4). */
export const ED25519_SPKI_PREFIX = hex("302a300506032b6570032100");

/** The error for a key, nonce or parameter that a primitive cannot take. */
export function keyInvalid(what: string, cause?: unknown): CryptoError {
  return new CryptoError("key_invalid", what, { cause });
}

/** The one error for everything that does not open. It carries no cause: no difference must show. */
export function decryptionFailed(): CryptoError {
  return new CryptoError("decryption_failed", "it does not decrypt");
}

/** @throws CryptoError `key_invalid`. */
export function checkLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw keyInvalid(`${what} must have ${length} bytes`);
}

/** Key and nonce of AES-256-GCM. @throws CryptoError `key_invalid`. */
export function checkGcm(key: Uint8Array, nonce: Uint8Array): void {
  checkLength("an AES-256 key", key, 32);
  checkLength("a GCM nonce", nonce, 12);
}

/** The same, before opening. @throws CryptoError `key_invalid`, `decryption_failed` for what is shorter than a tag. */
export function checkGcmOpen(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): void {
  checkGcm(key, nonce);
  if (sealed.length < tagBytes) throw decryptionFailed();
}

/** Key and IV of AES-256-CFB. @throws CryptoError `key_invalid`. */
export function checkCfb(key: Uint8Array, iv: Uint8Array): void {
  checkLength("an AES-256 key", key, 32);
  checkLength("a CFB IV", iv, 16);
}

/** @throws CryptoError `key_invalid`. */
export function checkHkdf(info: Uint8Array, length: number): void {
  // What OpenSSL takes.
  if (info.length > 1024) throw keyInvalid("HKDF takes at most 1,024 bytes of info");
  if (!Number.isInteger(length) || length < 1 || length > maxHkdfBytes) {
    throw keyInvalid(`HKDF gives 1 to ${maxHkdfBytes} bytes`);
  }
}

/** @throws CryptoError `key_invalid`. */
export function checkPbkdf2(iterations: number, length: number): void {
  if (!Number.isInteger(iterations) || iterations < 1 || iterations > 0x7fffffff) {
    throw keyInvalid("PBKDF2 needs at least one iteration");
  }
  if (!Number.isInteger(length) || length < 1 || length > 0xffff)
    throw keyInvalid("PBKDF2 gives 1 to 65,535 bytes");
}

/** @throws CryptoError `key_invalid`. */
export function checkOaepPlaintext(plaintext: Uint8Array): void {
  if (plaintext.length > maxOaepBytes) throw keyInvalid(`RSA-OAEP takes at most ${maxOaepBytes} bytes`);
}

// The y coordinates of the eight points of small order, 0 and 1 in their second encoding (p and p + 1) too. Whoever lists
// such a key can make one signature fit many messages (platforms differ in whether they notice).
const smallOrder = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map(hex);

/** Whether 32 bytes may be an Ed25519 public key: not one of the points of small order. */
export function isUsableEd25519Key(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false;
  // A copy whatever the caller's array is: Node's byte arrays share memory when sliced, and this one is altered.
  const y = Uint8Array.from(publicKey);
  y[31] = (y[31] ?? 0) & 0x7f;
  return !smallOrder.some((point) => equalBytes(point, y));
}

function hex(text: string): Uint8Array<ArrayBuffer> {
  return parseHex(text) ?? new Uint8Array();
}
