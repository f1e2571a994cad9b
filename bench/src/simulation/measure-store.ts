/**
 * What PostgreSQL costs per operation, measured on the server's own adapter: the service times that no other bench tells. CPU time is
 * counted (of PostgreSQL's processes, and of this one), since it says more than wall clock on a machine that others use too. What the
 * database is asked is what nodes ask it: group commits of many operations, single reads, looks at a thousand heads.
 */
import { createHash, randomBytes } from "node:crypto";
import { EntryKind, logId, slotId, type LogId, type SlotId } from "@sotto/protocol";
import { openPostgresStore, type PostgresStore } from "@sotto/server/parts";
import { TestPostgres } from "@sotto/testkit/postgres";
import { cpuSeconds } from "../host/proc.ts";

/** What one operation of a kind costs. */
export interface StoreCost {
  readonly name: string;
  /** CPU time of PostgreSQL's processes, and of the node's, in microseconds. */
  readonly databaseUs: number;
  readonly nodeUs: number;
  /** Wall clock of one call, which may hold many operations, in milliseconds. */
  readonly callMs: number;
}

type Operation = Parameters<PostgresStore["commit"]>[0][number];

const token = randomBytes(32);
const tokenHash = createHash("sha256").update(token).digest();
const nowSec = 1_800_000_000;
const bodyBytes = 1_024;
/** Devices of a group of 30 with 1.5 each, and of the largest group that there may be. */
const groupDevices = 45;
const mostDevices = 2_048;

const newLog = (): LogId => logId(randomBytes(16));
const newSlot = (): SlotId => slotId(randomBytes(16));
const many = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const createLog = (log: LogId): Operation => ({ type: "create-log", log, epoch: 0, tokenHash, nowSec });
const openSlot = (log: LogId, slot: SlotId): Operation => ({
  type: "open-slot",
  log,
  slot,
  tokenHash,
  epoch: 0,
  afterSeq: 0,
  nowSec,
});
const append = (log: LogId): Operation => ({
  type: "append",
  log,
  tokenHash,
  epoch: 0,
  kind: EntryKind.MESSAGE,
  body: randomBytes(bodyBytes),
  nextTokenHash: undefined,
  nowSec,
});
const ack = (log: LogId, slot: SlotId, seq: number): Operation => ({ type: "ack", log, slot, seq, nowSec });

/** Each round is as good as the other, and what else runs only adds: the least of them counts. */
const rounds = 5;

/** Starts a private PostgreSQL that syncs to disk, measures five times, and ends it. Takes some minutes. */
export async function measureStore(): Promise<StoreCost[]> {
  const postgres = await TestPostgres.start({
    durable: true,
    settings: { shared_buffers: "256MB", max_wal_size: "2GB" },
  });
  try {
    const store = await openPostgresStore({ url: await postgres.createDatabase(), owner: randomBytes(32) });
    try {
      const all: StoreCost[][] = [];
      for (let i = 0; i < rounds; i++) all.push(await measureAll(store, postgres.pid));
      return (all[0] as StoreCost[]).map(({ name }, row) => {
        const least = (of: (cost: StoreCost) => number): number =>
          Math.min(...all.map((costs) => of(costs[row] as StoreCost)));
        return {
          name,
          databaseUs: least(({ databaseUs }) => databaseUs),
          nodeUs: least(({ nodeUs }) => nodeUs),
          callMs: least(({ callMs }) => callMs),
        };
      });
    } finally {
      await store.close();
    }
  } finally {
    await postgres.stop();
  }
}

async function measureAll(store: PostgresStore, pid: number): Promise<StoreCost[]> {
  const costs: StoreCost[] = [];
  const measure = async (
    name: string,
    calls: number,
    operations: number,
    call: (i: number) => Promise<unknown>,
  ) => {
    for (let i = 0; i < Math.min(3, calls); i++) await call(i);
    const [databaseSec, own, startMs] = [cpuSeconds([pid]), process.cpuUsage(), performance.now()];
    for (let i = 3; i < calls + 3; i++) await call(i);
    const total = calls * operations;
    const used = process.cpuUsage(own);
    costs.push({
      name,
      databaseUs: ((cpuSeconds([pid]) - databaseSec) * 1e6) / total,
      nodeUs: (used.user + used.system) / total,
      callMs: (performance.now() - startMs) / calls,
    });
  };

  const pairs = many(4_096, () => ({ log: newLog(), slots: [newSlot(), newSlot()] as const }));
  for (let i = 0; i < pairs.length; i += 256) {
    const some = pairs.slice(i, i + 256);
    await store.commit(some.map(({ log }) => createLog(log)));
    await store.commit(some.flatMap(({ log, slots }) => slots.map((slot) => openSlot(log, slot))));
  }
  const some = (i: number, size: number) => many(size, (k) => pairs[(i * size + k) % pairs.length]!);
  const seqs = new Map<LogId, number>();
  const appendTo = (log: LogId): Operation => {
    seqs.set(log, (seqs.get(log) ?? 0) + 1);
    return append(log);
  };
  for (const [size, calls] of [
    [1, 400],
    [16, 200],
    [256, 60],
  ] as const) {
    await measure(`${size} ${size === 1 ? "append" : "appends"} a commit`, calls, size, (i) =>
      store.commit(some(i, size).map(({ log }) => appendTo(log))),
    );
  }
  await measure("256 acks a commit, which move cursors", 16, 256, (i) =>
    store.commit(some(i, 256).map(({ log, slots }) => ack(log, slots[0], seqs.get(log) ?? 0))),
  );
  await measure("256 acks a commit, which delete", 13, 256, (i) =>
    store.commit(some(i, 256).map(({ log, slots }) => ack(log, slots[1], seqs.get(log) ?? 0))),
  );

  for (const [devices, groups, calls] of [
    [groupDevices, 64, 200],
    [mostDevices, 1, 60],
  ] as const) {
    const logs = many(groups, () => ({ log: newLog(), slots: many(devices, newSlot) }));
    for (const { log, slots } of logs) {
      await store.commit([createLog(log)]);
      await store.commit(slots.map((slot) => openSlot(log, slot)));
      await store.commit(many(256, () => append(log)));
    }
    await measure(`1 ack a commit, log with ${devices} slots`, calls, 1, (i) => {
      const { log, slots } = logs[i % groups]!;
      return store.commit([ack(log, slots[Math.floor(i / groups) % devices]!, 5)]);
    });
    await measure(`32 acks a commit, log with ${devices} slots`, Math.min(calls, 60), 32, (i) => {
      const { log, slots } = logs[i % groups]!;
      const from = (i * 7) % (devices - 32);
      return store.commit(slots.slice(from, from + 32).map((slot) => ack(log, slot, 6 + i)));
    });
    const [{ log }] = logs as [(typeof logs)[0]];
    await measure(`reading one entry, log with ${devices} slots`, 2_000, 1, (i) =>
      store.readEntries(log, i % 200, (i % 200) + 1, 64, 262_144),
    );
  }
  const all = pairs.map(({ log }) => log);
  await measure("looking at a head, 1000 at once", 100, 1_000, (i) =>
    store.readHeads(all.slice((i * 97) % 3_000, ((i * 97) % 3_000) + 1_000)),
  );
  await measure("attaching: log, epoch, cursor", 1_500, 1, async (i) => {
    const { log, slots } = pairs[i % pairs.length]!;
    await store.readLog(log);
    await store.readEpoch(log, 0);
    await store.readCursor(log, slots[0]);
  });
  await measure("attaching, 32 at once", 60, 32, (i) =>
    Promise.all(
      some(i, 32).map(async ({ log, slots }) => {
        await store.readLog(log);
        await store.readEpoch(log, 0);
        await store.readCursor(log, slots[0]);
      }),
    ),
  );
  return costs;
}
