/**
 * Checks a signed device list and says what it changes: the rules of @sotto/protocol, and the signatures.
 * The server checks what every client checks again; it keeps the very bytes that were signed.
 * @see spec/PROTOCOL.md "Device lists"
 */
import { toBinary } from "@bufbuild/protobuf";
import {
  LABELS,
  SignedDeviceListSchema,
  ValidationError,
  accountId,
  checkFirstList,
  checkNextList,
  decode,
  deviceId,
  equalBytes,
  labelled,
  logId,
  parseDeviceList,
  type DeviceList,
  type SignedDeviceList,
} from "@sotto/protocol";
import type { ServerCrypto } from "./crypto.ts";
import type { DeviceListChange, SignedListBytes } from "./store.ts";

/** How far ahead of the server's clock a list may be dated, in seconds: wrong clocks exist, but time may not be used up. */
const maxAheadSec = 86_400;

/**
 * Checks version 1 of a new account's list.
 * @throws ValidationError `device_list_invalid`.
 */
export function verifyFirstList(
  signed: SignedDeviceList,
  crypto: ServerCrypto,
  nowSec: number,
): DeviceListChange {
  const list = parseDeviceList(signed.list);
  checkFirstList(list);
  checkTime(list, nowSec);
  checkSignature(list.identityKey, signed.list, signed.signature, crypto);
  if (signed.newIdentitySignature.length > 0) throw invalid("new_identity_signature does not belong here");
  return changeOf(list, signed, nowSec);
}

/**
 * Checks a list against the one stored before it: signed by the identity key before, and by the new one when it changes.
 * @throws ValidationError `device_list_invalid`.
 */
export function verifyNextList(
  previousBytes: SignedListBytes,
  signed: SignedDeviceList,
  crypto: ServerCrypto,
  nowSec: number,
): DeviceListChange {
  const previousSigned = decode(SignedDeviceListSchema, previousBytes);
  const previous = parseDeviceList(previousSigned.list);
  const list = parseDeviceList(signed.list);
  checkNextList(previous, crypto.sha256(previousSigned.list), list);
  checkTime(list, nowSec);
  checkSignature(previous.identityKey, signed.list, signed.signature, crypto);
  if (!equalBytes(list.identityKey, previous.identityKey)) {
    checkSignature(list.identityKey, signed.list, signed.newIdentitySignature, crypto);
  } else if (signed.newIdentitySignature.length > 0) {
    throw invalid("new_identity_signature does not belong here");
  }
  return changeOf(list, signed, nowSec);
}

function checkTime(list: DeviceList, nowSec: number): void {
  if (Number(list.createdAtSec) > nowSec + maxAheadSec) {
    throw invalid("created_at_sec is more than a day ahead of the server's clock");
  }
}

function checkSignature(
  key: Uint8Array,
  list: Uint8Array,
  signature: Uint8Array,
  crypto: ServerCrypto,
): void {
  if (!crypto.verifyEd25519(key, labelled(LABELS.deviceList, list), signature)) {
    throw invalid("a signature of the device list is wrong");
  }
}

function changeOf(list: DeviceList, signed: SignedDeviceList, nowSec: number): DeviceListChange {
  return {
    account: accountId(list.accountId),
    version: Number(list.version),
    signedList: toBinary(SignedDeviceListSchema, signed, { writeUnknownFields: false }),
    devices: list.devices.map((device) => ({
      device: deviceId(device.deviceId),
      signatureKey: device.signatureKey,
      inbox: logId(device.inboxId),
      revoked: device.revokedAtSec !== 0n,
    })),
    nowSec,
  };
}

function invalid(rule: string): ValidationError {
  return new ValidationError("device_list_invalid", rule);
}
