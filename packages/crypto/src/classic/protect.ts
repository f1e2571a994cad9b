/**
 * Making a classic message: fresh AES-256 key and IV, CFB, the key wrapped for one device of the recipient, and a
 * signature over all of it. One message per recipient device.
 */
import { UsageError } from "@sotto/protocol";
import type { CryptoProvider } from "../provider.ts";
import {
  type ClassicAddress,
  type ClassicContent,
  MAX_CLASSIC_MESSAGE_BYTES,
  classicSignedBytes,
  formatClassicMessage,
} from "./format.ts";

/** What goes into a message. */
export interface ProtectClassicInput {
  readonly sender: ClassicAddress;
  readonly recipient: ClassicAddress;
  /** The recipient device's RSA key, SubjectPublicKeyInfo. */
  readonly recipientKey: Uint8Array;
  /** The own device's RSA key, PKCS #8. */
  readonly senderPrivateKey: Uint8Array;
  /** Seconds since 1970-01-01 UTC, a whole number. */
  readonly timestampSec: number;
  /** See plaintext.ts. */
  readonly plaintext: Uint8Array;
}

/** A message ready for the inbox of the recipient's device. */
export interface ProtectedClassicMessage {
  /** The six-member JSON. */
  readonly json: string;
  /** 256 bytes. */
  readonly signature: Uint8Array;
  /** SHA-256 of the signature, 32 bytes: what receipts and replay checks call the message by. */
  readonly hash: Uint8Array;
}

const keyBytes = 32;
const ivBytes = 16;

/** @throws UsageError `message_too_large`, `usage`; CryptoError `key_invalid`. */
export async function protectClassic(
  provider: CryptoProvider,
  input: ProtectClassicInput,
): Promise<ProtectedClassicMessage> {
  if (!Number.isSafeInteger(input.timestampSec) || input.timestampSec < 0) {
    throw new UsageError("usage", "the timestamp must be whole seconds since 1970");
  }
  const key = provider.randomBytes(keyBytes);
  const iv = provider.randomBytes(ivBytes);
  const content: ClassicContent = {
    sender: input.sender,
    recipient: input.recipient,
    iv,
    ciphertext: await provider.aesCfbEncrypt(key, iv, input.plaintext),
    encryptedKey: await provider.rsaOaepSeal(input.recipientKey, key),
    timestampSec: input.timestampSec,
  };
  key.fill(0);
  const signature = await provider.rsaPssSign(input.senderPrivateKey, classicSignedBytes(content));
  const json = formatClassicMessage(content, signature);
  // The JSON is ASCII: one byte a character.
  if (json.length > MAX_CLASSIC_MESSAGE_BYTES)
    throw new UsageError("message_too_large", "the message is too large");
  return { json, signature, hash: await provider.sha256(signature) };
}
