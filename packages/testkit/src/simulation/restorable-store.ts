/**
 * A store in memory that tells what became durable, and can be put back to an older copy, as an operator does with a backup: what was asked of
 * it up to then is asked of a fresh one anew.
 */
import { toHex } from "@sotto/protocol";
import { MemoryStore } from "@sotto/server/parts";

/** One thing that the server stored, in the order in which it did. */
export type Stored =
  | { readonly type: "log"; readonly log: string; readonly epoch: number }
  | {
      readonly type: "entry";
      readonly log: string;
      readonly seq: number;
      readonly epoch: number;
      readonly kind: number;
      readonly body: Uint8Array;
    };

type Commit = MemoryStore["commit"];
type Asked = (store: MemoryStore) => unknown;

/** What only reads. */
const reading = /^(?:read|count|stats|account|close)/;

/** The store. */
export class RestorableStore {
  /** To be used in the place of a store; it stays the same when the copy is put back. */
  readonly store: MemoryStore;
  watch: (stored: Stored) => void = () => undefined;
  #present = new MemoryStore();
  readonly #asked: Asked[] = [];

  constructor() {
    this.store = new Proxy(this.#present, {
      get: (_, name) => {
        const method: unknown = Reflect.get(this.#present, name);
        if (typeof method !== "function") return method;
        if (name === "commit") return this.#commit;
        if (reading.test(String(name))) return method.bind(this.#present);
        return async (...given: readonly unknown[]) => this.#ask(String(name), given);
      },
    });
  }

  /** Where it stands: for restore(). */
  copy(): number {
    return this.#asked.length;
  }

  /** Puts it back to where it stood. */
  async restore(copy: number): Promise<void> {
    this.#present = new MemoryStore();
    this.#asked.length = copy;
    for (const ask of this.#asked) await ask(this.#present);
  }

  async #ask(name: string, given: readonly unknown[]): Promise<unknown> {
    // What is given may be used anew by whoever gave it.
    const kept = structuredClone(given);
    const ask: Asked = (store) =>
      (Reflect.get(store, name) as (...args: unknown[]) => unknown).apply(store, [...kept]);
    this.#asked.push(ask);
    return ask(this.#present);
  }

  readonly #commit: Commit = async (operations) => {
    const results = (await this.#ask("commit", [operations])) as Awaited<ReturnType<Commit>>;
    for (const [i, operation] of operations.entries()) {
      const result = results[i];
      if (result?.ok !== true) continue;
      const log = toHex(operation.log);
      if (operation.type === "create-log") this.watch({ type: "log", log, epoch: operation.epoch });
      if (operation.type !== "append") continue;
      const { epoch, kind, body } = operation;
      this.watch({ type: "entry", log, seq: result.seq, epoch, kind, body });
    }
    return results;
  };
}
