/** What people decide about conversations, in a simulated world: kept, shared with the account's own devices, and nobody else's business. */
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { describe, expect, test } from "vitest";

const ANN = "+15551230001";
const BEN = "+15551230002";

async function scene(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device(ANN);
  const ben = await world.device(BEN);
  for (const device of world.devices) await device.start();
  await world.settle();
  await ann.up.send(BEN, "hello");
  await world.settle();
  await ben.up.send(ANN, "hi");
  await world.settle(30);
  return { world, ann, ben };
}

/** The same with a second device of Ann's. */
async function sceneOfThree(seed: number) {
  const played = await scene(seed);
  await played.ann.up.markRead(BEN);
  const phone = await played.world.linked(played.ann);
  await phone.start();
  await played.world.until(async () => (await bodies(phone, BEN)).length === 2);
  await played.world.settle(60);
  return { ...played, phone };
}

const row = async ({ up }: SimulatedDevice, peer: string) =>
  (await up.conversations()).find((one) => one.peer === peer);
const bodies = async ({ up }: SimulatedDevice, peer: string) => {
  try {
    return (await up.history(peer)).map(({ body }) => body);
  } catch {
    return [];
  }
};

describe("on one device", () => {
  test("decisions and drafts are kept across a restart, and told to who listens", async () => {
    const { world, ann } = await scene(1);
    expect(await row(ann, BEN)).toMatchObject({
      pinned: false,
      archived: false,
      markedUnread: false,
      mutedUntil: 0,
      draft: "",
    });
    await ann.up.updateConversation(BEN, { pinned: true, markedUnread: true, draft: "Dear Ben" });
    const mutedUntil = Math.floor(world.clock.nowMs() / 1000) + 100;
    await ann.up.updateConversation(BEN, { mutedUntil });
    expect(ann.events).toContainEqual({ type: "conversation", peer: BEN });
    ann.kill();
    await ann.start();
    const kept = { pinned: true, markedUnread: true, mutedUntil, draft: "Dear Ben" };
    expect(await row(ann, BEN)).toMatchObject(kept);
    await world.settle(101);
    expect((await row(ann, BEN))?.mutedUntil).toBe(0);
    await ann.up.markRead(BEN);
    expect((await row(ann, BEN))?.markedUnread).toBe(false);
  });

  test("a new message brings an archived conversation back, unless it is muted", async () => {
    const { world, ann, ben } = await scene(2);
    await ann.up.updateConversation(BEN, { archived: true, mutedUntil: Number.MAX_SAFE_INTEGER });
    await ben.up.send(ANN, "one");
    await world.settle();
    expect(await row(ann, BEN)).toMatchObject({ archived: true, unread: 2 });
    await ann.up.updateConversation(BEN, { mutedUntil: 0 });
    await ben.up.send(ANN, "two");
    await world.settle();
    expect(await row(ann, BEN)).toMatchObject({ archived: false, unread: 3 });
  });

  test("what makes no sense is refused, and nothing changed", async () => {
    const { ann } = await scene(3);
    const long = "x".repeat(65_537);
    await expect(ann.up.updateConversation(BEN, { pinned: true, draft: long })).rejects.toMatchObject({
      code: "message_too_large",
    });
    await expect(ann.up.updateConversation(BEN, { mutedUntil: -1 })).rejects.toMatchObject({ code: "usage" });
    await expect(ann.up.updateConversation("+15551239999", { pinned: true })).rejects.toMatchObject({
      code: "contact_unknown",
    });
    expect(await row(ann, BEN)).toMatchObject({ pinned: false, draft: "" });
  });

  test("a deleted conversation is gone, what waits in it is not sent, and it begins anew", async () => {
    const { world, ann, ben } = await scene(4);
    ann.network.partition();
    const waiting = await ann.up.send(BEN, "not this");
    const sent = ann.up.whenSent(waiting.id);
    const classic = await ann.up.send(BEN, "nor this", { suite: "classic" });
    const classicSent = ann.up.whenSent(classic.id);
    await ann.up.updateConversation(BEN, { pinned: true, draft: "nor that" });
    const outcomes = Promise.allSettled([sent, classicSent]);
    await ann.up.deleteConversation(BEN);
    expect(await row(ann, BEN)).toBeUndefined();
    expect(await bodies(ann, BEN)).toEqual([]);
    ann.network.heal();
    for (const outcome of await world.during(outcomes)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "usage" } });
    }
    await ben.up.send(ANN, "still there?");
    await world.settle(30);
    expect(await bodies(ann, BEN)).toEqual(["still there?"]);
    expect(await row(ann, BEN)).toMatchObject({ unread: 1, pinned: false, draft: "" });
    expect(await bodies(ben, ANN)).toEqual(["hello", "hi", "still there?"]);
  });

  test("a group is deleted only after leaving; then it is gone", async () => {
    const { world, ann, ben } = await scene(5);
    await world.during(ann.up.createGroup("Choir", [BEN]));
    await ann.up.send("Choir", "la");
    await world.settle(30);
    await expect(ben.up.deleteConversation("Choir")).rejects.toMatchObject({ code: "usage" });
    await world.during(ben.up.leaveGroup("Choir"));
    await ben.up.deleteConversation("Choir");
    expect(await ben.up.groups()).toEqual([]);
    expect(await row(ben, "Choir")).toBeUndefined();
    await world.settle(30);
    // Invited again, it is there again, without what was deleted.
    await world.during(ann.up.addToGroup("Choir", [BEN]));
    await ann.up.send("Choir", "lo");
    await world.settle(30);
    expect(await bodies(ben, "Choir")).toEqual(["lo"]);
  });
});

describe("on two devices", () => {
  test("each hears what the other decides; drafts stay where they are", async () => {
    const { world, ann, phone } = await sceneOfThree(11);
    await ann.up.updateConversation(BEN, { pinned: true, draft: "here only" });
    await phone.up.updateConversation(BEN, { mutedUntil: Number.MAX_SAFE_INTEGER, markedUnread: true });
    await world.settle();
    for (const device of [ann, phone]) {
      expect(await row(device, BEN)).toMatchObject({
        pinned: true,
        markedUnread: true,
        mutedUntil: Number.MAX_SAFE_INTEGER,
      });
    }
    expect((await row(phone, BEN))?.draft).toBe("");
    expect(phone.events).toContainEqual({ type: "conversation", peer: BEN });
  });

  test("decisions at the same time, apart from each other, come to the same on both", async () => {
    const { world, ann, phone, ben } = await sceneOfThree(12);
    ann.network.partition();
    phone.network.partition();
    await ann.up.updateConversation(BEN, { archived: true, mutedUntil: 5_000_000_000 });
    await world.settle(1);
    await phone.up.updateConversation(BEN, { mutedUntil: 6_000_000_000 });
    await ann.up.updateConversation(BEN, { pinned: true });
    await phone.up.updateConversation(BEN, { pinned: true });
    await phone.up.updateConversation(BEN, { pinned: false });
    await ben.up.send(ANN, "meanwhile");
    phone.network.heal();
    await world.settle(60);
    ann.network.heal();
    await world.settle(60);
    const [one, other] = [await row(ann, BEN), await row(phone, BEN)];
    expect(one).toMatchObject({ archived: true, mutedUntil: 6_000_000_000 });
    const { pinned, markedUnread } = one as NonNullable<typeof one>;
    expect(other).toMatchObject({ archived: true, mutedUntil: 6_000_000_000, pinned, markedUnread });
  });

  test("a message that brings a conversation back brings it back on both, archiving it again lasts", async () => {
    const { world, ann, phone, ben } = await sceneOfThree(13);
    await ann.up.updateConversation(BEN, { archived: true });
    await world.settle();
    phone.network.partition();
    await ben.up.send(ANN, "news");
    await world.settle();
    expect((await row(ann, BEN))?.archived).toBe(false);
    await world.settle(400);
    await ann.up.updateConversation(BEN, { archived: true });
    phone.network.heal();
    await world.settle(60);
    for (const device of [ann, phone]) expect((await row(device, BEN))?.archived).toBe(true);
  });

  test("what is deleted on one goes on the other, with what had not come there yet, and nothing that is newer", async () => {
    const { world, ann, phone, ben } = await sceneOfThree(14);
    phone.network.partition();
    await ben.up.send(ANN, "one");
    await ann.up.send(BEN, "two");
    await world.settle();
    await ann.up.deleteConversation(BEN);
    await world.settle();
    await ben.up.send(ANN, "after");
    await world.settle();
    phone.network.heal();
    await world.settle(60);
    expect(await bodies(ann, BEN)).toEqual(["after"]);
    expect(await bodies(phone, BEN)).toEqual(["after"]);
    expect(await row(phone, BEN)).toMatchObject({ unread: 1 });
  });

  test("a group that is left and deleted goes on both", async () => {
    const { world, ann, ben, phone } = await sceneOfThree(15);
    await world.during(ben.up.createGroup("Choir", [ANN]));
    await ben.up.send("Choir", "la");
    await world.settle(60);
    expect(await bodies(phone, "Choir")).toEqual(["la"]);
    await world.during(ann.up.leaveGroup("Choir"));
    await ann.up.deleteConversation("Choir");
    await world.settle(60);
    expect(await ann.up.groups()).toEqual([]);
    expect(await phone.up.groups()).toEqual([]);
  });

  test("a new device learns what was decided before it came", async () => {
    const { world, ann, ben } = await scene(16);
    await world.during(ben.up.createGroup("Choir", [ANN]));
    await world.settle(30);
    await ann.up.updateConversation(BEN, { pinned: true });
    await ann.up.updateConversation("Choir", { archived: true });
    const phone = await world.linked(ann);
    await phone.start();
    await world.until(async () => (await row(phone, BEN))?.pinned === true);
    await world.until(async () => (await row(phone, "Choir"))?.archived === true);
    expect(await row(phone, BEN)).toMatchObject({ archived: false, markedUnread: false });
  });
});

describe("a process that is killed", () => {
  test.each(["before", "after"] as const)(
    "%s each effect of deciding and deleting",
    { timeout: 300_000 },
    async (when) => {
      for (let effect = 0; ; effect++) {
        const { world, ann, phone } = await sceneOfThree(100 + effect);
        let count = 0;
        ann.fate = () => (count++ === effect ? when : false);
        ann.up.updateConversation(BEN, { pinned: true }).catch(() => undefined);
        await world.settle(1);
        if (ann.alive) ann.up.deleteConversation(BEN).catch(() => undefined);
        await world.settle(1);
        const wasKilled = !ann.alive;
        ann.fate = () => false;
        if (wasKilled) await ann.start();
        await world.settle(60);
        // Whatever was stored before it died, both devices agree.
        expect(await row(phone, BEN), `effect ${effect}`).toEqual(await row(ann, BEN));
        expect(await bodies(phone, BEN)).toEqual(await bodies(ann, BEN));
        if (!wasKilled) break;
      }
    },
  );
});
