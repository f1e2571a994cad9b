/**
 * The part of the storage port that keeps KeyPackages (RFC 9420 §10). To the server they are opaque bytes.
 *
 * What each adapter must give: a claim is one durable transaction, so that what it hands out is deleted before anybody
 * sees it and nobody gets it again; nothing is kept of who claimed.
 */
import type { AccountId, DeviceId } from "@sotto/protocol";

/** What a device gives. Lengths and numbers were checked. */
export interface KeyPackagePut {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly ciphersuite: number;
  /** Each is handed out once, in this order. */
  readonly keyPackages: readonly Uint8Array[];
  /** undefined: the one before stays. */
  readonly lastResort: Uint8Array | undefined;
  /** Deletes what the device had of this ciphersuite first, the last resort among it. */
  readonly replace: boolean;
}

/** Asks for one KeyPackage of each device in use. */
export interface KeyPackageClaim {
  readonly account: AccountId;
  readonly ciphersuite: number;
  /** undefined: all of them. */
  readonly devices: readonly DeviceId[] | undefined;
  /** False: last resorts only. */
  readonly oneTime: boolean;
  /** Devices whose KeyPackage does not fit any more get nothing, and lose nothing. */
  readonly maxBytes: number;
}

/** A KeyPackage that was handed out. */
export interface HandedOut {
  readonly device: DeviceId;
  readonly keyPackage: Uint8Array;
  readonly isLastResort: boolean;
}

/** What a device has left of a ciphersuite. */
export interface KeyPackagesLeft {
  /** Without the last resort. */
  readonly left: number;
  readonly hasLastResort: boolean;
}

/** Stores KeyPackages. Revoking a device deletes all of its. */
export interface KeyPackageStore {
  /**
   * Stores all of it or nothing. `device_gone`: unknown or revoked. `full`: more than LIMITS.maxKeyPackages of a
   * ciphersuite, or more than LIMITS.maxKeyPackageSuites.
   */
  putKeyPackages(put: KeyPackagePut): Promise<"stored" | "device_gone" | "full">;
  /**
   * Carries out claims in order, in one durable transaction; answers in the same order, each by device id. The oldest
   * KeyPackage goes first.
   */
  claimKeyPackages(claims: readonly KeyPackageClaim[]): Promise<readonly (readonly HandedOut[])[]>;
  countKeyPackages(account: AccountId, device: DeviceId, ciphersuite: number): Promise<KeyPackagesLeft>;
}

/** Whether a put goes over a limit. @param stored what the device has of each ciphersuite, last resorts not counted. */
export function isOverLimit(
  put: KeyPackagePut,
  stored: ReadonlyMap<number, number>,
  limits: { readonly maxKeyPackages: number; readonly maxKeyPackageSuites: number },
): boolean {
  const before = put.replace ? 0 : (stored.get(put.ciphersuite) ?? 0);
  const others = stored.has(put.ciphersuite) ? stored.size - 1 : stored.size;
  return before + put.keyPackages.length > limits.maxKeyPackages || others + 1 > limits.maxKeyPackageSuites;
}
