/**
 * The server's RSA-2048 key pair: made once, read back from PEM, never leaving this file in the clear. It opens sealed
 * requests (off the event loop, in the thread pool) and certifies challenge keys.
 */
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  sign,
  webcrypto,
  type KeyObject,
} from "node:crypto";
import { promisify } from "node:util";
import { CryptoError, isRsa2048PublicKey } from "@sotto/protocol";

/** The server's key at work. */
export class ServerKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** SHA-256 of `publicKey`, 32 bytes. */
  readonly fingerprint: Uint8Array;
  readonly #signing: KeyObject;
  readonly #opening: webcrypto.CryptoKey;

  private constructor(publicKey: Uint8Array, signing: KeyObject, opening: webcrypto.CryptoKey) {
    this.publicKey = publicKey;
    this.fingerprint = new Uint8Array(createHash("sha256").update(publicKey).digest());
    this.#signing = signing;
    this.#opening = opening;
  }

  /** @param privateKeyPem PKCS #8. @throws CryptoError `key_invalid` when it is no RSA-2048 key with e = 65537. */
  static async fromPem(privateKeyPem: string): Promise<ServerKey> {
    try {
      const signing = createPrivateKey({ key: privateKeyPem, format: "pem" });
      const publicKey = spkiOf(createPublicKey(signing));
      const pkcs8 = signing.export({ type: "pkcs8", format: "der" });
      const algorithm = { name: "RSA-OAEP", hash: "SHA-256" };
      const opening = await webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["decrypt"]);
      return new ServerKey(publicKey, signing, opening);
    } catch (cause) {
      throw new CryptoError("key_invalid", "not an RSA-2048 private key in PKCS #8", { cause });
    }
  }

  /** RSA-OAEP, SHA-256, MGF1-SHA-256, empty label. @throws CryptoError `unsealing_failed`. */
  async open(sealed: Uint8Array): Promise<Uint8Array> {
    try {
      const opened = await webcrypto.subtle.decrypt({ name: "RSA-OAEP" }, this.#opening, Buffer.from(sealed));
      return new Uint8Array(opened);
    } catch {
      throw new CryptoError("unsealing_failed", "the request was not sealed to this server's key");
    }
  }

  /** RSASSA-PSS, SHA-256, MGF1-SHA-256, 32-byte salt: 256 bytes. */
  sign(data: Uint8Array): Uint8Array {
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    return new Uint8Array(sign("sha256", data, { key: this.#signing, ...padding }));
  }
}

/** Makes a private key in PEM, PKCS #8. */
export async function generatePrivateKeyPem(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", {
    modulusLength: 2048,
    publicExponent: 0x10001,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return privateKey;
}

/** The DER bytes of a public key in PEM. @throws CryptoError `key_invalid`. */
export function parsePublicKeyPem(pem: string): Uint8Array {
  try {
    return spkiOf(createPublicKey({ key: pem, format: "pem" }));
  } catch (cause) {
    throw new CryptoError("key_invalid", "not an RSA-2048 public key in PEM", { cause });
  }
}

/** The public key in PEM that belongs to a private one. */
export function publicKeyPem(privateKeyPem: string): string {
  return createPublicKey(privateKeyPem).export({ type: "spki", format: "pem" }).toString();
}

function spkiOf(key: KeyObject): Uint8Array {
  const spki = new Uint8Array(key.export({ type: "spki", format: "der" }));
  if (!isRsa2048PublicKey(spki)) throw new CryptoError("key_invalid", "not RSA-2048 with e = 65537");
  return spki;
}
