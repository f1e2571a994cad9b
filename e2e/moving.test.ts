/**
 * A server under load is backed up, and moved to PostgreSQL by a command that is killed again and again: what was acknowledged is there in the
 * end, under its seq, once, and the old server serves nobody any more.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EntryKind, toHex, type LogId } from "@sotto/protocol";
import { readAdminLog, type Store, type StoreOperation } from "@sotto/server";
import { TestPostgres, withClient } from "@sotto/testkit/postgres";
import { openDataFolder } from "../packages/server/src/adapters/data-folder.ts";
import { openStore } from "../packages/server/src/adapters/open-store.ts";
import { openSqliteStore } from "../packages/server/src/adapters/sqlite/store.ts";
import { KillableServer, type Reachable } from "./support/killable-server.ts";
import { start, type Running } from "./support/sotto.ts";
import { addDevices, WireSession, type WireDevice } from "./support/wire-device.ts";

const password = "hunter2hunter2";
const before = 4_000;
const inFlight = 4;

let folder: string;
let postgres: TestPostgres;
let database: string;
let server: KillableServer;
let devices: readonly WireDevice[];
let reachable: Reachable;
/** What was acknowledged: log → seq → text. */
const acknowledged = new Map<string, Map<number, string>>();
let acknowledgements = 0;
let refusals = 0;
let isOver = false;
const sessions: WireSession[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sotto-moving-"));
  postgres = await TestPostgres.start({ durable: true });
  const url = new URL(await postgres.createDatabase());
  url.password = password;
  database = url.href;
  server = new KillableServer(folder, ["--log-level", "silent"]);
  await server.start();
  await server.stop("SIGTERM");
  devices = await addDevices(server.databasePath, 4);
  await fill(devices[0]!.inbox);
  reachable = await server.start();
  for (const [at, device] of devices.entries())
    await write(device, devices[(at + 1) % devices.length]!.inbox);
}, 60_000);
afterAll(async () => {
  isOver = true;
  for (const session of sessions) session.close();
  await server?.stop("SIGKILL");
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function note(log: LogId, seq: number, text: string): void {
  const known = acknowledged.get(toHex(log)) ?? new Map<number, string>();
  acknowledged.set(toHex(log), known.set(seq, text));
}

/** Something to copy. */
async function fill(log: LogId): Promise<void> {
  const store = openSqliteStore({ path: server.databasePath, nowSec: 0 });
  const operations = Array.from({ length: before }, (_, n): StoreOperation => ({
    type: "append",
    log,
    epoch: 0,
    kind: EntryKind.MESSAGE,
    tokenHash: undefined,
    nextTokenHash: undefined,
    body: Buffer.from(`early ${n} ${"y".repeat(1_000)}`),
    nowSec: Math.floor(Date.now() / 1000),
  }));
  await store.commit(operations);
  await store.close();
}

/** Keeps some appends under way; what is refused is sent anew after a moment, as clients do. */
async function write(device: WireDevice, log: LogId): Promise<void> {
  const session = await WireSession.open(reachable.url, device, reachable.fingerprint);
  sessions.push(session);
  const underWay = new Map<number, string>();
  let sent = 0;
  const next = (): void => {
    if (isOver) return;
    const request = ++sent;
    const text = `${toHex(device.device).slice(0, 8)} ${request} ${"x".repeat(500)}`;
    underWay.set(request, text);
    session.send({
      case: "append",
      value: {
        request,
        logId: log,
        accessToken: new Uint8Array(),
        kind: EntryKind.MESSAGE,
        body: Buffer.from(text),
      },
    });
  };
  session.onFrame = (frame) => {
    if (frame.case === "refused") {
      refusals++;
      setTimeout(next, 100);
    }
    if (frame.case !== "appended") return;
    acknowledgements++;
    note(log, Number(frame.value.seq), underWay.get(frame.value.request)!);
    setTimeout(next, 5);
  };
  for (let n = 0; n < inFlight; n++) next();
}

/** Resolves once more was acknowledged. */
async function goesOn(more = 20): Promise<void> {
  const from = acknowledgements;
  await expect.poll(() => acknowledgements, { timeout: 20_000 }).toBeGreaterThan(from + more);
}

const admin = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Running =>
  start(["admin", ...args], env);

/** Resolves when some of the entries are in the new database. */
async function someArrived(): Promise<void> {
  await withClient(database, async (client) => {
    const some = async (): Promise<boolean> => {
      const made = await client.query("SELECT 1 FROM pg_class WHERE relname = 'unfinished'");
      return (
        made.rowCount === 1 && (await client.query("SELECT 1 FROM sotto.entries LIMIT 1")).rowCount === 1
      );
    };
    await expect.poll(some, { timeout: 20_000, interval: 10 }).toBe(true);
  });
}

/** Resolves when standard error matches. */
function said({ child, ended }: Running, pattern: RegExp): Promise<void> {
  return new Promise((found, fail) => {
    let text = "";
    child.stderr?.on("data", (chunk: string) => {
      text += chunk;
      if (pattern.test(text)) found();
    });
    void ended.then(({ stderr }) => fail(new Error(`ended before it said ${String(pattern)}:\n${stderr}`)));
  });
}

/** Holds what was acknowledged against what is stored. @returns how many entries there are. */
async function holds(
  store: Store,
  expected: ReadonlyMap<string, ReadonlyMap<number, string>>,
): Promise<number> {
  let stored = 0;
  const texts = new Set<string>();
  for (const { inbox } of devices) {
    const head = (await store.readLog(inbox))!.headSeq;
    const found = new Map<number, string>();
    while (found.size < head) {
      const some = await store.readEntries(inbox, found.size, head, 1_000, 4_000_000);
      for (const { seq, body } of some) {
        expect(seq).toBe(found.size + 1);
        found.set(seq, Buffer.from(body).toString());
      }
    }
    for (const [seq, text] of expected.get(toHex(inbox)) ?? []) {
      if (found.get(seq) !== text) throw new Error(`seq ${seq} is lost or changed`);
    }
    for (const text of found.values()) texts.add(text);
    stored += found.size;
  }
  expect(texts.size).toBe(stored);
  return stored;
}

const copyOf = (): Map<string, Map<number, string>> =>
  new Map(Array.from(acknowledged, ([log, entries]) => [log, new Map(entries)]));

test("a backup that is made under load holds everything that was acknowledged before it began", async () => {
  await goesOn();
  const file = join(folder, "backup");
  const secret = { SOTTO_BACKUP_PASSPHRASE: "correct horse" };
  const known = copyOf();
  const made = await admin(secret, "backup", file, "--data", server.dataFolder, "--json").ended;
  expect([made.code, made.stderr]).toEqual([0, ""]);
  const refused = refusals;
  await goesOn();
  expect(refusals).toBe(refused);
  const data = join(folder, "restored");
  const restored = await admin(secret, "restore", file, "--data", data, "--json").ended;
  expect([restored.code, restored.stderr]).toEqual([0, ""]);
  const { tables } = JSON.parse(restored.stdout) as { tables: { entries: { rows: number } } };
  expect(tables).toEqual((JSON.parse(made.stdout) as { tables: unknown }).tables);
  const store = openSqliteStore({ path: join(data, "sotto.db"), nowSec: 0 });
  expect(await holds(store, known)).toBe(tables.entries.rows);
  await store.close();
  expect(readFileSync(file).includes("early 1")).toBe(false);
}, 90_000);

test("a move that is killed at any point goes on, and loses nothing that was acknowledged", async () => {
  const migrate = (...more: readonly string[]): Running =>
    admin({ SOTTO_DATABASE: database }, "migrate", "--from", server.dataFolder, ...more);
  const killed = async (moment: (running: Running) => Promise<void>): Promise<void> => {
    const running = migrate();
    await moment(running);
    running.child.kill("SIGKILL");
    await running.ended;
  };
  await killed(someArrived);
  await goesOn();
  for (const words of [/rows moved/, /comparing/]) {
    await withClient(database, async (client) => {
      // The end waits for this row: however late we hear the words, the command is not through when it is killed.
      await client.query("BEGIN; SELECT 1 FROM sotto.totals FOR UPDATE");
      await killed((running) => said(running, words));
    });
    // By itself, at the latest when the fence has lapsed.
    await goesOn();
  }
  const done = await migrate("--json").ended;
  expect([done.code, done.stderr]).toEqual([0, ""]);
  const summary = JSON.parse(done.stdout) as { to: string; tables: { entries: { rows: number } } };
  // What was acknowledged while the command was ending.
  const all = copyOf();
  const [acked, refused] = [acknowledgements, refusals];
  await expect.poll(() => refusals).toBeGreaterThan(refused + 5);
  expect(acknowledgements).toBe(acked);
  isOver = true;
  await server.stop("SIGTERM");

  const old = await start(["serve", "--data", server.dataFolder, "--port", "0"], {}).ended;
  expect([old.code, old.stdout]).toEqual([1, ""]);
  expect(old.stderr).toContain("[data_moved]");
  expect(old.stderr).toContain(summary.to);
  expect(old.stderr + done.stdout).not.toContain(password);
  const opened = await openDataFolder(server.dataFolder, false);
  const { store } = await openStore({ database }, opened, Date.now);
  expect(await holds(store, all)).toBe(summary.tables.entries.rows);
  await store.close();
  opened.release();
  const steps = readAdminLog(server.dataFolder).filter(({ command }) => command === "migrate");
  expect(steps.map(({ step }) => step)).toEqual(["began", "began", "began", "began", "done"]);
  expect(steps[0]?.options).toEqual(["--from"]);
}, 120_000);
