/**
 * The primitives by WebCrypto, and by noble AES-CFB, which WebCrypto lacks, and HMAC. For browsers (pages on https or localhost,
 * with Ed25519: Chromium 137, Firefox 129, Safari 17 and later); works in Node too.
 */
import { cfb } from "@noble/ciphers/aes.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { UsageError, concatBytes, isRsa2048PublicKey } from "@sotto/protocol";
import type { CryptoProvider } from "../provider.ts";
import {
  ED25519_PKCS8_PREFIX,
  checkCfb,
  checkGcm,
  checkGcmOpen,
  checkHkdf,
  checkLength,
  checkOaepPlaintext,
  checkPbkdf2,
  decryptionFailed,
  isUsableEd25519Key,
  keyInvalid,
} from "./checks.ts";
import { KeyCache } from "./key-cache.ts";

export { webMlsProvider } from "./web-mls.ts";

const maxRandomBytes = 65_536;
const rsaOaep = { name: "RSA-OAEP", hash: "SHA-256" };
const rsaPss = { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 };
const rsaKey = { modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };

/** The provider for browsers. @throws UsageError `suite_unavailable` where the platform offers no WebCrypto. */
export function webProvider(): CryptoProvider {
  const platform = globalThis.crypto as Crypto | undefined;
  if (platform?.subtle === undefined) {
    throw new UsageError("suite_unavailable", "this page has no cryptography: open it over https");
  }
  const { subtle } = platform;
  const oaepPrivateKeys = new KeyCache((bytes) => importRsaPrivateKey(subtle, bytes, rsaOaep, "decrypt"));
  const pssPrivateKeys = new KeyCache((bytes) => importRsaPrivateKey(subtle, bytes, rsaPss, "sign"));
  const oaepPublicKeys = new KeyCache((bytes) => importRsaPublicKey(subtle, bytes, rsaOaep, "encrypt"));
  const pssPublicKeys = new KeyCache((bytes) => importRsaPublicKey(subtle, bytes, rsaPss, "verify"));
  const edPrivateKeys = new KeyCache((seed) => importEd25519PrivateKey(subtle, seed));
  const edPublicKeys = new KeyCache((bytes) =>
    subtle.importKey("raw", source(bytes), "Ed25519", false, ["verify"]),
  );
  const gcmKeys = new KeyCache((bytes) =>
    subtle.importKey("raw", source(bytes), "AES-GCM", false, ["encrypt", "decrypt"]),
  );
  return {
    name: "webcrypto+noble",
    randomBytes(length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at += maxRandomBytes) {
        platform.getRandomValues(bytes.subarray(at, at + maxRandomBytes));
      }
      return bytes;
    },
    sha256: async (data) => new Uint8Array(await subtle.digest("SHA-256", source(data))),
    // By noble: WebCrypto takes longer to answer than this takes, and the vault asks for each name that it blinds.
    hmacSha256: (key, data) => hmac(sha256, key, data),
    async hkdfSha256(ikm, salt, info, length) {
      checkHkdf(info, length);
      const key = await subtle.importKey("raw", source(ikm), "HKDF", false, ["deriveBits"]);
      const parameters = { name: "HKDF", hash: "SHA-256", salt: source(salt), info: source(info) };
      return new Uint8Array(await subtle.deriveBits(parameters, key, 8 * length));
    },
    async pbkdf2Sha256(passphrase, salt, iterations, length) {
      checkPbkdf2(iterations, length);
      const key = await subtle.importKey("raw", source(passphrase), "PBKDF2", false, ["deriveBits"]);
      const parameters = { name: "PBKDF2", hash: "SHA-256", salt: source(salt), iterations };
      return new Uint8Array(await subtle.deriveBits(parameters, key, 8 * length));
    },
    async aesGcmSeal(key, nonce, plaintext, aad) {
      checkGcm(key, nonce);
      const parameters = { name: "AES-GCM", iv: source(nonce), additionalData: source(aad) };
      return new Uint8Array(await subtle.encrypt(parameters, await gcmKeys.get(key), source(plaintext)));
    },
    async aesGcmOpen(key, nonce, sealed, aad) {
      checkGcmOpen(key, nonce, sealed);
      const parameters = { name: "AES-GCM", iv: source(nonce), additionalData: source(aad) };
      const imported = await gcmKeys.get(key);
      try {
        return new Uint8Array(await subtle.decrypt(parameters, imported, source(sealed)));
      } catch {
        throw decryptionFailed();
      }
    },
    aesCfbEncrypt(key, iv, plaintext) {
      checkCfb(key, iv);
      return cfb(key, iv).encrypt(plaintext);
    },
    aesCfbDecrypt(key, iv, ciphertext) {
      checkCfb(key, iv);
      return cfb(key, iv).decrypt(ciphertext);
    },
    async ed25519Generate() {
      const pair = (await subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
      const pkcs8 = new Uint8Array(await subtle.exportKey("pkcs8", pair.privateKey));
      const publicKey = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
      const privateKey = pkcs8.slice(ED25519_PKCS8_PREFIX.length);
      pkcs8.fill(0);
      return { privateKey, publicKey };
    },
    async ed25519Sign(privateKey, data) {
      return new Uint8Array(await subtle.sign("Ed25519", await edPrivateKeys.get(privateKey), source(data)));
    },
    async ed25519Verify(publicKey, data, signature) {
      if (signature.length !== 64 || !isUsableEd25519Key(publicKey)) return false;
      return quietly(async () =>
        subtle.verify("Ed25519", await edPublicKeys.get(publicKey), source(signature), source(data)),
      );
    },
    async rsaGenerate() {
      const pair = await subtle.generateKey({ ...rsaOaep, ...rsaKey }, true, ["encrypt", "decrypt"]);
      return {
        privateKey: new Uint8Array(await subtle.exportKey("pkcs8", pair.privateKey)),
        publicKey: new Uint8Array(await subtle.exportKey("spki", pair.publicKey)),
      };
    },
    async rsaOaepSeal(publicKey, plaintext) {
      checkOaepPlaintext(plaintext);
      return new Uint8Array(
        await subtle.encrypt(rsaOaep, await oaepPublicKeys.get(publicKey), source(plaintext)),
      );
    },
    async rsaOaepOpen(privateKey, sealed) {
      const key = await oaepPrivateKeys.get(privateKey);
      try {
        return new Uint8Array(await subtle.decrypt(rsaOaep, key, source(sealed)));
      } catch {
        throw decryptionFailed();
      }
    },
    async rsaPssSign(privateKey, data) {
      return new Uint8Array(await subtle.sign(rsaPss, await pssPrivateKeys.get(privateKey), source(data)));
    },
    async rsaPssVerify(publicKey, data, signature) {
      if (signature.length !== 256) return false;
      return quietly(async () =>
        subtle.verify(rsaPss, await pssPublicKeys.get(publicKey), source(signature), source(data)),
      );
    },
    equalSecrets(a, b) {
      if (a.length !== b.length) return false;
      let difference = 0;
      for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
      return difference === 0;
    },
  };
}

/** WebCrypto's types rule out shared memory, which nobody hands in here. */
function source(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

async function quietly(check: () => Promise<boolean>): Promise<boolean> {
  try {
    return await check();
  } catch {
    return false;
  }
}

async function importRsaPrivateKey(
  subtle: SubtleCrypto,
  bytes: Uint8Array,
  algorithm: RsaHashedImportParams,
  usage: KeyUsage,
): Promise<CryptoKey> {
  let key: CryptoKey;
  try {
    key = await subtle.importKey("pkcs8", source(bytes), algorithm, false, [usage]);
  } catch (cause) {
    throw keyInvalid("not an RSA private key in PKCS #8", cause);
  }
  const { modulusLength, publicExponent } = key.algorithm as RsaHashedKeyAlgorithm;
  if (modulusLength !== 2048 || publicExponent.join() !== rsaKey.publicExponent.join()) {
    throw keyInvalid("not an RSA-2048 key with e = 65537");
  }
  return key;
}

async function importRsaPublicKey(
  subtle: SubtleCrypto,
  bytes: Uint8Array,
  algorithm: RsaHashedImportParams,
  usage: KeyUsage,
): Promise<CryptoKey> {
  if (!isRsa2048PublicKey(bytes)) throw keyInvalid("not an RSA-2048 public key with e = 65537");
  try {
    return await subtle.importKey("spki", source(bytes), algorithm, false, [usage]);
  } catch (cause) {
    throw keyInvalid("not an RSA-2048 public key with e = 65537", cause);
  }
}

async function importEd25519PrivateKey(subtle: SubtleCrypto, seed: Uint8Array): Promise<CryptoKey> {
  checkLength("an Ed25519 private key", seed, 32);
  const pkcs8 = concatBytes(ED25519_PKCS8_PREFIX, seed);
  const key = await subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  pkcs8.fill(0);
  return key;
}
