/** Accounts, device lists and devices in SQLite. Every method that writes is called inside a transaction of the store. */
import type { DatabaseSync } from "node:sqlite";
import type { AccountId, DeviceId } from "@sotto/protocol";
import { idKey } from "../../core/logs/id-key.ts";
import type {
  AccountRecord,
  DeviceListChange,
  DeviceRecord,
  SignedListBytes,
  Store,
} from "../../core/store.ts";
import type {
  HandedOut,
  KeyPackageClaim,
  KeyPackagePut,
  KeyPackagesLeft,
} from "../../core/key-packages/store.ts";
import { KeyPackageTable } from "./key-package-table.ts";
import type { PushDevice, PushSubscription } from "../../core/push/store.ts";
import { PushTable } from "./push-table.ts";
import { RecoveryTable } from "./recovery-table.ts";
import { RetiredTable } from "./retired-table.ts";
import type { LogTable } from "./log-table.ts";

interface AccountRow {
  readonly num: number;
  readonly account: AccountId;
  readonly newest_version: number;
}

/** The account tables of one database. */
export class AccountTable {
  readonly #logs: LogTable;
  readonly #keyPackages: KeyPackageTable;
  readonly #recovery: RecoveryTable;
  readonly #push: PushTable;
  readonly #retired: RetiredTable;
  readonly #sql: ReturnType<typeof statements>;
  /** Kept, since counting looks at every account and strangers may ask; undefined when it must be asked for. */
  #count: number | undefined;

  constructor(database: DatabaseSync, logs: LogTable) {
    this.#logs = logs;
    this.#keyPackages = new KeyPackageTable(database);
    this.#recovery = new RecoveryTable(database);
    this.#push = new PushTable(database);
    this.#retired = new RetiredTable(database);
    this.#sql = statements(database);
  }

  create(
    identifierHash: Uint8Array,
    change: DeviceListChange,
    maxAccounts: number | undefined,
  ): Awaited<ReturnType<Store["createAccount"]>> {
    if (this.byIdentifier(identifierHash) !== undefined) return "identifier_taken";
    if (maxAccounts !== undefined && this.count() >= maxAccounts) return "server_full";
    if (this.#isTaken(change.account) || this.#inboxTaken(undefined, change)) return "log_exists";
    this.#insert(identifierHash, change);
    if (this.#count !== undefined) this.#count++;
    return "created";
  }

  /** See Store.replaceAccount. */
  replace(
    identifierHash: Uint8Array,
    old: AccountId,
    change: DeviceListChange,
    nowSec: number,
  ): Awaited<ReturnType<Store["replaceAccount"]>> {
    const account = this.#find(old);
    const holder = this.byIdentifier(identifierHash)?.account;
    const resetAtSec = account && this.#recovery.readReset(account.num);
    if (account === undefined || holder === undefined || idKey(holder) !== idKey(old)) return "conflict";
    if (resetAtSec === undefined || resetAtSec > nowSec) return "conflict";
    if (this.#isTaken(change.account) || this.#inboxTaken(undefined, change)) return "log_exists";
    for (const row of this.#sql.devicesInUse.all(account.num)) {
      this.#logs.deleteLog(row["inbox"] as DeviceRecord["inbox"]);
      this.#keyPackages.deleteDevice(account.num, row["device"] as DeviceId);
    }
    this.#recovery.deleteAccount(account.num);
    this.#push.deleteAccount(account.num);
    this.#sql.revokeAll.run(account.num);
    this.#sql.deleteLists.run(account.num);
    this.#sql.retire.run(account.num);
    this.#insert(identifierHash, change);
    return "replaced";
  }

  /** See Store.deleteAccount. */
  delete(id: AccountId, version: number, farewell: Uint8Array): boolean {
    const account = this.#find(id);
    if (account?.newest_version !== version) return false;
    for (const row of this.#sql.devices.all(account.num)) {
      const inbox = row["inbox"] as DeviceRecord["inbox"];
      this.#logs.deleteLog(inbox);
      this.#keyPackages.deleteDevice(account.num, row["device"] as DeviceId);
      this.#retired.add(inbox);
    }
    this.#retired.add(id, farewell);
    this.#push.deleteAccount(account.num);
    this.#recovery.deleteAccount(account.num);
    this.#sql.deleteLists.run(account.num);
    this.#sql.deleteDevices.run(account.num);
    this.#sql.deleteAccount.run(account.num);
    if (this.#count !== undefined) this.#count--;
    return true;
  }

  /** See Store.readFarewell. */
  farewell(account: AccountId): Uint8Array | undefined {
    return this.#retired.farewell(account);
  }

  putList(change: DeviceListChange): Awaited<ReturnType<Store["putDeviceList"]>> {
    const account = this.#find(change.account);
    const newest = account?.newest_version ?? 0;
    if (account === undefined || change.version !== newest + 1) {
      return { ok: false, code: "version_conflict", newest };
    }
    if (this.#inboxTaken(account.num, change)) return { ok: false, code: "log_exists", newest };
    this.#sql.updateVersion.run(change.version, account.num);
    this.#applyList(account.num, change);
    return { ok: true };
  }

  byIdentifier(identifierHash: Uint8Array): AccountRecord | undefined {
    const row = this.#sql.byIdentifier.get(identifierHash) as unknown as AccountRow | undefined;
    return record(unlessReplaced(row));
  }

  byId(account: AccountId): AccountRecord | undefined {
    return record(this.#find(account));
  }

  lists(account: AccountId, fromVersion: number, limit: number): SignedListBytes[] {
    const found = this.#find(account);
    if (found === undefined) return [];
    const rows = this.#sql.readLists.all(found.num, fromVersion, limit);
    return rows.map((row) => row["signed_list"] as Uint8Array);
  }

  device(account: AccountId, device: DeviceId): DeviceRecord | undefined {
    const found = this.#sql.deviceOf.get(account, device) as unknown as
      | (Pick<DeviceRecord, "signatureKey" | "inbox" | "newestListVersion"> & {
          readonly revoked: number;
          readonly resetAtSec: number | null;
        })
      | undefined;
    if (found === undefined) return undefined;
    const { signatureKey, inbox, revoked, newestListVersion, resetAtSec } = found;
    return {
      account,
      device,
      signatureKey,
      inbox,
      revoked: revoked === 1,
      newestListVersion,
      resetAtSec: resetAtSec ?? undefined,
    };
  }

  putKeyPackages(put: KeyPackagePut): "stored" | "device_gone" | "full" {
    const owner = this.#find(put.account);
    const device = owner && this.#readDevice(owner.num, put.device);
    if (owner === undefined || device === undefined || device.revoked === 1) return "device_gone";
    return this.#keyPackages.put(owner.num, put) ? "stored" : "full";
  }

  claimKeyPackages(claim: KeyPackageClaim): HandedOut[] {
    const owner = this.#find(claim.account);
    return owner === undefined ? [] : this.#keyPackages.claim(owner.num, claim);
  }

  countKeyPackages(account: AccountId, device: DeviceId, ciphersuite: number): KeyPackagesLeft {
    return this.#keyPackages.count(this.#find(account)?.num ?? 0, device, ciphersuite);
  }

  putRecovery(account: AccountId, backup: Uint8Array): boolean {
    const owner = this.#find(account);
    if (owner !== undefined) this.#recovery.put(owner.num, backup);
    return owner !== undefined;
  }

  readRecovery(account: AccountId): Uint8Array | undefined {
    return this.#recovery.read(this.#find(account)?.num ?? 0);
  }

  putReset(account: AccountId, resetAtSec: number): boolean {
    const owner = this.#find(account);
    if (owner !== undefined) this.#recovery.putReset(owner.num, resetAtSec);
    return owner !== undefined;
  }

  readReset(account: AccountId): number | undefined {
    return this.#recovery.readReset(this.#find(account)?.num ?? 0);
  }

  deleteReset(account: AccountId): boolean {
    return this.#recovery.deleteReset(this.#find(account)?.num ?? 0);
  }

  putPush(account: AccountId, device: DeviceId, subscription: PushSubscription): boolean {
    const owner = this.#find(account);
    const found = owner && this.#readDevice(owner.num, device);
    if (owner === undefined || found === undefined || found.revoked === 1) return false;
    this.#push.put(owner.num, device, subscription);
    return true;
  }

  readPush(account: AccountId, device: DeviceId): PushSubscription | undefined {
    return this.#push.read(this.#find(account)?.num ?? 0, device);
  }

  deletePush(account: AccountId, device: DeviceId, endpoint: string | undefined): boolean {
    return this.#push.delete(this.#find(account)?.num ?? 0, device, endpoint);
  }

  pushDevices(afterNum: number, limit: number): readonly PushDevice[] {
    return this.#push.devices(afterNum, limit);
  }

  /** After a rollback: an account that was counted may not be there. */
  rolledBack(): void {
    this.#count = undefined;
  }

  /** How many accounts there are. */
  count(): number {
    this.#count ??= Number(this.#sql.count.get()?.["n"] ?? 0);
    return this.#count;
  }

  /**
   * Whether a device that is new in this list names a log that exists, an inbox that any device ever had (else a stranger
   * would get what late senders leave for a revoked device), or one that the list names twice.
   */
  #inboxTaken(account: number | undefined, { devices }: DeviceListChange): boolean {
    const added = devices.filter(
      ({ device }) => account === undefined || this.#readDevice(account, device) === undefined,
    );
    const inboxes = new Set(added.map(({ inbox }) => idKey(inbox)));
    return (
      inboxes.size < added.length ||
      added.some(
        ({ inbox }) =>
          this.#logs.has(inbox) || this.#sql.byInbox.get(inbox) !== undefined || this.#retired.has(inbox),
      )
    );
  }

  #isTaken(account: AccountId): boolean {
    return this.#sql.byId.get(account) !== undefined || this.#retired.has(account);
  }

  #applyList(account: number, { devices, signedList, version }: DeviceListChange): void {
    this.#sql.insertList.run(account, version, signedList);
    for (const { device, signatureKey, inbox, revoked } of devices) {
      const known = this.#readDevice(account, device);
      if (known === undefined && !revoked) this.#logs.createInbox(inbox);
      if (known?.revoked === 0 && revoked) {
        this.#logs.deleteLog(known.inbox);
        this.#keyPackages.deleteDevice(account, device);
        this.#push.delete(account, device, undefined);
      }
      this.#sql.putDevice.run(account, device, signatureKey, inbox, revoked ? 1 : 0);
    }
  }

  #insert(identifierHash: Uint8Array, change: DeviceListChange): void {
    const { lastInsertRowid } = this.#sql.insertAccount.run(change.account, identifierHash, change.version);
    this.#applyList(Number(lastInsertRowid), change);
  }

  /** undefined as well for an account that was replaced. */
  #find(account: AccountId): AccountRow | undefined {
    return unlessReplaced(this.#sql.byId.get(account) as unknown as AccountRow | undefined);
  }

  #readDevice(account: number, device: DeviceId) {
    return this.#sql.readDevice.get(account, device) as unknown as
      | { signature_key: Uint8Array; inbox: DeviceRecord["inbox"]; revoked: number }
      | undefined;
  }
}

function unlessReplaced(row: AccountRow | undefined): AccountRow | undefined {
  return row?.newest_version === 0 ? undefined : row;
}

function record(row: AccountRow | undefined): AccountRecord | undefined {
  return row && { account: row.account, newestVersion: row.newest_version };
}

function statements(database: DatabaseSync) {
  const columns = "num, account, newest_version";
  return {
    byId: database.prepare(`SELECT ${columns} FROM accounts WHERE account = ?`),
    byIdentifier: database.prepare(`SELECT ${columns} FROM accounts WHERE identifier_hash = ?`),
    count: database.prepare("SELECT count(*) AS n FROM accounts WHERE newest_version > 0"),
    devicesInUse: database.prepare("SELECT device, inbox FROM devices WHERE account = ? AND revoked = 0"),
    devices: database.prepare("SELECT device, inbox FROM devices WHERE account = ?"),
    deleteDevices: database.prepare("DELETE FROM devices WHERE account = ?"),
    deleteAccount: database.prepare("DELETE FROM accounts WHERE num = ?"),
    revokeAll: database.prepare("UPDATE devices SET revoked = 1 WHERE account = ?"),
    deleteLists: database.prepare("DELETE FROM device_lists WHERE account = ?"),
    retire: database.prepare(
      "UPDATE accounts SET newest_version = 0, identifier_hash = account WHERE num = ?",
    ),
    insertAccount: database.prepare(
      "INSERT INTO accounts (account, identifier_hash, newest_version) VALUES (?, ?, ?)",
    ),
    updateVersion: database.prepare("UPDATE accounts SET newest_version = ? WHERE num = ?"),
    insertList: database.prepare("INSERT INTO device_lists (account, version, signed_list) VALUES (?, ?, ?)"),
    readLists: database.prepare(
      "SELECT signed_list FROM device_lists WHERE account = ? AND version >= ? ORDER BY version LIMIT ?",
    ),
    readDevice: database.prepare(
      "SELECT signature_key, inbox, revoked FROM devices WHERE account = ? AND device = ?",
    ),
    // In one statement with what belongs to its account: a device that signs in waits for it.
    deviceOf: database.prepare(
      `SELECT signature_key AS signatureKey, inbox, revoked, newest_version AS newestListVersion, reset_at_sec AS resetAtSec
       FROM accounts JOIN devices ON devices.account = accounts.num LEFT JOIN resets ON resets.account = accounts.num
       WHERE accounts.account = ? AND devices.device = ?`,
    ),
    byInbox: database.prepare("SELECT 1 FROM devices WHERE inbox = ?"),
    putDevice: database.prepare(
      `INSERT INTO devices (account, device, signature_key, inbox, revoked) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (account, device) DO UPDATE SET signature_key = excluded.signature_key, revoked = excluded.revoked`,
    ),
  };
}
