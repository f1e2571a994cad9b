/** The bus of a server that is one process: wakes readers at once, in the order of publishing. */
import type { LogId } from "@sotto/protocol";
import type { Bus, Notice, Wake } from "../core/bus.ts";
import { idKey } from "../core/logs/id-key.ts";

type Listener = (wake: Wake) => void;

/** Wakes readers of the same process. */
export class LocalBus implements Bus {
  // One listener is by far the most common case, and an array costs as much as an idle session's other state.
  readonly #listeners = new Map<string, Listener | readonly Listener[]>();

  publish(log: LogId, wake: Wake): void {
    const listening = this.#listeners.get(idKey(log));
    if (listening === undefined) return;
    if (typeof listening === "function") listening(wake);
    else for (const listener of listening) listener(wake);
  }

  subscribe(log: LogId, listener: Listener): () => void {
    const key = idKey(log);
    const before = this.#listeners.get(key);
    if (before === undefined) this.#listeners.set(key, listener);
    else this.#listeners.set(key, [...(typeof before === "function" ? [before] : before), listener]);
    return () => {
      const listening = this.#listeners.get(key);
      if (listening === listener) this.#listeners.delete(key);
      else if (typeof listening === "object") this.#remove(key, listening, listener);
    };
  }

  #remove(key: string, listening: readonly Listener[], listener: Listener): void {
    const index = listening.indexOf(listener);
    if (index === -1) return;
    const rest = listening.toSpliced(index, 1);
    const [only] = rest;
    if (rest.length === 1 && only !== undefined) this.#listeners.set(key, only);
    else this.#listeners.set(key, rest);
  }

  /** There are no other nodes. */
  tell(_notice: Notice): void {}

  /** There are no other nodes. */
  hear(_listener: (notice: Notice) => void): void {}

  async close(): Promise<void> {
    this.#listeners.clear();
  }
}
