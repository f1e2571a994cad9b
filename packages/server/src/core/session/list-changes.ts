/**
 * Who is to hear that an account's device list changed: the account's other devices, and the connections that looked it up lately. It is a
 * hint, so that a revoked key is not used for as long as a list counts as fresh; the signed list is the truth.
 *
 * Invariants: what is here lives as long as its connection, in memory only, and is bounded for each connection and in all.
 * @see spec/PROTOCOL.md "Lookups"
 */
import { deviceId, type AccountId, type DeviceList } from "@sotto/protocol";
import { idKey } from "../logs/id-key.ts";
import type { SessionRegistry } from "./registry.ts";

/** A session that is told. */
export interface ListWatcher {
  /** @param newestVersion 0: there is no such account any more. */
  listChanged(account: AccountId, newestVersion: number): void;
}

/** How much is remembered. */
export interface ListChangesLimits {
  /** Accounts of one connection; the oldest are forgotten. */
  readonly perWatcher: number;
  /** Of all connections together; beyond it nothing more is remembered, and clients ask again after their own time. */
  readonly inAll: number;
  /** Newest changes, for those who read a list just before it changed. */
  readonly recent: number;
}

const defaultLimits: ListChangesLimits = { perWatcher: 1_024, inAll: 500_000, recent: 1_024 };

/** Who looked up what, and what changed last. */
export class ListChanges {
  readonly #registry: SessionRegistry;
  readonly #limits: ListChangesLimits;
  readonly #watchers = new Map<string, Set<ListWatcher>>();
  readonly #watched = new Map<ListWatcher, Set<string>>();
  readonly #recent = new Map<string, number>();
  #count = 0;

  constructor(registry: SessionRegistry, limits: Partial<ListChangesLimits> = {}) {
    this.#registry = registry;
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** How much is remembered now. */
  get size(): number {
    return this.#count;
  }

  /** A session was given a list, the newest that was stored when it was read. */
  watch(watcher: ListWatcher, account: AccountId, version: number): void {
    const key = idKey(account);
    const own = this.#watched.get(watcher) ?? new Set();
    if (own.delete(key)) own.add(key);
    else if (this.#makeRoom(watcher, own)) this.#add(watcher, own, key);
    const newest = this.#recent.get(key);
    if (newest !== undefined && (newest === 0 || newest > version)) watcher.listChanged(account, newest);
  }

  /** The connection is gone. */
  forget(watcher: ListWatcher): void {
    for (const key of this.#watched.get(watcher) ?? []) this.#drop(watcher, key);
    this.#watched.delete(watcher);
  }

  /** A list was published: ends the sessions of devices that it revokes, and tells the others. @param publisher knows already. */
  published(account: AccountId, list: DeviceList, publisher?: ListWatcher): void {
    for (const { deviceId: device, revokedAtSec } of list.devices) {
      if (revokedAtSec > 0n) this.#registry.revoke(account, deviceId(device));
    }
    this.#tell(account, Number(list.version), publisher);
  }

  /** An account was replaced or deleted, and has no list any more. */
  gone(account: AccountId): void {
    this.#tell(account, 0);
  }

  #tell(account: AccountId, newestVersion: number, publisher?: ListWatcher): void {
    const key = idKey(account);
    this.#recent.delete(key);
    this.#recent.set(key, newestVersion);
    if (this.#recent.size > this.#limits.recent) this.#recent.delete(first(this.#recent.keys()));
    const concerned = new Set<ListWatcher>([
      ...this.#registry.ofAccount(account),
      ...(this.#watchers.get(key) ?? []),
    ]);
    for (const watcher of concerned) {
      if (watcher !== publisher) watcher.listChanged(account, newestVersion);
    }
  }

  #makeRoom(watcher: ListWatcher, own: Set<string>): boolean {
    if (own.size >= this.#limits.perWatcher) {
      const oldest = first(own);
      own.delete(oldest);
      this.#drop(watcher, oldest);
    }
    return this.#count < this.#limits.inAll;
  }

  #add(watcher: ListWatcher, own: Set<string>, key: string): void {
    own.add(key);
    this.#watched.set(watcher, own);
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers.add(watcher));
    this.#count += 1;
  }

  #drop(watcher: ListWatcher, key: string): void {
    const watchers = this.#watchers.get(key);
    if (watchers?.delete(watcher) !== true) return;
    this.#count -= 1;
    if (watchers.size === 0) this.#watchers.delete(key);
  }
}

function first(keys: Iterable<string>): string {
  for (const key of keys) return key;
  return "";
}
