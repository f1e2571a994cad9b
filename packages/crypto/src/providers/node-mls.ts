/**
 * The MLS primitives by node:crypto: hashes, HMAC, AES-GCM, X25519 and ML-KEM-768 natively, put together to HPKE by @hpke/core and to
 * X-Wing by @noble/post-quantum. Why it is so and what it brings: spec/decisions/0015-mls-engine.md.
 */
import {
  type KeyObject,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
} from "node:crypto";
import { AeadId, type AeadInterface } from "@hpke/common";
import { HkdfSha256, HkdfSha512 } from "@hpke/core";
import { concatBytes } from "@sotto/protocol";
import type { MlsPrimitives, MlsProvider } from "../mls/provider.ts";
import type { CryptoProvider } from "../provider.ts";
import { checkLength, decryptionFailed } from "./checks.ts";
import { buffer, hpkeOf } from "./hpke.ts";
import { nodeMlKem768, nodeSha3, nodeX25519 } from "./node-kems.ts";
import { x25519Kem } from "./x25519-kem.ts";
import { xWingKem } from "./x-wing-kem.ts";

type HashName = "sha256" | "sha512";

const tagBytes = 16;
const nonceBytes = 12;
/** The MLS primitives for servers and terminals, beside the provider that has the others. */
export function nodeMlsProvider(crypto: CryptoProvider): MlsProvider {
  const sha256 = hashed("sha256", 32);
  const sha512 = hashed("sha512", 64);
  return {
    crypto,
    suites: {
      x25519: {
        ...sha256,
        ...aes("aes-128-gcm", 16),
        ...hpkeOf({
          kem: x25519Kem(nodeX25519, new NodeHkdfSha256()),
          kdf: new NodeHkdfSha256(),
          aead: hpkeAead("aes-128-gcm", 16, AeadId.Aes128Gcm),
        }),
      },
      "x-wing": {
        ...sha512,
        ...aes("aes-256-gcm", 32),
        ...hpkeOf({
          kem: xWingKem(crypto, { mlKem768: nodeMlKem768, x25519: nodeX25519, sha3: nodeSha3 }),
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
): Pick<MlsPrimitives, "hashBytes" | "hash" | "hmac" | "hkdfExtract" | "hkdfExpand" | "hkdfExpandAll"> {
  return {
    hashBytes,
    hash: (data) => plain(hash(name, data, "buffer")),
    hmac: (key, data) => hmac(name, createSecretKey(key), data),
    hkdfExtract: (salt, ikm) => hmac(name, createSecretKey(salt), ikm),
    hkdfExpand: (prk, info, length) => expand(name, hashBytes, createSecretKey(prk), info, length),
    hkdfExpandAll(prk, wanted) {
      const key = createSecretKey(prk);
      return wanted.map(({ info, length }) => expand(name, hashBytes, key, info, length));
    },
  };
}

// Keys as KeyObjects, here and below: HMAC takes 4 µs with one and 17 µs with bytes, AES-GCM 11 µs and 25 µs (measured, Node 24).
function hmac(name: HashName, key: KeyObject, ...data: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac(name, key);
  for (const part of data) mac.update(part);
  return plain(mac.digest());
}

const firstBlock = Uint8Array.of(1);

/** RFC 5869 §2.3. node:crypto has HKDF only with both steps in one. */
function expand(
  name: HashName,
  hashBytes: number,
  prk: KeyObject,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const blocks = Math.ceil(length / hashBytes);
  if (blocks === 1) {
    const only = hmac(name, prk, info, firstBlock);
    return length === hashBytes ? only : only.slice(0, length);
  }
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
      const cipher = createCipheriv(algorithm, createSecretKey(key), nonce, { authTagLength: tagBytes });
      cipher.setAAD(aad);
      return concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
    },
    aeadOpen(key, nonce, sealed, aad) {
      checkLength("an AES key", key, keyBytes);
      checkLength("a GCM nonce", nonce, nonceBytes);
      if (sealed.length < tagBytes) throw decryptionFailed();
      try {
        const decipher = createDecipheriv(algorithm, createSecretKey(key), nonce, {
          authTagLength: tagBytes,
        });
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
    return buffer(hmac("sha256", keyOf(salt), view(ikm)));
  }
  override async expand(prk: Source, info: Source, length: number): Promise<ArrayBuffer> {
    return buffer(expand("sha256", 32, keyOf(prk), view(info), length));
  }
  override async extractAndExpand(
    salt: Source,
    ikm: Source,
    info: Source,
    length: number,
  ): Promise<ArrayBuffer> {
    const prk = createSecretKey(hmac("sha256", keyOf(salt), view(ikm)));
    return buffer(expand("sha256", 32, prk, view(info), length));
  }
}

class NodeHkdfSha512 extends HkdfSha512 {
  override async extract(salt: Source, ikm: Source): Promise<ArrayBuffer> {
    return buffer(hmac("sha512", keyOf(salt), view(ikm)));
  }
  override async expand(prk: Source, info: Source, length: number): Promise<ArrayBuffer> {
    return buffer(expand("sha512", 64, keyOf(prk), view(info), length));
  }
  override async extractAndExpand(
    salt: Source,
    ikm: Source,
    info: Source,
    length: number,
  ): Promise<ArrayBuffer> {
    const prk = createSecretKey(hmac("sha512", keyOf(salt), view(ikm)));
    return buffer(expand("sha512", 64, prk, view(info), length));
  }
}

function view(source: Source): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

const keyOf = (source: Source): KeyObject => createSecretKey(view(source));

/** A Buffer as a plain byte array over the same memory. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
