/** A room that many read on a node which only heard that there is something new: the store is asked once, and each gets all of it. */
import { createHash } from "node:crypto";
import { expect, test, vi } from "vitest";
import { logId } from "@sotto/protocol";
import { settle } from "@sotto/testkit";
import { SharedReads } from "../../../src/core/session/shared-reads.ts";
import type { StoreOperation } from "../../../src/core/store.ts";
import { ProbedStore, TestNode, type TestConnection } from "./node.ts";

const log = logId(new Uint8Array(16).fill(9));
const accessToken = new Uint8Array(32).fill(1);
const tokenHash = createHash("sha256").update(accessToken).digest();
const slotOf = (n: number): Uint8Array => new Uint8Array(16).fill(100 + n);
const append = (text: string): StoreOperation => {
  const body = Buffer.from(text);
  return { type: "append", log, tokenHash, epoch: 0, kind: 1, body, nextTokenHash: undefined, nowSec: 1 };
};

/** A node with readers of one log. @param windows how much each may have without an ack; 0: the most. */
async function room(store: ProbedStore, windows: readonly number[]) {
  const node = new TestNode({ shared: { store } });
  await store.commit([{ type: "create-log", log, epoch: 0, tokenHash, nowSec: 1 }]);
  const readers: TestConnection[] = [];
  for (const [n, window] of windows.entries()) {
    const reader = await (await node.person()).online();
    const at = { logId: log, slotId: slotOf(n), accessToken, epoch: 0n };
    reader.send({ case: "openSlot", value: { request: 1, ...at } });
    await settle(20);
    reader.send({ case: "attach", value: { request: 2, ...at, window } });
    await settle(20);
    expect(reader.outcome(2)).toBe("ok");
    readers.push(reader);
  }
  return { node, readers };
}

test("what another node stored is read once, however many read it here", async () => {
  const store = new ProbedStore();
  const { node, readers } = await room(
    store,
    Array.from({ length: 20 }, (_, n) => 8 + n),
  );
  const read = vi.spyOn(store, "readEntries");
  await store.commit([append("one")]);
  node.bus.publish(log, { type: "stored", headSeq: 1 });
  await settle(20);
  for (const reader of readers) expect(reader.texts()).toEqual(["one"]);
  expect(read).toHaveBeenCalledTimes(1);
  await store.commit([append("two"), append("three")]);
  node.bus.publish(log, { type: "stored", headSeq: 3 });
  await settle(20);
  for (const reader of readers) expect(reader.texts()).toEqual(["one", "two", "three"]);
  expect(read).toHaveBeenCalledTimes(2);
});

test("who has less room, or is behind, gets what is theirs", async () => {
  const store = new ProbedStore();
  const { node, readers } = await room(store, [2, 8, 8]);
  await store.commit([append("one"), append("two"), append("three")]);
  node.bus.publish(log, { type: "stored", headSeq: 3 });
  await settle(20);
  expect(readers.map((reader) => reader.seqs())).toEqual([
    [1, 2],
    [1, 2, 3],
    [1, 2, 3],
  ]);
  await store.commit([append("four")]);
  node.bus.publish(log, { type: "stored", headSeq: 4 });
  readers[0]!.send({ case: "ack", value: { logId: log, slotId: slotOf(0), seq: 2n } });
  await settle(20);
  for (const reader of readers) expect(reader.texts()).toEqual(["one", "two", "three", "four"]);
});

test("only what is equal is shared, and only while it is under way; a failure is everybody's and then over", async () => {
  const asked: number[][] = [];
  const answers: ((failing: boolean) => void)[] = [];
  const reads = new SharedReads({
    readEntries: (_log, ...wanted) => {
      asked.push(wanted);
      return new Promise((resolve, reject) => {
        answers.push((failing) => (failing ? reject(new Error("away")) : resolve([])));
      });
    },
  });
  const other = logId(new Uint8Array(16).fill(8));
  const both = [reads.readEntries(log, 5, 7, 64, 1_000), reads.readEntries(log, 5, 7, 2, 1_000)];
  const alone = [
    reads.readEntries(log, 5, 7, 1, 1_000),
    reads.readEntries(log, 4, 7, 64, 1_000),
    reads.readEntries(log, 5, 8, 64, 1_000),
    reads.readEntries(other, 5, 7, 64, 1_000),
  ];
  expect(asked).toEqual([
    [5, 7, 2, 1_000],
    [5, 7, 1, 1_000],
    [4, 7, 3, 1_000],
    [5, 8, 3, 1_000],
    [5, 7, 2, 1_000],
  ]);
  answers.forEach((answer, n) => answer(n === 0));
  for (const read of both) await expect(read).rejects.toThrow("away");
  for (const read of alone) expect(await read).toEqual([]);
  const again = reads.readEntries(log, 5, 7, 64, 1_000);
  expect(asked).toHaveLength(6);
  answers[5]!(false);
  expect(await again).toEqual([]);
});
