import { beforeEach, describe, expect, test } from "vitest";
import { EntryKind, logId } from "@sotto/protocol";
import { VirtualClock, settle } from "@sotto/testkit";
import { LocalBus } from "../../src/adapters/local-bus.ts";
import type { Wake } from "../../src/core/bus.ts";
import { GroupCommitter, type PendingAck } from "../../src/core/group-commit.ts";
import type { StoreOperation, StoreResult } from "../../src/core/store.ts";
import { ProbedStore } from "./session/node.ts";

const log = logId(new Uint8Array(16).fill(1));
const hash = new Uint8Array(32);
const append = (size = 1): StoreOperation => ({
  type: "append",
  log,
  tokenHash: hash,
  epoch: 0,
  kind: EntryKind.MESSAGE,
  body: new Uint8Array(size),
  nextTokenHash: undefined,
  nowSec: 1,
});

describe("group commit", () => {
  let store: ProbedStore;
  let bus: LocalBus;
  let clock: VirtualClock;
  let committer: GroupCommitter;
  let batches: number[];
  let waits: number[];
  let failures: unknown[];
  let settled: [number, StoreResult | undefined][];
  const sink = {
    settled: (request: number, _operation: StoreOperation, result: StoreResult | undefined) =>
      void settled.push([request, result]),
  };

  beforeEach(async () => {
    store = new ProbedStore();
    bus = new LocalBus();
    clock = new VirtualClock();
    batches = [];
    waits = [];
    failures = [];
    settled = [];
    committer = new GroupCommitter(
      {
        store,
        bus,
        scheduler: {
          soon: (callback) => void setImmediate(callback),
          after: (delayMs, callback) => clock.setTimer(delayMs, callback),
        },
        clock: { nowMs: clock.nowMs, monotonicMs: clock.nowMs },
        events: {
          committed: ({ operations, appendMs }) => {
            batches.push(operations);
            waits.push(...appendMs);
          },
          commitFailed: (error) => void failures.push(error),
          sessionFailed: (error) => void failures.push(error),
        },
      },
      { distanceMs: 2, maxOperations: 8, ackDelayMs: 20, maxQueuedBytes: 1_000 },
    );
    await store.commit([{ type: "create-log", log, epoch: 0, tokenHash: hash, nowSec: 1 }]);
    store.commits.length = 0;
  });

  test("what arrives in one turn is one transaction, answered in order", async () => {
    for (let n = 1; n <= 5; n++) committer.submit(append(), sink, n);
    await settle();
    expect(batches).toEqual([5]);
    expect(settled).toEqual([1, 2, 3, 4, 5].map((n) => [n, { ok: true, seq: n }]));
  });

  test("the first is committed at once, those soon after it together", async () => {
    committer.submit(append(), sink, 1);
    await settle();
    expect(batches).toEqual([1]);
    for (let n = 2; n <= 4; n++) {
      committer.submit(append(), sink, n);
      await settle();
    }
    expect(batches).toEqual([1]);
    await clock.advance(1);
    committer.submit(append(), sink, 5);
    expect(committer.queuedBytes).toBe(4);
    await clock.advance(1);
    expect(batches).toEqual([1, 4]);
    // How long each waited, beside the commits themselves, which take no time here.
    expect(waits).toEqual([0, 2, 2, 2, 1]);
    expect(committer.queuedBytes).toBe(0);
    await clock.advance(50);
    committer.submit(append(), sink, 6);
    await settle();
    expect(batches).toEqual([1, 4, 1]);
  });

  test("a listener that fails keeps no other from its answer", async () => {
    const broken = {
      settled: () => {
        throw new Error("broken");
      },
    };
    committer.submit(append(), broken, 1);
    committer.submit(append(), sink, 2);
    await settle();
    expect(settled).toEqual([[2, { ok: true, seq: 2 }]]);
    expect(failures).toHaveLength(1);
  });

  test("a full queue does not wait", async () => {
    committer.submit(append(), sink, 1);
    await settle();
    for (let n = 2; n <= 9; n++) committer.submit(append(), sink, n);
    await settle();
    expect(batches).toEqual([1, 8]);
  });

  test("one commit runs at a time, and what arrives meanwhile is the next", async () => {
    const release: (() => void)[] = [];
    const commit = store.commit.bind(store);
    store.commit = async (operations) => {
      await new Promise<void>((resolve) => void release.push(resolve));
      return commit(operations);
    };
    committer.submit(append(), sink, 1);
    await settle();
    for (let n = 2; n <= 4; n++) committer.submit(append(), sink, n);
    await clock.advance(100);
    expect(release.length).toBe(1);
    expect(settled).toEqual([]);
    release[0]?.();
    await clock.advance(100);
    expect(release.length).toBe(2);
    release[1]?.();
    await settle();
    expect(batches).toEqual([1, 3]);
    expect(settled.map(([request]) => request)).toEqual([1, 2, 3, 4]);
  });

  test("readers are woken once for each log, with what was stored", async () => {
    const wakes: Wake[] = [];
    bus.subscribe(log, (wake) => void wakes.push(wake));
    for (let n = 1; n <= 3; n++) committer.submit(append(n), sink, n);
    committer.submit({ ...append(), tokenHash: new Uint8Array(32).fill(9) } as StoreOperation, sink, 4);
    await settle();
    expect(wakes.length).toBe(1);
    expect(wakes[0]).toMatchObject({ type: "stored", headSeq: 3 });
    expect(settled[3]).toEqual([4, { ok: false, code: "log_refused" }]);
    expect(wakes[0]?.type === "stored" && wakes[0].entries?.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test("acks wait for company, and only the newest of a reader is stored", async () => {
    await store.commit([append(), append(), append()]);
    const opened: StoreOperation = {
      type: "open-slot",
      log,
      slot: logId(new Uint8Array(16)) as never,
      tokenHash: hash,
      epoch: 0,
      afterSeq: 0,
      nowSec: 1,
    };
    await store.commit([opened]);
    store.commits.length = 0;
    const reader: PendingAck = { log, slot: opened.slot, acked: 1, ackQueued: false };
    committer.submitAck(reader);
    reader.acked = 2;
    committer.submitAck(reader);
    await clock.advance(19);
    expect(store.commits).toEqual([]);
    await clock.advance(1);
    expect(store.commits.flat()).toMatchObject([{ type: "ack", seq: 2 }]);
    await clock.advance(50);
    reader.acked = 3;
    committer.submitAck(reader);
    committer.submit(append(), sink, 1);
    await settle();
    expect(store.commits[1]?.map(({ type }) => type)).toEqual(["ack", "append"]);
    expect(await store.readCursor(log, opened.slot)).toBe(3);
  });

  test("a failing store answers everybody with nothing, once, and wakes nobody", async () => {
    const wakes: Wake[] = [];
    bus.subscribe(log, (wake) => void wakes.push(wake));
    store.failing = true;
    committer.submit(append(), sink, 1);
    committer.submit(append(), sink, 2);
    await settle();
    expect(settled).toEqual([
      [1, undefined],
      [2, undefined],
    ]);
    expect([failures.length, wakes.length, batches.length]).toEqual([1, 0, 0]);
    store.failing = false;
    committer.submit(append(), sink, 3);
    await clock.advance(2);
    expect(settled[2]).toEqual([3, { ok: true, seq: 1 }]);
  });

  test("an operation that the store chokes on fails alone", async () => {
    const commit = store.commit.bind(store);
    store.commit = async (operations) => {
      if (operations.some((each) => each.type === "append" && each.body.length === 13))
        throw new Error("bad");
      return commit(operations);
    };
    for (const n of [1, 2, 3, 4, 5]) committer.submit(append(n === 3 ? 13 : 1), sink, n);
    await settle();
    expect(settled).toEqual([
      [1, { ok: true, seq: 1 }],
      [2, { ok: true, seq: 2 }],
      [3, undefined],
      [4, { ok: true, seq: 3 }],
      [5, { ok: true, seq: 4 }],
    ]);
    expect(failures).toHaveLength(1);
  });

  test("a queue that is too long refuses more, and takes again when it was written", async () => {
    committer.submit(append(900), sink, 1);
    committer.submit(append(200), sink, 2);
    expect(settled).toEqual([[2, undefined]]);
    await settle();
    committer.submit(append(900), sink, 3);
    await committer.flush();
    expect(settled.map(([request, result]) => [request, result?.ok])).toEqual([
      [2, undefined],
      [1, true],
      [3, true],
    ]);
  });

  test("flush stores all that waits, acks too", async () => {
    committer.submit(append(), sink, 1);
    await settle();
    committer.submit(append(), sink, 2);
    committer.submitAck({ log, slot: undefined, acked: 1, ackQueued: false });
    await committer.flush();
    expect(batches).toEqual([1, 2]);
    await committer.flush();
  });
});
