/** Messages that disappear, and the timers of conversations, between whole clients in a simulated world. */
import { SimulatedWorld } from "@sotto/testkit/simulation";
import { describe, expect, test } from "vitest";
import type { Messenger } from "../src/api.ts";
import { plaintextOfVault } from "./support/vault-plaintext.ts";

async function scene(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  const cleo = await world.device("+15551230003");
  for (const device of world.devices) await device.start();
  await world.settle();
  return { world, ann, ben, cleo };
}

const bodies = async (up: Messenger, conversation: string) =>
  (await up.history(conversation)).map(({ body }) => body);
const timer = async (up: Messenger) => (await up.conversations())[0]?.timer;

describe("a message that disappears", () => {
  test("goes from when it was sent here, and from when it was read there", async () => {
    const { world, ann, ben } = await scene(1);
    const kept = await ann.up.send(ben.identifier, "stays");
    const message = await ann.up.send(ben.identifier, "soon gone", { expiresAfter: 60 });
    expect(message).toMatchObject({ expiresAfter: 60 });
    expect(message.expiresAt).toBeUndefined();
    await world.settle(5);
    const sent = await ann.up.message(ben.identifier, message.id);
    expect(sent.expiresAt).toBeGreaterThan(world.clock.nowMs() / 1000);
    expect(await ben.up.message(ann.identifier, message.id)).toMatchObject({ expiresAfter: 60 });
    await ben.up.react(ann.identifier, message.id, "👀");
    await world.settle(70);
    expect(await bodies(ann.up, ben.identifier)).toEqual(["stays"]);
    expect(await plaintextOfVault(ann)).not.toContain("soon gone");
    // Nobody has read it yet: its time does not run here.
    expect(await bodies(ben.up, ann.identifier)).toEqual(["stays", "soon gone"]);
    await ben.up.markRead(ann.identifier);
    await world.settle(50);
    expect(await bodies(ben.up, ann.identifier)).toEqual(["stays", "soon gone"]);
    await world.settle(15);
    expect(await bodies(ben.up, ann.identifier)).toEqual(["stays"]);
    expect(await plaintextOfVault(ben)).not.toContain("soon gone");
    expect(await plaintextOfVault(ben)).not.toContain("👀");
    expect(ben.events).toContainEqual({
      type: "messages_removed",
      conversation: ann.identifier,
      ids: [message.id],
    });
    expect(ben.events).toContainEqual(expect.objectContaining({ type: "message_changed", change: "expiry" }));
    expect((await ben.up.conversations())[0]?.last?.id).toBe(kept.id);
  });

  test("is gone before anything is shown when it was due while the device was off", async () => {
    const { world, ann, ben } = await scene(2);
    await ann.up.send(ben.identifier, "soon gone", { expiresAfter: 3_600 });
    await world.settle(5);
    await ben.up.markRead(ann.identifier);
    await world.settle(5);
    ben.kill();
    await world.settle(3_700);
    const up = await ben.start();
    expect(await bodies(up, ann.identifier)).toEqual([]);
    expect(await plaintextOfVault(ben)).not.toContain("soon gone");
    ann.kill();
    await ann.start();
    expect(await bodies(ann.up, ben.identifier)).toEqual([]);
  });

  test("waits for its time across a failure of the storage, however far away it is", async () => {
    const { world, ann, ben } = await scene(3);
    await ann.up.send(ben.identifier, "gone in ten days", { expiresAfter: 864_000 });
    await world.settle(5);
    await ben.up.markRead(ann.identifier);
    await world.settle(5);
    let failures = 1;
    ben.fate = () => (failures-- > 0 ? "fails" : false);
    await ann.up.send(ben.identifier, "stays");
    await world.settle(86_400 * 9);
    expect(await bodies(ben.up, ann.identifier)).toEqual(["gone in ten days", "stays"]);
    await world.settle(86_400 * 2);
    expect(await plaintextOfVault(ben)).not.toContain("gone in ten days");
  });

  test("that was taken back before it was read goes as well", async () => {
    const { world, ann, ben } = await scene(4);
    const message = await ann.up.send(ben.identifier, "oops", { expiresAfter: 60 });
    await world.settle(5);
    await ann.up.deleteMessage(ben.identifier, message.id, { forEveryone: true });
    await world.settle(5);
    expect(await ben.up.message(ann.identifier, message.id)).toMatchObject({ deleted: true });
    await world.settle(70);
    expect(await bodies(ben.up, ann.identifier)).toEqual([]);
  });
});

describe("a conversation's timer", () => {
  test("holds for both sides, is shown as a line, and each text carries it", async () => {
    const { world, ann, ben } = await scene(5);
    await ann.up.send(ben.identifier, "before");
    await world.settle(60);
    await world.during(ann.up.setTimer(ben.identifier, 86_400));
    await ben.up.markRead(ann.identifier);
    const answer = await ben.up.send(ann.identifier, "after");
    expect(answer.expiresAfter).toBe(86_400);
    await world.settle();
    for (const [one, other] of [
      [ann, ben],
      [ben, ann],
    ] as const) {
      const [before, line, after] = await one.up.history(other.identifier);
      expect(before?.expiresAfter).toBeUndefined();
      expect(line).toMatchObject({
        kind: "timer",
        timer: 86_400,
        from: ann.identifier,
        body: "Messages disappear 1 day after they were read.",
      });
      expect(after).toMatchObject({ body: "after", expiresAfter: 86_400 });
      expect(await timer(one.up)).toBe(86_400);
    }
    // A line is nothing unread, and nothing that can be acted on.
    const line = (await ben.up.history(ann.identifier)).find(({ kind }) => kind === "timer");
    expect((await ben.up.conversations())[0]?.unread).toBe(0);
    await expect(ben.up.react(ann.identifier, line?.id ?? "", "👍")).rejects.toMatchObject({ code: "usage" });
    await world.during(ben.up.setTimer(ann.identifier, 0));
    await world.settle();
    expect(await timer(ann.up)).toBeUndefined();
    expect((await ann.up.send(ben.identifier, "for good")).expiresAfter).toBeUndefined();
    expect(await bodies(ann.up, ben.identifier)).toContain("Messages do not disappear any more.");
    await expect(ann.up.setTimer(ben.identifier, -1)).rejects.toMatchObject({ code: "usage" });
    await expect(ann.up.setTimer(ben.identifier, 31_536_001)).rejects.toMatchObject({ code: "usage" });
  });

  test("set before the first word is what the pair begins with, whoever writes it", async () => {
    const { world, ann, ben, cleo } = await scene(6);
    await world.during(ann.up.contact(ben.identifier));
    await ann.up.setTimer(ben.identifier, 3_600);
    expect((await ann.up.send(ben.identifier, "hi")).expiresAfter).toBe(3_600);
    await world.settle();
    expect(
      (await ben.up.history(ann.identifier)).map(({ kind, expiresAfter }) => kind ?? expiresAfter),
    ).toEqual(["timer", 3_600]);
    expect((await ben.up.send(ann.identifier, "hi")).expiresAfter).toBe(3_600);
    // Cleo writes first: what Ann had wished for comes with a change of hers.
    await world.during(ann.up.contact(cleo.identifier));
    await ann.up.setTimer(cleo.identifier, 60);
    await cleo.up.send(ann.identifier, "hello");
    await world.settle(60);
    expect(await timer(cleo.up)).toBe(60);
    expect((await cleo.up.send(ann.identifier, "again")).expiresAfter).toBe(60);
    expect((await ann.up.send(cleo.identifier, "yes")).expiresAfter).toBe(60);
  });

  test("of a group is changed by whoever may rename it, and known to those who come later", async () => {
    const { world, ann, ben, cleo } = await scene(7);
    await world.during(ann.up.createGroup("Club", [ben.identifier]));
    await world.settle(60);
    await expect(ben.up.setTimer("Club", 60)).rejects.toMatchObject({ code: "group_forbidden" });
    await ann.up.send("Club", "hello");
    await world.settle();
    await world.during(ann.up.setTimer("Club", 604_800));
    await world.during(ann.up.addToGroup("Club", [cleo.identifier]));
    await world.settle(60);
    expect((await cleo.up.send("Club", "new here")).expiresAfter).toBe(604_800);
    expect((await cleo.up.history("Club"))[0]).toMatchObject({ kind: "timer", timer: 604_800 });
    expect((await ben.up.history("Club"))[1]).toMatchObject({ kind: "timer", from: ann.identifier });
    expect(await timer(ben.up)).toBe(604_800);
  });

  test("stays when a pair is made anew, and a change that waits comes with the new one", async () => {
    const { world, ann, ben } = await scene(8);
    await ann.up.send(ben.identifier, "hi");
    await world.settle(60);
    await world.during(ann.up.setTimer(ben.identifier, 3_600));
    await world.settle(60);
    const [record] = await ben.groups();
    ben.kill();
    const { groupNames } = await import("@sotto/client/parts");
    await ben.tamper((draft) => draft.delete(groupNames.state(record?.id ?? "")));
    await ben.start();
    await world.settle(120);
    const pairs = (await ann.groups()).filter(({ kind, state }) => kind === "pair" && state === "joined");
    expect(pairs.map(({ id }) => id)).not.toContain(record?.id);
    expect(await timer(ann.up)).toBe(3_600);
    expect(await timer(ben.up)).toBe(3_600);
    expect((await ann.up.history(ben.identifier)).filter(({ kind }) => kind === "timer")).toHaveLength(1);
    expect((await ben.up.history(ann.identifier)).filter(({ kind }) => kind === "timer")).toHaveLength(1);
  });
});
