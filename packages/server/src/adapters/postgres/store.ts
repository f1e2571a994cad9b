/**
 * The storage port on PostgreSQL. Any number of nodes may use one database at a time: nothing that decides is kept in memory.
 */
import { StorageError, type AccountId, type DeviceId, type LogId, type SlotId } from "@sotto/protocol";
import type { BlobFiles } from "../../core/blobs/files.ts";
import type { BlobRecord } from "../../core/blobs/store.ts";
import type { KeyPackageClaim, KeyPackagePut } from "../../core/key-packages/store.ts";
import type { LogLimits } from "../../core/logs/decide.ts";
import { DEFAULT_LOG_LIMITS } from "../../core/logs/defaults.ts";
import type { TransientStore } from "../../core/transient.ts";
import type { PushSubscription } from "../../core/push/store.ts";
import { StoreAway, type DeviceListChange, type Store, type StoreOperation } from "../../core/store.ts";
import { AccountTable } from "./account-table.ts";
import { Belongings } from "./belongings.ts";
import { PostgresBlobFiles } from "./blob-files.ts";
import { BlobTable } from "./blob-table.ts";
import { Connections, type Row } from "./connections.ts";
import { parseDatabaseUrl } from "./database-url.ts";
import { KeyPackageTable } from "./key-package-table.ts";
import { LogTable } from "./log-table.ts";
import { migrate, shareUse } from "./migrate.ts";
import { reasonOf } from "./reason.ts";
import { Retention } from "./retention.ts";
import { readStats } from "./stats.ts";
import { PostgresTransient } from "./transient.ts";

/** How a store is opened. */
export interface PostgresStoreOptions {
  /** `postgres://…` */
  readonly url: string;
  /** 32 bytes: a hash of the server's keys, which what is stored belongs to. */
  readonly owner: Uint8Array;
  readonly limits?: Partial<LogLimits>;
  /** Milliseconds since 1970. */
  readonly nowMs?: () => number;
}

/**
 * Connects, and brings the database up to date.
 * @throws UsageError `config_invalid`; StorageError `data_folder_foreign`, `unavailable`.
 */
export async function openPostgresStore({
  url,
  owner,
  limits,
  nowMs = Date.now,
}: PostgresStoreOptions): Promise<PostgresStore> {
  const connections = new Connections(parseDatabaseUrl(url), whileServed);
  try {
    await migrate(connections, owner);
  } catch (error) {
    await connections.close();
    throw error instanceof StoreAway ? unreachable(error) : error;
  }
  return new PostgresStore(connections, { ...DEFAULT_LOG_LIMITS, ...limits }, nowMs);
}

/** Whoever fills the database waits until no server uses it. One that was away meanwhile is told as storage that is. */
async function whileServed(run: (sql: string) => Promise<readonly Row[]>): Promise<void> {
  try {
    await shareUse(run);
  } catch (cause) {
    throw new StoreAway("the database cannot be used", { cause });
  }
}

/** Tells an operator who starts a server what is wrong. */
function unreachable({ cause }: StoreAway): StorageError {
  if (cause instanceof StorageError) return cause instanceof StoreAway ? unreachable(cause) : cause;
  return new StorageError("unavailable", `the database cannot be used: ${reasonOf(cause)}`, { cause });
}

/** A store in one PostgreSQL database. Made by openPostgresStore. Every method throws StorageError `unavailable` when it fails. */
export class PostgresStore implements Store {
  /** What the nodes of the server share for minutes, in the same database. */
  readonly transient: TransientStore;
  /** Bytes of blobs, which all nodes read. */
  readonly blobFiles: BlobFiles;
  readonly #connections: Connections;
  readonly #logs: LogTable;
  readonly #accounts: AccountTable;
  readonly #keyPackages: KeyPackageTable;
  readonly #belongings: Belongings;
  readonly #blobs: BlobTable;
  readonly #retention: Retention;

  constructor(connections: Connections, limits: LogLimits, nowMs: () => number) {
    this.#connections = connections;
    this.transient = new PostgresTransient(connections, nowMs);
    this.blobFiles = new PostgresBlobFiles(connections);
    this.#logs = new LogTable(connections, limits);
    this.#accounts = new AccountTable(connections);
    this.#keyPackages = new KeyPackageTable(connections);
    this.#belongings = new Belongings(connections);
    this.#blobs = new BlobTable(connections);
    this.#retention = new Retention(connections);
  }

  commit(operations: readonly StoreOperation[]): ReturnType<Store["commit"]> {
    return this.#logs.commit(operations);
  }

  readLog(log: LogId): ReturnType<Store["readLog"]> {
    return this.#logs.readLog(log);
  }

  readHeads(logs: readonly LogId[]): Promise<readonly number[]> {
    return this.#logs.readHeads(logs);
  }

  readEpoch(log: LogId, epoch: number): ReturnType<Store["readEpoch"]> {
    return this.#logs.readEpoch(log, epoch);
  }

  readCursor(log: LogId, slot: SlotId | undefined): ReturnType<Store["readCursor"]> {
    return this.#logs.readCursor(log, slot);
  }

  readEntries(
    log: LogId,
    afterSeq: number,
    throughSeq: number,
    maxEntries: number,
    maxBytes: number,
  ): ReturnType<Store["readEntries"]> {
    return this.#logs.readEntries(log, afterSeq, throughSeq, maxEntries, maxBytes);
  }

  createAccount(
    identifierHash: Uint8Array,
    change: DeviceListChange,
    maxAccounts: number | undefined,
  ): ReturnType<Store["createAccount"]> {
    return this.#accounts.create(identifierHash, change, maxAccounts);
  }

  putDeviceList(change: DeviceListChange): ReturnType<Store["putDeviceList"]> {
    return this.#accounts.putList(change);
  }

  deleteAccount(account: AccountId, version: number, farewell: Uint8Array): Promise<boolean> {
    return this.#accounts.delete(account, version, farewell);
  }

  readFarewell(account: AccountId): Promise<Uint8Array | undefined> {
    return this.#accounts.farewell(account);
  }

  accountByIdentifier(identifierHash: Uint8Array): ReturnType<Store["accountByIdentifier"]> {
    return this.#accounts.byIdentifier(identifierHash);
  }

  accountById(account: AccountId): ReturnType<Store["accountById"]> {
    return this.#accounts.byId(account);
  }

  readDeviceLists(
    account: AccountId,
    fromVersion: number,
    limit: number,
  ): ReturnType<Store["readDeviceLists"]> {
    return this.#accounts.lists(account, fromVersion, limit);
  }

  readDevice(account: AccountId, device: DeviceId): ReturnType<Store["readDevice"]> {
    return this.#accounts.device(account, device);
  }

  countAccounts(): Promise<number> {
    return this.#accounts.count();
  }

  putKeyPackages(put: KeyPackagePut): ReturnType<Store["putKeyPackages"]> {
    return this.#keyPackages.put(put);
  }

  claimKeyPackages(claims: readonly KeyPackageClaim[]): ReturnType<Store["claimKeyPackages"]> {
    return this.#keyPackages.claim(claims);
  }

  countKeyPackages(
    account: AccountId,
    device: DeviceId,
    ciphersuite: number,
  ): ReturnType<Store["countKeyPackages"]> {
    return this.#keyPackages.count(account, device, ciphersuite);
  }

  putRecovery(account: AccountId, backup: Uint8Array): Promise<boolean> {
    return this.#belongings.putBackup(account, backup);
  }

  readRecovery(account: AccountId): Promise<Uint8Array | undefined> {
    return this.#belongings.readBackup(account);
  }

  putReset(account: AccountId, resetAtSec: number): Promise<boolean> {
    return this.#belongings.putReset(account, resetAtSec);
  }

  readReset(account: AccountId): Promise<number | undefined> {
    return this.#belongings.readReset(account);
  }

  deleteReset(account: AccountId): Promise<boolean> {
    return this.#belongings.deleteReset(account);
  }

  replaceAccount(
    identifierHash: Uint8Array,
    old: AccountId,
    change: DeviceListChange,
    nowSec: number,
  ): ReturnType<Store["replaceAccount"]> {
    return this.#accounts.replace(identifierHash, old, change, nowSec);
  }

  putPush(account: AccountId, device: DeviceId, subscription: PushSubscription): Promise<boolean> {
    return this.#belongings.putPush(account, device, subscription);
  }

  readPush(account: AccountId, device: DeviceId): ReturnType<Store["readPush"]> {
    return this.#belongings.readPush(account, device);
  }

  deletePush(account: AccountId, device: DeviceId, endpoint: string | undefined): Promise<boolean> {
    return this.#belongings.deletePush(account, device, endpoint);
  }

  pushDevices(afterNum: number, limit: number): ReturnType<Store["pushDevices"]> {
    return this.#belongings.pushDevices(afterNum, limit);
  }

  createBlob(blob: BlobRecord, maxBytes: number): ReturnType<Store["createBlob"]> {
    return this.#blobs.create(blob, maxBytes);
  }

  readBlob(id: Uint8Array): ReturnType<Store["readBlob"]> {
    return this.#blobs.read(id);
  }

  advanceBlob(id: Uint8Array, received: number): Promise<boolean> {
    return this.#blobs.advance(id, received);
  }

  deleteBlob(id: Uint8Array): Promise<boolean> {
    return this.#blobs.delete(id);
  }

  expiredBlobs(
    beforeSec: number,
    unfinishedBeforeSec: number,
    limit: number,
  ): ReturnType<Store["expiredBlobs"]> {
    return this.#blobs.expired(beforeSec, unfinishedBeforeSec, limit);
  }

  blobStats(): ReturnType<Store["blobStats"]> {
    return this.#blobs.stats();
  }

  expire(beforeSec: number, limit: number): Promise<number> {
    return this.#retention.expire(beforeSec, limit);
  }

  async stats(): ReturnType<Store["stats"]> {
    return { accounts: await this.#accounts.count(), ...(await readStats(this.#connections)) };
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}
