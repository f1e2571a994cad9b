/**
 * The port through which Sotto reaches cryptographic primitives: node:crypto on servers and terminals,
 * WebCrypto + noble in browsers. Everything above it is pure and awaits only this.
 *
 * Keys cross the port as bytes (SPKI and PKCS #8 in DER for RSA; raw 32 bytes for Ed25519).
 */

/** An Ed25519 key pair (RFC 8032). */
export interface Ed25519KeyPair {
  /** 32-byte seed. */
  readonly privateKey: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** An RSA key pair. */
export interface RsaKeyPair {
  /** PKCS #8, DER. */
  readonly privateKey: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

/** A primitive may answer at once or later; callers always await. */
export type Awaitable<T> = T | Promise<T>;

/**
 * The primitives. Every method throws CryptoError and nothing else: `key_invalid` for a key, nonce, length or parameter that
 * it cannot take, `decryption_failed` for what does not open. Results are new plain byte arrays of the caller's.
 */
export interface CryptoProvider {
  /** For messages to people and for tests: "node:crypto", "webcrypto+noble". */
  readonly name: string;
  /** Bytes from the platform's secure generator. */
  randomBytes(length: number): Uint8Array;
  /** 32 bytes. */
  sha256(data: Uint8Array): Awaitable<Uint8Array>;
  /** 32 bytes. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Awaitable<Uint8Array>;
  /** RFC 5869. 1 to 8,160 bytes; `info` at most 1,024. */
  hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Awaitable<Uint8Array>;
  /** RFC 8018, over the bytes of a passphrase. */
  pbkdf2Sha256(
    passphrase: Uint8Array,
    salt: Uint8Array,
    iterations: number,
    length: number,
  ): Awaitable<Uint8Array>;
  /** AES-256-GCM: ciphertext || 16-byte tag. key 32 bytes, nonce 12 bytes. */
  aesGcmSeal(
    key: Uint8Array,
    nonce: Uint8Array,
    plaintext: Uint8Array,
    aad: Uint8Array,
  ): Awaitable<Uint8Array>;
  /** @throws CryptoError `decryption_failed`, one and the same whatever was wrong. */
  aesGcmOpen(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Awaitable<Uint8Array>;
  /** AES-256-CFB with 128-bit segments: no padding, no authentication. key 32 bytes, iv 16 bytes. */
  aesCfbEncrypt(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): Awaitable<Uint8Array>;
  aesCfbDecrypt(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Awaitable<Uint8Array>;
  ed25519Generate(): Awaitable<Ed25519KeyPair>;
  /** 64 bytes. */
  ed25519Sign(privateKey: Uint8Array, data: Uint8Array): Awaitable<Uint8Array>;
  /** false for a signature or a public key that is wrong in any way, one of small order included; never throws. */
  ed25519Verify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): Awaitable<boolean>;
  /** RSA-2048, e = 65537. */
  rsaGenerate(): Awaitable<RsaKeyPair>;
  /** RSA-OAEP, SHA-256, MGF1-SHA-256, empty label: 256 bytes. plaintext at most 190 bytes. */
  rsaOaepSeal(publicKey: Uint8Array, plaintext: Uint8Array): Awaitable<Uint8Array>;
  /** @throws CryptoError `decryption_failed`. */
  rsaOaepOpen(privateKey: Uint8Array, sealed: Uint8Array): Awaitable<Uint8Array>;
  /** RSASSA-PSS, SHA-256, MGF1-SHA-256, 32-byte salt: 256 bytes. */
  rsaPssSign(privateKey: Uint8Array, data: Uint8Array): Awaitable<Uint8Array>;
  /** false for anything wrong; never throws. Keys other than RSA-2048 with e = 65537 verify nothing. */
  rsaPssVerify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): Awaitable<boolean>;
  /** Equal in length and content, in time that does not depend on the content. */
  equalSecrets(a: Uint8Array, b: Uint8Array): boolean;
}
