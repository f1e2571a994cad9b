/**
 * Which devices sleep, and which logs they wait for. In memory only: on the disk it would say who talks to whom. So after a restart a
 * device is woken for its inbox, and for its conversations again once it has been there.
 *
 * Invariant: a device that was woken is not here any more until it has come and gone again: one wake-up, however much comes.
 */
import { idKey } from "../logs/id-key.ts";
import type { AccountId, DeviceId, LogId } from "@sotto/protocol";

/** A device that sleeps. */
export interface Sleeper {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly logs: readonly LogId[];
}

/** Most logs that all sleepers together wait for: some 100 bytes each. */
const mostWaits = 2_000_000;

const keyOf = ({ account, device }: Pick<Sleeper, "account" | "device">): string =>
  idKey(account) + idKey(device);

/** The sleepers of one node. */
export class Sleepers {
  readonly #byDevice = new Map<string, Sleeper>();
  readonly #byLog = new Map<string, Set<Sleeper>>();
  readonly #mostWaits: number;
  #waits = 0;

  constructor(most = mostWaits) {
    this.#mostWaits = most;
  }

  /** How many there are. */
  get size(): number {
    return this.#byDevice.size;
  }

  /** Puts a device to sleep. Beyond what there is room for, those that sleep the longest are forgotten. */
  add(sleeper: Sleeper): void {
    this.remove(sleeper);
    this.#byDevice.set(keyOf(sleeper), sleeper);
    for (const log of sleeper.logs) {
      const key = idKey(log);
      const waiting = this.#byLog.get(key);
      if (waiting === undefined) this.#byLog.set(key, new Set([sleeper]));
      else waiting.add(sleeper);
    }
    this.#waits += sleeper.logs.length;
    for (const oldest of this.#byDevice.values()) {
      if (this.#waits <= this.#mostWaits || oldest === sleeper) return;
      this.remove(oldest);
    }
  }

  /** It is awake, or gone. Whether it slept. */
  remove(of: Pick<Sleeper, "account" | "device">): boolean {
    const sleeper = this.#byDevice.get(keyOf(of));
    if (sleeper === undefined) return false;
    this.#byDevice.delete(keyOf(of));
    this.#waits -= sleeper.logs.length;
    for (const log of sleeper.logs) {
      const key = idKey(log);
      const waiting = this.#byLog.get(key);
      waiting?.delete(sleeper);
      if (waiting?.size === 0) this.#byLog.delete(key);
    }
    return true;
  }

  /** Who waits for a log. */
  waitingFor(log: LogId): readonly Sleeper[] {
    const waiting = this.#byLog.get(idKey(log));
    return waiting === undefined ? [] : [...waiting];
  }
}
