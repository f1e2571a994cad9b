/** The core's primitives, by node:crypto. */
import {
  createHash,
  createHmac,
  createPublicKey,
  randomBytes,
  randomInt,
  timingSafeEqual,
  verify,
  type KeyObject,
} from "node:crypto";
import type { ServerCrypto } from "../core/crypto.ts";

// SubjectPublicKeyInfo of an Ed25519 key in PEM up to the key itself (RFC 8410 §4): the 12 bytes before it are 16 characters.
const ed25519Begin = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA";
const ed25519End = "\n-----END PUBLIC KEY-----\n";

/** The one implementation that a server uses. */
export const nodeCrypto: ServerCrypto = {
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  randomInteger: (below) => randomInt(below),
  sha256: (data) => new Uint8Array(createHash("sha256").update(data).digest()),
  hmacSha256: (key, data) => new Uint8Array(createHmac("sha256", key).update(data).digest()),
  equalSecrets: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  verifyEd25519(publicKey, data, signature) {
    const key = parseEd25519(publicKey);
    return key !== undefined && signature.length === 64 && verify(null, data, key, signature);
  },
};

/** The same in a thread of libuv's pool; handing it over costs a few µs of the 120 that it takes. */
export function verifyEd25519InPool(
  publicKey: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const key = parseEd25519(publicKey);
  if (key === undefined || signature.length !== 64) return Promise.resolve(false);
  return new Promise((resolve) => {
    verify(null, data, key, signature, (error, isRight) => resolve(error === null && isRight));
  });
}

/** undefined when it is none. */
function parseEd25519(publicKey: Uint8Array): KeyObject | undefined {
  if (publicKey.length !== 32) return undefined;
  try {
    // As text: given bytes, Node 24 learns what they are from four errors that it throws and catches, which takes longer than parsing.
    return createPublicKey(ed25519Begin + Buffer.from(publicKey).toString("base64") + ed25519End);
  } catch {
    return undefined;
  }
}
