/** The memory store is the plain model: over random operations, the others answer the same, reopened at any moment. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { EntryKind, accountId, deviceId, logId, slotId, type LogId } from "@sotto/protocol";
import { withSeed, type SeededRandom } from "@sotto/testkit";
import { TestPostgres } from "@sotto/testkit/postgres";
import { MemoryStore } from "../../src/adapters/memory-store.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import type { Store, StoreOperation } from "../../src/core/store.ts";
import { StoreDatabase } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary.ts";

const limits = { maxEntries: 12, maxBytes: 3_000, maxSlots: 3 };
const start = 1_800_000_000;
const id = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const inboxes = [1, 2].map((n) => logId(id(n)));
const talks = [3, 4].map((n) => logId(id(n)));
const slots = [10, 11, 12, 13].map((n) => slotId(id(n)));

function randomOperation(random: SeededRandom, nowSec: number): StoreOperation {
  const inbox = random.chance(0.4);
  const log: LogId = random.pick(inbox ? inboxes : talks);
  const epoch = inbox ? 0 : random.integer(4);
  const tokenHash = inbox && random.chance(0.95) ? undefined : hash(random.chance(0.9) ? epoch : 77);
  const commits = !inbox && random.chance(0.15);
  switch (random.integer(inbox ? 2 : 5)) {
    case 0:
      return {
        type: "ack",
        log,
        slot: inbox ? undefined : random.pick(slots),
        seq: random.integer(60),
        nowSec,
      };
    case 2:
      return {
        type: "open-slot",
        log,
        slot: random.pick(slots),
        tokenHash: tokenHash ?? hash(0),
        epoch,
        afterSeq: random.chance(0.5) ? undefined : random.integer(40),
        nowSec,
      };
    case 3:
      return random.chance(0.3)
        ? { type: "create-log", log, epoch: 0, tokenHash: hash(0), nowSec }
        : { type: "close-slot", log, slot: random.pick(slots) };
    default:
      return {
        type: "append",
        log,
        tokenHash,
        epoch,
        kind: commits ? EntryKind.COMMIT : EntryKind.MESSAGE,
        body: random.bytes(random.integer(random.chance(0.1) ? 1_500 : 100)),
        nextTokenHash: commits ? hash(epoch + 1) : undefined,
        nowSec,
      };
  }
}

async function snapshot(store: Store): Promise<unknown> {
  const logs = [];
  for (const log of [...inboxes, ...talks]) {
    const entries = await store.readEntries(log, 0, 1_000, 1_000, 1_000_000);
    logs.push({
      state: await store.readLog(log),
      cursors: await Promise.all([undefined, ...slots].map((slot) => store.readCursor(log, slot))),
      epochs: await Promise.all([0, 1, 2, 3, 4].map((epoch) => store.readEpoch(log, epoch))),
      entries: entries.map(({ seq, epoch, kind, body }) => [
        seq,
        epoch,
        kind,
        Buffer.from(body).toString("hex"),
      ]),
    });
  }
  const { accounts, entries } = await store.stats();
  // Through JSON: typed arrays of either store count as equal.
  return JSON.parse(
    JSON.stringify({ logs, accounts, entries }, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
    ),
  );
}

/** Runs the same random operations on a store and on the model; returns how many entries were left. @param open opens the store (again) on what it left. */
async function agree(random: SeededRandom, open: () => Promise<Store>, steps: number): Promise<number> {
  const model = new MemoryStore(limits);
  let store = await open();
  for (const [index, inbox] of inboxes.entries()) {
    const change = {
      account: accountId(id(50 + index)),
      version: 1,
      signedList: id(60),
      devices: [{ device: deviceId(id(70)), signatureKey: hash(1), inbox, revoked: false }],
      nowSec: start,
    };
    expect(await store.createAccount(hash(index), change, undefined)).toBe(
      await model.createAccount(hash(index), change, undefined),
    );
  }
  let nowSec = start;
  for (let step = 0; step < steps; step++) {
    nowSec += random.integer(100_000);
    const operations = Array.from({ length: random.integer(12) }, () => randomOperation(random, nowSec));
    expect(await store.commit(operations)).toEqual(await model.commit(operations));
    // Without a limit that cuts: which rows go first is each store's own affair.
    const before = random.chance(0.05) ? nowSec - random.integer(1_000_000) : 0;
    expect(await store.expire(before, 10_000)).toBe(await model.expire(before, 10_000));
    if (random.chance(0.1)) {
      await store.close();
      store = await open();
    }
    expect(await snapshot(store)).toEqual(await snapshot(model));
  }
  const { entries } = await store.stats();
  await store.close();
  return entries;
}

test("SQLite and the model agree over random operations", async () => {
  let left = 0;
  await withSeed(7, async (random) => {
    for (let run = 0; run < 6; run++) {
      const path = join(temporaryFolder(), "test.db");
      left += await agree(random, async () => openSqliteStore({ path, nowSec: start, limits }), 120);
    }
  });
  expect(left).toBeGreaterThan(0);
});

test("PostgreSQL and the model agree over random operations", async () => {
  const postgres = await TestPostgres.start();
  onTestFinished(() => postgres.stop());
  const database = await StoreDatabase.create(postgres);
  let left = 0;
  await withSeed(8, async (random) => {
    for (let run = 0; run < 3; run++) {
      await database.empty();
      left += await agree(random, () => database.open(limits), 80);
    }
  });
  expect(left).toBeGreaterThan(0);
}, 60_000);
