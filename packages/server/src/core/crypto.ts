/**
 * The port through which the server's core reaches primitives. It has none that encrypts or decrypts messages:
 * the server checks signatures, hashes and compares.
 */

/** The primitives. None throws for bad input. */
export interface ServerCrypto {
  /** Bytes from the platform's secure generator. */
  randomBytes(length: number): Uint8Array;
  /** A uniformly random integer, 0 ≤ n < below ≤ 2^48. */
  randomInteger(below: number): number;
  /** 32 bytes. */
  sha256(data: Uint8Array): Uint8Array;
  /** 32 bytes. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** Equal in length and content, in time that does not depend on the content. */
  equalSecrets(a: Uint8Array, b: Uint8Array): boolean;
  /** false for a signature or a public key that is wrong in any way. */
  verifyEd25519(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
}
