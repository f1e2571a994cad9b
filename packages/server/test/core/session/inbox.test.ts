import { describe, expect, test } from "vitest";
import { LIMITS, logId } from "@sotto/protocol";
import { settle } from "@sotto/testkit";
import { HIGH_WATER_BYTES } from "../../../src/core/session/log-reader.ts";
import { TestNode, ack, attachInbox, message, usedUp } from "./node.ts";

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function pair() {
  const node = new TestNode();
  const [ann, bob] = [await node.person(), await node.person()];
  return { node, ann, bob, sender: await bob.online() };
}

describe("delivery", () => {
  test("to somebody who reads, in order, once, and straight from the commit", async () => {
    const { node, ann, sender } = await pair();
    const reader = await ann.reading();
    let reads = 0;
    const readEntries = node.store.readEntries.bind(node.store);
    node.store.readEntries = (...args) => (reads++, readEntries(...args));
    for (const n of range(1, 100)) sender.send(message(n, ann.inbox, `m${n}`));
    await settle(30);
    expect(reader.texts()).toEqual(range(1, 100).map((n) => `m${n}`));
    expect(reader.seqs()).toEqual(range(1, 100));
    expect(sender.all("appended").map(({ request, seq }) => [request, Number(seq)])).toEqual(
      range(1, 100).map((n) => [n, n]),
    );
    expect(reads).toBe(0);
  });

  test("to somebody who was away, from where they acked", async () => {
    const { ann, sender } = await pair();
    sender.send(...range(1, 10).map((n) => message(n, ann.inbox, `m${n}`)));
    await settle();
    const first = await ann.reading();
    expect(first.all("attached")[0]).toMatchObject({ headSeq: 10n, trimmedSeq: 0n, epoch: 0n });
    expect(first.seqs()).toEqual(range(1, 10));
    first.send(ack(ann.inbox, 4));
    await settle(40);
    await new Promise((done) => setTimeout(done, 30));
    const second = await ann.reading();
    expect(second.all("attached")[0]).toMatchObject({ headSeq: 10n, trimmedSeq: 4n });
    expect(second.seqs()).toEqual(range(5, 10));
  });

  test("only after the commit", async () => {
    const { node, ann, sender } = await pair();
    const reader = await ann.reading();
    let release: (() => void) | undefined;
    const commit = node.store.commit.bind(node.store);
    node.store.commit = async (operations) => {
      await new Promise<void>((resolve) => (release = resolve));
      return commit(operations);
    };
    sender.send(message(1, ann.inbox, "held"));
    await settle();
    expect(sender.outcome(1)).toBeUndefined();
    expect(reader.seqs()).toEqual([]);
    release?.();
    await settle();
    expect(sender.outcome(1)).toBe("ok");
    expect(reader.seqs()).toEqual([1]);
  });

  test("an EPHEMERAL goes to readers that are there, and nowhere else", async () => {
    const { node, ann, sender } = await pair();
    sender.send(message(1, ann.inbox, "nobody hears", 3));
    await settle();
    const reader = await ann.reading();
    sender.send(message(2, ann.inbox, "typing", 3), message(3, ann.inbox, "text"));
    await settle(20);
    expect(reader.texts()).toEqual(["typing", "text"]);
    expect(reader.seqs()).toEqual([0, 1]);
    expect(sender.all("appended").map(({ seq }) => Number(seq))).toEqual([0, 0, 1]);
    expect((await node.store.readLog(ann.inbox))?.headSeq).toBe(1);
    sender.send(message(4, logId(new Uint8Array(16)), "nowhere", 3));
    await settle();
    expect(sender.outcome(4)).toBe("log_refused");
  });

  test("nobody reads another's inbox, and nobody writes to one that is not there", async () => {
    const { ann, sender } = await pair();
    sender.send(attachInbox(1, ann.inbox), message(2, logId(new Uint8Array(16).fill(7)), "x"));
    await settle();
    expect(sender.outcome(1)).toBe("log_refused");
    expect(sender.outcome(2)).toBe("log_refused");
    sender.send(ack(ann.inbox, 1));
    expect(sender.outcome(0)).toBe("not_attached");
  });
});

describe("windows", () => {
  test("asking for what comes after a seq that is not there yet leaves nothing out", async () => {
    const { ann, sender } = await pair();
    const reader = await ann.online();
    reader.send(attachInbox(1, ann.inbox, 100));
    await settle();
    sender.send(message(1, ann.inbox, "first"));
    await settle();
    expect(reader.seqs()).toEqual([1]);
  });

  test("no more are under way than the window, and acks make room", async () => {
    const { ann, sender } = await pair();
    sender.send(...range(1, 20).map((n) => message(n, ann.inbox, `m${n}`)));
    await settle();
    const reader = await ann.reading(4);
    expect(reader.seqs()).toEqual(range(1, 4));
    reader.send(ack(ann.inbox, 2));
    await settle();
    expect(reader.seqs()).toEqual(range(1, 6));
    reader.send(ack(ann.inbox, 6));
    await settle();
    expect(reader.seqs()).toEqual(range(1, 10));
    sender.send(message(21, ann.inbox, "m21"));
    await settle();
    expect(reader.seqs()).toEqual(range(1, 10));
    for (let acked = 10; acked < 21; acked += 4) {
      reader.send(ack(ann.inbox, Math.min(acked, reader.seqs().length)));
      await settle();
    }
    expect(reader.seqs()).toEqual(range(1, 21));
  });

  test("live entries respect it too, and nothing is lost or doubled where both meet", async () => {
    const { ann, sender } = await pair();
    const reader = await ann.reading(8);
    let acked = 0;
    for (let n = 1; n <= 200; n++) {
      sender.send(message(n, ann.inbox, `m${n}`));
      if (n % 3 === 0) await settle(1);
      const newest = reader.seqs().at(-1) ?? 0;
      expect(newest - acked).toBeLessThanOrEqual(8);
      if (n % 5 === 0 && newest > acked) {
        acked = newest;
        reader.send(ack(ann.inbox, acked));
      }
    }
    for (let turn = 0; turn < 40 && reader.seqs().length < 200; turn++) {
      await settle(2);
      acked = reader.seqs().at(-1)!;
      reader.send(ack(ann.inbox, acked));
    }
    expect(reader.seqs()).toEqual(range(1, 200));
  });

  test("an ack of what was not sent is refused, an old one changes nothing", async () => {
    const { node, ann, sender } = await pair();
    sender.send(message(1, ann.inbox, "a"), message(2, ann.inbox, "b"), message(3, ann.inbox, "c"));
    await settle();
    const reader = await ann.reading(2);
    reader.send(ack(ann.inbox, 3));
    expect(reader.outcome(0)).toBe("malformed");
    reader.send(ack(ann.inbox, 2), ack(ann.inbox, 1));
    await node.delivery.flush();
    expect(await node.store.readCursor(ann.inbox, undefined)).toBe(2);
    expect(reader.all("refused").length).toBe(1);
  });

  test("attaching anew replaces, and begins after what it says", async () => {
    const { ann, sender } = await pair();
    sender.send(...range(1, 6).map((n) => message(n, ann.inbox, `m${n}`)));
    await settle();
    const reader = await ann.reading(2);
    expect(reader.seqs()).toEqual([1, 2]);
    reader.send(attachInbox(5, ann.inbox, 4));
    await settle();
    expect(reader.seqs()).toEqual([1, 2, 5, 6]);
    reader.send({ case: "detach", value: { logId: ann.inbox } });
    sender.send(message(7, ann.inbox, "m7"));
    await settle();
    expect(reader.seqs()).toEqual([1, 2, 5, 6]);
  });

  test("many acks of one turn become one operation", async () => {
    const { node, ann, sender } = await pair();
    const reader = await ann.reading();
    sender.send(...range(1, 50).map((n) => message(n, ann.inbox, `m${n}`)));
    await settle();
    expect(reader.seqs().length).toBe(50);
    node.store.commits.length = 0;
    for (const n of range(1, 50)) reader.send(ack(ann.inbox, n));
    await node.delivery.flush();
    expect(node.store.commits.flat().map((operation) => operation.type)).toEqual(["ack"]);
    expect(await node.store.readCursor(ann.inbox, undefined)).toBe(50);
  });
});

describe("a slow connection", () => {
  test("gets nothing more until it has room, and then all of it", async () => {
    const { ann, sender } = await pair();
    const reader = await ann.reading();
    reader.waiting = HIGH_WATER_BYTES + 1;
    sender.send(...range(1, 30).map((n) => message(n, ann.inbox, `m${n}`)), message(31, ann.inbox, "t", 3));
    await settle(20);
    expect(reader.seqs()).toEqual([]);
    reader.waiting = 0;
    reader.session.outputDrained();
    await settle();
    expect(reader.seqs()).toEqual(range(1, 30));
  });

  test("a backlog of large bodies goes out in bounded pieces", async () => {
    const { ann, sender } = await pair();
    const body = "x".repeat(LIMITS.maxEntryBytes);
    for (const n of range(1, 12)) sender.send(message(n, ann.inbox, body));
    await settle(20);
    const reader = await ann.online();
    reader.send(attachInbox(1, ann.inbox));
    let most = 0;
    for (let turn = 0; turn < 40 && reader.seqs().length < 12; turn++) {
      await settle(1);
      most = Math.max(most, reader.waitingBytes());
      reader.received();
      reader.session.outputDrained();
    }
    expect(reader.seqs()).toEqual(range(1, 12));
    expect(most).toBeLessThan(HIGH_WATER_BYTES + 2 * LIMITS.maxEntryBytes);
  });
});

describe("failures", () => {
  test("a store that fails refuses every operation of the batch, and works again later", async () => {
    const { node, ann, sender } = await pair();
    const reader = await ann.reading();
    node.store.failing = true;
    sender.send(message(1, ann.inbox, "lost"), message(2, ann.inbox, "lost too"));
    await settle();
    expect([sender.outcome(1), sender.outcome(2)]).toEqual(["unavailable", "unavailable"]);
    expect(sender.refusal(1)).toMatchObject({ retryAfterMs: 1_000n });
    expect(reader.seqs()).toEqual([]);
    node.store.failing = false;
    sender.send(message(3, ann.inbox, "stored"));
    await settle();
    expect(reader.texts()).toEqual(["stored"]);
    expect(reader.seqs()).toEqual([1]);
  });

  test("an account's quota", async () => {
    const { node, ann, sender } = await pair();
    node.quota = {
      append: (bytes) => void (bytes > 3 && usedUp(5_000)),
      createLog: () => usedUp(9),
      openSlot: () => usedUp(9),
      attachOrClose: () => usedUp(9),
      putKeyPackages: () => usedUp(9),
      putRecovery: () => usedUp(9),
      putPush: () => usedUp(9),
      askBlobTicket: () => usedUp(9),
    };
    sender.send(
      message(1, ann.inbox, "ok"),
      message(2, ann.inbox, "too much"),
      message(3, ann.inbox, "too much", 3),
      { case: "createLog", value: { request: 4, logId: ann.inbox, tokenHash: new Uint8Array(32) } },
      attachInbox(5, ann.inbox),
      { case: "closeSlot", value: { request: 6, logId: ann.inbox, slotId: new Uint8Array(16) } },
    );
    await settle();
    expect(sender.outcome(1)).toBe("ok");
    expect(sender.refusal(2)).toMatchObject({ code: "quota_exceeded", retryAfterMs: 5_000n });
    expect(sender.outcome(3)).toBe("quota_exceeded");
    expect([4, 5, 6].map((request) => sender.outcome(request))).toEqual(Array(3).fill("quota_exceeded"));
  });

  test("what was taken before the drain is answered, and nothing after it is taken", async () => {
    const { node, ann, sender } = await pair();
    sender.send(message(1, ann.inbox, "before"));
    sender.session.drain(1_500);
    sender.send(message(2, ann.inbox, "after"));
    await node.delivery.flush();
    await settle();
    expect(sender.all("draining")[0]?.reconnectAfterMs).toBe(1_500n);
    expect(sender.outcome(1)).toBe("ok");
    expect(sender.outcome(2)).toBe("draining");
    const late = node.connect();
    late.session.drain(1_500);
    expect(late.goodbye()).toBe("draining");
  });

  test("a session that is gone leaves its operations to finish, and its readers are deaf", async () => {
    const { node, ann, sender } = await pair();
    const reader = await ann.reading();
    sender.send(message(1, ann.inbox, "last words"));
    sender.session.disconnected();
    reader.session.disconnected();
    await node.delivery.flush();
    await settle();
    expect((await node.store.readLog(ann.inbox))?.headSeq).toBe(1);
    expect(reader.seqs()).toEqual([]);
  });
});
