/** KeyPackages in memory: the part of MemoryStore that keeps them. */
import { LIMITS, toHex, type AccountId, type DeviceId } from "@sotto/protocol";
import { idKey } from "../core/logs/id-key.ts";
import {
  isOverLimit,
  type HandedOut,
  type KeyPackageClaim,
  type KeyPackagePut,
  type KeyPackagesLeft,
} from "../core/key-packages/store.ts";

interface Shelf {
  oneTime: Uint8Array[];
  lastResort: Uint8Array | undefined;
}

const key = (account: AccountId, device: DeviceId): string => idKey(account) + idKey(device);

/** The KeyPackages of all devices. */
export class MemoryKeyPackages {
  /** By device, then by ciphersuite. */
  readonly #shelves = new Map<string, Map<number, Shelf>>();

  /** @returns whether there was room. */
  put(put: KeyPackagePut): boolean {
    const name = key(put.account, put.device);
    const suites = this.#shelves.get(name) ?? new Map<number, Shelf>();
    const stored = new Map([...suites].map(([suite, { oneTime }]) => [suite, oneTime.length]));
    if (isOverLimit(put, stored, LIMITS)) return false;
    const before = put.replace ? undefined : suites.get(put.ciphersuite);
    const shelf: Shelf = {
      oneTime: [...(before?.oneTime ?? []), ...put.keyPackages.map((bytes) => Uint8Array.from(bytes))],
      lastResort: put.lastResort === undefined ? before?.lastResort : Uint8Array.from(put.lastResort),
    };
    suites.set(put.ciphersuite, shelf);
    this.#shelves.set(name, suites);
    this.#dropIfEmpty(name, put.ciphersuite);
    return true;
  }

  /** @param inUse the account's devices that are not revoked. */
  claim(claim: KeyPackageClaim, inUse: readonly DeviceId[]): HandedOut[] {
    const wanted = claim.devices && new Set(claim.devices.map(toHex));
    const handedOut: HandedOut[] = [];
    let bytes = 0;
    const sorted = inUse.map((device) => ({ device, hex: toHex(device) }));
    sorted.sort((a, b) => (a.hex < b.hex ? -1 : 1));
    for (const { device, hex } of sorted) {
      const name = key(claim.account, device);
      const shelf = this.#shelves.get(name)?.get(claim.ciphersuite);
      if (shelf === undefined || wanted?.has(hex) === false) continue;
      const first = claim.oneTime ? shelf.oneTime[0] : undefined;
      const keyPackage = first ?? shelf.lastResort;
      if (keyPackage === undefined) continue;
      bytes += keyPackage.length;
      if (bytes > claim.maxBytes) break;
      if (first !== undefined) shelf.oneTime.shift();
      handedOut.push({ device, keyPackage, isLastResort: first === undefined });
      this.#dropIfEmpty(name, claim.ciphersuite);
    }
    return handedOut;
  }

  count(account: AccountId, device: DeviceId, ciphersuite: number): KeyPackagesLeft {
    const shelf = this.#shelves.get(key(account, device))?.get(ciphersuite);
    return { left: shelf?.oneTime.length ?? 0, hasLastResort: shelf?.lastResort !== undefined };
  }

  /** Deletes all of a device's. */
  deleteDevice(account: AccountId, device: DeviceId): void {
    this.#shelves.delete(key(account, device));
  }

  #dropIfEmpty(name: string, ciphersuite: number): void {
    const suites = this.#shelves.get(name);
    const shelf = suites?.get(ciphersuite);
    if (shelf?.oneTime.length === 0 && shelf.lastResort === undefined) suites?.delete(ciphersuite);
  }
}
