/**
 * The primitives by node:crypto (OpenSSL). Everything answers at once, but what takes long by nature:
 * PBKDF2 and making RSA keys run on the thread pool. Symmetric keys go in as KeyObjects: bytes cost 13 µs more each time (Node 24).
 */
import {
  type KeyObject,
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  generateKeyPairSync,
  hash,
  hkdfSync,
  pbkdf2,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { promisify } from "node:util";
import { concatBytes, isRsa2048PublicKey } from "@sotto/protocol";
import type { CryptoProvider, RsaKeyPair } from "../provider.ts";
import {
  ED25519_PKCS8_PREFIX,
  ED25519_SPKI_PREFIX,
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

export { nodeMlsProvider } from "./node-mls.ts";

const tagBytes = 16;
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
const pbkdf2Async = promisify(pbkdf2);
const generateKeyPairAsync = promisify(generateKeyPair);

/** The provider for servers and terminals. */
export function nodeProvider(): CryptoProvider {
  const rsaPrivateKeys = new KeyCache(parseRsaPrivateKey);
  const rsaPublicKeys = new KeyCache(parseRsaPublicKey);
  const edPrivateKeys = new KeyCache(parseEd25519PrivateKey);
  const edPublicKeys = new KeyCache(parseEd25519PublicKey);
  return {
    name: "node:crypto",
    randomBytes: (length) => plain(randomBytes(length)),
    sha256: (data) => plain(hash("sha256", data, "buffer")),
    hmacSha256: (key, data) => plain(createHmac("sha256", createSecretKey(key)).update(data).digest()),
    hkdfSha256(ikm, salt, info, length) {
      checkHkdf(info, length);
      return new Uint8Array(hkdfSync("sha256", ikm, salt, info, length));
    },
    async pbkdf2Sha256(passphrase, salt, iterations, length) {
      checkPbkdf2(iterations, length);
      return plain(await pbkdf2Async(passphrase, salt, iterations, length, "sha256"));
    },
    aesGcmSeal(key, nonce, plaintext, aad) {
      checkGcm(key, nonce);
      const cipher = createCipheriv("aes-256-gcm", createSecretKey(key), nonce, { authTagLength: tagBytes });
      cipher.setAAD(aad);
      return concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
    },
    aesGcmOpen(key, nonce, sealed, aad) {
      checkGcmOpen(key, nonce, sealed);
      try {
        const decipher = createDecipheriv("aes-256-gcm", createSecretKey(key), nonce, {
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
    aesCfbEncrypt(key, iv, plaintext) {
      checkCfb(key, iv);
      return plain(createCipheriv("aes-256-cfb", key, iv).update(plaintext));
    },
    aesCfbDecrypt(key, iv, ciphertext) {
      checkCfb(key, iv);
      return plain(createDecipheriv("aes-256-cfb", key, iv).update(ciphertext));
    },
    ed25519Generate() {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519", {
        privateKeyEncoding: { type: "pkcs8", format: "der" },
        publicKeyEncoding: { type: "spki", format: "der" },
      });
      return {
        privateKey: new Uint8Array(privateKey.subarray(ED25519_PKCS8_PREFIX.length)),
        publicKey: new Uint8Array(publicKey.subarray(ED25519_SPKI_PREFIX.length)),
      };
    },
    ed25519Sign: (privateKey, data) => plain(sign(null, data, edPrivateKeys.get(privateKey))),
    ed25519Verify(publicKey, data, signature) {
      if (signature.length !== 64) return false;
      return quietly(() => verify(null, data, edPublicKeys.get(publicKey), signature));
    },
    async rsaGenerate(): Promise<RsaKeyPair> {
      const { privateKey, publicKey } = await generateKeyPairAsync("rsa", {
        modulusLength: 2048,
        publicExponent: 65_537,
        privateKeyEncoding: { type: "pkcs8", format: "der" },
        publicKeyEncoding: { type: "spki", format: "der" },
      });
      return { privateKey: plain(privateKey), publicKey: plain(publicKey) };
    },
    rsaOaepSeal(publicKey, plaintext) {
      checkOaepPlaintext(plaintext);
      return plain(publicEncrypt({ key: rsaPublicKeys.get(publicKey), ...oaep }, plaintext));
    },
    rsaOaepOpen(privateKey, sealed) {
      const key = rsaPrivateKeys.get(privateKey);
      try {
        return plain(privateDecrypt({ key, ...oaep }, sealed));
      } catch {
        throw decryptionFailed();
      }
    },
    rsaPssSign: (privateKey, data) =>
      plain(sign("sha256", data, { key: rsaPrivateKeys.get(privateKey), ...pss })),
    rsaPssVerify(publicKey, data, signature) {
      if (signature.length !== 256) return false;
      return quietly(() => verify("sha256", data, { key: rsaPublicKeys.get(publicKey), ...pss }, signature));
    },
    equalSecrets: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  };
}

/** A Buffer as a plain byte array over the same memory. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function quietly(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}

function parseRsaPrivateKey(bytes: Uint8Array): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(bytes), format: "der", type: "pkcs8" });
  } catch (cause) {
    throw keyInvalid("not a private key in PKCS #8", cause);
  }
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== "rsa" || modulusLength !== 2048 || publicExponent !== 65_537n) {
    throw keyInvalid("not an RSA-2048 key with e = 65537");
  }
  return key;
}

function parseRsaPublicKey(bytes: Uint8Array): KeyObject {
  if (!isRsa2048PublicKey(bytes)) throw keyInvalid("not an RSA-2048 public key with e = 65537");
  return createPublicKey({ key: Buffer.from(bytes), format: "der", type: "spki" });
}

function parseEd25519PrivateKey(seed: Uint8Array): KeyObject {
  checkLength("an Ed25519 private key", seed, 32);
  const key = Buffer.from(concatBytes(ED25519_PKCS8_PREFIX, seed));
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

function parseEd25519PublicKey(bytes: Uint8Array): KeyObject {
  if (!isUsableEd25519Key(bytes)) throw keyInvalid("an Ed25519 public key has 32 bytes, and no small order");
  const key = Buffer.from(concatBytes(ED25519_SPKI_PREFIX, bytes));
  return createPublicKey({ key, format: "der", type: "spki" });
}
