/** How devices are woken, in memory: for tests and trials. */
import type { AccountId, DeviceId } from "@sotto/protocol";
import { idKey } from "../core/logs/id-key.ts";
import type { PushSubscription } from "../core/push/store.ts";

interface Row {
  readonly num: number;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly subscription: PushSubscription;
}

const keyOf = (account: AccountId, device: DeviceId): string => idKey(account) + idKey(device);

/** The subscriptions of the memory store. */
export class MemoryPush {
  readonly #rows = new Map<string, Row>();
  #nums = 0;

  put(account: AccountId, device: DeviceId, subscription: PushSubscription): void {
    const key = keyOf(account, device);
    const num = this.#rows.get(key)?.num ?? ++this.#nums;
    this.#rows.set(key, { num, account, device, subscription: structuredClone(subscription) });
  }

  read(account: AccountId, device: DeviceId): PushSubscription | undefined {
    return this.#rows.get(keyOf(account, device))?.subscription;
  }

  delete(account: AccountId, device: DeviceId, endpoint: string | undefined): boolean {
    const stored = this.read(account, device);
    if (stored === undefined || (endpoint !== undefined && stored.endpoint !== endpoint)) return false;
    return this.#rows.delete(keyOf(account, device));
  }

  devices(afterNum: number, limit: number): readonly Omit<Row, "subscription">[] {
    return [...this.#rows.values()]
      .filter(({ num }) => num > afterNum)
      .toSorted((a, b) => a.num - b.num)
      .slice(0, limit);
  }
}
