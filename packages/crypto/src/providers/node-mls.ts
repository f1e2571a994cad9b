/**
 * The MLS primitives by node:crypto: hashes, HMAC, AES-GCM, X25519 and ML-KEM-768 natively, put together to HPKE by @hpke/core and to
 * X-Wing by @noble/post-quantum. Why it is so and what it brings: spec/decisions/0016-mls-engine.md.
 */
import {
  type KeyObject,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  hash,
} from "node:crypto";
import { AeadId, type AeadInterface } from "@hpke/common";
import { HkdfSha256, HkdfSha512 } from "@hpke/core";
import { concatBytes, parseBase64Url, parseHex } from "@sotto/protocol";
import type { MlsPrimitives, MlsProvider } from "../mls/provider.ts";
import type { CryptoProvider } from "../provider.ts";
import { checkLength, decryptionFailed } from "./checks.ts";
import { buffer, hpkeOf } from "./hpke.ts";
import { KeyCache } from "./key-cache.ts";
import { x25519Kem } from "./x25519-kem.ts";
import { type HalfKem, type Sha3, xWingKem } from "./x-wing-kem.ts";

type HashName = "sha256" | "sha512";

const tagBytes = 16;
const nonceBytes = 12;
/** DER in front of raw keys (RFC 8410; RFC 9935 for ML-KEM's 64-byte seed). */
const x25519Pkcs8 = hex("302e020100300506032b656e04220420");
const x25519Spki = hex("302a300506032b656e032100");
const mlKem768Pkcs8 = hex("3054020100300b060960864801650304040204428040");
const mlKem768Spki = hex("308204b2300b0609608648016503040402038204a100");

const x25519PrivateKeys = new KeyCache((bytes) => pkcs8(x25519Pkcs8, bytes));
const x25519PublicKeys = new KeyCache((bytes) => spki(x25519Spki, bytes));

/** The MLS primitives for servers and terminals, beside the provider that has the others. */
export function nodeMlsProvider(crypto: CryptoProvider): MlsProvider {
  const x25519 = {
    generate() {
      const { privateKey, publicKey } = generateKeyPairSync("x25519");
      const jwk = privateKey.export({ format: "jwk" });
      const publicBytes = jwkBytes(jwk.x);
      const privateBytes = jwkBytes(jwk.d);
      x25519PrivateKeys.set(privateBytes, privateKey);
      x25519PublicKeys.set(publicBytes, publicKey);
      return { privateKey: privateBytes, publicKey: publicBytes };
    },
    publicKeyOf: (privateKey: Uint8Array) =>
      jwkBytes(createPublicKey(x25519PrivateKeys.get(privateKey)).export({ format: "jwk" }).x),
    diffieHellman: (privateKey: Uint8Array, publicKey: Uint8Array) =>
      plain(
        diffieHellman({
          privateKey: x25519PrivateKeys.get(privateKey),
          publicKey: x25519PublicKeys.get(publicKey),
        }),
      ),
  };
  const sha256 = hashed("sha256", 32);
  const sha512 = hashed("sha512", 64);
  return {
    crypto,
    suites: {
      x25519: {
        ...sha256,
        ...aes("aes-128-gcm", 16),
        ...hpkeOf({
          kem: x25519Kem(x25519, new NodeHkdfSha256()),
          kdf: new NodeHkdfSha256(),
          aead: hpkeAead("aes-128-gcm", 16, AeadId.Aes128Gcm),
        }),
      },
      "x-wing": {
        ...sha512,
        ...aes("aes-256-gcm", 32),
        ...hpkeOf({
          kem: xWingKem(crypto, { mlKem768, x25519, sha3 }),
          kdf: new NodeHkdfSha512(),
          aead: hpkeAead("aes-256-gcm", 32, AeadId.Aes256Gcm),
        }),
      },
    },
  };
}

function hashed(
  name: HashName,
  hashBytes: number,
): Pick<MlsPrimitives, "hashBytes" | "hash" | "hmac" | "hkdfExtract" | "hkdfExpand"> {
  return {
    hashBytes,
    hash: (data) => plain(hash(name, data, "buffer")),
    hmac: (key, data) => hmac(name, key, data),
    hkdfExtract: (salt, ikm) => hmac(name, salt, ikm),
    hkdfExpand: (prk, info, length) => expand(name, hashBytes, prk, info, length),
  };
}

// A key as a KeyObject: createHmac takes 2 µs with one and 12 µs with bytes (measured, Node 24).
function hmac(name: HashName, key: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac(name, createSecretKey(key));
  for (const part of data) mac.update(part);
  return plain(mac.digest());
}

/** RFC 5869 §2.3. node:crypto has HKDF only with both steps in one. */
function expand(
  name: HashName,
  hashBytes: number,
  prk: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const blocks = Math.ceil(length / hashBytes);
  if (blocks < 1 || blocks > 255) throw new RangeError("HKDF gives 1 to 255 blocks");
  let block: Uint8Array = new Uint8Array();
  let out: Uint8Array = new Uint8Array();
  for (let i = 1; i <= blocks; i++) {
    block = hmac(name, prk, block, info, Uint8Array.of(i));
    out = i === 1 ? Uint8Array.from(block) : concatBytes(out, block);
  }
  return out.length === length ? out : out.slice(0, length);
}

function aes(
  algorithm: "aes-128-gcm" | "aes-256-gcm",
  keyBytes: number,
): Pick<MlsPrimitives, "keyBytes" | "aeadSeal" | "aeadOpen"> {
  return {
    keyBytes,
    aeadSeal(key, nonce, plaintext, aad) {
      checkLength("an AES key", key, keyBytes);
      checkLength("a GCM nonce", nonce, nonceBytes);
      const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
      cipher.setAAD(aad);
      return concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
    },
    aeadOpen(key, nonce, sealed, aad) {
      checkLength("an AES key", key, keyBytes);
      checkLength("a GCM nonce", nonce, nonceBytes);
      if (sealed.length < tagBytes) throw decryptionFailed();
      try {
        const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
        decipher.setAAD(aad);
        decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
        const plaintext = decipher.update(sealed.subarray(0, sealed.length - tagBytes));
        decipher.final();
        return plain(plaintext);
      } catch {
        throw decryptionFailed();
      }
    },
  };
}

function hpkeAead(algorithm: "aes-128-gcm" | "aes-256-gcm", keySize: number, id: AeadId): AeadInterface {
  const { aeadSeal, aeadOpen } = aes(algorithm, keySize);
  return {
    id,
    keySize,
    nonceSize: nonceBytes,
    tagSize: tagBytes,
    createEncryptionContext(raw) {
      const key = view(raw);
      return {
        seal: async (iv, data, aad) => buffer(await aeadSeal(key, view(iv), view(data), view(aad))),
        open: async (iv, data, aad) => buffer(await aeadOpen(key, view(iv), view(data), view(aad))),
      };
    },
  };
}

type Source = ArrayBufferLike | ArrayBufferView;

class NodeHkdfSha256 extends HkdfSha256 {
  override async extract(salt: Source, ikm: Source): Promise<ArrayBuffer> {
    return buffer(hmac("sha256", view(salt), view(ikm)));
  }
  override async expand(prk: Source, info: Source, length: number): Promise<ArrayBuffer> {
    return buffer(expand("sha256", 32, view(prk), view(info), length));
  }
  override async extractAndExpand(
    salt: Source,
    ikm: Source,
    info: Source,
    length: number,
  ): Promise<ArrayBuffer> {
    return buffer(expand("sha256", 32, hmac("sha256", view(salt), view(ikm)), view(info), length));
  }
}

class NodeHkdfSha512 extends HkdfSha512 {
  override async extract(salt: Source, ikm: Source): Promise<ArrayBuffer> {
    return buffer(hmac("sha512", view(salt), view(ikm)));
  }
  override async expand(prk: Source, info: Source, length: number): Promise<ArrayBuffer> {
    return buffer(expand("sha512", 64, view(prk), view(info), length));
  }
  override async extractAndExpand(
    salt: Source,
    ikm: Source,
    info: Source,
    length: number,
  ): Promise<ArrayBuffer> {
    return buffer(expand("sha512", 64, hmac("sha512", view(salt), view(ikm)), view(info), length));
  }
}

const sha3: Sha3 = {
  sha3: (data) => plain(hash("sha3-256", data, "buffer")),
  shake256: (data, outputLength) => plain(createHash("shake256", { outputLength }).update(data).digest()),
};

/** ML-KEM-768 (FIPS 203), its private key as the seed d || z. Node's own randomness is used, not what the caller offers. */
const mlKem768: HalfKem = {
  publicKeyOf: (seed) =>
    plain(createPublicKey(pkcs8(mlKem768Pkcs8, seed)).export({ format: "der", type: "spki" })).slice(
      mlKem768Spki.length,
    ),
  encapsulate(publicKey) {
    const { sharedKey, ciphertext } = encapsulate(spki(mlKem768Spki, publicKey));
    return { sharedSecret: plain(sharedKey), cipherText: plain(ciphertext) };
  },
  decapsulate: (ciphertext, seed) => plain(decapsulate(pkcs8(mlKem768Pkcs8, seed), ciphertext)),
};

function pkcs8(prefix: Uint8Array, key: Uint8Array): KeyObject {
  const der = Buffer.from(concatBytes(prefix, key));
  try {
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } finally {
    der.fill(0);
  }
}

function spki(prefix: Uint8Array, key: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(concatBytes(prefix, key)), format: "der", type: "spki" });
}

function jwkBytes(text: string | undefined): Uint8Array {
  return parseBase64Url(text ?? "") ?? new Uint8Array();
}

function view(source: Source): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

/** A Buffer as a plain byte array over the same memory. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function hex(text: string): Uint8Array<ArrayBuffer> {
  return parseHex(text) ?? new Uint8Array();
}
