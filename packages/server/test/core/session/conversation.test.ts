import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { logId, slotId } from "@sotto/protocol";
import { settle, type ClientFrameInit } from "@sotto/testkit";
import { TestNode, ack, type TestConnection } from "./node.ts";

type Frame = NonNullable<ClientFrameInit>;

const log = logId(new Uint8Array(16).fill(9));
const token = (epoch: number): Uint8Array => new Uint8Array(32).fill(epoch + 1);
const hash = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
const slot = (n: number): Uint8Array => new Uint8Array(16).fill(n);

const createLog = (request: number): Frame => ({
  case: "createLog",
  value: { request, logId: log, tokenHash: hash(token(0)) },
});
/** A log of its own, beginning with an epoch. */
const createAt = (request: number, epoch: bigint): Frame => ({
  case: "createLog",
  value: { request, logId: slot(100 + request), epoch, tokenHash: hash(token(0)) },
});
const openSlot = (request: number, n: number, epoch = 0, afterSeq?: number): Frame => ({
  case: "openSlot",
  value: {
    request,
    logId: log,
    slotId: slot(n),
    accessToken: token(epoch),
    epoch: BigInt(epoch),
    ...(afterSeq !== undefined && { afterSeq: BigInt(afterSeq) }),
  },
});
const attach = (request: number, n: number, epoch = 0, afterSeq = 0): Frame => ({
  case: "attach",
  value: {
    request,
    logId: log,
    slotId: slot(n),
    accessToken: token(epoch),
    epoch: BigInt(epoch),
    afterSeq: BigInt(afterSeq),
  },
});
const say = (request: number, epoch: number, text: string, kind = 1): Frame => ({
  case: "append",
  value: {
    request,
    logId: log,
    accessToken: token(epoch),
    epoch: BigInt(epoch),
    kind,
    body: Buffer.from(text),
    ...(kind === 2 && { nextTokenHash: hash(token(epoch + 1)) }),
  },
});
const commit = (request: number, epoch: number): Frame => say(request, epoch, `commit ${epoch}`, 2);

async function talk() {
  const node = new TestNode();
  const people = [await node.person(), await node.person()];
  const [ann, bob] = (await Promise.all(people.map((person) => person.online()))) as [
    TestConnection,
    TestConnection,
  ];
  // One message: each frame finds what those before it did.
  ann.send(createLog(1), openSlot(2, 1), attach(3, 1));
  await settle(20);
  bob.send(openSlot(1, 2), attach(2, 2));
  await settle(20);
  return { node, ann, bob };
}

describe("conversation logs", () => {
  test("begin with no epoch that Commits could count out of 53 bits", async () => {
    const node = new TestNode();
    const ann = await (await node.person()).online();
    const greatest = 2n ** 48n;
    ann.send(createAt(1, 2n ** 53n - 1n), createAt(2, greatest + 1n), createAt(3, greatest));
    await settle();
    expect([ann.outcome(1), ann.outcome(2), ann.outcome(3)]).toEqual(["malformed", "malformed", "ok"]);
  });

  test("everybody reads everything in one order, the sender too", async () => {
    const { ann, bob } = await talk();
    expect([ann.outcome(1), ann.outcome(2), ann.outcome(3)]).toEqual(["ok", "ok", "ok"]);
    ann.send(say(10, 0, "one"));
    bob.send(say(10, 0, "two"));
    ann.send(say(11, 0, "three"));
    await settle(20);
    expect(ann.texts()).toEqual(bob.texts());
    expect(ann.seqs()).toEqual([1, 2, 3]);
    ann.send(createLog(20));
    await settle();
    expect(ann.outcome(20)).toBe("log_exists");
  });

  test("the first Commit wins; the loser reads it and goes on", async () => {
    const { ann, bob } = await talk();
    ann.send(say(10, 0, "hello"), commit(11, 0));
    bob.send(commit(10, 0), say(11, 0, "too late"));
    await settle(20);
    expect(ann.outcome(11)).toBe("ok");
    const lost = { code: "epoch_ended", winnerSeq: 2n, current: 1n };
    expect(bob.refusal(10)).toMatchObject(lost);
    expect(bob.refusal(11)).toMatchObject(lost);
    for (const reader of [ann, bob]) {
      expect(reader.texts()).toEqual(["hello", "commit 0"]);
      expect(reader.all("epochEnded")[0]).toMatchObject({ epoch: 0n, commitSeq: 2n });
    }
    ann.send(say(12, 1, "in epoch 1"));
    await settle();
    expect(bob.texts()).toEqual(["hello", "commit 0"]);
    bob.send(ack(log, 2, slot(2)), attach(20, 2, 1, 2));
    await settle();
    expect(bob.texts()).toEqual(["hello", "commit 0", "in epoch 1"]);
    expect(bob.all("attached").at(-1)).toMatchObject({ headSeq: 3n, epoch: 1n });
  });

  test("who was removed reads up to the Commit and nothing after it", async () => {
    const { ann, bob } = await talk();
    ann.send(commit(10, 0), say(11, 1, "without bob"));
    await settle(20);
    expect(bob.seqs()).toEqual([1]);
    // All that he has is what he had: the token of epoch 0, and guesses.
    const guess = { logId: log, accessToken: token(0), epoch: 1n };
    bob.send(
      { case: "attach", value: { ...guess, request: 20, slotId: slot(2), afterSeq: 1n } },
      { case: "append", value: { ...guess, request: 21, kind: 1 } },
      { case: "openSlot", value: { ...guess, request: 22, slotId: slot(5) } },
      { case: "append", value: { ...guess, request: 23, kind: 3 } },
      { case: "attach", value: { ...guess, request: 24, slotId: slot(2), accessToken: randomBytes(32) } },
      { case: "attach", value: { ...guess, request: 25, slotId: slot(2), accessToken: new Uint8Array() } },
    );
    await settle(20);
    for (let request = 20; request <= 25; request++) expect(bob.outcome(request)).toBe("log_refused");
    expect(bob.seqs()).toEqual([1]);
    const stranger = await (await new TestNode().person()).online();
    stranger.send(attach(1, 2, 0));
    await settle();
    expect(stranger.outcome(1)).toBe("log_refused");
  });

  test("who was away reads epoch by epoch", async () => {
    const { node, ann, bob } = await talk();
    bob.session.disconnected();
    ann.send(say(10, 0, "a"), commit(11, 0), say(12, 1, "b"), commit(13, 1), say(14, 2, "c"));
    await settle(20);
    const back = await (await node.person()).online();
    back.send(attach(1, 2, 0));
    await settle();
    expect(back.seqs()).toEqual([1, 2]);
    expect(back.all("epochEnded")[0]).toMatchObject({ slotId: slot(2), epoch: 0n, commitSeq: 2n });
    back.send(ack(log, 2, slot(2)), attach(2, 2, 1, 2));
    await settle();
    expect(back.seqs()).toEqual([1, 2, 3, 4]);
    back.send(attach(3, 2, 2, 4));
    await settle();
    expect(back.seqs()).toEqual([1, 2, 3, 4, 5]);
    expect(back.all("epochEnded").length).toBe(2);
    await node.delivery.flush();
    expect(await node.store.readCursor(log, slotId(slot(2)))).toBe(2);
  });

  test("an epoch that the reader has finished ends at once", async () => {
    const { bob, ann } = await talk();
    ann.send(commit(10, 0), say(11, 1, "b"));
    await settle(20);
    bob.send(attach(20, 2, 0, 1));
    await settle();
    expect(bob.all("epochEnded").length).toBe(2);
    expect(bob.seqs()).toEqual([1]);
  });

  test("the token of a later epoch gives nothing of an earlier one", async () => {
    const { ann, bob } = await talk();
    ann.send(say(10, 0, "before"), commit(11, 0), say(12, 1, "after"));
    await settle(20);
    const { length } = bob.seqs();
    bob.send(attach(20, 2, 1, 0));
    await settle();
    expect(bob.seqs().slice(length)).toEqual([3]);
  });

  test("entries go when every slot has acked them", async () => {
    const { node, ann, bob } = await talk();
    ann.send(say(10, 0, "a"), say(11, 0, "b"));
    await settle(20);
    ann.send(ack(log, 2, slot(1)));
    bob.send(ack(log, 1, slot(2)));
    await node.delivery.flush();
    expect(await node.store.readLog(log)).toMatchObject({ headSeq: 2, trimmedSeq: 1 });
    bob.send({ case: "closeSlot", value: { request: 20, logId: log, slotId: slot(2) } });
    await settle();
    expect(bob.outcome(20)).toBe("ok");
    expect(await node.store.readLog(log)).toMatchObject({ trimmedSeq: 2 });
    bob.send(ack(log, 2, slot(2)), attach(21, 2));
    await settle();
    expect(bob.outcome(0)).toBe("not_attached");
    expect(bob.outcome(21)).toBe("slot_unknown");
  });

  test("EPHEMERAL needs the present epoch's token, and reaches its readers only", async () => {
    const { ann, bob } = await talk();
    ann.send(say(10, 0, "typing", 3));
    await settle();
    expect(bob.texts()).toEqual(["typing"]);
    ann.send(commit(11, 0));
    await settle();
    ann.send(say(12, 0, "late", 3), say(13, 1, "typing again", 3));
    await settle(20);
    expect(ann.outcome(12)).toBe("epoch_ended");
    expect(ann.outcome(13)).toBe("ok");
    expect(bob.texts()).toEqual(["typing", "commit 0"]);
  });

  test("an epoch whose Commit expired unread ends for its reader all the same", async () => {
    const { node, ann, bob } = await talk();
    bob.session.disconnected();
    ann.send(say(10, 0, "a"), commit(11, 0), say(12, 1, "b"));
    await settle(20);
    await node.store.expire(Math.floor(Date.now() / 1_000) + 86_410, 2);
    expect(await node.store.readLog(log)).toMatchObject({ headSeq: 3, trimmedSeq: 2 });
    const back = await (await node.person()).online();
    back.send(attach(3, 2, 0));
    await settle(20);
    expect(back.all("attached").at(-1)).toMatchObject({ trimmedSeq: 2n });
    expect(back.seqs()).toEqual([]);
    expect(back.all("epochEnded")[0]).toMatchObject({ epoch: 0n, commitSeq: 2n });
  });

  test("of many who commit at once exactly one wins each epoch, and no reader sees a fork", async () => {
    const node = new TestNode();
    const people = await Promise.all(Array.from({ length: 8 }, () => node.person()));
    const online = await Promise.all(people.map((person) => person.online()));
    online[0]!.send(createLog(1));
    await settle();
    for (const [index, connection] of online.entries()) {
      connection.send(openSlot(2, index + 1, 0, 0), attach(3, index + 1));
    }
    await settle(20);
    for (let epoch = 0; epoch < 12; epoch++) {
      const request = 100 + epoch;
      for (const connection of online) connection.send(commit(request, epoch));
      await settle(20);
      const outcomes = online.map((connection) => connection.outcome(request));
      expect(outcomes.filter((outcome) => outcome === "ok").length).toBe(1);
      expect(outcomes.filter((outcome) => outcome === "epoch_ended").length).toBe(7);
      for (const [index, connection] of online.entries()) {
        connection.send(attach(200 + epoch, index + 1, epoch + 1, epoch + 1));
      }
      await settle(20);
    }
    for (const connection of online) {
      expect(connection.seqs()).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
      expect(connection.texts()).toEqual(Array.from({ length: 12 }, (_, n) => `commit ${n}`));
    }
  });
});
