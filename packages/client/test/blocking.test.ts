/** Blocking in a simulated world: what a blocked account writes is read and dropped, nothing goes to it, and nothing breaks by it. */
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { expect, test } from "vitest";

const ANN = "+15551230001";
const EVE = "+15551230002";
const BEN = "+15551230003";

async function scene(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device(ANN);
  const eve = await world.device(EVE);
  const ben = await world.device(BEN);
  for (const device of world.devices) await device.start();
  await world.settle();
  await ann.up.send(EVE, "hello");
  await world.settle();
  await eve.up.send(ANN, "hi");
  await world.settle(30);
  return { world, ann, eve, ben };
}

const bodies = async ({ up }: SimulatedDevice, peer: string) =>
  (await up.history(peer)).map(({ body }) => body);
const statuses = async ({ up }: SimulatedDevice, peer: string) =>
  (await up.history(peer)).map(({ status }) => status);

test("what they write is dropped under both suites, without a receipt or a notice, and goes on once they are unblocked", async () => {
  const { world, ann, eve } = await scene(1);
  await ann.up.block(EVE);
  expect((await ann.up.blocked()).map(({ identifier }) => identifier)).toEqual([EVE]);
  for (let i = 0; i < 5; i++) await eve.up.send(ANN, `dropped ${i}`);
  await eve.up.send(ANN, "dropped too", { suite: "classic" });
  await eve.up.sendTyping(ANN);
  await ann.up.markRead(EVE);
  await ann.up.sendTyping(EVE);
  await world.settle(30);
  expect(await bodies(ann, EVE)).toEqual(["hello", "hi"]);
  expect(await statuses(eve, ANN)).toEqual([
    "received",
    "delivered",
    "sent",
    "sent",
    "sent",
    "sent",
    "sent",
    "sent",
  ]);
  for (const device of [ann, eve]) {
    expect(device.events.filter(({ type }) => type === "typing")).toEqual([]);
    expect(device.notices).toEqual([]);
  }
  await expect(ann.up.send(EVE, "no")).rejects.toMatchObject({ code: "contact_blocked" });
  ann.kill();
  await ann.start();
  await world.settle(30);
  expect((await ann.up.contacts()).find(({ identifier }) => identifier === EVE)).toMatchObject({
    blocked: true,
  });
  await ann.up.unblock(EVE);
  await eve.up.send(ANN, "again");
  await ann.up.send(EVE, "fine");
  await world.settle(30);
  expect(await bodies(ann, EVE)).toEqual(["hello", "hi", "fine", "again"]);
  expect((await bodies(eve, ANN)).slice(-2).toSorted()).toEqual(["again", "fine"]);
});

test("a group that they make is left unseen; in a group of somebody else their messages stay", async () => {
  const { world, ann, eve, ben } = await scene(2);
  await ann.up.send(BEN, "hello");
  await world.settle(30);
  await ann.up.block(EVE);
  await world.during(eve.up.createGroup("Trap", [ANN]));
  await eve.up.send("Trap", "hear me");
  await world.during(ben.up.createGroup("Choir", [ANN, EVE]));
  await world.settle(60);
  await eve.up.send("Choir", "la");
  await world.settle(60);
  expect((await ann.up.groups()).map(({ name }) => name)).toEqual(["Choir"]);
  expect(await bodies(ann, "Choir")).toEqual(["la"]);
  expect(ann.received.map(({ body }) => body)).toEqual(["hi", "la"]);
  expect((await eve.up.groupMembers("Trap")).map(({ identifier }) => identifier)).toEqual([EVE]);
  expect(ann.notices.flatMap((notice) => (notice.type === "group_changed" ? [notice.group] : []))).toEqual([
    "Choir",
  ]);
});

test("what was a request is none any more, and asks again once they are unblocked", async () => {
  const { world, ann, ben } = await scene(3);
  await ben.up.send(ANN, "who are you?");
  await world.settle(30);
  await ann.up.block(BEN);
  const row = async () => (await ann.up.conversations()).find(({ peer }) => peer === BEN);
  expect(await row()).toMatchObject({ request: undefined, contact: { blocked: true } });
  await ann.up.unblock(BEN);
  expect(await row()).toMatchObject({ request: { from: BEN } });
});

test("blocked on one device, blocked on the other, and on one that is linked later", async () => {
  const { world, ann, eve } = await scene(4);
  const phone = await world.linked(ann);
  await phone.start();
  await world.settle(60);
  await phone.up.block(EVE);
  await world.settle(30);
  await eve.up.send(ANN, "dropped");
  await world.settle(30);
  for (const device of [ann, phone]) expect(await bodies(device, EVE)).toEqual(["hello", "hi"]);
  const tablet = await world.linked(ann);
  await tablet.start();
  await world.settle(60);
  expect((await tablet.up.blocked()).map(({ identifier }) => identifier)).toEqual([EVE]);
});

test(
  "a process that is killed at each effect while it drops messages loses its place nowhere",
  { timeout: 300_000 },
  async () => {
    for (let effect = 0; ; effect++) {
      const { world, ann, eve } = await scene(5);
      await ann.up.block(EVE);
      await world.settle(5);
      let count = 0;
      ann.fate = () => (count++ === effect ? "before" : false);
      await eve.up.send(ANN, "dropped");
      await world.settle(5);
      const wasKilled = !ann.alive;
      ann.fate = () => false;
      if (wasKilled) await ann.start();
      await world.settle(60);
      await ann.up.unblock(EVE);
      await eve.up.send(ANN, "again");
      await world.settle(60);
      expect(await bodies(ann, EVE), `effect ${effect}`).toEqual(["hello", "hi", "again"]);
      if (!wasKilled) break;
    }
  },
);
