/**
 * Device lists: who may speak for an account. Each version is signed by the identity key of the version before and names
 * its hash. A VerifiedDeviceList can only come from here, so whoever holds one holds a checked chain.
 * @see spec/PROTOCOL.md "Device lists"
 */
import { clone, create, toBinary } from "@bufbuild/protobuf";
import {
  type AccountId,
  type DeviceList,
  type SignedDeviceList,
  CryptoError,
  DeviceListSchema,
  LABELS,
  SignedDeviceListSchema,
  ValidationError,
  checkFirstList,
  checkNextList,
  decode,
  equalBytes,
  labelled,
  parseDeviceList,
} from "@sotto/protocol";
import type { Awaitable, CryptoProvider, Ed25519KeyPair } from "./provider.ts";

declare const verified: unique symbol;

/** A device list whose signatures and history were checked. */
export interface VerifiedDeviceList {
  readonly [verified]: true;
  readonly list: DeviceList;
  /** SHA-256 of the list as it was signed, 32 bytes. */
  readonly hash: Uint8Array;
  /** 1, 2, 3 … */
  readonly version: number;
  /** The serialized SignedDeviceList, as it came. */
  readonly signedBytes: Uint8Array;
  /** Every identity key that the account had, 32 bytes each, the present one last. */
  readonly identityHistory: readonly Uint8Array[];
}

/** A fresh identity key (Ed25519). */
export function createIdentity(provider: CryptoProvider): Awaitable<Ed25519KeyPair> {
  return provider.ed25519Generate();
}

/**
 * What the next version of a list begins with: a copy to be changed, with version, previous_hash and time set.
 * @param nowSec seconds since 1970-01-01 UTC; time never runs back in a list, whatever this says.
 */
export function nextDeviceList(known: VerifiedDeviceList, nowSec: number): DeviceList {
  const next = clone(DeviceListSchema, known.list);
  next.version = known.list.version + 1n;
  next.previousHash = known.hash.slice();
  const now = BigInt(Math.floor(nowSec));
  if (now > next.createdAtSec) next.createdAtSec = now;
  return next;
}

/**
 * Serializes and signs one version.
 * @param identityPrivateKey of the version before (of this one, when it is the first).
 * @param newIdentityPrivateKey when the list names another identity key than the version before.
 * @throws ValidationError `device_list_invalid` when the list is not well formed; CryptoError `key_invalid`.
 */
export async function signDeviceList(
  provider: CryptoProvider,
  list: DeviceList,
  identityPrivateKey: Uint8Array,
  newIdentityPrivateKey?: Uint8Array,
): Promise<SignedDeviceList> {
  const bytes = toBinary(DeviceListSchema, list);
  parseDeviceList(bytes);
  const transcript = labelled(LABELS.deviceList, bytes);
  return create(SignedDeviceListSchema, {
    list: bytes,
    signature: await provider.ed25519Sign(identityPrivateKey, transcript),
    newIdentitySignature:
      newIdentityPrivateKey === undefined
        ? new Uint8Array()
        : await provider.ed25519Sign(newIdentityPrivateKey, transcript),
  });
}

/** Decodes a serialized SignedDeviceList, nothing checked. @throws CodecError `malformed`, `too_large`. */
export function decodeSignedDeviceList(bytes: Uint8Array): SignedDeviceList {
  return decode(SignedDeviceListSchema, bytes);
}

/**
 * Takes lists as a server gave them, oldest first, on top of what is known.
 * Lists up to the known version may come again; the known version must then be the very same bytes.
 * @param known the newest list seen so far of this account; undefined for an account never seen: then version 1 must come.
 * @param account the account that was asked for, when its id is known beforehand.
 * @throws ValidationError `device_list_invalid` (malformed, not contiguous, of another account), `device_list_rolled_back`
 *   (ends before the known version, or differs from it); CryptoError `signature_invalid`.
 */
export async function verifyDeviceLists(
  provider: CryptoProvider,
  known: VerifiedDeviceList | undefined,
  lists: readonly SignedDeviceList[],
  account?: AccountId,
): Promise<VerifiedDeviceList> {
  let newest = known;
  let lastVersion: bigint | undefined;
  for (const given of lists) {
    // A copy of its own: what is checked here must not change with somebody's receive buffer.
    const signed = { ...given, list: given.list.slice() };
    const list = parseDeviceList(signed.list);
    if (lastVersion !== undefined && list.version !== lastVersion + 1n)
      throw invalid("versions are not contiguous");
    lastVersion = list.version;
    if (newest !== undefined && list.version < newest.list.version) continue;
    if (newest !== undefined && list.version === newest.list.version) {
      const hash = await provider.sha256(signed.list);
      if (!equalBytes(hash, newest.hash)) {
        throw rolledBack("the server shows another device list under a version that was seen before");
      }
      continue;
    }
    newest = await follow(provider, newest, list, signed);
  }
  if (newest === undefined) throw invalid("there is no device list");
  if (lastVersion !== undefined && lastVersion < newest.list.version) {
    throw rolledBack("the server shows an older device list than one that was seen before");
  }
  if (account !== undefined && !equalBytes(newest.list.accountId, account)) {
    throw invalid("the device list is of another account");
  }
  return newest;
}

/**
 * Takes back what `verifyDeviceLists` returned once, from this client's own vault: `signedBytes` and `identityHistory`.
 * Everything but the way from version 1 is checked again. Never for bytes from elsewhere.
 * @throws ValidationError `device_list_invalid`; CryptoError `signature_invalid`; CodecError.
 */
export async function restoreDeviceList(
  provider: CryptoProvider,
  signedBytes: Uint8Array,
  identityHistory: readonly Uint8Array[],
): Promise<VerifiedDeviceList> {
  const signed = decodeSignedDeviceList(signedBytes);
  const list = parseDeviceList(signed.list);
  const identity = identityHistory.at(-1);
  if (identity === undefined || !equalBytes(identity, list.identityKey))
    throw invalid("has another identity key");
  const before = signed.newIdentitySignature.length === 0 ? identity : identityHistory.at(-2);
  if (before === undefined) throw invalid("the identity key before is missing");
  await checkSignatures(provider, signed, before, list.identityKey);
  return make(provider, list, signed, identityHistory);
}

async function follow(
  provider: CryptoProvider,
  before: VerifiedDeviceList | undefined,
  list: DeviceList,
  signed: SignedDeviceList,
): Promise<VerifiedDeviceList> {
  if (before === undefined) checkFirstList(list);
  else checkNextList(before.list, before.hash, list);
  const signer = before?.list.identityKey ?? list.identityKey;
  await checkSignatures(provider, signed, signer, list.identityKey);
  const history = before?.identityHistory ?? [];
  const changed = before === undefined || !equalBytes(signer, list.identityKey);
  return make(provider, list, signed, changed ? [...history, list.identityKey] : history);
}

async function checkSignatures(
  provider: CryptoProvider,
  signed: SignedDeviceList,
  signer: Uint8Array,
  identityKey: Uint8Array,
): Promise<void> {
  const transcript = labelled(LABELS.deviceList, signed.list);
  if (!(await provider.ed25519Verify(signer, transcript, signed.signature))) throw unsigned();
  if (equalBytes(signer, identityKey)) {
    if (signed.newIdentitySignature.length > 0) throw invalid("a signature stands where none belongs");
    return;
  }
  if (!(await provider.ed25519Verify(identityKey, transcript, signed.newIdentitySignature))) throw unsigned();
}

async function make(
  provider: CryptoProvider,
  list: DeviceList,
  signed: SignedDeviceList,
  identityHistory: readonly Uint8Array[],
): Promise<VerifiedDeviceList> {
  const fields: Omit<VerifiedDeviceList, typeof verified> = {
    list,
    hash: await provider.sha256(signed.list),
    version: Number(list.version),
    signedBytes: toBinary(SignedDeviceListSchema, signed),
    identityHistory,
  };
  return fields as VerifiedDeviceList;
}

function unsigned(): CryptoError {
  return new CryptoError("signature_invalid", "the device list is not signed by its account");
}

function invalid(what: string): ValidationError {
  return new ValidationError("device_list_invalid", what);
}

function rolledBack(what: string): ValidationError {
  return new ValidationError("device_list_rolled_back", what);
}
