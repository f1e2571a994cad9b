/**
 * The storage port on SQLite, in the process's own thread: a commit is one transaction and one fsync. One process uses
 * a database at a time.
 */
import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { StorageError, type AccountId, type DeviceId, type LogId, type SlotId } from "@sotto/protocol";
import type { LogLimits } from "../../core/logs/decide.ts";
import { DEFAULT_LOG_LIMITS } from "../../core/logs/defaults.ts";
import {
  StoreAway,
  type AccountRecord,
  type DeviceListChange,
  type DeviceRecord,
  type EpochState,
  type LogState,
  type SignedListBytes,
  type Store,
  type StoredEntry,
  type StoreOperation,
  type StoreResult,
} from "../../core/store.ts";
import type {
  HandedOut,
  KeyPackageClaim,
  KeyPackagePut,
  KeyPackagesLeft,
} from "../../core/key-packages/store.ts";
import type { PushDevice, PushSubscription } from "../../core/push/store.ts";
import type { BlobRecord } from "../../core/blobs/store.ts";
import { AccountTable } from "./account-table.ts";
import { BlobTable } from "./blob-table.ts";
import { isFenced } from "./fence.ts";
import { LogTable } from "./log-table.ts";
import { openDatabase } from "./open.ts";

/** How a store is opened. */
export interface SqliteStoreOptions {
  /** A file, or ":memory:". */
  readonly path: string;
  /** Seconds since 1970-01-01 UTC, to date migrations by. */
  readonly nowSec: number;
  readonly limits?: Partial<LogLimits>;
}

/**
 * Opens the database, making it when it is not there.
 * @throws StorageError `data_folder_foreign`, `data_folder_damaged`.
 */
export function openSqliteStore({ path, nowSec, limits }: SqliteStoreOptions): SqliteStore {
  return new SqliteStore(openDatabase(path, nowSec), path, { ...DEFAULT_LOG_LIMITS, ...limits });
}

/** A store in one SQLite database. Made by openSqliteStore. Every method throws StorageError `unavailable` when SQLite fails. */
export class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #logs: LogTable;
  readonly #accounts: AccountTable;
  readonly #blobs: BlobTable;

  constructor(database: DatabaseSync, path: string, limits: LogLimits) {
    this.#database = database;
    this.#path = path;
    this.#logs = new LogTable(database, limits);
    this.#accounts = new AccountTable(database, this.#logs);
    this.#blobs = new BlobTable(database);
  }

  async commit(operations: readonly StoreOperation[]): Promise<readonly StoreResult[]> {
    return this.#transaction(() => {
      const results: StoreResult[] = [];
      for (const operation of operations) results.push(this.#logs.apply(operation));
      return results;
    });
  }

  async readHeads(logs: readonly LogId[]): Promise<readonly number[]> {
    return this.#read(() => logs.map((log) => this.#logs.readLog(log)?.headSeq ?? 0));
  }

  async readLog(log: LogId): Promise<LogState | undefined> {
    return this.#read(() => this.#logs.readLog(log));
  }

  async readEpoch(log: LogId, epoch: number): Promise<EpochState | undefined> {
    return this.#read(() => this.#logs.readEpoch(log, epoch));
  }

  async readCursor(log: LogId, slot: SlotId | undefined): Promise<number | undefined> {
    return this.#read(() => this.#logs.readCursor(log, slot));
  }

  async readEntries(
    log: LogId,
    afterSeq: number,
    throughSeq: number,
    maxEntries: number,
    maxBytes: number,
  ): Promise<readonly StoredEntry[]> {
    return this.#read(() => this.#logs.readEntries(log, afterSeq, throughSeq, maxEntries, maxBytes));
  }

  async createAccount(
    identifierHash: Uint8Array,
    change: DeviceListChange,
    maxAccounts: number | undefined,
  ): ReturnType<Store["createAccount"]> {
    return this.#transaction(() => this.#accounts.create(identifierHash, change, maxAccounts));
  }

  async putDeviceList(change: DeviceListChange): ReturnType<Store["putDeviceList"]> {
    return this.#transaction(() => this.#accounts.putList(change));
  }

  async accountByIdentifier(identifierHash: Uint8Array): Promise<AccountRecord | undefined> {
    return this.#read(() => this.#accounts.byIdentifier(identifierHash));
  }

  async accountById(account: AccountId): Promise<AccountRecord | undefined> {
    return this.#read(() => this.#accounts.byId(account));
  }

  async readDeviceLists(
    account: AccountId,
    fromVersion: number,
    limit: number,
  ): Promise<readonly SignedListBytes[]> {
    return this.#read(() => this.#accounts.lists(account, fromVersion, limit));
  }

  async readDevice(account: AccountId, device: DeviceId): Promise<DeviceRecord | undefined> {
    return this.#read(() => this.#accounts.device(account, device));
  }

  async countAccounts(): Promise<number> {
    return this.#read(() => this.#accounts.count());
  }

  async putKeyPackages(put: KeyPackagePut): Promise<"stored" | "device_gone" | "full"> {
    return this.#transaction(() => this.#accounts.putKeyPackages(put));
  }

  async claimKeyPackages(claims: readonly KeyPackageClaim[]): Promise<readonly (readonly HandedOut[])[]> {
    return this.#transaction(() => claims.map((claim) => this.#accounts.claimKeyPackages(claim)));
  }

  async countKeyPackages(
    account: AccountId,
    device: DeviceId,
    ciphersuite: number,
  ): Promise<KeyPackagesLeft> {
    return this.#read(() => this.#accounts.countKeyPackages(account, device, ciphersuite));
  }

  async putRecovery(account: AccountId, backup: Uint8Array): Promise<boolean> {
    return this.#transaction(() => this.#accounts.putRecovery(account, backup));
  }

  async readRecovery(account: AccountId): Promise<Uint8Array | undefined> {
    return this.#read(() => this.#accounts.readRecovery(account));
  }

  async putReset(account: AccountId, resetAtSec: number): Promise<boolean> {
    return this.#transaction(() => this.#accounts.putReset(account, resetAtSec));
  }

  async readReset(account: AccountId): Promise<number | undefined> {
    return this.#read(() => this.#accounts.readReset(account));
  }

  async deleteReset(account: AccountId): Promise<boolean> {
    return this.#transaction(() => this.#accounts.deleteReset(account));
  }

  async replaceAccount(
    identifierHash: Uint8Array,
    old: AccountId,
    change: DeviceListChange,
    nowSec: number,
  ): ReturnType<Store["replaceAccount"]> {
    return this.#transaction(() => this.#accounts.replace(identifierHash, old, change, nowSec));
  }

  async putPush(account: AccountId, device: DeviceId, subscription: PushSubscription): Promise<boolean> {
    return this.#transaction(() => this.#accounts.putPush(account, device, subscription));
  }

  async readPush(account: AccountId, device: DeviceId): Promise<PushSubscription | undefined> {
    return this.#read(() => this.#accounts.readPush(account, device));
  }

  async deletePush(account: AccountId, device: DeviceId, endpoint: string | undefined): Promise<boolean> {
    return this.#transaction(() => this.#accounts.deletePush(account, device, endpoint));
  }

  async pushDevices(afterNum: number, limit: number): Promise<readonly PushDevice[]> {
    return this.#read(() => this.#accounts.pushDevices(afterNum, limit));
  }

  async deleteAccount(account: AccountId, version: number, farewell: Uint8Array): Promise<boolean> {
    const erase = (on: boolean): void => this.#database.exec(`PRAGMA secure_delete = ${on ? "ON" : "OFF"}`);
    try {
      this.#read(() => erase(true));
      const deleted = this.#transaction(() => this.#accounts.delete(account, version, farewell));
      // Older copies of the pages lie in the log beside the database until they are overwritten.
      if (deleted) this.#read(() => this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
      return deleted;
    } finally {
      if (this.#database.isOpen) erase(false);
    }
  }

  async readFarewell(account: AccountId): Promise<Uint8Array | undefined> {
    return this.#read(() => this.#accounts.farewell(account));
  }

  async createBlob(blob: BlobRecord, maxBytes: number): ReturnType<Store["createBlob"]> {
    return this.#transaction(() => this.#blobs.create(blob, maxBytes));
  }

  async readBlob(id: Uint8Array): Promise<BlobRecord | undefined> {
    return this.#read(() => this.#blobs.read(id));
  }

  async advanceBlob(id: Uint8Array, received: number): Promise<boolean> {
    return this.#transaction(() => this.#blobs.advance(id, received));
  }

  async deleteBlob(id: Uint8Array): Promise<boolean> {
    return this.#transaction(() => this.#blobs.delete(id));
  }

  async expiredBlobs(
    beforeSec: number,
    unfinishedBeforeSec: number,
    limit: number,
  ): Promise<readonly Uint8Array[]> {
    return this.#read(() => this.#blobs.expired(beforeSec, unfinishedBeforeSec, limit));
  }

  async blobStats(): ReturnType<Store["blobStats"]> {
    return this.#read(() => this.#blobs.stats());
  }

  async expire(beforeSec: number, limit: number): Promise<number> {
    return this.#transaction(() => this.#logs.expire(beforeSec, limit));
  }

  async stats(): ReturnType<Store["stats"]> {
    const logs = this.#read(() => this.#database.prepare("SELECT count(*) AS n FROM logs").get());
    return {
      accounts: this.#accounts.count(),
      logs: Number(logs?.["n"] ?? 0),
      entries: this.#logs.entries,
      bytesOnDisk: fileBytes(this.#path) + fileBytes(`${this.#path}-wal`),
    };
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #transaction<T>(work: () => T): T {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      const result = work();
      this.#logs.flush();
      this.#database.exec("COMMIT");
      this.#logs.committed();
      return result;
    } catch (cause) {
      this.#undo();
      throw failure(cause);
    }
  }

  /** SQLite itself undoes a transaction after some errors, and not after others. */
  #undo(): void {
    try {
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec("ROLLBACK");
    } finally {
      this.#logs.rolledBack();
      this.#accounts.rolledBack();
      this.#blobs.rolledBack();
    }
  }

  #read<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw failure(cause);
    }
  }
}

function failure(cause: unknown): StorageError {
  const message = "the server's storage failed";
  return isFenced(cause)
    ? new StoreAway(message, { cause })
    : new StorageError("unavailable", message, { cause });
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
