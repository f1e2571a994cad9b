/**
 * The port through which the MLS engine reaches primitives: per ciphersuite a hash, HMAC, HKDF in two steps, an AEAD, and HPKE
 * (RFC 9180, base mode). Adapters: ../providers/node-mls.ts and ../providers/web-mls.ts.
 *
 * Keys cross the port as bytes: X25519 32 bytes each; X-Wing a 1,216-byte public key and a 32-byte seed as private key.
 */
import type { Awaitable, CryptoProvider } from "../provider.ts";
import type { MlsCiphersuite } from "./port.ts";

/** A key pair of a KEM. */
export interface KemKeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** What HPKE gives the recipient. */
export interface HpkeSealed {
  readonly kemOutput: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** What to expand a key to. */
export interface Expansion {
  readonly info: Uint8Array;
  /** In bytes. */
  readonly length: number;
}

/**
 * The primitives of one ciphersuite. Methods throw CryptoError and nothing else: `key_invalid` for what a primitive cannot take,
 * `decryption_failed` for what does not open.
 */
export interface MlsPrimitives {
  /** Length of a hash, MAC and secret: 32 or 64. */
  readonly hashBytes: number;
  /** Length of an AEAD key: 16 or 32. A nonce has 12 bytes, a tag 16. */
  readonly keyBytes: number;
  readonly publicKeyBytes: number;
  readonly privateKeyBytes: number;
  readonly kemOutputBytes: number;
  hash(data: Uint8Array): Awaitable<Uint8Array>;
  hmac(key: Uint8Array, data: Uint8Array): Awaitable<Uint8Array>;
  /** RFC 5869 §2.2: a pseudorandom key of `hashBytes`. */
  hkdfExtract(salt: Uint8Array, ikm: Uint8Array): Awaitable<Uint8Array>;
  /** RFC 5869 §2.3. 1 to 255 × `hashBytes` bytes. */
  hkdfExpand(prk: Uint8Array, info: Uint8Array, length: number): Awaitable<Uint8Array>;
  /** The same several times with one key, which a platform may then parse once. */
  hkdfExpandAll(prk: Uint8Array, wanted: readonly Expansion[]): Awaitable<readonly Uint8Array[]>;
  /** AES-GCM: ciphertext || 16-byte tag. */
  aeadSeal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Awaitable<Uint8Array>;
  aeadOpen(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Awaitable<Uint8Array>;
  kemGenerate(): Awaitable<KemKeyPair>;
  /** The KEM's DeriveKeyPair. */
  kemDerive(ikm: Uint8Array): Awaitable<KemKeyPair>;
  /** Makes a shared secret for a key and drops it. @throws CryptoError `key_invalid` for a key to which nothing can be sealed. */
  kemCheck(publicKey: Uint8Array): Awaitable<void>;
  /** RFC 9180 §6.1 SealBase, one message. */
  hpkeSeal(publicKey: Uint8Array, info: Uint8Array, plaintext: Uint8Array): Awaitable<HpkeSealed>;
  /** RFC 9180 §6.1 OpenBase. */
  hpkeOpen(privateKey: Uint8Array, sealed: HpkeSealed, info: Uint8Array): Awaitable<Uint8Array>;
}

/** A platform's primitives for MLS. Signatures, randomness and comparisons come from its CryptoProvider. */
export interface MlsProvider {
  readonly crypto: CryptoProvider;
  readonly suites: Readonly<Record<MlsCiphersuite, MlsPrimitives>>;
}
