/**
 * Taking a classic message in: for whom first, then the signature by a key on the sender's device list, its time, whether
 * it was seen before, and only then decryption. Only what passed all of it becomes a VerifiedClassicMessage.
 *
 * A key that was retired verifies messages dated up to a day later (LIMITS.retiredKeyGraceSec), since they may have waited
 * in an outbox; a revoked one, or one of a revoked device, nothing dated after its revocation. Dates are the sender's own
 * word: whoever stole a key can date back, within the age that a message may have.
 * @see spec/PROTOCOL.md "Receiving: checks in order"
 */
import {
  CryptoError,
  type Device,
  InternalError,
  LIMITS,
  ValidationError,
  equalBytes,
} from "@sotto/protocol";
import type { VerifiedDeviceList } from "../device-list.ts";
import { classicKeyStateAt, findDevice, isAfter } from "../device-list-reading.ts";
import type { CryptoProvider } from "../provider.ts";
import { type ClassicAddress, type UnverifiedClassicMessage, classicSignedBytes } from "./format.ts";

declare const verified: unique symbol;

/** A message that its sender signed, for us, now, once; decrypted. */
export interface VerifiedClassicMessage {
  readonly [verified]: true;
  readonly sender: ClassicAddress;
  readonly recipient: ClassicAddress;
  readonly timestampSec: number;
  /** SHA-256 of the signature, 32 bytes. */
  readonly hash: Uint8Array;
  /** SHA-256 of the wrapped AES key, 32 bytes: see `alreadySeen`. */
  readonly keyHash: Uint8Array;
  /** To be read with `parseClassicPlaintext`. */
  readonly plaintext: Uint8Array;
}

/** What taking a message in needs to know. */
export interface UnprotectClassicInput {
  /** From `parseClassicMessage`; its `sender` says whose list to bring. */
  readonly message: UnverifiedClassicMessage;
  /** This device. */
  readonly self: ClassicAddress;
  /** This device's RSA keys in PKCS #8: the newest first, then those retired; never a revoked one. */
  readonly privateKeys: readonly Uint8Array[];
  /** The newest list known of the sender's account; undefined when the directory knows none. */
  readonly senderList: VerifiedDeviceList | undefined;
  /** Seconds since 1970-01-01 UTC. */
  readonly nowSec: number;
  /** LIMITS.maxMessageAgeSec if absent. */
  readonly maxAgeSec?: number;
  /** LIMITS.maxClockSkewSec if absent. */
  readonly maxClockSkewSec?: number;
  /**
   * Whether a message with this signature hash, or with this hash of its wrapped key, was decrypted before. Asked only once
   * the signature holds. Each message has a key of its own; one that comes again belongs to somebody else's ciphertext,
   * signed anew: whoever did that must learn nothing of what it decrypts to, not even by trying changes to it.
   */
  readonly alreadySeen?: (hash: Uint8Array, keyHash: Uint8Array) => Promise<boolean> | boolean;
}

/**
 * `device_unknown` and `signature_invalid` may mean that `senderList` is older than the message: get the newest and try
 * once more.
 * @throws ValidationError `message_not_for_us`, `message_stale`, `message_from_future`, `device_unknown`, `key_revoked`,
 *   `message_replayed`; CryptoError `signature_invalid`, `decryption_failed`.
 */
export async function unprotectClassic(
  provider: CryptoProvider,
  input: UnprotectClassicInput,
): Promise<VerifiedClassicMessage> {
  const { message } = input;
  checkAddressee(message, input.self);
  await checkSignature(provider, message, senderDevice(message, input.senderList));
  checkTime(message, input);
  const hash = await provider.sha256(message.signature);
  const keyHash = await provider.sha256(message.encryptedKey);
  if (await input.alreadySeen?.(hash, keyHash))
    throw new ValidationError("message_replayed", "the message came before");
  const { sender, recipient, timestampSec } = message;
  const plaintext = await decrypt(provider, message, input.privateKeys);
  const fields: Omit<VerifiedClassicMessage, typeof verified> = {
    sender,
    recipient,
    timestampSec,
    hash,
    keyHash,
    plaintext,
  };
  return fields as VerifiedClassicMessage;
}

function checkAddressee(message: UnverifiedClassicMessage, self: ClassicAddress): void {
  const { recipient } = message;
  if (!equalBytes(recipient.account, self.account) || !equalBytes(recipient.device, self.device)) {
    throw new ValidationError("message_not_for_us", "the message is for another device");
  }
}

function checkTime(message: UnverifiedClassicMessage, input: UnprotectClassicInput): void {
  const { timestampSec } = message;
  if (timestampSec < input.nowSec - (input.maxAgeSec ?? LIMITS.maxMessageAgeSec)) {
    throw new ValidationError("message_stale", "the message is too old");
  }
  if (timestampSec > input.nowSec + (input.maxClockSkewSec ?? LIMITS.maxClockSkewSec)) {
    throw new ValidationError("message_from_future", "the message is dated in the future");
  }
}

function senderDevice(message: UnverifiedClassicMessage, list: VerifiedDeviceList | undefined): Device {
  const { account, device } = message.sender;
  if (list !== undefined && !equalBytes(list.list.accountId, account)) {
    throw new InternalError("internal", "the device list is not the sender's");
  }
  const found = list && findDevice(list.list, device);
  if (found === undefined || isAfter(message.timestampSec, found.revokedAtSec)) {
    throw new ValidationError(
      "device_unknown",
      "the sender's device is not on its account's list, or was revoked",
    );
  }
  return found;
}

async function checkSignature(
  provider: CryptoProvider,
  message: UnverifiedClassicMessage,
  device: Device,
): Promise<void> {
  const signed = classicSignedBytes(message);
  for (const key of device.classicKeys.toReversed()) {
    if (!(await provider.rsaPssVerify(key.publicKey, signed, message.signature))) continue;
    const state = classicKeyStateAt(device, key, message.timestampSec);
    if (state === "in_use" || state === "grace") return;
    throw new ValidationError("key_revoked", `the message is signed by a key that was ${state} before`);
  }
  throw new CryptoError("signature_invalid", "the message is not signed by its sender");
}

async function decrypt(
  provider: CryptoProvider,
  message: UnverifiedClassicMessage,
  privateKeys: readonly Uint8Array[],
): Promise<Uint8Array> {
  for (const privateKey of privateKeys) {
    const key = await unwrapKey(provider, privateKey, message.encryptedKey);
    if (key === undefined) continue;
    try {
      return await provider.aesCfbDecrypt(key, message.iv, message.ciphertext);
    } finally {
      key.fill(0);
    }
  }
  throw new CryptoError("decryption_failed", "the message does not decrypt with any key of this device");
}

async function unwrapKey(
  provider: CryptoProvider,
  privateKey: Uint8Array,
  encryptedKey: Uint8Array,
): Promise<Uint8Array | undefined> {
  try {
    const key = await provider.rsaOaepOpen(privateKey, encryptedKey);
    return key.length === 32 ? key : undefined;
  } catch (error) {
    if (error instanceof CryptoError && error.code === "decryption_failed") return undefined;
    throw error;
  }
}
