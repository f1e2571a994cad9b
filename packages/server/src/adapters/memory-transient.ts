/** What lives for minutes, in the memory of a server that is one process. Bounded: the oldest go, or nothing more is taken. */
import { equalBytes, toHex } from "@sotto/protocol";
import type { TransientKind, TransientStore } from "../core/transient.ts";

interface Item {
  readonly value: Uint8Array;
  readonly expiresAtMs: number;
}

/** How much is kept. */
interface Bounds {
  /** Items of each kind that forgets its oldest. */
  readonly maxItems: number;
  /** Bytes of all links and answers, with what goes with each. */
  readonly maxLinkBytes: number;
}

const defaults: Bounds = { maxItems: 100_000, maxLinkBytes: 67_108_864 };
const overheadBytes = 512;
/** Kinds that share their room. */
const sharing: readonly TransientKind[] = ["link", "link-answer"];

/** Lives as long as the process. */
export class MemoryTransient implements TransientStore {
  readonly #nowMs: () => number;
  readonly #bounds: Bounds;
  /** Of each kind in the order in which they were put; those of a kind live equally long. */
  readonly #kinds = new Map<TransientKind, Map<string, Item>>();
  #linkBytes = 0;

  constructor(nowMs: () => number, bounds: Partial<Bounds> = {}) {
    this.#nowMs = nowMs;
    this.#bounds = { ...defaults, ...bounds };
  }

  /** How many of a kind are kept. */
  size(kind: TransientKind): number {
    this.#expire(kind);
    return this.#of(kind).size;
  }

  async read(kind: TransientKind, id: Uint8Array): Promise<Uint8Array | undefined> {
    this.#expire(kind);
    return this.#of(kind).get(toHex(id))?.value;
  }

  async put(kind: TransientKind, id: Uint8Array, value: Uint8Array, expiresAtMs: number): Promise<void> {
    this.#expire(kind);
    this.#set(kind, id, value, expiresAtMs);
  }

  async swap(
    kind: TransientKind,
    id: Uint8Array,
    before: Uint8Array | undefined,
    after: Uint8Array,
    expiresAtMs: number,
  ): Promise<"done" | "differs" | "full"> {
    this.#expire(kind);
    const found = this.#of(kind).get(toHex(id))?.value;
    const isSame = before === undefined || found === undefined ? before === found : equalBytes(before, found);
    if (!isSame) return "differs";
    return this.#set(kind, id, after, expiresAtMs) ? "done" : "full";
  }

  async take(kind: TransientKind, id: Uint8Array): Promise<Uint8Array | undefined> {
    this.#expire(kind);
    const found = this.#of(kind).get(toHex(id));
    this.#forget(kind, toHex(id));
    return found?.value;
  }

  #of(kind: TransientKind): Map<string, Item> {
    const items = this.#kinds.get(kind) ?? new Map<string, Item>();
    this.#kinds.set(kind, items);
    return items;
  }

  /** False: there is no room. */
  #set(kind: TransientKind, id: Uint8Array, value: Uint8Array, expiresAtMs: number): boolean {
    const items = this.#of(kind);
    const key = toHex(id);
    const replaced = items.get(key);
    const bytes = linkBytes(kind, value) - (replaced === undefined ? 0 : linkBytes(kind, replaced.value));
    if (bytes > 0 && this.#linkBytes + bytes > this.#bounds.maxLinkBytes) return false;
    this.#forget(kind, key);
    // A copy: what came is a view into a message.
    items.set(key, { value: Uint8Array.from(value), expiresAtMs });
    this.#linkBytes += linkBytes(kind, value);
    for (const oldest of items.keys()) {
      if (items.size <= this.#bounds.maxItems) break;
      this.#forget(kind, oldest);
    }
    return true;
  }

  #forget(kind: TransientKind, key: string): void {
    const item = this.#of(kind).get(key);
    if (item === undefined) return;
    this.#of(kind).delete(key);
    this.#linkBytes -= linkBytes(kind, item.value);
  }

  #expire(kind: TransientKind): void {
    const kinds: readonly TransientKind[] = sharing.includes(kind) ? sharing : [kind];
    const nowMs = this.#nowMs();
    for (const each of kinds) {
      for (const [key, { expiresAtMs }] of this.#of(each)) {
        if (expiresAtMs > nowMs) break;
        this.#forget(each, key);
      }
    }
  }
}

function linkBytes(kind: TransientKind, value: Uint8Array): number {
  return sharing.includes(kind) ? value.length + overheadBytes : 0;
}
