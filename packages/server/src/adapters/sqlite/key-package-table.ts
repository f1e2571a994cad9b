/** KeyPackages in SQLite. Every method that writes is called inside a transaction of the store. */
import type { DatabaseSync } from "node:sqlite";
import { LIMITS, toHex, type DeviceId } from "@sotto/protocol";
import {
  isOverLimit,
  type HandedOut,
  type KeyPackageClaim,
  type KeyPackagePut,
  type KeyPackagesLeft,
} from "../../core/key-packages/store.ts";

interface KeyPackageRow {
  readonly num: number;
  readonly key_package: Uint8Array;
}

/** The table of KeyPackages of one database. Accounts are meant by their number. */
export class KeyPackageTable {
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: DatabaseSync) {
    this.#sql = statements(database);
  }

  /** @returns whether there was room. */
  put(account: number, put: KeyPackagePut): boolean {
    const { device, ciphersuite } = put;
    const rows = this.#sql.countAll.all(account, device);
    const stored = new Map(rows.map((row) => [Number(row["ciphersuite"]), Number(row["one_time"])]));
    if (isOverLimit(put, stored, LIMITS)) return false;
    if (put.replace) this.#sql.deleteSuite.run(account, device, ciphersuite);
    for (const bytes of put.keyPackages) this.#sql.insert.run(account, device, ciphersuite, 0, bytes);
    if (put.lastResort !== undefined) {
      this.#sql.deleteLastResort.run(account, device, ciphersuite);
      this.#sql.insert.run(account, device, ciphersuite, 1, put.lastResort);
    }
    return true;
  }

  claim(account: number, claim: KeyPackageClaim): HandedOut[] {
    const wanted = claim.devices && new Set(claim.devices.map(toHex));
    const handedOut: HandedOut[] = [];
    let bytes = 0;
    for (const row of this.#sql.devicesInUse.all(account)) {
      const device = row["device"] as DeviceId;
      if (wanted?.has(toHex(device)) === false) continue;
      const oneTime = claim.oneTime ? this.#first(account, device, claim.ciphersuite, 0) : undefined;
      const found = oneTime ?? this.#first(account, device, claim.ciphersuite, 1);
      if (found === undefined) continue;
      bytes += found.key_package.length;
      if (bytes > claim.maxBytes) break;
      if (oneTime !== undefined) this.#sql.delete.run(oneTime.num);
      handedOut.push({ device, keyPackage: found.key_package, isLastResort: oneTime === undefined });
    }
    return handedOut;
  }

  count(account: number, device: DeviceId, ciphersuite: number): KeyPackagesLeft {
    const rows = this.#sql.countSuite.all(account, device, ciphersuite);
    const counts = new Map(rows.map((row) => [Number(row["last_resort"]), Number(row["n"])]));
    return { left: counts.get(0) ?? 0, hasLastResort: counts.has(1) };
  }

  /** Deletes all of a device's. */
  deleteDevice(account: number, device: DeviceId): void {
    this.#sql.deleteDevice.run(account, device);
  }

  #first(
    account: number,
    device: DeviceId,
    ciphersuite: number,
    lastResort: 0 | 1,
  ): KeyPackageRow | undefined {
    const row = this.#sql.first.get(account, device, ciphersuite, lastResort);
    return row as unknown as KeyPackageRow | undefined;
  }
}

function statements(database: DatabaseSync) {
  const ofDevice = "account = ? AND device = ?";
  const ofSuite = `${ofDevice} AND ciphersuite = ?`;
  return {
    devicesInUse: database.prepare(
      "SELECT device FROM devices WHERE account = ? AND revoked = 0 ORDER BY device",
    ),
    insert: database.prepare(
      "INSERT INTO key_packages (account, device, ciphersuite, last_resort, key_package) VALUES (?, ?, ?, ?, ?)",
    ),
    first: database.prepare(
      `SELECT num, key_package FROM key_packages WHERE ${ofSuite} AND last_resort = ? ORDER BY num LIMIT 1`,
    ),
    delete: database.prepare("DELETE FROM key_packages WHERE num = ?"),
    deleteLastResort: database.prepare(`DELETE FROM key_packages WHERE ${ofSuite} AND last_resort = 1`),
    deleteSuite: database.prepare(`DELETE FROM key_packages WHERE ${ofSuite}`),
    deleteDevice: database.prepare(`DELETE FROM key_packages WHERE ${ofDevice}`),
    countAll: database.prepare(
      `SELECT ciphersuite, sum(last_resort = 0) AS one_time FROM key_packages WHERE ${ofDevice} GROUP BY ciphersuite`,
    ),
    countSuite: database.prepare(
      `SELECT last_resort, count(*) AS n FROM key_packages WHERE ${ofSuite} GROUP BY last_resort`,
    ),
  };
}
