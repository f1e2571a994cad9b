/** A server's data moves from SQLite to PostgreSQL: what is written meanwhile moves too, and never do both serve it. */
import { rmSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { toBinary } from "@bufbuild/protobuf";
import {
  EntryKind,
  SignedDeviceListSchema,
  accountId,
  deviceId,
  logId,
  type AccountId,
} from "@sotto/protocol";
import { withClient } from "@sotto/testkit/postgres";
import { readStatus } from "../../src/admin.ts";
import { readDataFolder } from "../../src/adapters/data-folder.ts";
import { databaseOwner } from "../../src/adapters/open-store.ts";
import { PostgresFilling } from "../../src/adapters/postgres/fill.ts";
import { openPostgresStore } from "../../src/adapters/postgres/store.ts";
import { raiseFence } from "../../src/adapters/sqlite/fence.ts";
import { openSqliteStore, type SqliteStore } from "../../src/adapters/sqlite/store.ts";
import { backUp, verifyLiving } from "../../src/backup/backup.ts";
import { migrateToPostgres } from "../../src/backup/migrate.ts";
import { StoreAway } from "../../src/core/store.ts";
import { startServer } from "../../src/index.ts";
import { newAccount, signList } from "../support/account.ts";
import { code, filePostgres } from "../support/backup.ts";
import { filledFolder, nowSec } from "../support/filled-folder.ts";
import { wrongSumsInPostgres } from "../support/held-bytes.ts";
import { temporaryFolder } from "../support/temporary.ts";

const postgres = filePostgres();

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const openOld = (data: string): SqliteStore => openSqliteStore({ path: join(data, "sotto.db"), nowSec });

function query(data: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(join(data, "sotto.db"), { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

/** An account that comes before all others, with one device. */
function newcomerBefore(): Parameters<SqliteStore["createAccount"]>[1] {
  const { identity, list } = newAccount(nowSec);
  list.accountId[0] = 0;
  const [device] = list.devices;
  return {
    account: accountId(list.accountId),
    version: 1,
    signedList: toBinary(SignedDeviceListSchema, signList(list, identity)),
    devices: [
      {
        device: deviceId(device!.deviceId),
        signatureKey: device!.signatureKey,
        inbox: logId(device!.inboxId),
        revoked: false,
      },
    ],
    nowSec,
  };
}

/** Makes a mess of what was copied: whatever can change does. */
async function change(store: SqliteStore, data: string): Promise<void> {
  const accounts = query(
    data,
    "SELECT account, identifier_hash FROM accounts WHERE newest_version = 1 ORDER BY account",
  ) as {
    account: AccountId;
    identifier_hash: Uint8Array;
  }[];
  const [first, second, third] = accounts as [
    (typeof accounts)[0],
    (typeof accounts)[0],
    (typeof accounts)[0],
  ];
  // Its identifier goes to an account that comes before it.
  await store.putReset(second.account, nowSec - 1);
  expect(await store.replaceAccount(second.identifier_hash, second.account, newcomerBefore(), nowSec)).toBe(
    "replaced",
  );
  expect(await store.deleteAccount(third.account, 1, random(40))).toBe(true);
  await store.putRecovery(first.account, random(70));
  // The newest number of a KeyPackage is used a second time.
  const newcomer = newcomerBefore();
  await store.createAccount(random(32), newcomer, undefined);
  await store.claimKeyPackages([
    { account: first.account, ciphersuite: 1, devices: undefined, oneTime: true, maxBytes: 100_000 },
  ]);
  await store.putKeyPackages({
    account: newcomer.account,
    device: newcomer.devices[0]!.device,
    ciphersuite: 2,
    keyPackages: [random(20), random(30)],
    lastResort: random(10),
    replace: false,
  });
  const [inbox] = query(data, "SELECT id FROM logs WHERE is_inbox = 1 AND head_seq > 0") as [{ id: never }];
  const append = { type: "append", log: inbox.id, epoch: 0, kind: EntryKind.MESSAGE, nowSec } as const;
  await store.commit([
    { type: "ack", log: inbox.id, slot: undefined, seq: 400, nowSec },
    { ...append, tokenHash: undefined, nextTokenHash: undefined, body: random(50) },
  ]);
  const [blob] = query(data, "SELECT id FROM blobs LIMIT 1") as [{ id: Uint8Array }];
  await store.deleteBlob(blob.id);
}

test("what changes after the first pass moves too, and the old database takes nothing any more", async () => {
  const data = await filledFolder();
  const database = await postgres.createDatabase();
  const store = openOld(data);
  const passes: boolean[] = [];
  let refused: unknown;
  const summary = await migrateToPostgres(data, `${database}`, {
    async passed(_changed, fenced) {
      passes.push(fenced);
      if (fenced) refused = await store.createBlob(blobRecord(), 1e9).catch((error: unknown) => error);
      else await change(store, data);
    },
  });
  expect(passes).toEqual([false, true]);
  expect(refused).toBeInstanceOf(StoreAway);
  await expect(store.createBlob(blobRecord(), 1e9)).rejects.toEqual(code("unavailable"));
  await store.close();

  const place = { data, database };
  expect(summary.to).not.toContain("sotto@");
  await expect(startServer({ data, port: 0, logLevel: "silent" })).rejects.toEqual(code("data_moved"));
  await expect(startServer({ data, port: 0, logLevel: "silent" })).rejects.toThrow(summary.to);
  await expect(backUp({ data }, join(temporaryFolder(), "file"), undefined)).rejects.toEqual(
    code("data_moved"),
  );
  await expect(readStatus({ data })).rejects.toEqual(code("data_moved"));
  expect(() => openOld(data)).toThrow(summary.to);
  const { entries, accounts } = summary.counts!;
  expect(await readStatus(place)).toMatchObject({ entries: entries.rows, blobs: 2 });
  // Attachments came along: the folder's are needed no more.
  const whole = query(data, "SELECT id FROM blobs WHERE size = received");
  rmSync(join(data, "blobs"), { recursive: true });
  const { blobs } = await backUp(place, join(temporaryFolder(), "moved"), undefined);
  expect([blobs, blobs > 0]).toEqual([whole.length, true]);
  expect([entries.rows, accounts.rows]).toEqual([304, 6]);
  const server = await startServer({ ...place, port: 0, logLevel: "silent" });
  await server.close();
  expect(await wrongSumsInPostgres(database)).toBe(0);
  await withClient(database, async (client) => {
    const totals = await client.query<{ n: string }>("SELECT n FROM sotto.totals WHERE name = 'accounts'");
    expect(totals.rows[0]?.n).toBe("4");
  });
  expect(await migrateToPostgres(data, database)).toMatchObject({ to: summary.to, counts: undefined });
  const other = await postgres.createDatabase();
  await expect(migrateToPostgres(data, other)).rejects.toEqual(code("data_moved"));
}, 60_000);

const blobRecord = () => ({
  id: random(32),
  writeHash: random(32),
  size: 1,
  received: 0,
  storedAtSec: nowSec,
});

test("what did not arrive is found, and the old server goes on", async () => {
  const data = await filledFolder();
  const database = await postgres.createDatabase();
  const failed = migrateToPostgres(data, database, {
    async passed(_changed, fenced) {
      if (!fenced) return;
      await withClient(database, (client) =>
        client.query("UPDATE sotto.entries SET body = body || '\\x00' WHERE seq = 300"),
      );
    },
  });
  await expect(failed).rejects.toThrow("entries are not the same");
  const store = openOld(data);
  expect(await store.createBlob(blobRecord(), 1e9)).toBe("created");
  await store.close();
  await expect(startServer({ data, database, port: 0 })).rejects.toEqual(code("data_folder_foreign"));
  // The next run mends it.
  const { counts } = await migrateToPostgres(data, database);
  expect(counts?.entries.rows).toBe(683);
}, 60_000);

test("cut off before the fence lasts, the old serves; after it neither, until the move is finished", async () => {
  const data = await filledFolder();
  const database = await postgres.createDatabase();
  const { counts: before } = await verifyLiving({ data });
  for (const at of [false, true]) {
    const cut = migrateToPostgres(data, database, {
      passed(_changed, fenced) {
        if (fenced === at) throw new Error("killed");
      },
    });
    await expect(cut).rejects.toThrow("killed");
    const server = await startServer({ data, port: 0, logLevel: "silent" });
    await server.close();
  }
  // As a kill between the two moments leaves it.
  const { host, port, pathname } = new URL(database);
  const socket = new URL(database).searchParams.get("host");
  const to =
    socket === null ? `postgres://${host}:${port}${pathname}` : `postgres://${pathname}?host=${socket}`;
  const fence = raiseFence(join(data, "sotto.db"));
  expect(() => raiseFence(join(data, "sotto.db"))).toThrow("another process");
  expect(fence.makeLasting(to)).toBe(true);
  fence.lower();
  await expect(startServer({ data, port: 0, logLevel: "silent" })).rejects.toEqual(code("data_moved"));
  await expect(startServer({ data, database, port: 0, logLevel: "silent" })).rejects.toEqual(
    code("data_folder_foreign"),
  );
  expect((await migrateToPostgres(data, database)).counts).toEqual(before);
  const server = await startServer({ data, database, port: 0, logLevel: "silent" });
  await server.close();
}, 60_000);

test("a database that a server uses is not filled, and one that was away meanwhile does not use a part", async () => {
  const data = await filledFolder();
  const database = await postgres.createDatabase();
  const owner = databaseOwner(await readDataFolder(data));
  const store = await openPostgresStore({ url: database, owner });
  await expect(migrateToPostgres(data, database)).rejects.toEqual(code("data_folder_locked"));
  expect(await store.createBlob(blobRecord(), 1e9)).toBe("created");
  await withClient(database, (client) =>
    client.query(
      "DELETE FROM sotto.blobs; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sotto'",
    ),
  );
  const filling = await PostgresFilling.open(database, owner, "migrate");
  await expect(store.createBlob(blobRecord(), 1e9)).rejects.toBeInstanceOf(StoreAway);
  await expect(openPostgresStore({ url: database, owner })).rejects.toEqual(code("data_unfinished"));
  // It was killed: the mark stays.
  await filling.close();
  await expect
    .poll(() => store.createBlob(blobRecord(), 1e9).catch(({ cause }: Error) => cause))
    .toEqual(code("data_unfinished"));
  await store.close();
}, 60_000);

test("a fence behind which somebody wrote does not last, and one that nobody holds goes with the next start", async () => {
  const data = await filledFolder();
  const path = join(data, "sotto.db");
  const fence = raiseFence(path);
  const other = new DatabaseSync(path);
  // As if its time had run out while the mover was paused, and a server wrote.
  other.exec("UPDATE moving SET until_sec = 0; INSERT INTO retired VALUES (zeroblob(32), NULL)");
  other.close();
  expect(fence.makeLasting("elsewhere")).toBe(false);
  fence.lower();
  const held = raiseFence(path);
  const late = new DatabaseSync(path);
  late.exec("UPDATE moving SET until_sec = 0");
  await openOld(data).close();
  expect(query(data, "SELECT 1 FROM sqlite_schema WHERE name LIKE 'moving%'")).toEqual([]);
  expect(held.makeLasting("elsewhere")).toBe(false);
  held.lower();
  // What half a removal left would refuse every write.
  raiseFence(path).lower();
  const again = raiseFence(path);
  late.exec("DROP TABLE moving");
  const store = openOld(data);
  expect(await store.createBlob(blobRecord(), 1e9)).toBe("created");
  again.lower();
  // A mover that died, and then the clock was set back by an hour.
  const dead = raiseFence(path);
  await expect(store.createBlob(blobRecord(), 1e9)).rejects.toBeInstanceOf(StoreAway);
  late.exec("UPDATE moving SET until_sec = unixepoch() + 3600");
  expect(await store.createBlob(blobRecord(), 1e9)).toBe("created");
  raiseFence(path).lower();
  dead.lower();
  late.close();
  await store.close();
}, 60_000);
