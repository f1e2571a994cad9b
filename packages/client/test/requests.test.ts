/** Requests in a simulated world: whoever is not known here learns nothing and counts nowhere until somebody accepts. */
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { describe, expect, test } from "vitest";

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
  return { world, ann, eve, ben };
}

const row = async ({ up }: SimulatedDevice, peer: string) =>
  (await up.conversations()).find((one) => one.peer === peer);
const statuses = async ({ up }: SimulatedDevice, peer: string) =>
  (await up.history(peer)).map(({ status }) => status);
const typed = ({ events }: SimulatedDevice) => events.filter(({ type }) => type === "typing").length;
const contactOf = async ({ up }: SimulatedDevice, peer: string) =>
  (await up.contacts()).find(({ identifier }) => identifier === peer);

describe("a first message from somebody unknown", () => {
  test("is a request: told as delivered, never as read, no typing, not counted as unread", async () => {
    const { world, ann, eve } = await scene(1);
    await eve.up.send(ANN, "hello, you do not know me");
    await world.settle(30);
    expect(await row(ann, EVE)).toMatchObject({ request: { from: EVE }, unread: 0 });
    expect(await contactOf(ann, EVE)).toMatchObject({ known: false });
    // Whom she wrote to is known to Eve.
    expect(await row(eve, ANN)).toMatchObject({ request: undefined });
    expect(await contactOf(eve, ANN)).toMatchObject({ known: true });
    await ann.up.markRead(EVE);
    await ann.up.sendTyping(EVE);
    await world.settle(30);
    expect(await statuses(eve, ANN)).toEqual(["delivered"]);
    expect(typed(eve)).toBe(0);
    ann.kill();
    await ann.start();
    expect(await row(ann, EVE)).toMatchObject({ request: { from: EVE } });
  });

  test("accepted, is a conversation like any other, and what was read is told", async () => {
    const { world, ann, eve } = await scene(2);
    await eve.up.send(ANN, "one");
    await eve.up.send(ANN, "classic", { suite: "classic" });
    await world.settle(30);
    await ann.up.markRead(EVE);
    await eve.up.send(ANN, "two");
    await world.settle(30);
    await ann.up.acceptRequest(EVE);
    expect(await row(ann, EVE)).toMatchObject({ request: undefined, unread: 1 });
    await world.settle(30);
    expect(await statuses(eve, ANN)).toEqual(["read", "read", "delivered"]);
    await ann.up.sendTyping(EVE);
    await ann.up.markRead(EVE);
    await world.settle(30);
    expect(typed(eve)).toBe(1);
    expect(await statuses(eve, ANN)).toEqual(["read", "read", "read"]);
    await expect(ann.up.acceptRequest(EVE)).rejects.toMatchObject({ code: "usage" });
    await expect(ann.up.acceptRequest("+15551239999")).rejects.toMatchObject({ code: "contact_unknown" });
  });

  test("is accepted by answering, and by verifying", async () => {
    const { world, ann, eve, ben } = await scene(3);
    await eve.up.send(ANN, "one");
    await ben.up.send(ANN, "one");
    await world.settle(30);
    await ann.up.markRead(EVE);
    await ann.up.send(EVE, "who is it?");
    await ann.up.setVerified(BEN, true);
    expect(await row(ann, EVE)).toMatchObject({ request: undefined });
    expect(await row(ann, BEN)).toMatchObject({ request: undefined, unread: 1 });
    await world.settle(30);
    expect((await statuses(eve, ANN))[0]).toBe("read");
  });

  test("with read receipts switched off, accepting tells nothing of what was read", async () => {
    const { world, ann, eve } = await scene(4);
    await ann.up.updateSettings({ readReceipts: false });
    await eve.up.send(ANN, "one");
    await world.settle(30);
    await ann.up.markRead(EVE);
    await ann.up.acceptRequest(EVE);
    await world.settle(30);
    expect(await statuses(eve, ANN)).toEqual(["delivered"]);
  });

  test("declined, is gone, and may come again", async () => {
    const { world, ann, eve } = await scene(5);
    await eve.up.send(ANN, "one");
    await world.settle(30);
    await ann.up.deleteRequest(EVE);
    expect(await row(ann, EVE)).toBeUndefined();
    await eve.up.send(ANN, "two");
    await world.settle(30);
    expect(await row(ann, EVE)).toMatchObject({ request: { from: EVE } });
    expect((await ann.up.history(EVE)).map(({ body }) => body)).toEqual(["two"]);
    await ann.up.acceptRequest(EVE);
    await expect(ann.up.deleteRequest(EVE)).rejects.toMatchObject({ code: "usage" });
  });
});

describe("being added to a group", () => {
  test("by somebody unknown is a request; accepting it tells the group what was read", async () => {
    const { world, ann, eve } = await scene(11);
    await world.during(eve.up.createGroup("Deals", [ANN]));
    await eve.up.send("Deals", "buy");
    await world.settle(30);
    expect(await row(ann, "Deals")).toMatchObject({ request: { from: EVE }, unread: 0 });
    await ann.up.markRead("Deals");
    await ann.up.sendTyping("Deals");
    await world.settle(30);
    expect(await statuses(eve, "Deals")).toEqual(["delivered"]);
    expect(typed(eve)).toBe(0);
    await ann.up.acceptRequest("Deals");
    await world.settle(30);
    expect(await row(ann, "Deals")).toMatchObject({ request: undefined });
    expect(await statuses(eve, "Deals")).toEqual(["read"]);
    // The group was accepted, not the person.
    expect(await contactOf(ann, EVE)).toMatchObject({ known: false });
  });

  test("by somebody known is none; nor is it once whoever added us is known", async () => {
    const { world, ann, eve, ben } = await scene(12);
    await ann.up.send(BEN, "hi");
    await world.settle(30);
    await world.during(ben.up.createGroup("Choir", [ANN, EVE]));
    await world.during(eve.up.createGroup("Deals", [ANN]));
    await world.settle(30);
    expect(await row(ann, "Choir")).toMatchObject({ request: undefined });
    // She wrote nothing, so nobody knows yet who she says she is.
    expect(await row(ann, "Deals")).toMatchObject({ request: { from: eve.account } });
    await ann.up.send(EVE, "what deals?");
    await world.settle(30);
    expect(await row(ann, "Deals")).toMatchObject({ request: undefined });
  });

  test("declined, leaves the group, offline too, and a new invitation asks again", async () => {
    const { world, ann, eve } = await scene(13);
    await world.during(eve.up.createGroup("Deals", [ANN, BEN]));
    await eve.up.send("Deals", "one");
    await world.settle(30);
    ann.network.partition();
    await ann.up.deleteRequest("Deals");
    expect(await row(ann, "Deals")).toBeUndefined();
    expect(await ann.up.groups()).toEqual([]);
    ann.kill();
    await ann.start();
    await eve.up.send("Deals", "two");
    ann.network.heal();
    await world.settle(60);
    expect(await row(ann, "Deals")).toBeUndefined();
    expect(ann.received.map(({ body }) => body)).toEqual(["one"]);
    expect((await eve.up.groupMembers("Deals")).map(({ identifier }) => identifier)).not.toContain(ANN);
    await world.during(eve.up.addToGroup("Deals", [ANN]));
    await eve.up.send("Deals", "three");
    await world.settle(60);
    expect(await row(ann, "Deals")).toMatchObject({ request: { from: EVE } });
    expect((await ann.up.history("Deals")).map(({ body }) => body)).toEqual(["three"]);
  });

  test("a group that was accepted and left asks again when it comes from somebody unknown", async () => {
    const { world, ann, eve } = await scene(14);
    await world.during(eve.up.createGroup("Deals", [ANN]));
    await world.settle(30);
    await ann.up.send("Deals", "fine");
    await world.settle(30);
    await world.during(ann.up.leaveGroup("Deals"));
    await world.settle(30);
    await world.during(eve.up.addToGroup("Deals", [ANN]));
    await world.settle(30);
    expect(await row(ann, "Deals")).toMatchObject({ request: { from: EVE } });
  });
});

async function linked(seed: number) {
  const played = await scene(seed);
  const phone = await played.world.linked(played.ann);
  await phone.start();
  await played.world.settle(60);
  return { ...played, phone };
}

describe("on two devices", () => {
  test("accepting, answering and declining on one does so on the other", async () => {
    const { world, ann, phone, eve, ben } = await linked(21);
    await eve.up.send(ANN, "one");
    await ben.up.send(ANN, "one");
    await world.during(eve.up.createGroup("Deals", [ANN]));
    await world.settle(60);
    for (const device of [ann, phone]) {
      for (const peer of [EVE, BEN, "Deals"]) {
        expect(await row(device, peer)).toMatchObject({ request: { from: peer === BEN ? BEN : EVE } });
      }
    }
    await phone.up.acceptRequest(BEN);
    await ann.up.deleteRequest(EVE);
    await phone.up.deleteRequest("Deals");
    await world.settle(60);
    for (const device of [ann, phone]) {
      expect(await row(device, BEN)).toMatchObject({ request: undefined });
      expect(await row(device, EVE)).toBeUndefined();
      expect(await row(device, "Deals")).toBeUndefined();
    }
    expect((await eve.up.groupMembers("Deals")).map(({ identifier }) => identifier)).toEqual([EVE]);
  });

  test("what was read on one without a receipt is read on the other", async () => {
    const { world, ann, phone, eve } = await linked(22);
    await eve.up.send(ANN, "one");
    await world.settle(60);
    await phone.up.markRead(EVE);
    await world.settle(60);
    await ann.up.acceptRequest(EVE);
    expect(await row(ann, EVE)).toMatchObject({ unread: 0 });
    await world.settle(60);
    expect(await statuses(eve, ANN)).toEqual(["read"]);
  });

  test("a device that is linked later knows requests as such", async () => {
    const { world, ann, eve } = await scene(23);
    await eve.up.send(ANN, "one");
    await world.during(eve.up.createGroup("Deals", [ANN]));
    await ann.up.send(BEN, "hi");
    await world.settle(60);
    const phone = await world.linked(ann);
    await phone.start();
    await world.until(async () => (await row(phone, EVE)) !== undefined);
    await world.settle(60);
    expect(await row(phone, EVE)).toMatchObject({ request: { from: EVE } });
    expect(await row(phone, "Deals")).toMatchObject({ request: { from: EVE } });
    expect(await row(phone, BEN)).toMatchObject({ request: undefined });
  });
});

describe("a process that is killed", () => {
  test.each(["before", "after"] as const)(
    "%s each effect of declining a group has declined it, or shows it still",
    { timeout: 300_000 },
    async (when) => {
      for (let effect = 0; ; effect++) {
        const { world, ann, eve } = await scene(31);
        await world.during(eve.up.createGroup("Deals", [ANN]));
        await world.settle(30);
        let count = 0;
        ann.fate = () => (count++ === effect ? when : false);
        ann.up.deleteRequest("Deals").catch(() => undefined);
        await world.settle(5);
        const wasKilled = !ann.alive;
        ann.fate = () => false;
        if (wasKilled) await ann.start();
        await world.settle(60);
        const members = (await eve.up.groupMembers("Deals")).map(({ identifier }) => identifier);
        const gone = (await row(ann, "Deals")) === undefined;
        expect(members, `effect ${effect}`).toEqual(gone ? [EVE] : [EVE, ANN]);
        if (!wasKilled) break;
      }
    },
  );
});
