/**
 * The storage port of the server. Adapters (memory, SQLite, PostgreSQL) run one conformance suite.
 *
 * Consistency that each adapter must give: `commit` is atomic and durable when its promise resolves; operations of one
 * commit are applied in order; two commits never interleave on one log. Reads see every commit that has resolved.
 */
import {
  StorageError,
  type AccountId,
  type DeviceId,
  type EntryKind,
  type LogId,
  type SlotId,
} from "@sotto/protocol";
import type { BlobStore } from "./blobs/store.ts";
import type { KeyPackageStore } from "./key-packages/store.ts";
import type { PushStore } from "./push/store.ts";
import type { RecoveryStore } from "./recovery/store.ts";

/**
 * Storage is away as a whole, or it broke while a commit was under way and nobody knows what became of it: then nothing is told as
 * done, as after a crash. To try parts of the commit would be in vain, or store them twice.
 */
export class StoreAway extends StorageError {
  override name = "StoreAway";

  constructor(message: string, details: { readonly cause?: unknown } = {}) {
    super("unavailable", message, details);
  }
}

/** One stored entry. */
export interface StoredEntry {
  readonly seq: number;
  readonly epoch: number;
  readonly kind: EntryKind;
  readonly body: Uint8Array;
}

/** What the server keeps of a log beside its entries. */
export interface LogState {
  /** An inbox belongs to a device; a conversation log to nobody. */
  readonly kind: "inbox" | "conversation";
  /** The newest seq given out; 0 in a new log. */
  readonly headSeq: number;
  /** Entries up to here are gone. */
  readonly trimmedSeq: number;
  /** The present epoch; 0 for inboxes. */
  readonly epoch: number;
}

/** How an epoch's token and end are kept, so that late readers can finish it. */
export interface EpochState {
  /** SHA-256 of the access token. */
  readonly tokenHash: Uint8Array;
  /** seq of the Commit that began it; 0 for a log's first epoch. Entries of the epoch have greater ones. */
  readonly startSeq: number;
  /** seq of the Commit that ended it; undefined for the present epoch. */
  readonly endedBySeq: number | undefined;
}

/** A write that the store carries out and answers in order. */
export type StoreOperation =
  | {
      readonly type: "append";
      readonly log: LogId;
      /** undefined for inboxes. */
      readonly tokenHash: Uint8Array | undefined;
      readonly epoch: number;
      readonly kind: EntryKind;
      readonly body: Uint8Array;
      /** Only with COMMIT. */
      readonly nextTokenHash: Uint8Array | undefined;
      /** Seconds since 1970; entries expire by it. */
      readonly nowSec: number;
      /** It wakes those who wait for it. Stores do nothing with that. */
      readonly wakes?: boolean;
    }
  | {
      readonly type: "ack";
      readonly log: LogId;
      readonly slot: SlotId | undefined;
      readonly seq: number;
      readonly nowSec: number;
    }
  | {
      readonly type: "create-log";
      readonly log: LogId;
      readonly epoch: number;
      readonly tokenHash: Uint8Array;
      readonly nowSec: number;
    }
  | {
      readonly type: "open-slot";
      readonly log: LogId;
      readonly slot: SlotId;
      readonly tokenHash: Uint8Array;
      readonly epoch: number;
      /** undefined: from the head on. */
      readonly afterSeq: number | undefined;
      readonly nowSec: number;
    }
  | { readonly type: "close-slot"; readonly log: LogId; readonly slot: SlotId };

/** What became of one operation. A refused one changed nothing, and does not undo its neighbours. */
export type StoreResult =
  | { readonly ok: true; /** With append: the entry's seq. */ readonly seq: number }
  | {
      readonly ok: false;
      /** `log_refused` covers unknown logs and wrong tokens alike. */
      readonly code:
        | "log_refused"
        | "log_exists"
        | "epoch_ended"
        | "slot_unknown"
        | "slot_limit"
        | "quota_exceeded";
      readonly winnerSeq?: number;
      readonly current?: number;
    };

/** An account as the directory keeps it. Identifiers are kept only as keyed hashes. */
export interface AccountRecord {
  readonly account: AccountId;
  readonly newestVersion: number;
}

/** A device that may sign in. */
export interface DeviceRecord {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly signatureKey: Uint8Array;
  readonly inbox: LogId;
  readonly revoked: boolean;
  readonly newestListVersion: number;
  /** When its account may be reset, in seconds since 1970, as noted; undefined: no reset was asked for. */
  readonly resetAtSec: number | undefined;
}

/** One version of a device list as it was signed: the serialized SignedDeviceList. */
export type SignedListBytes = Uint8Array;

/** What an accepted device list changes in the server's tables. */
export interface DeviceListChange {
  readonly account: AccountId;
  readonly version: number;
  readonly signedList: SignedListBytes;
  /** Devices as the list has them, to be inserted or updated. New ones get their inbox; revoked ones lose it. */
  readonly devices: readonly {
    readonly device: DeviceId;
    readonly signatureKey: Uint8Array;
    readonly inbox: LogId;
    readonly revoked: boolean;
  }[];
  readonly nowSec: number;
}

/** The storage port. */
export interface Store extends KeyPackageStore, RecoveryStore, BlobStore, PushStore {
  /**
   * Carries out operations in order, in one durable transaction; results in the same order.
   * @throws StorageError `unavailable`: nothing was changed, unless it is StoreAway.
   */
  commit(operations: readonly StoreOperation[]): Promise<readonly StoreResult[]>;

  /** undefined when the log does not exist. */
  readLog(log: LogId): Promise<LogState | undefined>;
  /** The newest seq of each log, in their order; 0 for a log that does not exist. For up to 1,000 logs. */
  readHeads(logs: readonly LogId[]): Promise<readonly number[]>;
  /** undefined when the log or the epoch is unknown. */
  readEpoch(log: LogId, epoch: number): Promise<EpochState | undefined>;
  /** The slot's cursor; undefined when there is none. `slot` undefined: the inbox's own. */
  readCursor(log: LogId, slot: SlotId | undefined): Promise<number | undefined>;
  /** Entries with afterSeq < seq ≤ throughSeq in order, until `maxEntries` or `maxBytes` (at least one if there is one). */
  readEntries(
    log: LogId,
    afterSeq: number,
    throughSeq: number,
    maxEntries: number,
    maxBytes: number,
  ): Promise<readonly StoredEntry[]>;

  /** Creates an account with version 1 of its list. */
  createAccount(
    identifierHash: Uint8Array,
    change: DeviceListChange,
    maxAccounts: number | undefined,
  ): Promise<"created" | "identifier_taken" | "server_full" | "log_exists">;
  /** Adds the next version of a list, compare-and-set on the version. */
  putDeviceList(
    change: DeviceListChange,
  ): Promise<
    | { readonly ok: true }
    | { readonly ok: false; readonly code: "version_conflict" | "log_exists"; readonly newest: number }
  >;
  /**
   * Deletes an account in one transaction, if `version` is still its newest list's: its identifier, lists, devices, inboxes, KeyPackages,
   * backup and reset go, from the disk as well. Its id and those of its inboxes stay taken, as hashes that tell no one which they were.
   * @param farewell kept under the hash of its id. False: another version came first, or there is no such account.
   */
  deleteAccount(account: AccountId, version: number, farewell: Uint8Array): Promise<boolean>;
  /** What was kept of an account that was deleted; undefined for every other. */
  readFarewell(account: AccountId): Promise<Uint8Array | undefined>;
  accountByIdentifier(identifierHash: Uint8Array): Promise<AccountRecord | undefined>;
  accountById(account: AccountId): Promise<AccountRecord | undefined>;
  readDeviceLists(
    account: AccountId,
    fromVersion: number,
    limit: number,
  ): Promise<readonly SignedListBytes[]>;
  readDevice(account: AccountId, device: DeviceId): Promise<DeviceRecord | undefined>;
  countAccounts(): Promise<number>;

  /**
   * Deletes entries stored before `beforeSec`, slots that nobody used since, and conversation logs made before it that hold
   * neither; at most `limit` of them. Returns how many went. A call may look at a part of the logs only.
   */
  expire(beforeSec: number, limit: number): Promise<number>;
  /** Figures for /metrics. */
  stats(): Promise<{
    readonly accounts: number;
    readonly logs: number;
    readonly entries: number;
    readonly bytesOnDisk: number;
  }>;
  close(): Promise<void>;
}
