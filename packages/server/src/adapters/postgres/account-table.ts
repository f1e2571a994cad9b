/**
 * Accounts, device lists and devices in PostgreSQL. Whatever changes an account locks its row first, so that on all nodes
 * together its lists, devices, KeyPackages and end come one after the other.
 */
import type { AccountId, DeviceId, LogId } from "@sotto/protocol";
import { idKey } from "../../core/logs/id-key.ts";
import type {
  AccountRecord,
  DeviceListChange,
  DeviceRecord,
  SignedListBytes,
  Store,
} from "../../core/store.ts";
import { retiredHash } from "../retired-id.ts";
import { bytesArray } from "./binary.ts";
import { named, Undone, type Connections, type Row, type Transaction } from "./connections.ts";

const SQL = named({
  accountByIdentifier: "SELECT account, newest_version FROM accounts WHERE identifier_hash = $1",
  accountById: "SELECT account, newest_version FROM accounts WHERE account = $1 AND newest_version > 0",
  lockAccount: `SELECT newest_version, identifier_hash FROM accounts WHERE account = $1 AND newest_version > 0 FOR NO KEY UPDATE`,
  accountTaken: `SELECT EXISTS (SELECT 1 FROM accounts WHERE account = $1) OR EXISTS (SELECT 1 FROM retired WHERE hash = $2) AS taken`,
  insertAccount:
    "INSERT INTO accounts (account, identifier_hash, newest_version) VALUES ($1, $2, $3::bigint)",
  updateVersion: "UPDATE accounts SET newest_version = $2::bigint WHERE account = $1",
  replaceAccount: "UPDATE accounts SET newest_version = 0, identifier_hash = NULL WHERE account = $1",
  deleteAccount: "DELETE FROM accounts WHERE account = $1",
  countAccounts: "SELECT n FROM totals WHERE name = 'accounts'",
  lockCount: "SELECT n FROM totals WHERE name = 'accounts' FOR UPDATE",
  addToCount: "UPDATE totals SET n = n + $1::bigint WHERE name = 'accounts'",

  insertList: "INSERT INTO device_lists (account, version, signed_list) VALUES ($1, $2::bigint, $3)",
  readLists: `SELECT signed_list FROM device_lists WHERE account = $1 AND version >= $2::bigint ORDER BY version LIMIT $3::bigint`,
  deleteLists: "DELETE FROM device_lists WHERE account = $1",

  readDevice: `SELECT d.signature_key, d.inbox, d.revoked, a.newest_version, r.reset_at_sec FROM devices d
    JOIN accounts a ON a.account = d.account LEFT JOIN resets r ON r.account = d.account WHERE d.account = $1 AND d.device = $2`,
  readDevices: "SELECT device, inbox, revoked FROM devices WHERE account = $1",
  inboxTaken: `SELECT EXISTS (SELECT 1 FROM unnest($1::uuid[]) AS w (id) JOIN devices d ON d.inbox = w.id)
    OR EXISTS (SELECT 1 FROM unnest($1::uuid[]) AS w (id) JOIN logs l ON l.log_id = w.id)
    OR EXISTS (SELECT 1 FROM unnest($2::bytea[]) AS w (hash) JOIN retired r ON r.hash = w.hash) AS taken`,
  putDevice: `INSERT INTO devices (account, device, signature_key, inbox, revoked) VALUES ($1, $2, $3, $4, $5::boolean)
    ON CONFLICT (account, device) DO UPDATE SET signature_key = excluded.signature_key, revoked = excluded.revoked`,
  revokeDevices: "UPDATE devices SET revoked = true WHERE account = $1",
  deleteDevices: "DELETE FROM devices WHERE account = $1",

  insertInbox: `INSERT INTO logs (log_id, is_inbox, head_seq, trimmed_seq, epoch, token_hash, start_seq, held_bytes, made_at_sec)
    VALUES ($1, true, 0, 0, 0, NULL, 0, 0, 0)`,
  lockInboxes: `SELECT l.log_id FROM unnest($1::uuid[]) AS w (log_id) JOIN logs l ON l.log_id = w.log_id
    ORDER BY l.log_id FOR UPDATE OF l`,
  deleteInboxEntries:
    "DELETE FROM entries e USING unnest($1::uuid[]) AS w (log_id) WHERE e.log_id = w.log_id",
  deleteInboxes: "DELETE FROM logs l USING unnest($1::uuid[]) AS w (log_id) WHERE l.log_id = w.log_id",

  deleteDeviceKeyPackages: "DELETE FROM key_packages WHERE account = $1 AND device = $2",
  deleteDevicePush: "DELETE FROM push_subscriptions WHERE account = $1 AND device = $2",
  deleteKeyPackages: "DELETE FROM key_packages WHERE account = $1",
  deleteAccountPush: "DELETE FROM push_subscriptions WHERE account = $1",
  deleteBackup: "DELETE FROM backups WHERE account = $1",
  readDueReset: "SELECT reset_at_sec FROM resets WHERE account = $1",
  deleteAccountReset: "DELETE FROM resets WHERE account = $1",

  retire: "INSERT INTO retired (hash, farewell) VALUES ($1, $2) ON CONFLICT DO NOTHING",
  readFarewell: "SELECT farewell FROM retired WHERE hash = $1",
});

/** The account tables of one database. */
export class AccountTable {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** See Store.createAccount. */
  create(
    identifierHash: Uint8Array,
    change: DeviceListChange,
    maxAccounts: number | undefined,
  ): ReturnType<Store["createAccount"]> {
    return this.#connections.transaction(async (transaction) => {
      const [holder] = await transaction.rows(SQL.accountByIdentifier, identifierHash);
      if (holder !== undefined) return "identifier_taken";
      if (maxAccounts !== undefined) {
        const [count] = await transaction.rows(SQL.lockCount);
        if ((count?.["n"] as number) >= maxAccounts) return "server_full";
      }
      if (await isTaken(transaction, change, change.devices)) return "log_exists";
      await insert(transaction, identifierHash, change, "log_exists");
      transaction.write(SQL.addToCount, 1);
      return "created";
    });
  }

  /** See Store.putDeviceList. */
  putList(change: DeviceListChange): ReturnType<Store["putDeviceList"]> {
    const { account, version } = change;
    return this.#connections.transaction(async (transaction) => {
      const [row] = await transaction.rows(SQL.lockAccount, account);
      const newest = (row?.["newest_version"] as number | undefined) ?? 0;
      if (row === undefined || version !== newest + 1) {
        return { ok: false, code: "version_conflict", newest };
      }
      const devices = await transaction.rows(SQL.readDevices, account);
      const known = new Set(devices.map(({ device }) => idKey(device as DeviceId)));
      const added = change.devices.filter(({ device }) => !known.has(idKey(device)));
      const taken = { ok: false, code: "log_exists", newest } as const;
      if (await areTaken(transaction, added)) return taken;
      transaction.write(SQL.updateVersion, account, version);
      await applyList(transaction, change, devices, taken);
      return { ok: true };
    });
  }

  /** See Store.replaceAccount. */
  replace(
    identifierHash: Uint8Array,
    old: AccountId,
    change: DeviceListChange,
    nowSec: number,
  ): ReturnType<Store["replaceAccount"]> {
    return this.#connections.transaction(async (transaction) => {
      const [row] = await transaction.rows(SQL.lockAccount, old);
      const [reset] = await transaction.rows(SQL.readDueReset, old);
      const holds =
        row !== undefined && Buffer.compare(row["identifier_hash"] as Uint8Array, identifierHash) === 0;
      if (!holds || reset === undefined || (reset["reset_at_sec"] as number) > nowSec) return "conflict";
      if (await isTaken(transaction, change, change.devices)) return "log_exists";
      const devices = await transaction.rows(SQL.readDevices, old);
      await deleteInboxes(transaction, devices);
      deleteBelongings(transaction, old);
      transaction.write(SQL.revokeDevices, old);
      transaction.write(SQL.replaceAccount, old);
      await insert(transaction, identifierHash, change, "log_exists");
      return "replaced";
    });
  }

  /** See Store.deleteAccount. What goes is overwritten when PostgreSQL reuses its place. */
  delete(account: AccountId, version: number, farewell: Uint8Array): Promise<boolean> {
    return this.#connections.transaction(async (transaction) => {
      const [row] = await transaction.rows(SQL.lockAccount, account);
      if (row?.["newest_version"] !== version) return false;
      const devices = await transaction.rows(SQL.readDevices, account);
      await deleteInboxes(transaction, devices);
      for (const { inbox } of devices) transaction.write(SQL.retire, retiredHash(inbox as LogId), undefined);
      transaction.write(SQL.retire, retiredHash(account), farewell);
      deleteBelongings(transaction, account);
      transaction.write(SQL.deleteDevices, account);
      transaction.write(SQL.deleteAccount, account);
      transaction.write(SQL.addToCount, -1);
      return true;
    });
  }

  async farewell(account: AccountId): Promise<Uint8Array | undefined> {
    const [row] = await this.#connections.rows(SQL.readFarewell, retiredHash(account));
    return (row?.["farewell"] as Uint8Array | null | undefined) ?? undefined;
  }

  async byIdentifier(identifierHash: Uint8Array): Promise<AccountRecord | undefined> {
    return record((await this.#connections.rows(SQL.accountByIdentifier, identifierHash))[0]);
  }

  async byId(account: AccountId): Promise<AccountRecord | undefined> {
    return record((await this.#connections.rows(SQL.accountById, account))[0]);
  }

  async lists(account: AccountId, fromVersion: number, limit: number): Promise<readonly SignedListBytes[]> {
    const rows = await this.#connections.rows(SQL.readLists, account, fromVersion, limit);
    return rows.map((row) => row["signed_list"] as Uint8Array);
  }

  async device(account: AccountId, device: DeviceId): Promise<DeviceRecord | undefined> {
    const [row] = await this.#connections.rows(SQL.readDevice, account, device);
    return (
      row && {
        account,
        device,
        signatureKey: row["signature_key"] as Uint8Array,
        inbox: row["inbox"] as LogId,
        revoked: row["revoked"] as boolean,
        newestListVersion: row["newest_version"] as number,
        resetAtSec: (row["reset_at_sec"] as number | null) ?? undefined,
      }
    );
  }

  /** How many accounts there are. */
  async count(): Promise<number> {
    return (await this.#connections.rows(SQL.countAccounts))[0]?.["n"] as number;
  }
}

type Devices = DeviceListChange["devices"];

function record(row: Row | undefined): AccountRecord | undefined {
  return row && { account: row["account"] as AccountId, newestVersion: row["newest_version"] as number };
}

async function isTaken(
  transaction: Transaction,
  { account }: DeviceListChange,
  devices: Devices,
): Promise<boolean> {
  const [row] = await transaction.rows(SQL.accountTaken, account, retiredHash(account));
  return row?.["taken"] === true || (await areTaken(transaction, devices));
}

/**
 * Whether devices that are new name a log that exists, an inbox that any device ever had (else a stranger would get what late senders
 * leave for a revoked device), or one twice.
 */
async function areTaken(transaction: Transaction, added: Devices): Promise<boolean> {
  const inboxes = added.map(({ inbox }) => inbox);
  if (new Set(inboxes.map(idKey)).size < inboxes.length) return true;
  const hashes = bytesArray("bytea", inboxes.map(retiredHash));
  const [row] = await transaction.rows(SQL.inboxTaken, bytesArray("uuid", inboxes), hashes);
  return row?.["taken"] === true;
}

async function insert<T>(
  transaction: Transaction,
  identifierHash: Uint8Array,
  change: DeviceListChange,
  taken: T,
): Promise<void> {
  transaction.write(SQL.insertAccount, change.account, identifierHash, change.version);
  await applyList(transaction, change, [], taken);
}

/** @throws Undone when an inbox was given up, with its account, while we took it. */
async function applyList<T>(
  transaction: Transaction,
  { account, version, signedList, devices }: DeviceListChange,
  known: readonly Row[],
  taken: T,
): Promise<void> {
  const before = new Map(known.map((row) => [idKey(row["device"] as DeviceId), row]));
  const revoked = devices.filter(
    (listed) => listed.revoked && before.get(idKey(listed.device))?.["revoked"] === false,
  );
  await deleteInboxes(
    transaction,
    revoked.map(({ device }) => before.get(idKey(device)) as Row),
  );
  transaction.write(SQL.insertList, account, version, signedList);
  for (const { device } of revoked) {
    transaction.write(SQL.deleteDeviceKeyPackages, account, device);
    transaction.write(SQL.deleteDevicePush, account, device);
  }
  for (const { device, signatureKey, inbox, revoked: isRevoked } of devices) {
    const isNew = !before.has(idKey(device));
    if (isNew && !isRevoked) transaction.write(SQL.insertInbox, inbox);
    transaction.write(SQL.putDevice, account, device, signatureKey, inbox, isRevoked);
  }
  const added = devices.filter(({ device }) => !before.has(idKey(device)));
  if (added.length === 0) return;
  for (const { inbox } of added) {
    const [row] = await transaction.rows(SQL.readFarewell, retiredHash(inbox));
    if (row !== undefined) throw new Undone(taken);
  }
}

/** Deletes the inboxes of devices, with all that is in them. */
async function deleteInboxes(transaction: Transaction, devices: readonly Row[]): Promise<void> {
  if (devices.length === 0) return;
  const inboxes = bytesArray(
    "uuid",
    devices.map(({ inbox }) => inbox as LogId),
  );
  await transaction.rows(SQL.lockInboxes, inboxes);
  transaction.write(SQL.deleteInboxEntries, inboxes);
  transaction.write(SQL.deleteInboxes, inboxes);
}

function deleteBelongings(transaction: Transaction, account: AccountId): void {
  const tables = [
    "deleteKeyPackages",
    "deleteAccountPush",
    "deleteBackup",
    "deleteAccountReset",
    "deleteLists",
  ] as const;
  for (const table of tables) transaction.write(SQL[table], account);
}
