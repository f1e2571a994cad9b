/**
 * What makes a device list well formed, and what makes it follow the version before: the rules that clients and the server
 * check alike. Pure and without signatures: each side checks those with its own crypto, over the exact bytes.
 *
 * Invariants: versions are contiguous and chained by hash; time never runs back; devices and RSA keys are only ever
 * appended, never altered, and what is retired or revoked stays so. The oldest keys may be left out once nothing that
 * they signed would be taken any more.
 * @see spec/PROTOCOL.md "Device lists"
 */
import { equalBytes, toHex } from "./bytes.ts";
import { decode } from "./codec.ts";
import { ValidationError } from "./errors.ts";
import {
  DeviceListSchema,
  type ClassicKey,
  type Device,
  type DeviceList,
} from "./gen/sotto/v1/directory_pb.js";
import { ID_BYTES } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { isRsa2048PublicKey } from "./rsa-public-key.ts";

const hashBytes = 32;
const ed25519KeyBytes = 32;
const inboxKeyBytes = 32;
// The end of the year 9999: later times are mistakes, and all of these fit a JavaScript number exactly.
const latestSec = 253_402_300_799n;
const latestVersion = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Decodes one version of a device list and checks everything that can be seen in it alone.
 * Byte fields are views into `bytes`.
 * @throws ValidationError `device_list_invalid`.
 */
export function parseDeviceList(bytes: Uint8Array): DeviceList {
  let list: DeviceList;
  try {
    list = decode(DeviceListSchema, bytes, LIMITS.maxDeviceListBytes);
  } catch (cause) {
    throw new ValidationError("device_list_invalid", "the device list cannot be decoded", { cause });
  }
  check(list.accountId.length === ID_BYTES, "account_id must have 16 bytes");
  check(list.version >= 1n && list.version <= latestVersion, "version must be at least 1");
  check(
    list.previousHash.length === (list.version === 1n ? 0 : hashBytes),
    "previous_hash has a wrong length",
  );
  check(list.identityKey.length === ed25519KeyBytes, "identity_key must have 32 bytes");
  check(list.createdAtSec >= 1n && list.createdAtSec <= latestSec, "created_at_sec is out of range");
  check(list.devices.length >= 1, "no device is listed");
  check(list.devices.length <= LIMITS.maxDevices, "too many devices are listed");
  for (const device of list.devices) checkDevice(device, list.createdAtSec);
  checkDistinct(
    list.devices.map((device) => device.deviceId),
    "device_id",
  );
  checkDistinct(
    list.devices.map((device) => device.signatureKey),
    "signature_key",
  );
  checkDistinct(
    list.devices.map((device) => device.inboxId),
    "inbox_id",
  );
  checkDistinct(
    list.devices.map((device) => device.inboxKey).filter((key) => key.length > 0),
    "inbox_key",
  );
  checkDistinct(
    list.devices.flatMap((device) => device.classicKeys.map((key) => key.publicKey)),
    "classic key",
  );
  return list;
}

/**
 * Checks that a parsed list can begin an account: version 1 with exactly one device, which is in use.
 * @throws ValidationError `device_list_invalid`.
 */
export function checkFirstList(list: DeviceList): void {
  check(list.version === 1n, "the first list must have version 1");
  check(list.devices.length === 1, "the first list must name exactly one device");
  check(list.devices[0]?.revokedAtSec === 0n, "the first device is revoked");
}

/**
 * Checks that a parsed list follows the one before it.
 * @param previousHash SHA-256 of the serialized list before, 32 bytes.
 * @throws ValidationError `device_list_invalid`.
 */
export function checkNextList(previous: DeviceList, previousHash: Uint8Array, next: DeviceList): void {
  check(equalBytes(next.accountId, previous.accountId), "account_id has changed");
  check(next.version === previous.version + 1n, "version does not follow the one before");
  check(equalBytes(next.previousHash, previousHash), "previous_hash is not that of the version before");
  check(next.createdAtSec >= previous.createdAtSec, "created_at_sec is before that of the version before");
  for (const [index, device] of previous.devices.entries()) {
    checkSameDevice(device, next.devices[index], next.createdAtSec);
  }
}

/**
 * Whether a version may leave a key out that ended before: whatever it signed is too old to be taken by then.
 * @param createdAtSec of that version.
 */
export function isClassicKeyOutdated(key: ClassicKey, createdAtSec: bigint): boolean {
  const endedAtSec = key.retiredAtSec > key.revokedAtSec ? key.retiredAtSec : key.revokedAtSec;
  const keptForSec = BigInt(LIMITS.retiredKeyGraceSec + LIMITS.maxMessageAgeSec);
  return endedAtSec !== 0n && endedAtSec + keptForSec < createdAtSec;
}

function checkDevice(device: Device, createdAtSec: bigint): void {
  check(device.deviceId.length === ID_BYTES, "device_id must have 16 bytes");
  check(device.signatureKey.length === ed25519KeyBytes, "signature_key must have 32 bytes");
  check(device.inboxId.length === ID_BYTES, "inbox_id must have 16 bytes");
  check(
    device.inboxKey.length === 0 || device.inboxKey.length === inboxKeyBytes,
    "inbox_key must be empty or have 32 bytes",
  );
  check(device.sealedName.length <= LIMITS.maxSealedNameBytes, "sealed_name is too long");
  check(
    device.addedAtSec >= 1n && device.addedAtSec <= createdAtSec,
    "a device's added_at_sec is out of range",
  );
  checkEnd(device.revokedAtSec, device.addedAtSec, createdAtSec, "a device's revoked_at_sec");
  check(device.classicKeys.length <= LIMITS.maxClassicKeys, "a device lists too many classic keys");
  let earliest = 1n;
  for (const [index, key] of device.classicKeys.entries()) {
    check(isRsa2048PublicKey(key.publicKey), "a classic key is not RSA-2048 with e = 65537 in canonical DER");
    check(
      key.addedAtSec >= earliest && key.addedAtSec <= createdAtSec,
      "a classic key's added_at_sec is out of range",
    );
    checkEnd(key.retiredAtSec, key.addedAtSec, createdAtSec, "a classic key's retired_at_sec");
    checkEnd(key.revokedAtSec, key.addedAtSec, createdAtSec, "a classic key's revoked_at_sec");
    const newest = index === device.classicKeys.length - 1;
    const inUse = key.retiredAtSec === 0n && key.revokedAtSec === 0n;
    check(newest || !inUse, "only a device's newest classic key may be in use");
    earliest = key.addedAtSec;
  }
}

/** 0 means "not yet"; anything else lies between the beginning and the list's own time. */
function checkEnd(end: bigint, begin: bigint, createdAtSec: bigint, what: string): void {
  check(end === 0n || (end >= begin && end <= createdAtSec), `${what} is out of range`);
}

function checkSameDevice(before: Device, after: Device | undefined, createdAtSec: bigint): void {
  check(after !== undefined, "a device has disappeared");
  check(equalBytes(after.deviceId, before.deviceId), "a device was replaced or moved");
  check(equalBytes(after.signatureKey, before.signatureKey), "a device's signature_key has changed");
  check(equalBytes(after.inboxId, before.inboxId), "a device's inbox_id has changed");
  check(
    before.inboxKey.length === 0 || equalBytes(after.inboxKey, before.inboxKey),
    "a device's inbox_key has changed",
  );
  check(after.addedAtSec === before.addedAtSec, "a device's added_at_sec has changed");
  checkSetOnce(before.revokedAtSec, after.revokedAtSec, "a device's revoked_at_sec");
  const kept = before.classicKeys.slice(leftOut(before, after, createdAtSec));
  for (const [index, key] of kept.entries()) checkSameKey(key, after.classicKeys[index]);
  const grew = after.classicKeys.length > kept.length;
  check(before.revokedAtSec === 0n || !grew, "a revoked device has a new classic key");
}

/** How many of a device's oldest keys were left out, if they all may be; otherwise 0. */
function leftOut(before: Device, after: Device, createdAtSec: bigint): number {
  const [first] = after.classicKeys;
  const at = first ? before.classicKeys.findIndex((key) => equalBytes(key.publicKey, first.publicKey)) : -1;
  const missing = before.classicKeys.slice(0, at < 0 ? undefined : at);
  return missing.every((key) => isClassicKeyOutdated(key, createdAtSec)) ? missing.length : 0;
}

function checkSameKey(before: ClassicKey, after: ClassicKey | undefined): void {
  check(after !== undefined, "a classic key has disappeared");
  check(equalBytes(after.publicKey, before.publicKey), "a classic key was replaced or moved");
  check(after.addedAtSec === before.addedAtSec, "a classic key's added_at_sec has changed");
  checkSetOnce(before.retiredAtSec, after.retiredAtSec, "a classic key's retired_at_sec");
  checkSetOnce(before.revokedAtSec, after.revokedAtSec, "a classic key's revoked_at_sec");
}

function checkSetOnce(before: bigint, after: bigint, what: string): void {
  check(before === 0n || after === before, `${what} was already set and has changed`);
}

function checkDistinct(values: readonly Uint8Array[], what: string): void {
  check(new Set(values.map(toHex)).size === values.length, `a ${what} is listed twice`);
}

function check(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new ValidationError("device_list_invalid", rule);
}
