/** How devices are woken, in SQLite. Every method that writes is called inside a transaction of the store. */
import type { DatabaseSync } from "node:sqlite";
import type { DeviceId } from "@sotto/protocol";
import type { PushDevice, PushSubscription } from "../../core/push/store.ts";

/** The table of one database. Accounts are meant by their number. */
export class PushTable {
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: DatabaseSync) {
    this.#sql = statements(database);
  }

  put(account: number, device: DeviceId, { endpoint, p256dh, auth }: PushSubscription): void {
    this.#sql.put.run(account, device, endpoint, p256dh, auth);
  }

  read(account: number, device: DeviceId): PushSubscription | undefined {
    return this.#sql.read.get(account, device) as PushSubscription | undefined;
  }

  delete(account: number, device: DeviceId, endpoint: string | undefined): boolean {
    const stored = this.read(account, device);
    if (stored === undefined || (endpoint !== undefined && stored.endpoint !== endpoint)) return false;
    this.#sql.delete.run(account, device);
    return true;
  }

  devices(afterNum: number, limit: number): readonly PushDevice[] {
    return this.#sql.devices.all(afterNum, limit) as unknown as readonly PushDevice[];
  }

  /** Deletes all of an account's. */
  deleteAccount(account: number): void {
    this.#sql.deleteAccount.run(account);
  }
}

function statements(database: DatabaseSync) {
  return {
    put: database.prepare(
      `INSERT INTO push_subscriptions (account, device, endpoint, p256dh, auth) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (account, device) DO UPDATE SET endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth`,
    ),
    read: database.prepare(
      "SELECT endpoint, p256dh, auth FROM push_subscriptions WHERE account = ? AND device = ?",
    ),
    delete: database.prepare("DELETE FROM push_subscriptions WHERE account = ? AND device = ?"),
    deleteAccount: database.prepare("DELETE FROM push_subscriptions WHERE account = ?"),
    devices: database.prepare(
      `SELECT push.num AS num, accounts.account AS account, push.device AS device, devices.inbox AS inbox
       FROM push_subscriptions AS push
       JOIN accounts ON accounts.num = push.account
       JOIN devices ON devices.account = push.account AND devices.device = push.device
       WHERE push.num > ? ORDER BY push.num LIMIT ?`,
    ),
  };
}
