/**
 * The storage port in memory: for tests and trials. It is the plain model of what the other adapters do, and forgets
 * everything when the process ends.
 */
import { timingSafeEqual } from "node:crypto";
import { EntryKind, type AccountId, type DeviceId, type LogId, type SlotId } from "@sotto/protocol";
import {
  advanceSlot,
  checkAppend,
  checkToken,
  firstCursor,
  refuseEnded,
  refuseLog,
  type LogLimits,
  type SlotState,
} from "../core/logs/decide.ts";
import { DEFAULT_LOG_LIMITS } from "../core/logs/defaults.ts";
import { idKey } from "../core/logs/id-key.ts";
import type {
  HandedOut,
  KeyPackageClaim,
  KeyPackagePut,
  KeyPackagesLeft,
} from "../core/key-packages/store.ts";
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
import { MemoryKeyPackages } from "./memory-key-packages.ts";

type Of<Type extends StoreOperation["type"]> = Extract<StoreOperation, { type: Type }>;
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

interface KeptEntry extends StoredEntry {
  readonly storedAtSec: number;
}

interface Log {
  readonly state: Writable<LogState>;
  readonly madeAtSec: number;
  entries: KeptEntry[];
  bytes: number;
  readonly epochs: Map<number, EpochState>;
  readonly slots: Map<string, SlotState>;
}

interface Account {
  readonly account: AccountId;
  readonly lists: SignedListBytes[];
  readonly devices: Map<string, Omit<DeviceRecord, "newestListVersion">>;
  backup?: Uint8Array | undefined;
  resetAtSec?: number | undefined;
}

const copy = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);
const equalSecrets = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b);

function newLog(kind: LogState["kind"], epoch: number, madeAtSec: number): Log {
  return {
    state: { kind, headSeq: 0, trimmedSeq: 0, epoch },
    madeAtSec,
    entries: [],
    bytes: 0,
    epochs: new Map(),
    slots: new Map(),
  };
}

/** A store that lives as long as the process. */
export class MemoryStore implements Store {
  readonly #logs = new Map<string, Log>();
  /** Every inbox that a device ever had. */
  readonly #inboxes = new Set<string>();
  readonly #accounts = new Map<string, Account>();
  readonly #identifiers = new Map<string, Account>();
  readonly #keyPackages = new MemoryKeyPackages();
  readonly #limits: LogLimits;

  constructor(limits: Partial<LogLimits> = {}) {
    this.#limits = { ...DEFAULT_LOG_LIMITS, ...limits };
  }

  async commit(operations: readonly StoreOperation[]): Promise<readonly StoreResult[]> {
    return operations.map((operation) => this.#apply(operation));
  }

  #apply(operation: StoreOperation): StoreResult {
    switch (operation.type) {
      case "append":
        return this.#append(operation);
      case "ack":
        return this.#ack(operation);
      case "create-log":
        return this.#createLog(operation);
      case "open-slot":
        return this.#openSlot(operation);
      case "close-slot":
        return this.#closeSlot(operation);
    }
  }

  #append(append: Of<"append">): StoreResult {
    const log = this.#logs.get(idKey(append.log));
    const refusal = checkAppend(log?.state, log?.epochs.get(append.epoch), append, equalSecrets);
    if (refusal !== undefined) return refusal;
    if (log === undefined) return refuseLog();
    if (
      log.entries.length >= this.#limits.maxEntries ||
      log.bytes + append.body.length > this.#limits.maxBytes
    ) {
      return { ok: false, code: "quota_exceeded" };
    }
    const seq = ++log.state.headSeq;
    const { epoch, kind, nowSec, nextTokenHash } = append;
    log.entries.push({ seq, epoch, kind, body: copy(append.body), storedAtSec: nowSec });
    log.bytes += append.body.length;
    if (kind === EntryKind.COMMIT && nextTokenHash !== undefined) {
      const ended = log.epochs.get(epoch);
      if (ended !== undefined) log.epochs.set(epoch, { ...ended, endedBySeq: seq });
      log.state.epoch = epoch + 1;
      log.epochs.set(epoch + 1, { tokenHash: copy(nextTokenHash), startSeq: seq, endedBySeq: undefined });
    }
    return { ok: true, seq };
  }

  #ack({ log: id, slot: slotId, seq, nowSec }: Of<"ack">): StoreResult {
    const log = this.#logs.get(idKey(id));
    if (log === undefined) return refuseLog();
    const through = Math.min(seq, log.state.headSeq);
    if (slotId === undefined) {
      if (log.state.kind !== "inbox") return { ok: false, code: "slot_unknown" };
      trim(log, through);
      return { ok: true, seq: log.state.trimmedSeq };
    }
    const slot = log.slots.get(idKey(slotId));
    if (slot === undefined) return { ok: false, code: "slot_unknown" };
    const next = advanceSlot(slot, through, nowSec);
    log.slots.set(idKey(slotId), next);
    if (next.cursor > slot.cursor) trimToSlots(log);
    return { ok: true, seq: next.cursor };
  }

  #createLog({ log: id, epoch, tokenHash, nowSec }: Of<"create-log">): StoreResult {
    const key = idKey(id);
    if (this.#logs.has(key)) return { ok: false, code: "log_exists" };
    const log = newLog("conversation", epoch, nowSec);
    log.epochs.set(epoch, { tokenHash: copy(tokenHash), startSeq: 0, endedBySeq: undefined });
    this.#logs.set(key, log);
    return { ok: true, seq: 0 };
  }

  #openSlot(open: Of<"open-slot">): StoreResult {
    const log = this.#logs.get(idKey(open.log));
    const named = log?.epochs.get(open.epoch);
    const refusal = checkToken(log?.state, named, open, equalSecrets);
    if (refusal !== undefined) return refusal;
    if (log === undefined || named === undefined) return refuseLog();
    const key = idKey(open.slot);
    const known = log.slots.get(key);
    if (known !== undefined) {
      log.slots.set(key, advanceSlot(known, known.cursor, open.nowSec));
      return { ok: true, seq: known.cursor };
    }
    if (named.endedBySeq !== undefined) return refuseEnded(named.endedBySeq, log.state.epoch);
    if (log.slots.size >= this.#limits.maxSlots) return { ok: false, code: "slot_limit" };
    const cursor = firstCursor(log.state, named, open.afterSeq);
    log.slots.set(key, { cursor, usedAtSec: open.nowSec });
    return { ok: true, seq: cursor };
  }

  #closeSlot({ log: id, slot }: Of<"close-slot">): StoreResult {
    const log = this.#logs.get(idKey(id));
    if (log === undefined || !log.slots.delete(idKey(slot))) return { ok: false, code: "slot_unknown" };
    trimToSlots(log);
    return { ok: true, seq: 0 };
  }

  async readLog(log: LogId): Promise<LogState | undefined> {
    const state = this.#logs.get(idKey(log))?.state;
    return state && { ...state };
  }

  async readEpoch(log: LogId, epoch: number): Promise<EpochState | undefined> {
    return this.#logs.get(idKey(log))?.epochs.get(epoch);
  }

  async readCursor(log: LogId, slot: SlotId | undefined): Promise<number | undefined> {
    const found = this.#logs.get(idKey(log));
    if (slot !== undefined) return found?.slots.get(idKey(slot))?.cursor;
    return found?.state.kind === "inbox" ? found.state.trimmedSeq : undefined;
  }

  async readEntries(
    log: LogId,
    afterSeq: number,
    throughSeq: number,
    maxEntries: number,
    maxBytes: number,
  ): Promise<readonly StoredEntry[]> {
    const found: StoredEntry[] = [];
    let bytes = 0;
    for (const { seq, epoch, kind, body } of this.#logs.get(idKey(log))?.entries ?? []) {
      if (seq <= afterSeq) continue;
      if (seq > throughSeq || found.length >= maxEntries) break;
      bytes += body.length;
      if (found.length > 0 && bytes > maxBytes) break;
      found.push({ seq, epoch, kind, body: copy(body) });
    }
    return found;
  }

  async createAccount(
    identifierHash: Uint8Array,
    change: DeviceListChange,
    maxAccounts: number | undefined,
  ): Promise<"created" | "identifier_taken" | "server_full" | "log_exists"> {
    const identifier = String.fromCharCode(...identifierHash);
    if (this.#identifiers.has(identifier)) return "identifier_taken";
    if (maxAccounts !== undefined && this.#identifiers.size >= maxAccounts) return "server_full";
    if (this.#accounts.has(idKey(change.account)) || this.#inboxTaken(undefined, change)) return "log_exists";
    this.#insert(identifier, change);
    return "created";
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
    if (this.#accounts.has(idKey(change.account)) || this.#inboxTaken(undefined, change)) return "log_exists";
    for (const [key, device] of account.devices) {
      this.#logs.delete(idKey(device.inbox));
      this.#keyPackages.deleteDevice(old, device.device);
      account.devices.set(key, { ...device, revoked: true });
    }
    account.lists.length = 0;
    account.backup = account.resetAtSec = undefined;
    this.#insert(identifier, change);
    return "replaced";
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
      [...inboxes].some((inbox) => this.#logs.has(inbox) || this.#inboxes.has(inbox))
    );
  }

  #applyList(account: Account, { devices, signedList }: DeviceListChange): void {
    account.lists.push(copy(signedList));
    for (const { device, signatureKey, inbox, revoked } of devices) {
      const known = account.devices.get(idKey(device));
      if (known === undefined && !revoked) this.#logs.set(idKey(inbox), newLog("inbox", 0, 0));
      this.#inboxes.add(idKey(inbox));
      if (known?.revoked === false && revoked) {
        this.#logs.delete(idKey(known.inbox));
        this.#keyPackages.deleteDevice(account.account, device);
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
    return owner && found && { ...found, newestListVersion: owner.lists.length };
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

  async expire(beforeSec: number, limit: number): Promise<number> {
    let gone = 0;
    for (const [key, log] of this.#logs) {
      let last = 0;
      for (const entry of log.entries) {
        if (entry.storedAtSec >= beforeSec || gone >= limit) break;
        last = entry.seq;
        gone++;
      }
      trim(log, last);
      const { size } = log.slots;
      for (const [slotKey, slot] of log.slots) {
        if (slot.usedAtSec >= beforeSec || gone >= limit) continue;
        log.slots.delete(slotKey);
        gone++;
      }
      if (log.slots.size < size) trimToSlots(log);
      const isUsed = log.state.kind === "inbox" || log.entries.length > 0 || log.slots.size > 0;
      if (!isUsed && log.madeAtSec < beforeSec && gone < limit) {
        this.#logs.delete(key);
        gone++;
      }
    }
    return gone;
  }

  async stats(): Promise<{ accounts: number; logs: number; entries: number; bytesOnDisk: number }> {
    let entries = 0;
    for (const log of this.#logs.values()) entries += log.entries.length;
    return { accounts: this.#identifiers.size, logs: this.#logs.size, entries, bytesOnDisk: 0 };
  }

  async close(): Promise<void> {
    this.#logs.clear();
  }
}

function record(account: Account | undefined): AccountRecord | undefined {
  return account && { account: account.account, newestVersion: account.lists.length };
}

/** Deletes entries up to a seq. */
function trim(log: Log, throughSeq: number): void {
  if (throughSeq <= log.state.trimmedSeq) return;
  log.state.trimmedSeq = throughSeq;
  const gone = log.entries.findIndex(({ seq }) => seq > throughSeq);
  for (const { body } of log.entries.splice(0, gone === -1 ? log.entries.length : gone)) {
    log.bytes -= body.length;
  }
}

/** Deletes what every slot has acked. A log without slots keeps its entries until they expire. */
function trimToSlots(log: Log): void {
  if (log.slots.size === 0) return;
  let lowest = Number.POSITIVE_INFINITY;
  for (const { cursor } of log.slots.values()) lowest = Math.min(lowest, cursor);
  trim(log, lowest);
}
