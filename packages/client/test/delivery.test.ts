/** Messages and receipts in a world under control: order, waiting, retries, states. */
import { expect, test } from "vitest";
import { World } from "./support/world.ts";

const ANN = "+15551230001";
const BEN = "+15551230002";

async function pair(seed = 1) {
  const world = await World.make(seed);
  const ann = await world.person(ANN);
  const ben = await world.person(BEN);
  await ann.start();
  await ben.start();
  return { world, ann, ben };
}

const statuses = async (
  person: { up: { history(peer: string): Promise<readonly { status: string }[]> } },
  peer: string,
) => (await person.up.history(peer)).map((message) => message.status);

test("queued, sent, delivered, read: each state comes, in this order", async () => {
  const { world, ann, ben } = await pair();
  const { id } = await ann.up.send(BEN, "hello");
  expect(await statuses(ann, BEN)).toEqual(["queued"]);
  await world.settle();
  expect(ben.received.map((message) => message.body)).toEqual(["hello"]);
  await ben.up.markRead(ANN);
  await world.settle();
  const seen = ann.events.flatMap((event) =>
    event.type === "status" && event.id === id ? [event.status] : [],
  );
  expect(seen).toEqual(["sent", "delivered", "read"]);
  expect(ann.notices).toEqual([]);
  expect(ben.notices).toEqual([]);
});

test("read receipts can be switched off; delivered receipts are always sent", async () => {
  const { world, ann, ben } = await pair();
  await ben.up.updateSettings({ readReceipts: false });
  await ann.up.send(BEN, "hello");
  await world.settle();
  await ben.up.markRead(ANN);
  await world.settle();
  expect(await statuses(ann, BEN)).toEqual(["delivered"]);
  expect((await ben.up.history(ANN))[0]?.status).toBe("read");
});

test("what is queued while the server is away goes out in order when it is back", async () => {
  const { world, ann, ben } = await pair();
  await world.settle();
  world.network.partition();
  await world.settle(60);
  expect(ann.up.connection).not.toBe("online");
  for (let i = 0; i < 10; i++) await ann.up.send(BEN, `number ${i}`);
  const flushed = ann.up.flushed();
  await world.settle(60);
  expect(ben.received).toEqual([]);
  world.network.heal();
  await world.settle(60);
  await flushed;
  expect(ben.received.map((message) => message.body)).toEqual(
    Array.from({ length: 10 }, (_, i) => `number ${i}`),
  );
});

test("many messages that come together share one receipt", async () => {
  const { world, ann, ben } = await pair();
  await ben.stop();
  for (let i = 0; i < 30; i++) await ann.up.send(BEN, `number ${i}`);
  await world.settle(30);
  const before = world.server.appended.length;
  await ben.start();
  await world.settle();
  expect(await statuses(ann, BEN)).toEqual(Array.from({ length: 30 }, () => "delivered"));
  expect(world.server.appended.length - before).toBeLessThanOrEqual(3);
});

test("a refusal that passes is tried again; one that does not fails the message with its code", async () => {
  const { world, ann, ben } = await pair();
  let refusals = 0;
  world.server.refuse = (frame) =>
    frame.case === "append" && ++refusals <= 3 ? { code: "quota_exceeded", retryAfterMs: 2_000 } : undefined;
  await ann.up.send(BEN, "patience");
  await world.settle(1);
  expect(await statuses(ann, BEN)).toEqual(["queued"]);
  await world.settle(60);
  expect(ben.received.map((message) => message.body)).toEqual(["patience"]);

  world.server.refuse = (frame) => (frame.case === "append" ? { code: "classic_switched_off" } : undefined);
  const { id } = await ann.up.send(BEN, "never");
  const outcome = ann.up.whenSent(id).catch((error: unknown) => error);
  await world.settle(60);
  expect(await outcome).toMatchObject({ code: "classic_switched_off" });
  world.server.refuse = () => undefined;
  await ann.up.send(BEN, "after");
  await world.settle(60);
  expect((await ann.up.history(BEN)).at(1)).toMatchObject({
    status: "failed",
    problem: "classic_switched_off",
  });
  expect(ben.received.map((message) => message.body)).toEqual(["patience", "after"]);
  // A message that no device ever saw leaves no gap.
  expect(ben.notices).toEqual([]);
});

test("writing to nobody fails with identifier_not_found, and other conversations go on", async () => {
  const { world, ann, ben } = await pair();
  const { id } = await ann.up.send("+15551239999", "anybody there?");
  const outcome = ann.up.whenSent(id).catch((error: unknown) => error);
  await ann.up.send(BEN, "hello");
  await world.settle();
  expect(await outcome).toMatchObject({ code: "identifier_not_found" });
  expect(ben.received.map((message) => message.body)).toEqual(["hello"]);
});

test("typing reaches the peer and is never stored", async () => {
  const { world, ann, ben } = await pair();
  await ann.up.send(BEN, "hello");
  await ben.up.send(ANN, "hello");
  await world.settle();
  const before = world.server.appended.length;
  await ann.up.sendTyping(BEN);
  await ann.up.sendTyping(BEN);
  await world.settle(2);
  expect(ben.events.filter((event) => event.type === "typing")).toEqual([{ type: "typing", from: ANN }]);
  // After a while the list of devices is looked up anew first.
  await world.settle(400);
  await ann.up.sendTyping(BEN);
  await world.settle();
  expect(ben.events.filter((event) => event.type === "typing")).toHaveLength(2);
  expect(world.server.appended.length).toBe(before);
});

test("what is too large, for oneself, or malformed is refused before anything is stored", async () => {
  const { ann } = await pair();
  await expect(ann.up.send(BEN, "x".repeat(65_537))).rejects.toMatchObject({ code: "message_too_large" });
  await expect(ann.up.send(BEN, "\u0001".repeat(60_000))).rejects.toMatchObject({
    code: "message_too_large",
  });
  await expect(ann.up.send(ANN, "me")).rejects.toMatchObject({ code: "usage" });
  await expect(ann.up.send("nobody", "x")).rejects.toMatchObject({ code: "identifier_invalid" });
  await expect(ann.up.send(BEN, "x", { suite: "mls" })).rejects.toMatchObject({ code: "suite_unavailable" });
  expect(await ann.up.conversations()).toEqual([]);
});
