/** Questions to a device list: which devices are in use, and what an RSA key was good for at a time. */
import {
  type ClassicKey,
  type Device,
  type DeviceId,
  type DeviceList,
  LIMITS,
  equalBytes,
} from "@sotto/protocol";

/** What a key is, as seen from a time. `grace`: retired, but recently enough that its signatures still count. */
export type KeyState = "in_use" | "grace" | "retired" | "revoked";

/** The devices that are not revoked, in the order of the list. */
export function activeDevices(list: DeviceList): readonly Device[] {
  return list.devices.filter((device) => device.revokedAtSec === 0n);
}

/** The device of that id, revoked or not; undefined when it was never listed. */
export function findDevice(list: DeviceList, id: DeviceId): Device | undefined {
  return list.devices.find((device) => equalBytes(device.deviceId, id));
}

/** The RSA key to encrypt to now; undefined when the device is revoked or has none in use. */
export function newestClassicKey(device: Device): ClassicKey | undefined {
  if (device.revokedAtSec !== 0n) return undefined;
  const newest = device.classicKeys.at(-1);
  return newest !== undefined && newest.retiredAtSec === 0n && newest.revokedAtSec === 0n
    ? newest
    : undefined;
}

/**
 * What a device's key was good for at a time. A revoked device revokes its keys. Signatures dated up to a revocation
 * count; up to `LIMITS.retiredKeyGraceSec` after a retirement too, since messages wait in an outbox.
 * @param timeSec seconds since 1970-01-01 UTC.
 */
export function classicKeyStateAt(device: Device, key: ClassicKey, timeSec: number): KeyState {
  if (isAfter(timeSec, device.revokedAtSec) || isAfter(timeSec, key.revokedAtSec)) return "revoked";
  if (!isAfter(timeSec, key.retiredAtSec)) return "in_use";
  return timeSec <= Number(key.retiredAtSec) + LIMITS.retiredKeyGraceSec ? "grace" : "retired";
}

/** Whether a time lies after an end as device lists have them: 0 means that there is none. Seconds. */
export function isAfter(timeSec: number, endSec: bigint): boolean {
  return endSec !== 0n && timeSec > Number(endSec);
}
