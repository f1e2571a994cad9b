/**
 * X-Wing (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519 put together by @noble/post-quantum's combineKEMS, over whichever halves
 * a platform has; as a KEM for @hpke/core. A private key is the 32-byte seed.
 */
import type { KemInterface } from "@hpke/common";
import { KemId } from "@hpke/common";
import { shake256 } from "@noble/hashes/sha3.js";
import { combineKEMS, ml_kem768_x25519 } from "@noble/post-quantum/hybrid.js";
import type { KEM } from "@noble/post-quantum/utils.js";
import { concatBytes, utf8 } from "@sotto/protocol";
import type { CryptoProvider } from "../provider.ts";
import { buffer } from "./hpke.ts";

const seedBytes = 32;
const publicKeyBytes = 1216;
const kemOutputBytes = 1120;
const label = utf8("\\.//^\\");

/** ML-KEM-768 of a platform, its private key as the 64-byte seed d || z (FIPS 203 §7.1). */
export interface HalfKem {
  publicKeyOf(seed: Uint8Array): Uint8Array;
  encapsulate(publicKey: Uint8Array): { sharedSecret: Uint8Array; cipherText: Uint8Array };
  decapsulate(cipherText: Uint8Array, seed: Uint8Array): Uint8Array;
}

/** SHA3-256 and SHAKE256 (FIPS 202) of a platform. */
export interface Sha3 {
  sha3(data: Uint8Array): Uint8Array;
  shake256(data: Uint8Array, length: number): Uint8Array;
}

/** X25519 of a platform that answers at once. */
interface SyncX25519 {
  generate(): { privateKey: Uint8Array; publicKey: Uint8Array };
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  diffieHellman(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
}

/** What X-Wing is made of. */
export interface XWingParts {
  readonly mlKem768: HalfKem;
  readonly x25519: SyncX25519;
  readonly sha3: Sha3;
}

/** X-Wing over a platform's parts; with noble's own where it has none. */
export function xWingKem(crypto: CryptoProvider, parts?: XWingParts): KemInterface {
  const kem = parts === undefined ? ml_kem768_x25519 : combine(parts);
  const pairOf = (seed: Uint8Array): CryptoKeyPair => ({
    privateKey: asKey(seed),
    publicKey: asKey(kem.getPublicKey(seed)),
  });
  return {
    id: KemId.XWing,
    secretSize: 32,
    encSize: kemOutputBytes,
    publicKeySize: publicKeyBytes,
    privateKeySize: seedBytes,
    serializePublicKey: async (key) => buffer(asBytes(key)),
    deserializePublicKey: async (key) => asKey(key),
    serializePrivateKey: async (key) => buffer(asBytes(key)),
    deserializePrivateKey: async (key) => asKey(key),
    importKey: async () => {
      throw new TypeError("keys cross this port as bytes");
    },
    generateKeyPair: async () => pairOf(crypto.randomBytes(seedBytes)),
    deriveKeyPair: async (ikm) => pairOf(shake256(asBytes(asKey(ikm)), { dkLen: seedBytes })),
    async encap({ recipientPublicKey }) {
      const { sharedSecret, cipherText } = kem.encapsulate(asBytes(recipientPublicKey));
      return { sharedSecret: buffer(sharedSecret), enc: buffer(cipherText) };
    },
    async decap({ recipientKey, enc }) {
      return buffer(kem.decapsulate(asBytes(asKey(enc)), asBytes(recipientKey as CryptoKey)));
    },
  };
}

// The same parameters as noble's ml_kem768_x25519; only the halves differ.
function combine({ mlKem768, x25519, sha3 }: XWingParts): KEM {
  const first: KEM = {
    lengths: { secretKey: 64, publicKey: 1184, seed: 64, msg: 32, cipherText: 1088 },
    keygen: (seed = new Uint8Array(64)) => {
      const secretKey = Uint8Array.from(seed);
      return { secretKey, publicKey: mlKem768.publicKeyOf(secretKey) };
    },
    getPublicKey: (seed) => mlKem768.publicKeyOf(seed),
    encapsulate: (publicKey) => mlKem768.encapsulate(publicKey),
    decapsulate: (cipherText, seed) => mlKem768.decapsulate(cipherText, seed),
  } as KEM;
  const second: KEM = {
    lengths: { secretKey: 32, publicKey: 32, seed: 32, msg: 32, cipherText: 32 },
    keygen: (seed = new Uint8Array(32)) => {
      const secretKey = Uint8Array.from(seed);
      return { secretKey, publicKey: x25519.publicKeyOf(secretKey) };
    },
    getPublicKey: (privateKey) => x25519.publicKeyOf(privateKey),
    encapsulate(publicKey) {
      const ephemeral = x25519.generate();
      const sharedSecret = x25519.diffieHellman(ephemeral.privateKey, publicKey);
      ephemeral.privateKey.fill(0);
      return { sharedSecret, cipherText: ephemeral.publicKey };
    },
    decapsulate: (cipherText, privateKey) => x25519.diffieHellman(privateKey, cipherText),
  } as KEM;
  return combineKEMS(
    seedBytes,
    32,
    (seed: Uint8Array, length?: number) => sha3.shake256(seed, length ?? 0),
    (publicKeys: Uint8Array[], cipherTexts: Uint8Array[], secrets: Uint8Array[]) =>
      sha3.sha3(concatBytes(...[secrets[0], secrets[1], cipherTexts[1], publicKeys[1], label].map(present))),
    first,
    second,
  );
}

function present(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new TypeError("X-Wing has two halves");
  return bytes;
}

function asKey(source: ArrayBufferLike | ArrayBufferView): CryptoKey {
  if (source instanceof Uint8Array) return source as unknown as CryptoKey;
  const bytes = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
  return bytes as unknown as CryptoKey;
}

function asBytes(key: CryptoKey): Uint8Array {
  return key as unknown as Uint8Array;
}
