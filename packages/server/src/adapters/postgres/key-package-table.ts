/** KeyPackages in PostgreSQL. Whoever puts or claims locks the account's row: what is handed out goes to one asker, on whichever node. */
import { LIMITS, toHex, type AccountId, type DeviceId } from "@sotto/protocol";
import {
  isOverLimit,
  type HandedOut,
  type KeyPackageClaim,
  type KeyPackagePut,
  type KeyPackagesLeft,
} from "../../core/key-packages/store.ts";
import { idKey } from "../../core/logs/id-key.ts";
import { bytesArray, numbersArray } from "./binary.ts";
import { named, type Connections, type Transaction } from "./connections.ts";

const SQL = named({
  lockOwner: "SELECT 1 AS found FROM accounts WHERE account = $1 AND newest_version > 0 FOR NO KEY UPDATE",
  lockOwners: `SELECT a.account FROM unnest($1::uuid[]) AS w (account) JOIN accounts a ON a.account = w.account
    WHERE a.newest_version > 0 ORDER BY a.account FOR NO KEY UPDATE OF a`,
  keyPackageDevice: "SELECT 1 AS found FROM devices WHERE account = $1 AND device = $2 AND NOT revoked",
  countSuites: `SELECT ciphersuite, count(*) FILTER (WHERE NOT last_resort) AS one_time FROM key_packages
    WHERE account = $1 AND device = $2 GROUP BY ciphersuite`,
  deleteSuite: "DELETE FROM key_packages WHERE account = $1 AND device = $2 AND ciphersuite = $3::integer",
  deleteLastResort:
    "DELETE FROM key_packages WHERE account = $1 AND device = $2 AND ciphersuite = $3::integer AND last_resort",
  insertKeyPackages: `INSERT INTO key_packages (account, device, ciphersuite, last_resort, key_package)
    SELECT $1, $2, $3::integer, $4::boolean, w.key_package FROM unnest($5::bytea[]) WITH ORDINALITY AS w (key_package, nth)
    ORDER BY w.nth`,
  offered: `SELECT d.device, k.num, k.last_resort, k.key_package FROM devices d CROSS JOIN LATERAL (
      SELECT num, last_resort, key_package FROM key_packages
      WHERE account = d.account AND device = d.device AND ciphersuite = $2::integer AND (last_resort OR $3::boolean)
      ORDER BY last_resort, num LIMIT 1) k
    WHERE d.account = $1 AND NOT d.revoked ORDER BY d.device`,
  deleteClaimed: "DELETE FROM key_packages k USING unnest($1::bigint[]) AS w (num) WHERE k.num = w.num",
  countSuite: `SELECT count(*) FILTER (WHERE NOT last_resort) AS one_time, count(*) FILTER (WHERE last_resort) AS last_resorts
    FROM key_packages WHERE account = $1 AND device = $2 AND ciphersuite = $3::integer`,
});

/** The table of KeyPackages of one database. */
export class KeyPackageTable {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** See KeyPackageStore.putKeyPackages. */
  put(put: KeyPackagePut): Promise<"stored" | "device_gone" | "full"> {
    const { account, device, ciphersuite } = put;
    return this.#connections.transaction(async (transaction) => {
      const [owner] = await transaction.rows(SQL.lockOwner, account);
      const [found] = await transaction.rows(SQL.keyPackageDevice, account, device);
      if (owner === undefined || found === undefined) return "device_gone";
      const rows = await transaction.rows(SQL.countSuites, account, device);
      const stored = new Map(rows.map((row) => [row["ciphersuite"] as number, row["one_time"] as number]));
      if (isOverLimit(put, stored, LIMITS)) return "full";
      const insert = (lastResort: boolean, some: readonly Uint8Array[]): void =>
        transaction.write(
          SQL.insertKeyPackages,
          account,
          device,
          ciphersuite,
          lastResort,
          bytesArray("bytea", some),
        );
      if (put.replace) transaction.write(SQL.deleteSuite, account, device, ciphersuite);
      if (put.keyPackages.length > 0) insert(false, put.keyPackages);
      if (put.lastResort !== undefined) {
        transaction.write(SQL.deleteLastResort, account, device, ciphersuite);
        insert(true, [put.lastResort]);
      }
      return "stored";
    });
  }

  /** See KeyPackageStore.claimKeyPackages. */
  claim(claims: readonly KeyPackageClaim[]): Promise<readonly (readonly HandedOut[])[]> {
    return this.#connections.transaction(async (transaction) => {
      const accounts = new Map(claims.map(({ account }) => [idKey(account), account]));
      const owners = await transaction.rows(SQL.lockOwners, bytesArray("uuid", [...accounts.values()]));
      const known = new Set(owners.map(({ account }) => idKey(account as AccountId)));
      const answers: HandedOut[][] = [];
      for (const claim of claims) {
        answers.push(known.has(idKey(claim.account)) ? await claimOne(transaction, claim) : []);
      }
      return answers;
    });
  }

  async count(account: AccountId, device: DeviceId, ciphersuite: number): Promise<KeyPackagesLeft> {
    const [row] = await this.#connections.rows(SQL.countSuite, account, device, ciphersuite);
    return { left: (row?.["one_time"] as number) ?? 0, hasLastResort: (row?.["last_resorts"] as number) > 0 };
  }
}

async function claimOne(transaction: Transaction, claim: KeyPackageClaim): Promise<HandedOut[]> {
  const wanted = claim.devices && new Set(claim.devices.map(toHex));
  const handedOut: HandedOut[] = [];
  const gone: number[] = [];
  let bytes = 0;
  for (const row of await transaction.rows(SQL.offered, claim.account, claim.ciphersuite, claim.oneTime)) {
    const device = row["device"] as DeviceId;
    if (wanted?.has(toHex(device)) === false) continue;
    const keyPackage = row["key_package"] as Uint8Array;
    const isLastResort = row["last_resort"] === true;
    bytes += keyPackage.length;
    if (bytes > claim.maxBytes) break;
    if (!isLastResort) gone.push(row["num"] as number);
    handedOut.push({ device, keyPackage, isLastResort });
  }
  if (gone.length > 0) transaction.write(SQL.deleteClaimed, numbersArray(gone));
  return handedOut;
}
