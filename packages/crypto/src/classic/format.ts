/**
 * The classic message on the wire: exactly six members of JSON. Reading is strict, so that one message has one meaning to
 * every implementation; the result is Unverified until its signature was checked. Nothing secret is touched here.
 * @see spec/PROTOCOL.md "The classic suite"
 */
import {
  type AccountId,
  CodecError,
  type DeviceId,
  LIMITS,
  accountId,
  concatBytes,
  deviceId,
  formatId,
  parseBase64,
  parseId,
  toBase64,
  utf8,
} from "@sotto/protocol";
import canonicalize from "canonicalize";
import { parseStrictJson } from "./strict-json.ts";

/** One device of one account. */
export interface ClassicAddress {
  readonly account: AccountId;
  readonly device: DeviceId;
}

/** The fields that are signed. */
export interface ClassicContent {
  readonly sender: ClassicAddress;
  readonly recipient: ClassicAddress;
  /** 16 bytes. */
  readonly iv: Uint8Array;
  readonly ciphertext: Uint8Array;
  /** RSA-OAEP of the AES key, 256 bytes. */
  readonly encryptedKey: Uint8Array;
  /** Seconds since 1970-01-01 UTC. */
  readonly timestampSec: number;
}

declare const unverified: unique symbol;

/** A message that is well formed, and claims what nobody has checked. */
export interface UnverifiedClassicMessage extends ClassicContent {
  readonly [unverified]: true;
  /** RSASSA-PSS, 256 bytes. */
  readonly signature: Uint8Array;
}

/** Most bytes of a message's JSON: it must fit an InboxItem, whose framing takes at most 8 bytes. */
export const MAX_CLASSIC_MESSAGE_BYTES = LIMITS.maxEntryBytes - 8;

const ivBytes = 16;
const rsaBytes = 256;
const members = [
  "sender_id",
  "recipient_id",
  "encrypted_content",
  "encrypted_aes_key",
  "signature",
  "timestamp",
] as const;

/** `<account id>.<device id>`, each 32 hexadecimal digits in lower case. */
export function formatClassicAddress(address: ClassicAddress): string {
  return `${formatId(address.account)}.${formatId(address.device)}`;
}

/** Reads such an address; undefined for anything else. */
export function parseClassicAddress(text: string): ClassicAddress | undefined {
  if (text.length !== 65 || text[32] !== ".") return undefined;
  const account = parseId(text.slice(0, 32));
  const device = parseId(text.slice(33));
  return account && device && { account: accountId(account), device: deviceId(device) };
}

/**
 * Reads a message.
 * @throws CodecError `message_refused`: too large, not JSON, another member, a missing one, one twice, an id, base64 text or
 *   number that is not canonical, a wrong length.
 */
export function parseClassicMessage(json: Uint8Array): UnverifiedClassicMessage {
  const bounds = { maxBytes: MAX_CLASSIC_MESSAGE_BYTES, maxDepth: 1, naturalNumbersOnly: true };
  const value = parseStrictJson(json, bounds);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refused("is no JSON object");
  const object = value as Record<string, unknown>;
  if (Object.keys(object).length !== members.length) throw refused("must have six members");
  for (const member of members) if (!Object.hasOwn(object, member)) throw refused(`lacks ${member}`);
  const content = base64Member(object, "encrypted_content");
  if (content.length <= ivBytes) throw refused("has an encrypted_content with nothing after its IV");
  const timestampSec = object.timestamp;
  if (typeof timestampSec !== "number") throw refused("has a timestamp that is no number");
  const message: Omit<UnverifiedClassicMessage, typeof unverified> = {
    sender: addressMember(object, "sender_id"),
    recipient: addressMember(object, "recipient_id"),
    iv: content.subarray(0, ivBytes),
    ciphertext: content.subarray(ivBytes),
    encryptedKey: base64Member(object, "encrypted_aes_key", rsaBytes),
    signature: base64Member(object, "signature", rsaBytes),
    timestampSec,
  };
  return message as UnverifiedClassicMessage;
}

/** The JSON text of a message. @param signature 256 bytes. */
export function formatClassicMessage(content: ClassicContent, signature: Uint8Array): string {
  const { timestamp, ...others } = signedMembers(content);
  return JSON.stringify({ ...others, signature: toBase64(signature), timestamp });
}

/** What is signed: the RFC 8785 form of the message without `signature`, in UTF-8. */
export function classicSignedBytes(content: ClassicContent): Uint8Array {
  return utf8(canonicalize(signedMembers(content)) ?? "");
}

function signedMembers(
  content: ClassicContent,
): Record<Exclude<(typeof members)[number], "signature">, unknown> {
  return {
    sender_id: formatClassicAddress(content.sender),
    recipient_id: formatClassicAddress(content.recipient),
    encrypted_content: toBase64(concatBytes(content.iv, content.ciphertext)),
    encrypted_aes_key: toBase64(content.encryptedKey),
    timestamp: content.timestampSec,
  };
}

function addressMember(object: Record<string, unknown>, member: string): ClassicAddress {
  const text = object[member];
  const address = typeof text === "string" ? parseClassicAddress(text) : undefined;
  if (address === undefined) throw refused(`has a ${member} that is no <account>.<device>`);
  return address;
}

function base64Member(object: Record<string, unknown>, member: string, length?: number): Uint8Array {
  const text = object[member];
  const bytes = typeof text === "string" ? parseBase64(text) : undefined;
  if (bytes === undefined) throw refused(`has a ${member} that is not canonical base64`);
  if (length !== undefined && bytes.length !== length) throw refused(`has a ${member} of a wrong length`);
  return bytes;
}

function refused(what: string): CodecError {
  return new CodecError("message_refused", `a classic message ${what}`);
}
