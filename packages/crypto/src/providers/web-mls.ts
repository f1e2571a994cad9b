/**
 * The MLS primitives of browsers: WebCrypto's hashes, HMAC, AES-GCM and X25519 (Chromium 133, Firefox 130, Safari 17 and later), HPKE by
 * @hpke/core, X-Wing by @noble/post-quantum. Short hashes and MACs by noble: WebCrypto takes longer to answer than they take.
 */
import { Aes128Gcm, Aes256Gcm, HkdfSha256, HkdfSha512 } from "@hpke/core";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, parseBase64Url, parseHex } from "@sotto/protocol";
import type { MlsPrimitives, MlsProvider } from "../mls/provider.ts";
import type { CryptoProvider } from "../provider.ts";
import { checkLength, decryptionFailed } from "./checks.ts";
import { hpkeOf } from "./hpke.ts";
import { KeyCache } from "./key-cache.ts";
import { type X25519, x25519Kem } from "./x25519-kem.ts";
import { xWingKem } from "./x-wing-kem.ts";

const tagBytes = 16;
const nonceBytes = 12;
/** DER in front of the 32 bytes of an X25519 private key (RFC 8410 §7). */
const x25519Pkcs8 = parseHex("302e020100300506032b656e04220420") ?? new Uint8Array();

/** The MLS primitives for browsers, beside the provider that has the others. */
export function webMlsProvider(crypto: CryptoProvider): MlsProvider {
  const { subtle } = globalThis.crypto;
  return {
    crypto,
    suites: {
      x25519: {
        ...hashed(sha256),
        ...aes(subtle, 16),
        ...hpkeOf({
          kem: x25519Kem(webX25519(subtle), new HkdfSha256()),
          kdf: new HkdfSha256(),
          aead: new Aes128Gcm(),
        }),
      },
      "x-wing": {
        ...hashed(sha512),
        ...aes(subtle, 32),
        ...hpkeOf({ kem: xWingKem(crypto), kdf: new HkdfSha512(), aead: new Aes256Gcm() }),
      },
    },
  };
}

function hashed(
  hash: typeof sha256 | typeof sha512,
): Pick<MlsPrimitives, "hashBytes" | "hash" | "hmac" | "hkdfExtract" | "hkdfExpand" | "hkdfExpandAll"> {
  return {
    hashBytes: hash.outputLen,
    hash: (data) => hash(data),
    hmac: (key, data) => hmac(hash, key, data),
    hkdfExtract: (salt, ikm) => extract(hash, ikm, salt),
    hkdfExpand: (prk, info, length) => expand(hash, prk, info, length),
    hkdfExpandAll: (prk, wanted) => wanted.map(({ info, length }) => expand(hash, prk, info, length)),
  };
}

function aes(
  subtle: SubtleCrypto,
  keyBytes: number,
): Pick<MlsPrimitives, "keyBytes" | "aeadSeal" | "aeadOpen"> {
  async function gcm(key: Uint8Array, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
    checkLength("an AES key", key, keyBytes);
    return subtle.importKey("raw", source(key), "AES-GCM", false, [usage]);
  }
  return {
    keyBytes,
    async aeadSeal(key, nonce, plaintext, aad) {
      checkLength("a GCM nonce", nonce, nonceBytes);
      const parameters = { name: "AES-GCM", iv: source(nonce), additionalData: source(aad) };
      return new Uint8Array(await subtle.encrypt(parameters, await gcm(key, "encrypt"), source(plaintext)));
    },
    async aeadOpen(key, nonce, sealed, aad) {
      checkLength("a GCM nonce", nonce, nonceBytes);
      if (sealed.length < tagBytes) throw decryptionFailed();
      const parameters = { name: "AES-GCM", iv: source(nonce), additionalData: source(aad) };
      const imported = await gcm(key, "decrypt");
      try {
        return new Uint8Array(await subtle.decrypt(parameters, imported, source(sealed)));
      } catch {
        throw decryptionFailed();
      }
    },
  };
}

/** X25519 by WebCrypto. */
export function webX25519(subtle: SubtleCrypto): X25519 {
  const publicKeys = new KeyCache((bytes) => subtle.importKey("raw", source(bytes), "X25519", true, []));
  const privateKeys = new KeyCache((bytes) =>
    subtle.importKey("pkcs8", source(concatBytes(x25519Pkcs8, bytes)), "X25519", true, ["deriveBits"]),
  );
  const part = async (key: CryptoKey, name: "d" | "x"): Promise<Uint8Array> =>
    parseBase64Url((await subtle.exportKey("jwk", key))[name] ?? "") ?? new Uint8Array();
  return {
    async generate() {
      const pair = (await subtle.generateKey("X25519", true, ["deriveBits"])) as CryptoKeyPair;
      const [privateKey, publicKey] = [await part(pair.privateKey, "d"), await part(pair.privateKey, "x")];
      privateKeys.set(privateKey, Promise.resolve(pair.privateKey));
      return { privateKey, publicKey };
    },
    publicKeyOf: async (privateKey) => part(await privateKeys.get(privateKey), "x"),
    async diffieHellman(privateKey, publicKey) {
      const algorithm = { name: "X25519", public: await publicKeys.get(publicKey) };
      return new Uint8Array(await subtle.deriveBits(algorithm, await privateKeys.get(privateKey), 256));
    },
  };
}

/** WebCrypto's types rule out shared memory, which nobody hands in here. */
function source(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
