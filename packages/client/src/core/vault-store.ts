/**
 * The vault over the storage port: named records and ordered lists, sealed values under blinded keys.
 *
 * A record's key is blind(name), 32 bytes. A list item's key is blind(list name) cut to 16 bytes, then the item's order as
 * 8 bytes big-endian: so a page of a list is one range, and the storage learns no more than how many items a list has.
 */
import { InternalError, concatBytes, toHex } from "@sotto/protocol";
import type { Vault } from "@sotto/crypto";
import { decodeRecord, encodeRecord } from "./record-codec.ts";
import type { ChangeSet, Storage } from "./storage.ts";

declare const held: unique symbol;
/** The name of one record holding a T. */
export interface RecordName<T> {
  readonly record: string;
  readonly [held]?: T;
}
/** The name of an ordered list of items T. */
export interface ListName<T> {
  readonly list: string;
  readonly [held]?: T;
}
/** Which part of a list. */
interface PageOptions {
  /** Orders from this on; 0 if absent. */
  readonly from?: number;
  /** Orders below this; all if absent. */
  readonly below?: number;
  readonly reverse?: boolean;
  readonly limit?: number;
}
/** An item of a list with its place. */
export interface Item<T> {
  readonly order: number;
  readonly value: T;
}

/** Reading. What it returns is never altered by callers. */
export interface View {
  get<T>(name: RecordName<T>): Promise<T | undefined>;
  item<T>(list: ListName<T>, order: number): Promise<T | undefined>;
  page<T>(list: ListName<T>, options?: PageOptions): Promise<readonly Item<T>[]>;
  /** The orders of a list's items, ascending; no item is opened. */
  orders(list: ListName<unknown>): Promise<readonly number[]>;
}

/** The vault's store as the core uses it. */
export interface VaultStore extends View {
  /** A set of changes to come: reads its own writes, and takes effect with commit(). */
  draft(): Draft;
  close(): Promise<void>;
}

/** What is about to become of an item; `value` undefined: it goes. */
export interface ItemChange<T> {
  readonly list: string;
  readonly order: number;
  readonly value: T | undefined;
}

/** Changes under way. Nothing is stored before commit(). */
export interface Draft extends View {
  put<T>(name: RecordName<T>, value: T): void;
  delete(name: RecordName<unknown>): void;
  putItem<T>(list: ListName<T>, order: number, value: T): void;
  deleteItem(list: ListName<unknown>, order: number): void;
  /** The changes so far of lists whose names begin so. */
  changes<T>(prefix: ListName<T>): readonly ItemChange<T>[];
  /** An item as it is stored, whatever was changed here. */
  stored<T>(list: ListName<T>, order: number): Promise<T | undefined>;
  /** Remembers this point; the returned function takes back everything written after it. */
  savepoint(): () => void;
  /** Stores everything at once, durably. Without changes it stores nothing. */
  commit(): Promise<void>;
}

type Place = { readonly name: string; readonly list?: string; readonly order?: number };
type Pending = { readonly place: Place; readonly value: unknown };

const deleted = Symbol("deleted");
const largestOrder = Number.MAX_SAFE_INTEGER;
/** A draft remembers so much of what it read: a step reads before it writes, and several steps share a draft. */
const mostRemembered = 4_096;

/** Opens the store. The storage belongs to it from then on. */
export function vaultStore(vault: Vault, storage: Storage): VaultStore {
  const keys = keyMaker(vault);

  const get = async (place: Place): Promise<unknown> => {
    const key = await keys.of(place);
    const sealed = await storage.get(key);
    return sealed && decodeRecord(await vault.open(key, sealed));
  };

  const page = async (list: string, options: PageOptions): Promise<readonly Item<unknown>[]> => {
    const { from = 0, below = largestOrder, ...rest } = options;
    if (from >= below) return [];
    const rows = await storage.range(
      await keys.of({ name: list, list, order: from }),
      await keys.of({ name: list, list, order: below }),
      rest,
    );
    return Promise.all(
      rows.map(async ({ key, value }) => ({
        order: orderOf(key),
        value: decodeRecord(await vault.open(key, value)),
      })),
    );
  };

  const orders = async (list: string): Promise<readonly number[]> => {
    const from = await keys.of({ name: list, list, order: 0 });
    const rows = await storage.range(from, await keys.of({ name: list, list, order: largestOrder }));
    return rows.map(({ key }) => orderOf(key));
  };

  const changeSet = async (pending: Iterable<Pending>): Promise<ChangeSet> => {
    const puts: { key: Uint8Array; value: Uint8Array }[] = [];
    const deletes: Uint8Array[] = [];
    for (const { place, value } of pending) {
      const key = await keys.of(place);
      if (value === deleted) deletes.push(key);
      else puts.push({ key, value: await vault.seal(key, encodeRecord(value)) });
    }
    return { puts, deletes };
  };

  return {
    get: async <T>(name: RecordName<T>) => (await get({ name: name.record })) as T | undefined,
    item: async <T>(list: ListName<T>, order: number) => (await get(placeOf(list, order))) as T | undefined,
    page: async <T>(list: ListName<T>, options: PageOptions = {}) =>
      (await page(list.list, options)) as readonly Item<T>[],
    orders: (list) => orders(list.list),
    draft: () => newDraft({ get, page, orders }, async (pending) => storage.apply(await changeSet(pending))),
    close: () => storage.close(),
  };
}

/** Reading what is stored. */
interface Stored {
  get(place: Place): Promise<unknown>;
  page(list: string, options: PageOptions): Promise<readonly Item<unknown>[]>;
  orders(list: string): Promise<readonly number[]>;
}

function newDraft(
  { get, page, orders }: Stored,
  apply: (pending: Iterable<Pending>) => Promise<void>,
): Draft {
  const pending = new Map<string, Pending>();
  const remembered = new Map<string, Promise<unknown>>();
  let committed = false;
  const undo: { readonly id: string; readonly before: Pending | undefined }[] = [];

  const write = (place: Place, value: unknown): void => {
    // A step that goes on after its end would write into the void: better a loud bug than a lost message.
    if (committed) throw new InternalError("internal", "a draft was written to after it was stored");
    const id = idOf(place);
    undo.push({ id, before: pending.get(id) });
    pending.set(id, { place, value });
  };
  // The reading itself is remembered: messages that are read together share what all of them need, such as their contact.
  const readStored = (place: Place): Promise<unknown> => {
    const id = idOf(place);
    const known = remembered.get(id);
    if (known !== undefined) return known;
    const reading = get(place);
    if (remembered.size < mostRemembered) {
      remembered.set(id, reading);
      reading.catch(() => remembered.delete(id));
    }
    return reading;
  };
  const read = async (place: Place): Promise<unknown> => {
    const own = pending.get(idOf(place));
    if (own === undefined) return readStored(place);
    return own.value === deleted ? undefined : own.value;
  };

  return {
    get: async <T>(name: RecordName<T>) => (await read({ name: name.record })) as T | undefined,
    item: async <T>(list: ListName<T>, order: number) => (await read(placeOf(list, order))) as T | undefined,
    async page<T>(list: ListName<T>, options: PageOptions = {}) {
      const { from = 0, below = largestOrder, reverse = false, limit = Infinity } = options;
      const own = new Map<number, unknown>();
      for (const { place, value } of pending.values()) {
        const { order = -1 } = place;
        if (place.list === list.list && order >= from && order < below) own.set(order, value);
      }
      const stored = await page(list.list, {
        ...options,
        ...(limit !== Infinity && { limit: limit + own.size }),
      });
      const merged = stored.filter((item) => !own.has(item.order));
      for (const [order, value] of own) {
        if (value !== deleted) merged.push({ order, value });
      }
      merged.sort((a, b) => (reverse ? b.order - a.order : a.order - b.order));
      return merged.slice(0, limit) as readonly Item<T>[];
    },
    async orders({ list }) {
      const all = new Set(await orders(list));
      for (const { place, value } of pending.values()) {
        if (place.list !== list || place.order === undefined) continue;
        if (value === deleted) all.delete(place.order);
        else all.add(place.order);
      }
      return [...all].sort((a, b) => a - b);
    },
    changes<T>(prefix: ListName<T>) {
      const changes: ItemChange<T>[] = [];
      for (const { place, value } of pending.values()) {
        const { list, order } = place;
        if (list?.startsWith(prefix.list) !== true || order === undefined) continue;
        changes.push({ list, order, value: value === deleted ? undefined : (value as T) });
      }
      return changes;
    },
    stored: async <T>(list: ListName<T>, order: number) =>
      (await readStored(placeOf(list, order))) as T | undefined,
    put: (name, value) => write({ name: name.record }, value),
    delete: (name) => write({ name: name.record }, deleted),
    putItem: (list, order, value) => write(placeOf(list, order), value),
    deleteItem: (list, order) => write(placeOf(list, order), deleted),
    savepoint() {
      const length = undo.length;
      return () => {
        for (const { id, before } of undo.splice(length).toReversed()) {
          if (before === undefined) pending.delete(id);
          else pending.set(id, before);
        }
      };
    },
    async commit() {
      committed = true;
      if (pending.size > 0) await apply(pending.values());
    },
  };
}

const placeOf = (list: ListName<unknown>, order: number): Place => ({
  name: list.list,
  list: list.list,
  order,
});
const idOf = ({ name, list, order }: Place): string =>
  list === undefined ? `r:${name}` : `l:${name}:${order}`;

const prefixBytes = 16;
const cachedNames = 4_096;

function keyMaker(vault: Vault): { of(place: Place): Promise<Uint8Array> } {
  const cache = new Map<string, Uint8Array>();
  const blind = async (name: string, length: number): Promise<Uint8Array> => {
    const known = cache.get(name);
    if (known !== undefined) return known;
    const key = await vault.blind(name, length);
    if (cache.size >= cachedNames) cache.clear();
    cache.set(name, key);
    return key;
  };
  return {
    async of({ name, list, order }) {
      if (list === undefined) return blind(`record ${name}`, 32);
      const suffix = new Uint8Array(8);
      new DataView(suffix.buffer).setBigUint64(0, BigInt(order ?? 0));
      return concatBytes(await blind(`list ${name}`, prefixBytes), suffix);
    },
  };
}

function orderOf(key: Uint8Array): number {
  return Number.parseInt(toHex(key.subarray(prefixBytes)), 16);
}
