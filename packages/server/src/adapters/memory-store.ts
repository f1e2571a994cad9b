/**
 * The storage port in memory: for tests and trials. It is the plain model of what the other adapters do, and forgets
 * everything when the process ends.
 */
import type { AccountId, DeviceId, LogId, SlotId } from "@sotto/protocol";
import type {
  HandedOut,
  KeyPackageClaim,
  KeyPackagePut,
  KeyPackagesLeft,
} from "../core/key-packages/store.ts";
import type { BlobRecord } from "../core/blobs/store.ts";
import type { LogLimits } from "../core/logs/decide.ts";
import { DEFAULT_LOG_LIMITS } from "../core/logs/defaults.ts";
import { idKey } from "../core/logs/id-key.ts";
import type {
  AccountRecord,
  DeviceListChange,
  DeviceRecord,
  EpochState,
  LogState,
  SignedListBytes,
  Store,
  StoredEntry,
  StoreOperation,
  StoreResult,
} from "../core/store.ts";
import type { PushDevice, PushSubscription } from "../core/push/store.ts";
import { MemoryPush } from "./memory-push.ts";
import { retiredHash } from "./retired-id.ts";
import { MemoryBlobs } from "./memory-blobs.ts";
import { MemoryKeyPackages } from "./memory-key-packages.ts";
import { MemoryLogs } from "./memory-logs.ts";

interface Account {
  readonly account: AccountId;
  readonly lists: SignedListBytes[];
  readonly devices: Map<string, Omit<DeviceRecord, "newestListVersion" | "resetAtSec">>;
  backup?: Uint8Array | undefined;
  resetAtSec?: number | undefined;
}
const copy = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);

/** A store that lives as long as the process. */
export class MemoryStore implements Store {
  readonly #logs: MemoryLogs;
  /** Every inbox that a device ever had. */
  readonly #inboxes = new Set<string>();
  readonly #accounts = new Map<string, Account>();
  readonly #identifiers = new Map<string, Account>();
  /** By the hash of the id: of accounts that were deleted. */
  readonly #farewells = new Map<string, Uint8Array>();
  readonly #keyPackages = new MemoryKeyPackages();
  readonly #blobs = new MemoryBlobs();
  readonly #push = new MemoryPush();

  constructor(limits: Partial<LogLimits> = {}) {
    this.#logs = new MemoryLogs({ ...DEFAULT_LOG_LIMITS, ...limits });
  }

  async commit(operations: readonly StoreOperation[]): Promise<readonly StoreResult[]> {
    return operations.map((operation) => this.#logs.apply(operation));
  }

  async readHeads(logs: readonly LogId[]): Promise<readonly number[]> {
    return logs.map((log) => this.#logs.readLog(log)?.headSeq ?? 0);
  }

  async readLog(log: LogId): Promise<LogState | undefined> {
    return this.#logs.readLog(log);
  }

  async readEpoch(log: LogId, epoch: number): Promise<EpochState | undefined> {
    return this.#logs.readEpoch(log, epoch);
  }

  async readCursor(log: LogId, slot: SlotId | undefined): Promise<number | undefined> {
    return this.#logs.readCursor(log, slot);
  }

  async readEntries(
    log: LogId,
    afterSeq: number,
    throughSeq: number,
    maxEntries: number,
    maxBytes: number,
  ): Promise<readonly StoredEntry[]> {
    return this.#logs.readEntries(log, afterSeq, throughSeq, maxEntries, maxBytes);
  }

  async createAccount(
    identifierHash: Uint8Array,
    change: DeviceListChange,
    maxAccounts: number | undefined,
  ): Promise<"created" | "identifier_taken" | "server_full" | "log_exists"> {
    const identifier = String.fromCharCode(...identifierHash);
    if (this.#identifiers.has(identifier)) return "identifier_taken";
    if (maxAccounts !== undefined && this.#identifiers.size >= maxAccounts) return "server_full";
    if (this.#isTaken(change.account) || this.#inboxTaken(undefined, change)) return "log_exists";
    this.#insert(identifier, change);
    return "created";
  }

  #isTaken(account: AccountId): boolean {
    return this.#accounts.has(idKey(account)) || this.#farewells.has(idKey(retiredHash(account)));
  }

  #insert(identifier: string, change: DeviceListChange): void {
    const account: Account = { account: change.account, lists: [], devices: new Map() };
    this.#accounts.set(idKey(change.account), account);
    this.#identifiers.set(identifier, account);
    this.#applyList(account, change);
  }

  async replaceAccount(
    identifierHash: Uint8Array,
    old: AccountId,
    change: DeviceListChange,
    nowSec: number,
  ): ReturnType<Store["replaceAccount"]> {
    const identifier = String.fromCharCode(...identifierHash);
    const account = this.#find(old);
    if (account === undefined || this.#identifiers.get(identifier) !== account) return "conflict";
    if (account.resetAtSec === undefined || account.resetAtSec > nowSec) return "conflict";
    if (this.#isTaken(change.account) || this.#inboxTaken(undefined, change)) return "log_exists";
    for (const [key, device] of account.devices) {
      this.#logs.delete(device.inbox);
      this.#keyPackages.deleteDevice(old, device.device);
      this.#push.delete(old, device.device, undefined);
      account.devices.set(key, { ...device, revoked: true });
    }
    account.lists.length = 0;
    account.backup = account.resetAtSec = undefined;
    this.#insert(identifier, change);
    return "replaced";
  }

  async deleteAccount(account: AccountId, version: number, farewell: Uint8Array): Promise<boolean> {
    const found = this.#find(account);
    if (found?.lists.length !== version) return false;
    for (const { device, inbox } of found.devices.values()) {
      this.#logs.delete(inbox);
      this.#keyPackages.deleteDevice(account, device);
      this.#push.delete(account, device, undefined);
    }
    for (const [identifier, holder] of this.#identifiers) {
      if (holder === found) this.#identifiers.delete(identifier);
    }
    this.#accounts.delete(idKey(account));
    this.#farewells.set(idKey(retiredHash(account)), copy(farewell));
    return true;
  }

  async readFarewell(account: AccountId): Promise<Uint8Array | undefined> {
    return this.#farewells.get(idKey(retiredHash(account)));
  }

  /** undefined as well for an account that was replaced. */
  #find(account: AccountId): Account | undefined {
    const found = this.#accounts.get(idKey(account));
    return found?.lists.length === 0 ? undefined : found;
  }

  async putRecovery(account: AccountId, backup: Uint8Array): Promise<boolean> {
    const found = this.#find(account);
    if (found !== undefined) found.backup = copy(backup);
    return found !== undefined;
  }

  async readRecovery(account: AccountId): Promise<Uint8Array | undefined> {
    return this.#find(account)?.backup;
  }

  async putReset(account: AccountId, resetAtSec: number): Promise<boolean> {
    const found = this.#find(account);
    if (found !== undefined) found.resetAtSec = resetAtSec;
    return found !== undefined;
  }

  async readReset(account: AccountId): Promise<number | undefined> {
    return this.#find(account)?.resetAtSec;
  }

  async deleteReset(account: AccountId): Promise<boolean> {
    const found = this.#find(account);
    const had = found?.resetAtSec !== undefined;
    if (found !== undefined) found.resetAtSec = undefined;
    return had;
  }

  async putDeviceList(
    change: DeviceListChange,
  ): Promise<
    | { readonly ok: true }
    | { readonly ok: false; readonly code: "version_conflict" | "log_exists"; readonly newest: number }
  > {
    const account = this.#find(change.account);
    const newest = account?.lists.length ?? 0;
    if (account === undefined || change.version !== newest + 1) {
      return { ok: false, code: "version_conflict", newest };
    }
    if (this.#inboxTaken(account, change)) return { ok: false, code: "log_exists", newest };
    this.#applyList(account, change);
    return { ok: true };
  }

  /** Whether a device that is new in this list names a log that exists, an inbox that any device ever had, or one twice. */
  #inboxTaken(account: Account | undefined, { devices }: DeviceListChange): boolean {
    const added = devices.filter(({ device }) => account?.devices.has(idKey(device)) !== true);
    const inboxes = new Set(added.map(({ inbox }) => idKey(inbox)));
    return (
      inboxes.size < added.length ||
      added.some(({ inbox }) => this.#logs.has(inbox) || this.#inboxes.has(idKey(inbox)))
    );
  }

  #applyList(account: Account, { devices, signedList }: DeviceListChange): void {
    account.lists.push(copy(signedList));
    for (const { device, signatureKey, inbox, revoked } of devices) {
      const known = account.devices.get(idKey(device));
      if (known === undefined && !revoked) this.#logs.createInbox(inbox);
      this.#inboxes.add(idKey(inbox));
      if (known?.revoked === false && revoked) {
        this.#logs.delete(known.inbox);
        this.#keyPackages.deleteDevice(account.account, device);
        this.#push.delete(account.account, device, undefined);
      }
      account.devices.set(idKey(device), {
        account: account.account,
        device,
        signatureKey: copy(signatureKey),
        inbox,
        revoked,
      });
    }
  }

  async accountByIdentifier(identifierHash: Uint8Array): Promise<AccountRecord | undefined> {
    return record(this.#identifiers.get(String.fromCharCode(...identifierHash)));
  }

  async accountById(account: AccountId): Promise<AccountRecord | undefined> {
    return record(this.#find(account));
  }

  async readDeviceLists(
    account: AccountId,
    fromVersion: number,
    limit: number,
  ): Promise<readonly SignedListBytes[]> {
    const from = Math.max(1, fromVersion) - 1;
    return this.#accounts.get(idKey(account))?.lists.slice(from, from + limit) ?? [];
  }

  async readDevice(account: AccountId, device: DeviceId): Promise<DeviceRecord | undefined> {
    const owner = this.#accounts.get(idKey(account));
    const found = owner?.devices.get(idKey(device));
    return (
      owner && found && { ...found, newestListVersion: owner.lists.length, resetAtSec: owner.resetAtSec }
    );
  }

  async countAccounts(): Promise<number> {
    return this.#identifiers.size;
  }

  async putKeyPackages(put: KeyPackagePut): Promise<"stored" | "device_gone" | "full"> {
    const device = this.#accounts.get(idKey(put.account))?.devices.get(idKey(put.device));
    if (device === undefined || device.revoked) return "device_gone";
    return this.#keyPackages.put(put) ? "stored" : "full";
  }

  async claimKeyPackages(claims: readonly KeyPackageClaim[]): Promise<readonly (readonly HandedOut[])[]> {
    return claims.map((claim) => {
      const devices = this.#accounts.get(idKey(claim.account))?.devices.values() ?? [];
      const inUse = [...devices].filter(({ revoked }) => !revoked);
      return this.#keyPackages.claim(
        claim,
        inUse.map(({ device }) => device),
      );
    });
  }

  async countKeyPackages(
    account: AccountId,
    device: DeviceId,
    ciphersuite: number,
  ): Promise<KeyPackagesLeft> {
    return this.#keyPackages.count(account, device, ciphersuite);
  }

  async putPush(account: AccountId, device: DeviceId, subscription: PushSubscription): Promise<boolean> {
    const found = this.#find(account)?.devices.get(idKey(device));
    if (found === undefined || found.revoked) return false;
    this.#push.put(found.account, found.device, subscription);
    return true;
  }

  async readPush(account: AccountId, device: DeviceId): Promise<PushSubscription | undefined> {
    return this.#push.read(account, device);
  }

  async deletePush(account: AccountId, device: DeviceId, endpoint: string | undefined): Promise<boolean> {
    return this.#push.delete(account, device, endpoint);
  }

  async pushDevices(afterNum: number, limit: number): Promise<readonly PushDevice[]> {
    return this.#push.devices(afterNum, limit).flatMap(({ num, account, device }) => {
      const found = this.#accounts.get(idKey(account))?.devices.get(idKey(device));
      return found === undefined ? [] : [{ num, account, device, inbox: found.inbox }];
    });
  }

  async createBlob(blob: BlobRecord, maxBytes: number): ReturnType<Store["createBlob"]> {
    return this.#blobs.create(blob, maxBytes);
  }

  async readBlob(id: Uint8Array): Promise<BlobRecord | undefined> {
    return this.#blobs.read(id);
  }

  async advanceBlob(id: Uint8Array, received: number): Promise<boolean> {
    return this.#blobs.advance(id, received);
  }

  async deleteBlob(id: Uint8Array): Promise<boolean> {
    return this.#blobs.delete(id);
  }

  async expiredBlobs(
    beforeSec: number,
    unfinishedBeforeSec: number,
    limit: number,
  ): Promise<readonly Uint8Array[]> {
    return this.#blobs.expired(beforeSec, unfinishedBeforeSec, limit);
  }

  async blobStats(): ReturnType<Store["blobStats"]> {
    return this.#blobs.stats();
  }

  async expire(beforeSec: number, limit: number): Promise<number> {
    return this.#logs.expire(beforeSec, limit);
  }

  async stats(): Promise<{ accounts: number; logs: number; entries: number; bytesOnDisk: number }> {
    const { size, entries } = this.#logs;
    return { accounts: this.#identifiers.size, logs: size, entries, bytesOnDisk: 0 };
  }

  async close(): Promise<void> {
    this.#logs.clear();
  }
}

function record(account: Account | undefined): AccountRecord | undefined {
  return account && { account: account.account, newestVersion: account.lists.length };
}
