/**
 * Message encryption for Web Push (RFC 8291, with the content encoding aes128gcm of RFC 8188), by node:crypto. One record: a wake-up is
 * empty, so it is the delimiter and the tag alone.
 */
import { createCipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { concatBytes, utf8 } from "@sotto/protocol";
import type { PushSubscription } from "../../core/push/store.ts";

const saltBytes = 16;
const keyBytes = 16;
const nonceBytes = 12;
const recordSize = 4096;
/** Ends the last record (RFC 8188, section 2). */
const delimiter = 2;

/** HKDF (RFC 5869) with SHA-256. */
const hkdf = (salt: Uint8Array, secret: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", secret, salt, info, length));

/** Randomness of one message; given only where a published example is repeated. */
export interface PushSecrets {
  /** 16 bytes. */
  readonly salt: Uint8Array;
  /** The sender's private key of this message: 32 bytes. */
  readonly privateKey: Uint8Array;
}

/** Encrypts for a subscription. @throws when its key is no point of P-256. */
export function encryptPush(
  { p256dh, auth }: Pick<PushSubscription, "p256dh" | "auth">,
  plaintext: Uint8Array,
  secrets?: PushSecrets,
): Uint8Array {
  const ephemeral = createECDH("prime256v1");
  if (secrets === undefined) ephemeral.generateKeys();
  else ephemeral.setPrivateKey(secrets.privateKey);
  const salt = secrets?.salt ?? randomBytes(saltBytes);
  const publicKey = ephemeral.getPublicKey();
  const shared = ephemeral.computeSecret(p256dh);
  const info = concatBytes(utf8("WebPush: info\0"), p256dh, publicKey);
  const secret = hkdf(auth, shared, info, 32);
  const key = hkdf(salt, secret, utf8("Content-Encoding: aes128gcm\0"), keyBytes);
  const nonce = hkdf(salt, secret, utf8("Content-Encoding: nonce\0"), nonceBytes);
  const cipher = createCipheriv("aes-128-gcm", key, nonce);
  const sealed = cipher.update(concatBytes(plaintext, Uint8Array.of(delimiter)));
  cipher.final();
  const header = new Uint8Array(5);
  new DataView(header.buffer).setUint32(0, recordSize);
  header[4] = publicKey.length;
  return concatBytes(salt, header, publicKey, sealed, cipher.getAuthTag());
}
