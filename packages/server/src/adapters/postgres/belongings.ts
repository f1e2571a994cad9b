/** What hangs on an account beside its devices, in PostgreSQL: backups, resets, how devices are woken. */
import type { AccountId, DeviceId } from "@sotto/protocol";
import type { PushDevice, PushSubscription } from "../../core/push/store.ts";
import { named, type Connections } from "./connections.ts";

/** The account, unless it is gone or replaced. Locked, so that it does not go meanwhile. */
const owner = "(SELECT account FROM accounts WHERE account = $1 AND newest_version > 0 FOR SHARE) a";

const SQL = named({
  putBackup: `INSERT INTO backups (account, backup) SELECT a.account, $2 FROM ${owner}
    ON CONFLICT (account) DO UPDATE SET backup = excluded.backup RETURNING 1 AS done`,
  readBackup: "SELECT backup FROM backups WHERE account = $1",
  putReset: `INSERT INTO resets (account, reset_at_sec) SELECT a.account, $2::bigint FROM ${owner}
    ON CONFLICT (account) DO UPDATE SET reset_at_sec = excluded.reset_at_sec RETURNING 1 AS done`,
  readReset: "SELECT reset_at_sec FROM resets WHERE account = $1",
  deleteReset: "DELETE FROM resets WHERE account = $1 RETURNING 1 AS done",
  lockPushDevice:
    "SELECT 1 AS found FROM devices WHERE account = $1 AND device = $2 AND NOT revoked FOR SHARE",
  putPush: `INSERT INTO push_subscriptions (account, device, endpoint, p256dh, auth) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (account, device) DO UPDATE SET endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth`,
  readPush: "SELECT endpoint, p256dh, auth FROM push_subscriptions WHERE account = $1 AND device = $2",
  deletePush: `DELETE FROM push_subscriptions WHERE account = $1 AND device = $2 AND endpoint = coalesce($3, endpoint)
    RETURNING 1 AS done`,
  pushDevices: `SELECT p.num, p.account, p.device, d.inbox FROM push_subscriptions p
    JOIN devices d ON d.account = p.account AND d.device = p.device WHERE p.num > $1::bigint ORDER BY p.num LIMIT $2::bigint`,
});

/** The tables of one database. */
export class Belongings {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  async putBackup(account: AccountId, backup: Uint8Array): Promise<boolean> {
    return (await this.#connections.rows(SQL.putBackup, account, backup)).length > 0;
  }

  async readBackup(account: AccountId): Promise<Uint8Array | undefined> {
    return (await this.#connections.rows(SQL.readBackup, account))[0]?.["backup"] as Uint8Array | undefined;
  }

  async putReset(account: AccountId, resetAtSec: number): Promise<boolean> {
    return (await this.#connections.rows(SQL.putReset, account, resetAtSec)).length > 0;
  }

  async readReset(account: AccountId): Promise<number | undefined> {
    return (await this.#connections.rows(SQL.readReset, account))[0]?.["reset_at_sec"] as number | undefined;
  }

  async deleteReset(account: AccountId): Promise<boolean> {
    return (await this.#connections.rows(SQL.deleteReset, account)).length > 0;
  }

  putPush(
    account: AccountId,
    device: DeviceId,
    { endpoint, p256dh, auth }: PushSubscription,
  ): Promise<boolean> {
    return this.#connections.transaction(async (transaction) => {
      const [found] = await transaction.rows(SQL.lockPushDevice, account, device);
      if (found !== undefined) transaction.write(SQL.putPush, account, device, endpoint, p256dh, auth);
      return found !== undefined;
    });
  }

  async readPush(account: AccountId, device: DeviceId): Promise<PushSubscription | undefined> {
    const [row] = await this.#connections.rows(SQL.readPush, account, device);
    return row as PushSubscription | undefined;
  }

  async deletePush(account: AccountId, device: DeviceId, endpoint: string | undefined): Promise<boolean> {
    return (await this.#connections.rows(SQL.deletePush, account, device, endpoint)).length > 0;
  }

  async pushDevices(afterNum: number, limit: number): Promise<readonly PushDevice[]> {
    return (await this.#connections.rows(
      SQL.pushDevices,
      afterNum,
      limit,
    )) as unknown as readonly PushDevice[];
  }
}
