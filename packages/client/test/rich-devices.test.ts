/** Reactions, edits, deletions and disappearing messages on several devices of one person: all come to the same. */
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { describe, expect, test, vi } from "vitest";
import type { Message } from "../src/api.ts";
import { names } from "../src/core/records.ts";
import { plaintextOfVault } from "./support/vault-plaintext.ts";

vi.setConfig({ testTimeout: 60_000 });

async function scene(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  for (const device of world.devices) await device.start();
  await world.settle();
  return { world, ann, ben };
}

/** The same with a phone of Ann's, linked before anything is written. */
async function withPhone(seed: number) {
  const played = await scene(seed);
  const phone = await played.world.linked(played.ann);
  await phone.start();
  await played.world.settle(60);
  return { ...played, phone };
}

/** What must be the same on every device of one person. */
const shared = (message: Message) => ({ ...message, status: undefined });
/** A message whose time runs, since when so ever. */
const running = (message: object) => ({ ...message, expiresAt: expect.any(Number) });
const sharedHistory = async ({ up }: SimulatedDevice, peer: string) =>
  (await up.history(peer)).map((message) => shared(message));

describe("two devices of one person", () => {
  test("follow each other's reactions, edits and deletions, and those that come at the same moment", async () => {
    const { world, ann, ben, phone } = await withPhone(1);
    const devices = [ann, ben, phone];
    const peerOf = (device: SimulatedDevice) => (device === ben ? ann.identifier : ben.identifier);
    const mine = await ann.up.send(ben.identifier, "mine");
    await world.settle();
    const theirs = await ben.up.send(ann.identifier, "theirs");
    await world.settle(60);
    await phone.up.react(ben.identifier, theirs.id, "👍");
    await phone.up.edit(ben.identifier, mine.id, "mine, from the phone");
    await world.settle();
    for (const device of devices) {
      expect(await device.up.message(peerOf(device), mine.id)).toMatchObject({
        body: "mine, from the phone",
      });
      const { reactions } = await device.up.message(peerOf(device), theirs.id);
      expect(reactions).toMatchObject([{ emoji: "👍", from: ann.identifier, own: device !== ben }]);
    }
    // At the same moment, before either heard of the other.
    await Promise.all([
      ann.up.react(ben.identifier, theirs.id, "😀"),
      phone.up.react(ben.identifier, theirs.id, "😴"),
      ann.up.edit(ben.identifier, mine.id, "from the laptop"),
      phone.up.edit(ben.identifier, mine.id, "from the phone"),
    ]);
    await world.settle(10);
    const [one, ...others] = await Promise.all(
      devices.map(async (device) => {
        const { body, editedAt } = await device.up.message(peerOf(device), mine.id);
        const { reactions } = await device.up.message(peerOf(device), theirs.id);
        return { body, editedAt, emoji: reactions?.map(({ emoji }) => emoji) };
      }),
    );
    for (const other of others) expect(other).toEqual(one);
    await phone.up.deleteMessage(ben.identifier, mine.id, { forEveryone: true });
    await world.settle();
    for (const device of devices) {
      expect(await device.up.message(peerOf(device), mine.id)).toMatchObject({ deleted: true, body: "" });
      expect(await plaintextOfVault(device)).not.toContain("from the laptop");
    }
  });

  test("delete what disappears on both, from when it was read on either", async () => {
    const { world, ann, ben, phone } = await withPhone(2);
    await ben.up.send(ann.identifier, "for a minute", { expiresAfter: 60 });
    await ben.up.send(ann.identifier, "stays");
    await world.settle(100);
    expect(await ann.up.history(ben.identifier)).toHaveLength(2);
    await phone.up.markRead(ben.identifier);
    await world.settle(55);
    expect(await ann.up.history(ben.identifier)).toHaveLength(2);
    await world.settle(10);
    for (const device of [ann, phone]) {
      expect((await device.up.history(ben.identifier)).map(({ body }) => body)).toEqual(["stays"]);
      expect(await plaintextOfVault(device)).not.toContain("for a minute");
    }
    // Without receipts too.
    await phone.up.updateSettings({ readReceipts: false });
    await ben.up.send(ann.identifier, "for another minute", { expiresAfter: 60 });
    await world.settle(5);
    await phone.up.markRead(ben.identifier);
    await world.settle(70);
    expect(await ann.up.history(ben.identifier)).toHaveLength(1);
    // What one sends, goes on both as well.
    await ann.up.send(ben.identifier, "sent for a minute", { expiresAfter: 60 });
    await world.settle(70);
    expect(await phone.up.history(ben.identifier)).toHaveLength(1);
    expect(await ben.up.history(ann.identifier)).toHaveLength(2);
  });

  test("clear a conversation on both; it stays in the list", async () => {
    const { world, ann, ben, phone } = await withPhone(3);
    await ben.up.send(ann.identifier, "to be cleared");
    await world.settle();
    await ann.up.clearConversation(ben.identifier);
    await world.settle();
    for (const device of [ann, phone]) {
      expect(await device.up.history(ben.identifier)).toEqual([]);
      expect((await device.up.conversations())[0]).toMatchObject({ peer: ben.identifier, last: undefined });
      expect(await plaintextOfVault(device)).not.toContain("to be cleared");
    }
  });
});

describe("a device that is linked later", () => {
  test("gets everything that messages have come to", async () => {
    const { world, ann, ben } = await scene(4);
    await world.during(ann.up.createGroup("Club", [ben.identifier]));
    await world.settle(60);
    const first = await ann.up.send("Club", "at sevn");
    const second = await ben.up.send("Club", "oops");
    await world.settle();
    await ann.up.edit("Club", first.id, "at seven");
    await ben.up.react("Club", first.id, "👍");
    await ann.up.react("Club", first.id, "👎");
    await ann.up.react("Club", first.id, "");
    await ben.up.send("Club", "see you", { replyTo: first.id, forwarded: true });
    await ben.up.deleteMessage("Club", second.id, { forEveryone: true });
    await world.settle();
    await world.during(ann.up.setTimer("Club", 86_400));
    await ann.up.send("Club", "read, and soon gone");
    await ben.up.send("Club", "not read yet");
    await world.settle();
    await ben.up.markRead("Club");
    await world.settle();
    const phone = await world.linked(ann);
    await phone.start();
    await world.until(() => phone.events.some(({ type }) => type === "history"));
    await world.settle(30);
    const [laptop, linked] = [await sharedHistory(ann, "Club"), await sharedHistory(phone, "Club")];
    // What the laptop has not shown counts as seen on the phone: its time runs there.
    expect(linked.map((message) => running(message))).toEqual(laptop.map((message) => running(message)));
    expect(linked.slice(0, -1)).toEqual(laptop.slice(0, -1));
    expect(linked.filter(({ kind }) => kind === "timer")).toHaveLength(1);
    expect(await phone.up.receipts("Club", first.id)).toEqual(await ann.up.receipts("Club", first.id));
    expect((await phone.up.receipts("Club", first.id))[0]?.readAt).toBeGreaterThan(0);
    // The reaction that was taken back stays so, though an older one comes again; and all goes on.
    await phone.up.edit("Club", first.id, "at eight");
    await phone.up.react("Club", first.id, "🎉");
    await world.settle();
    expect(await sharedHistory(ann, "Club")).toMatchObject([{ body: "at eight" }, {}, {}, {}, {}, {}]);
    await world.settle(86_500);
    for (const device of [ann, phone]) {
      expect(await plaintextOfVault(device)).not.toContain("soon gone");
    }
    expect(await plaintextOfVault(phone)).not.toContain("not read yet");
  });

  test("keeps changes that come before the history, and applies them then", async () => {
    const { world, ann, ben } = await scene(5);
    const old = await ann.up.send(ben.identifier, "old");
    const theirs = await ben.up.send(ann.identifier, "theirs, first");
    const regretted = await ben.up.send(ann.identifier, "regretted");
    await world.settle(60);
    const phone = await world.linked(ann);
    // The laptop dies before it has shared anything; Ben lets the phone in.
    ann.kill();
    await phone.start();
    await world.settle(200);
    await world.during(ben.up.contact(ann.identifier));
    await ben.up.send(ann.identifier, "hello, phone");
    await world.settle(30);
    expect((await phone.up.history(ben.identifier)).map(({ body }) => body)).toEqual(["hello, phone"]);
    await ben.up.react(ann.identifier, old.id, "👍");
    await ben.up.edit(ann.identifier, theirs.id, "theirs, second");
    await ben.up.deleteMessage(ann.identifier, regretted.id, { forEveryone: true });
    await world.settle();
    expect(await phone.stored.page(names.earlyChanges)).toHaveLength(3);
    phone.kill();
    await phone.start();
    await world.settle();
    await ann.start();
    await world.until(async () => (await phone.up.history(ben.identifier)).length === 4);
    const [first, second, third] = await phone.up.history(ben.identifier);
    expect(first).toMatchObject({ body: "old", reactions: [{ emoji: "👍", from: ben.identifier }] });
    expect(second).toMatchObject({ body: "theirs, second", editedAt: expect.any(Number) });
    expect(third).toMatchObject({ body: "", deleted: true });
    expect(await phone.stored.page(names.earlyChanges)).toEqual([]);
    expect(await plaintextOfVault(phone)).not.toContain("regretted");
  });
});
