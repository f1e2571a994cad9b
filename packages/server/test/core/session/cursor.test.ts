/** What Attached tells of the slot's cursor: how a device that was restored from an older copy knows that it was. */
import { randomBytes } from "node:crypto";
import { settle } from "@sotto/testkit";
import { expect, test } from "vitest";
import { TestNode, ack, attachInbox, message, usedUp, type TestConnection } from "./node.ts";

const cursors = (connection: TestConnection): number[] =>
  connection.all("attached").map(({ cursorSeq }) => Number(cursorSeq));

test("of an inbox: what the device acked, also on a later connection that knows less", async () => {
  const node = new TestNode();
  const ann = await node.person();
  const reader = await ann.reading();
  reader.send(message(1, ann.inbox, "one"), message(2, ann.inbox, "two"), message(3, ann.inbox, "three"));
  await settle();
  reader.send(ack(ann.inbox, 2));
  await node.delivery.flush();
  const later = await ann.online();
  later.send(attachInbox(4, ann.inbox));
  await settle();
  expect(cursors(reader)).toEqual([0]);
  expect(cursors(later)).toEqual([2]);
  expect(later.seqs()).toEqual([3]);
});

test("of a slot: its own, whatever others acked", async () => {
  const node = new TestNode();
  const ann = await node.person();
  const [log, token] = [randomBytes(16), randomBytes(32)];
  const slots = [randomBytes(16), randomBytes(16)];
  const connection = await ann.online();
  connection.send({
    case: "createLog",
    value: { request: 1, logId: log, tokenHash: node.ports.crypto.sha256(token) },
  });
  for (const [index, slotId] of slots.entries()) {
    connection.send({
      case: "openSlot",
      value: { request: 2 + index, logId: log, slotId, accessToken: token },
    });
  }
  const append = (request: number) => ({
    case: "append" as const,
    value: { request, logId: log, accessToken: token, kind: 1, body: randomBytes(5) },
  });
  connection.send(append(4), append(5), append(6));
  const attach = (request: number, slotId: Uint8Array) => ({
    case: "attach" as const,
    value: { request, logId: log, slotId, accessToken: token },
  });
  connection.send(attach(7, slots[0] ?? log));
  await settle();
  connection.send({ case: "ack", value: { logId: log, slotId: slots[0] ?? log, seq: 2n } });
  await node.delivery.flush();
  connection.send(attach(8, slots[0] ?? log), attach(9, slots[1] ?? log));
  await settle();
  expect(cursors(connection)).toEqual([0, 2, 0]);
});

test("with the classic suite switched off, sealed items still go into inboxes", async () => {
  const node = new TestNode({ classicAllowed: false });
  const ann = await node.person();
  const reader = await ann.reading();
  // InboxItem.classic and InboxItem.sealed: fields 1 and 2, length-delimited.
  const item = (request: number, tag: number) => ({
    case: "append" as const,
    value: { request, logId: ann.inbox, kind: 1, body: Uint8Array.of(tag, 2, 7, 7) },
  });
  reader.send(item(1, 0x0a), item(2, 0x12));
  await settle();
  expect(reader.outcome(1)).toBe("classic_switched_off");
  expect(reader.outcome(2)).toBe("ok");
  expect(reader.seqs()).toEqual([1]);
});

test("sealed items count against the quota like any others", async () => {
  const node = new TestNode();
  const ann = await node.person();
  const reader = await ann.reading();
  const counted: number[] = [];
  node.quota = { ...node.quota, append: (bytes) => void (counted.push(bytes) > 1 && usedUp(5_000)) };
  const sealed = (request: number) => ({
    case: "append" as const,
    value: { request, logId: ann.inbox, kind: 1, body: Uint8Array.of(0x12, 2, 7, 7) },
  });
  reader.send(sealed(1), sealed(2));
  await settle();
  expect(counted).toEqual([4, 4]);
  expect(reader.outcome(1)).toBe("ok");
  expect(reader.outcome(2)).toBe("quota_exceeded");
});
