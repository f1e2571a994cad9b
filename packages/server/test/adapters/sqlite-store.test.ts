/** The SQLite adapter: the conformance suite, and what only a database file can get wrong. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { EntryKind, accountId, deviceId, logId, slotId } from "@sotto/protocol";
import { storeConformance } from "@sotto/testkit/store-conformance";
import { openDatabase } from "../../src/adapters/sqlite/open.ts";
import { APPLICATION_ID, MIGRATIONS } from "../../src/adapters/sqlite/schema.ts";
import { SqliteStore, openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { DEFAULT_LOG_LIMITS } from "../../src/core/logs/defaults.ts";
import type { StoreOperation } from "../../src/core/store.ts";
import { wrongSumsInSqlite } from "../support/held-bytes.ts";

const folder = mkdtempSync(join(tmpdir(), "sotto-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newPath = (): string => join(folder, `${++files}.db`);
const nowSec = 1_800_000_000;

let lastPath = "";
function checkHeldBytes(path: string): void {
  const wrong = wrongSumsInSqlite(path);
  if (wrong > 0) throw new Error(`${wrong} logs say wrongly how many bytes they hold`);
}

storeConformance(
  "SQLite",
  async (limits) => {
    lastPath = newPath();
    // Whatever the suite did with it.
    const path = lastPath;
    onTestFinished(() => checkHeldBytes(path));
    return openSqliteStore({ path: lastPath, nowSec, limits });
  },
  async (store, limits) => {
    await store.close();
    return openSqliteStore({ path: lastPath, nowSec, limits });
  },
);

const inbox = logId(new Uint8Array(16).fill(1));
const slot = slotId(new Uint8Array(16).fill(4));
const append: StoreOperation = {
  type: "append",
  log: inbox,
  tokenHash: undefined,
  epoch: 0,
  kind: EntryKind.MESSAGE,
  body: new Uint8Array(1_000),
  nextTokenHash: undefined,
  nowSec,
};

function storeWithInbox(path: string) {
  const store = openSqliteStore({ path, nowSec });
  return store
    .createAccount(
      new Uint8Array(32),
      {
        account: accountId(new Uint8Array(16).fill(2)),
        version: 1,
        signedList: new Uint8Array(10),
        devices: [
          {
            device: deviceId(new Uint8Array(16).fill(3)),
            signatureKey: new Uint8Array(32),
            inbox,
            revoked: false,
          },
        ],
        nowSec,
      },
      undefined,
    )
    .then(() => store);
}

const code = (wanted: string) => expect.objectContaining({ code: wanted });

describe("opening", () => {
  test("a database of the first version is brought up to date and keeps what it held", async () => {
    const path = newPath();
    const old = new DatabaseSync(path);
    old.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    old.exec("CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied_at_sec INTEGER NOT NULL) STRICT");
    old.exec(MIGRATIONS[0] ?? "");
    old.exec("INSERT INTO migrations VALUES (1, 1)");
    const account = accountId(new Uint8Array(16).fill(2));
    const device = deviceId(new Uint8Array(16).fill(3));
    old
      .prepare("INSERT INTO accounts (account, identifier_hash, newest_version) VALUES (?, ?, 1)")
      .run(account, new Uint8Array(32));
    old
      .prepare("INSERT INTO devices VALUES (1, ?, ?, ?, 0)")
      .run(device, new Uint8Array(32), new Uint8Array(16));
    old.close();
    const store = openSqliteStore({ path, nowSec });
    onTestFinished(() => store.close());
    expect(await store.readDevice(account, device)).toMatchObject({ revoked: false });
    const keyPackages = [new Uint8Array(8)];
    const put = { account, device, ciphersuite: 1, keyPackages, lastResort: undefined, replace: false };
    expect(await store.putKeyPackages(put)).toBe("stored");
    expect(await store.countKeyPackages(account, device, 1)).toEqual({ left: 1, hasLastResort: false });
  });

  test("what the logs of an older version hold is counted as it is brought up to date", async () => {
    const path = newPath();
    const old = new DatabaseSync(path);
    old.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    old.exec("CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied_at_sec INTEGER NOT NULL) STRICT");
    const sums = MIGRATIONS.findIndex((statements) => statements.includes("held_bytes"));
    for (const statements of MIGRATIONS.slice(0, sums)) old.exec(statements);
    old.exec(`INSERT INTO migrations VALUES (${sums}, 1)`);
    old.exec("INSERT INTO logs VALUES (1, x'0101', 1, 2, 0, 0, 1), (2, x'0202', 1, 0, 0, 0, 1)");
    old.exec("INSERT INTO entries VALUES (1, 1, 1, 0, 1, 1, x'010203'), (2, 1, 2, 0, 1, 1, x'0102')");
    old.close();
    void openSqliteStore({ path, nowSec }).close();
    const database = new DatabaseSync(path);
    expect(database.prepare("SELECT held_bytes FROM logs ORDER BY num").all()).toEqual([
      { held_bytes: 5 },
      { held_bytes: 0 },
    ]);
    database.close();
  });

  test("a fresh database carries its mark in the file, durable settings, and its version", () => {
    const path = newPath();
    void openSqliteStore({ path, nowSec }).close();
    expect(readFileSync(path).toString("latin1", 68, 72)).toBe("Stto");
    const database = new DatabaseSync(path);
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(database.prepare("SELECT version FROM migrations").all()).toEqual(
      MIGRATIONS.map((_, index) => ({ version: index + 1 })),
    );
    database.close();
  });

  test("another program's database is refused and left untouched", () => {
    const path = newPath();
    const other = new DatabaseSync(path);
    other.exec("CREATE TABLE t (x)");
    other.close();
    const before = readFileSync(path);
    expect(() => openSqliteStore({ path, nowSec })).toThrow(code("data_folder_foreign"));
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  test("what is no database at all is refused and left untouched", () => {
    const path = newPath();
    writeFileSync(path, "x".repeat(5_000));
    expect(() => openSqliteStore({ path, nowSec })).toThrow(code("data_folder_damaged"));
    expect(readFileSync(path, "utf8")).toBe("x".repeat(5_000));
  });

  test("a database whose schema page is damaged is refused", () => {
    const path = newPath();
    void openSqliteStore({ path, nowSec }).close();
    const bytes = readFileSync(path);
    bytes.fill(0xff, 100, 4_096);
    writeFileSync(path, bytes);
    expect(() => openSqliteStore({ path, nowSec })).toThrow(code("data_folder_damaged"));
  });

  test("a database of a newer version is refused", () => {
    const path = newPath();
    void openSqliteStore({ path, nowSec }).close();
    const database = new DatabaseSync(path);
    database.exec("INSERT INTO migrations VALUES (99, 0)");
    database.close();
    expect(() => openSqliteStore({ path, nowSec })).toThrow(code("data_folder_foreign"));
  });

  test("an empty file becomes a database", () => {
    const path = newPath();
    writeFileSync(path, "");
    void openSqliteStore({ path, nowSec }).close();
    expect(readFileSync(path).toString("latin1", 68, 72)).toBe("Stto");
  });
});

describe("failing storage", () => {
  test("a full disk refuses the whole commit, loses nothing, and works again with room", async () => {
    const path = newPath();
    await (await storeWithInbox(path)).close();
    const database = openDatabase(path, nowSec);
    const store = new SqliteStore(database, path, DEFAULT_LOG_LIMITS);
    await store.commit([append, append]);
    const pages = Number(Object.values(database.prepare("PRAGMA page_count").get() ?? {})[0]);
    database.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const many = Array.from({ length: 200 }, () => append);
    await expect(store.commit(many)).rejects.toThrow(code("unavailable"));
    expect((await store.readLog(inbox))?.headSeq).toBe(2);
    expect((await store.stats()).entries).toBe(2);
    database.exec("PRAGMA max_page_count = 1000000");
    expect(await store.commit([append])).toEqual([{ ok: true, seq: 3 }]);
    await store.close();
    const again = openSqliteStore({ path, nowSec });
    expect((await again.readEntries(inbox, 0, 10, 10, 100_000)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    await again.close();
  });

  test("a closed database answers unavailable", async () => {
    const store = await storeWithInbox(newPath());
    await store.close();
    await expect(store.commit([append])).rejects.toThrow(code("unavailable"));
    await expect(store.readLog(inbox)).rejects.toThrow(code("unavailable"));
  });
});

/** How often the statements that match ran since the last call. */
function counted(pattern: RegExp): () => number {
  const get = vi.spyOn(StatementSync.prototype, "get");
  onTestFinished(() => get.mockRestore());
  return () => {
    const statements = get.mock.contexts as StatementSync[];
    const count = statements.filter((statement) => pattern.test(statement.sourceSQL)).length;
    get.mockClear();
    return count;
  };
}

describe("what strangers can ask for again and again costs little", () => {
  test("a log that is full is not summed up for each append that it refuses", async () => {
    const path = newPath();
    const store = new SqliteStore(openDatabase(path, nowSec), path, {
      ...DEFAULT_LOG_LIMITS,
      maxBytes: 3_500,
    });
    await store.commit([
      { type: "create-log", log: inbox, epoch: 0, tokenHash: new Uint8Array(32), nowSec },
      { type: "open-slot", log: inbox, slot, epoch: 0, tokenHash: new Uint8Array(32), afterSeq: 0, nowSec },
    ]);
    const appendTo = { ...append, tokenHash: new Uint8Array(32) } as StoreOperation;
    const full = { ok: false, code: "quota_exceeded" };
    expect(await store.commit([appendTo, appendTo, appendTo, appendTo])).toMatchObject([{}, {}, {}, full]);
    const sums = counted(/sum\(length/);
    for (let n = 0; n < 20; n++) expect(await store.commit([appendTo])).toEqual([full]);
    expect(sums()).toBe(0);
    // What is acked makes room, exactly so much.
    await store.commit([{ type: "ack", log: inbox, slot, seq: 1, nowSec }]);
    expect(await store.commit([appendTo, appendTo])).toMatchObject([{ ok: true, seq: 4 }, full]);
    await store.close();
  });

  test("accounts are counted once, and what is undone is not counted", async () => {
    const store = await storeWithInbox(newPath());
    const counts = counted(/count\(\*\).*accounts/);
    for (let n = 0; n < 20; n++) expect(await store.countAccounts()).toBe(1);
    expect(counts()).toBe(1);
    const broken = { signatureKey: undefined as unknown as Uint8Array, revoked: false };
    const device = { device: deviceId(new Uint8Array(16).fill(6)), inbox: logId(new Uint8Array(16).fill(7)) };
    const change = {
      account: accountId(new Uint8Array(16).fill(5)),
      version: 1,
      signedList: new Uint8Array(10),
      devices: [{ ...device, ...broken }],
      nowSec,
    };
    await expect(store.createAccount(new Uint8Array(32).fill(1), change, undefined)).rejects.toThrow(
      code("unavailable"),
    );
    expect(await store.countAccounts()).toBe(1);
    await store.close();
  });
});
