/** Backups of a server: what goes in comes out, from either kind of database into either; what is damaged is found, and changes nothing. */
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, test } from "vitest";
import { withClient } from "@sotto/testkit/postgres";
import { readStatus } from "../../src/admin.ts";
import { readDataFolder } from "../../src/adapters/data-folder.ts";
import { databaseOwner } from "../../src/adapters/open-store.ts";
import { openPostgresSnapshot } from "../../src/adapters/postgres/snapshot.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { startServer } from "../../src/index.ts";
import { backUp, restore, verifyBackup, verifyLiving } from "../../src/backup/backup.ts";
import type { Snapshot } from "../../src/backup/snapshot.ts";
import { code, filePostgres } from "../support/backup.ts";
import { filledFolder, nowSec } from "../support/filled-folder.ts";
import { wrongSumsInPostgres, wrongSumsInSqlite } from "../support/held-bytes.ts";
import { snapshot, temporaryFolder } from "../support/temporary.ts";

const postgres = filePostgres();

const passphrase = async (): Promise<string> => "correct horse";
const nobody = async (): Promise<string> => {
  throw new Error("nobody is to be asked");
};
const sealed = { askPassphrase: passphrase };
const plainly = { askPassphrase: nobody, allowUnencrypted: true };
const either = { askPassphrase: passphrase, allowUnencrypted: true };

test("a server goes from SQLite to PostgreSQL and back, and nothing of it changes", async () => {
  const folder = temporaryFolder();
  const data = await filledFolder();
  const before = await verifyLiving({ data });
  const names = Object.entries(before.counts).filter(([, { rows }]) => rows > 0);
  expect(names.map(([name]) => name).sort()).toEqual(Object.keys(before.counts).sort());
  const files = snapshot(join(data, "blobs"));

  const first = await backUp({ data }, join(folder, "first"), passphrase);
  expect(statSync(join(folder, "first")).mode & 0o777).toBe(0o600);
  expect({ ...first.counts, blobs: 0 }).toEqual({ ...before.counts, blobs: 0 });
  expect([first.blobs, first.blobBytes, first.encrypted]).toEqual([2, 300_005, true]);
  expect(await verifyBackup(join(folder, "first"), sealed)).toEqual(first);

  const database = await postgres.createDatabase();
  const moved = { data: join(folder, "moved"), database };
  await restore(join(folder, "first"), moved, sealed);
  expect((await verifyLiving(moved)).counts).toEqual(first.counts);
  expect(existsSync(join(moved.data, "blobs"))).toBe(false);
  const second = await backUp(moved, join(folder, "second"), undefined);
  expect(second.counts).toEqual(first.counts);
  const back = { data: join(folder, "back") };
  await restore(join(folder, "second"), back, plainly);
  expect((await verifyLiving(back)).counts).toEqual(first.counts);
  expect(wholeOf(snapshot(join(back.data, "blobs")))).toEqual(wholeOf(files));
  expect(await readStatus(back)).toMatchObject({ accounts: 4, blobs: 2, entries: 683 });
  expect(wrongSumsInSqlite(join(back.data, "sotto.db"))).toBe(0);
  expect(await readStatus(moved)).toMatchObject({ accounts: 4, blobs: 2, entries: 683 });

  // Both are what servers start on, and what they keep in sums is right.
  for (const place of [moved, back]) {
    const server = await startServer({ ...place, port: 0, logLevel: "silent" });
    await server.close();
    expect((await verifyLiving(place)).counts).toEqual(first.counts);
  }
  // Blobs are read as they were when the snapshot was taken.
  const owner = databaseOwner(await readDataFolder(moved.data));
  const taken = await openPostgresSnapshot({ url: database, owner });
  expect(await wrongSumsInPostgres(database)).toBe(0);
  await withClient(database, (client) => client.query("DELETE FROM sotto.blob_files"));
  expect(await storedBytes(taken)).toBe(300_005);
  await taken.close();
}, 60_000);

async function storedBytes({ blobs, readTable }: Snapshot): Promise<number> {
  let bytes = 0;
  for await (const rows of readTable("blobs")) {
    for (const { values } of rows) {
      const [id, , size] = values as [Uint8Array, Uint8Array, number];
      for await (const part of (await blobs!.read(id, 0, size))!) bytes += part.length;
    }
  }
  return bytes;
}

test("of two backups into one file one is there, whole, and the other says so", async () => {
  const folder = temporaryFolder();
  const data = await filledFolder();
  const file = join(folder, "backup");
  const both = await Promise.allSettled([1, 2].map(() => backUp({ data }, file, undefined)));
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: code("data_not_empty") });
  expect(await verifyBackup(file, plainly)).toMatchObject({ blobs: 2 });
  expect(readdirSync(folder)).toEqual(["backup"]);
});

/** Files that are not parts. */
const wholeOf = (files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).filter(([name]) => /\/[0-9a-f]+$/.test(name)));

test("a place where this user can write nothing is named, by either command", async () => {
  const [folder, data] = [temporaryFolder(), await filledFolder()];
  const file = join(folder, "whole");
  await backUp({ data }, file, undefined);
  await expect(backUp({ data }, join(file, "inside"), undefined)).rejects.toEqual(code("storage_failed"));
  await expect(restore(file, { data: join(file, "inside") }, plainly)).rejects.toEqual(
    code("config_invalid"),
  );
});

test("entries of a restored SQLite database expire by their age, whatever log they are of", async () => {
  const folder = temporaryFolder();
  await backUp({ data: await filledFolder() }, join(folder, "backup"), undefined);
  await restore(join(folder, "backup"), { data: join(folder, "data") }, plainly);
  const store = openSqliteStore({ path: join(folder, "data", "sotto.db"), nowSec });
  expect(await store.expire(nowSec + 30_000, 10_000)).toBe(285);
  await store.close();
});

/** What a restore of these bytes fails with; it makes nothing. */
async function restored(bytes: Buffer, database?: string): Promise<unknown> {
  const file = join(temporaryFolder(), "backup");
  writeFileSync(file, bytes);
  const data = join(temporaryFolder(), "data");
  const failed = await restore(file, { data, database }, either).catch((error: unknown) => error);
  expect(existsSync(data)).toBe(false);
  return failed;
}

describe("a backup that was changed", () => {
  let whole: Buffer;
  let plain: Buffer;
  beforeEach(async () => {
    if (plain !== undefined) return;
    const data = await filledFolder();
    await backUp({ data }, join(data, "..", "sealed"), passphrase);
    await backUp({ data }, join(data, "..", "plain"), undefined);
    whole = readFileSync(join(data, "..", "sealed"));
    plain = readFileSync(join(data, "..", "plain"));
  });

  test("is refused wherever a byte of it differs or is missing, and nothing is made of it", async () => {
    const found = new Set<string>();
    for (let round = 0; round < 24; round++) {
      const changed = Buffer.from(plain);
      const at = Math.floor((plain.length * (round + 0.37)) / 24);
      changed[at]! ^= 1 << (round % 8);
      found.add(((await restored(changed)) as { code: string }).code);
      found.add(((await restored(plain.subarray(0, at))) as { code: string }).code);
    }
    for (const name of ["changed", "cut"]) {
      const file = join(temporaryFolder(), name);
      writeFileSync(
        file,
        name === "cut" ? plain.subarray(0, -1) : Buffer.concat([plain.subarray(0, -5), Buffer.alloc(5)]),
      );
      await expect(verifyBackup(file, plainly)).rejects.toEqual(code("backup_damaged"));
    }
    expect([...found].filter((one) => !["backup_damaged", "backup_foreign"].includes(one))).toEqual([]);
    expect(await restored(Buffer.concat([plain, plain.subarray(-20)]))).toEqual(code("backup_damaged"));
    expect(await restored(Buffer.alloc(0))).toEqual(code("backup_foreign"));
  }, 60_000);

  test("and an encrypted one is, under whatever passphrase", async () => {
    for (const at of [0.3, 0.6, 0.99]) {
      const changed = Buffer.from(whole);
      changed[Math.floor(whole.length * at)]! ^= 1;
      expect(await restored(changed)).toEqual(code("backup_damaged"));
      expect(await restored(whole.subarray(0, Math.floor(whole.length * at)))).toEqual(
        code("backup_damaged"),
      );
    }
    const file = join(temporaryFolder(), "backup");
    writeFileSync(file, whole);
    await expect(verifyBackup(file, { askPassphrase: async () => "wrong" })).rejects.toEqual(
      code("passphrase_wrong"),
    );
    const ask = JSON.parse(whole.subarray(0, whole.indexOf(10)).toString()) as {
      seal: { iterations: number };
    };
    ask.seal.iterations = 2_000_000_000;
    writeFileSync(
      file,
      Buffer.concat([Buffer.from(`${JSON.stringify(ask)}\n`), whole.subarray(whole.indexOf(10) + 1)]),
    );
    await expect(verifyBackup(file, plainly)).rejects.toEqual(code("backup_foreign"));
  });

  test("into one that is not encrypted is refused, unless whoever restores it says so", async () => {
    const place = { data: join(temporaryFolder(), "data") };
    const file = join(temporaryFolder(), "backup");
    writeFileSync(file, plain);
    await expect(verifyBackup(file, sealed)).rejects.toEqual(code("backup_unencrypted"));
    await expect(restore(file, place, sealed)).rejects.toEqual(code("backup_unencrypted"));
    expect(existsSync(place.data)).toBe(false);
  });

  test("leaves a database as it was, and one that holds something is not restored over", async () => {
    const database = await postgres.createDatabase();
    await restored(plain.subarray(0, plain.length - 1), database);
    await withClient(database, async (client) => {
      const { rows } = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = 'sotto'");
      expect(rows).toEqual([]);
    });
    const file = join(temporaryFolder(), "backup");
    writeFileSync(file, plain);
    const first = { data: join(temporaryFolder(), "data"), database };
    await restore(file, first, plainly);
    const before = await verifyLiving(first);
    const again = { data: join(temporaryFolder(), "data"), database };
    await expect(restore(file, again, plainly)).rejects.toEqual(code("data_not_empty"));
    await expect(restore(file, { data: first.data }, plainly)).rejects.toEqual(code("data_not_empty"));
    expect(existsSync(again.data)).toBe(false);
    expect(await verifyLiving(first)).toEqual(before);
    await expect(backUp(first, file, undefined)).rejects.toEqual(code("data_not_empty"));
  });
});

test("a restore into PostgreSQL that was cut off is not served, and begins anew", async () => {
  const folder = temporaryFolder();
  const data = await filledFolder();
  const { counts } = await backUp({ data }, join(folder, "backup"), undefined);
  const database = await postgres.createDatabase();
  await restore(join(folder, "backup"), { data: join(folder, "one"), database }, plainly);
  // As a kill leaves it: marked, and with a part.
  await withClient(database, (client) =>
    client.query(
      `CREATE TABLE sotto.unfinished AS SELECT 'restore' AS filled_by; DELETE FROM sotto.entries; DELETE FROM sotto.slots;
       UPDATE sotto.blob_files SET finished = false; DELETE FROM sotto.blob_pieces`,
    ),
  );
  const place = { data: join(folder, "one"), database };
  await expect(startServer({ ...place, port: 0, logLevel: "silent" })).rejects.toEqual(
    code("data_unfinished"),
  );
  await expect(backUp(place, join(folder, "other"), undefined)).rejects.toEqual(code("data_unfinished"));
  const again = { data: join(folder, "two"), database };
  await restore(join(folder, "backup"), again, plainly);
  expect((await verifyLiving(again)).counts).toEqual(counts);
  expect(readdirSync(folder).sort()).toEqual(["backup", "one", "two"]);
});

describe("living data that does not fit together is found", () => {
  const broken: readonly [string, string, RegExp][] = [
    ["a gap in a log", "DELETE FROM entries WHERE seq = 300", /entry 300 is missing/],
    ["the end of a log", "DELETE FROM entries WHERE seq = 700", /entry 700 of one is missing/],
    ["two winners of an epoch", "UPDATE entries SET kind = 2 WHERE seq = 300", /Commit that ended no epoch/],
    ["an epoch without its Commit", "UPDATE entries SET kind = 1 WHERE kind = 2", /no Commit ended/],
    ["a device list", "DELETE FROM device_lists WHERE version = 2", /newest device list is missing/],
    [
      "a signature",
      "UPDATE device_lists SET signed_list = (SELECT signed_list FROM device_lists WHERE version = 2) WHERE version = 1",
      /not signed/,
    ],
    [
      "a device that no list names",
      "UPDATE devices SET signature_key = zeroblob(32)",
      /not as its account's list says/,
    ],
    [
      "an inbox",
      "DELETE FROM logs WHERE is_inbox = 1 AND head_seq = 0 AND num = (SELECT max(num) FROM logs WHERE is_inbox = 1 AND head_seq = 0)",
      /no inbox/,
    ],
  ];
  test.each(broken)("%s", async (_name, sql, message) => {
    const data = await filledFolder();
    const database = new DatabaseSync(join(data, "sotto.db"));
    database.exec(sql);
    database.close();
    await expect(verifyLiving({ data })).rejects.toEqual(code("data_folder_damaged"));
    await expect(verifyLiving({ data })).rejects.toThrow(message);
  });

  test("also when it is backed up: the file is there, and is told to be of no use", async () => {
    const data = await filledFolder();
    const database = new DatabaseSync(join(data, "sotto.db"));
    database.exec("DELETE FROM entries WHERE seq = 300");
    database.close();
    const file = join(temporaryFolder(), "backup");
    await expect(backUp({ data }, file, undefined)).rejects.toThrow(/300 is missing.*cannot be restored/);
    await expect(verifyBackup(file, plainly)).rejects.toThrow(/300 is missing/);
  });

  test("a blob's file", async () => {
    const data = await filledFolder();
    rmSync(join(data, "blobs"), { recursive: true });
    await expect(verifyLiving({ data })).rejects.toThrow(/the bytes of 2 are missing/);
    // In a backup what is missing counts as deleted.
    const file = join(temporaryFolder(), "backup");
    expect(await backUp({ data }, file, undefined)).toMatchObject({ blobs: 0 });
    expect(await verifyBackup(file, plainly)).toMatchObject({ blobs: 0 });
  });
});
