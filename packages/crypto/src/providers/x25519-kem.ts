/**
 * DHKEM(X25519, HKDF-SHA256) (RFC 9180 §4.1) by @hpke/common over a platform's X25519. A key is the byte array that it is on the wire,
 * the very same array wherever the library lets it be, so that a platform may remember what it made of it.
 */
import { Dhkem, type DhkemPrimitives, type KdfInterface, KemId, LABEL_DKP_PRK, LABEL_SK } from "@hpke/common";
import type { Awaitable } from "../provider.ts";
import type { KemKeyPair } from "../mls/provider.ts";
import { buffer } from "./hpke.ts";

/** X25519 (RFC 7748), 32 bytes everywhere. */
export interface X25519 {
  generate(): Awaitable<KemKeyPair>;
  publicKeyOf(privateKey: Uint8Array): Awaitable<Uint8Array>;
  /** @throws when the result is all zero (RFC 7748 §6.1). */
  diffieHellman(privateKey: Uint8Array, publicKey: Uint8Array): Awaitable<Uint8Array>;
}

/** @param kdf HKDF-SHA256, for this KEM alone: the KEM gives it its suite id. */
export function x25519Kem(x25519: X25519, kdf: KdfInterface): Dhkem {
  return new X25519Kem(x25519, kdf);
}

class X25519Kem extends Dhkem {
  override secretSize = 32;
  override encSize = 32;
  override publicKeySize = 32;
  override privateKeySize = 32;

  constructor(x25519: X25519, kdf: KdfInterface) {
    super(KemId.DhkemX25519HkdfSha256, new X25519Primitives(x25519, kdf), kdf);
  }
  // The library copies keys before it hands them on; ours stay the same arrays.
  override async deserializePublicKey(key: ArrayBufferLike | ArrayBufferView): Promise<CryptoKey> {
    return asKey(key);
  }
  override async deserializePrivateKey(key: ArrayBufferLike | ArrayBufferView): Promise<CryptoKey> {
    return asKey(key);
  }
}

class X25519Primitives implements DhkemPrimitives {
  private readonly x25519: X25519;
  private readonly kdf: KdfInterface;

  constructor(x25519: X25519, kdf: KdfInterface) {
    this.x25519 = x25519;
    this.kdf = kdf;
  }
  async serializePublicKey(key: CryptoKey): Promise<ArrayBuffer> {
    return buffer(asBytes(key));
  }
  async deserializePublicKey(key: ArrayBufferLike | ArrayBufferView): Promise<CryptoKey> {
    return asKey(key);
  }
  async serializePrivateKey(key: CryptoKey): Promise<ArrayBuffer> {
    return buffer(asBytes(key));
  }
  async deserializePrivateKey(key: ArrayBufferLike | ArrayBufferView): Promise<CryptoKey> {
    return asKey(key);
  }
  async importKey(): Promise<CryptoKey> {
    throw new TypeError("keys cross this port as bytes");
  }
  async generateKeyPair(): Promise<CryptoKeyPair> {
    const { privateKey, publicKey } = await this.x25519.generate();
    return { privateKey: asKey(privateKey), publicKey: asKey(publicKey) };
  }
  /** RFC 9180 §7.1.3. */
  async deriveKeyPair(ikm: ArrayBufferLike | ArrayBufferView): Promise<CryptoKeyPair> {
    const none = new Uint8Array();
    const prk = await this.kdf.labeledExtract(none, LABEL_DKP_PRK, bytesOf(ikm));
    const privateKey = new Uint8Array(await this.kdf.labeledExpand(prk, LABEL_SK, none, 32));
    return {
      privateKey: asKey(privateKey),
      publicKey: asKey(await this.x25519.publicKeyOf(privateKey)),
    };
  }
  async derivePublicKey(key: CryptoKey): Promise<CryptoKey> {
    return asKey(await this.x25519.publicKeyOf(asBytes(key)));
  }
  async dh(sk: CryptoKey, pk: CryptoKey): Promise<ArrayBuffer> {
    return buffer(await this.x25519.diffieHellman(asBytes(sk), asBytes(pk)));
  }
}

function bytesOf(source: ArrayBufferLike | ArrayBufferView): Uint8Array {
  if (source instanceof Uint8Array) return source;
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

function asKey(source: ArrayBufferLike | ArrayBufferView): CryptoKey {
  return bytesOf(source) as unknown as CryptoKey;
}

function asBytes(key: CryptoKey): Uint8Array {
  return key as unknown as Uint8Array;
}
