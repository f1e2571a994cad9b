/** Answers, reactions, edits and messages that are taken back, between whole clients in a simulated world. */
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { describe, expect, test } from "vitest";
import type { Message } from "../src/api.ts";
import { groupNames } from "../src/core/groups/records.ts";
import { plaintextOfVault } from "./support/vault-plaintext.ts";

async function scene(seed: number, relation: "known" | "strangers" = "known") {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  const cleo = await world.device("+15551230003");
  for (const device of world.devices) await device.start();
  await world.settle();
  // Whoever knows the other gets no request.
  for (const { up, identifier } of relation === "known" ? world.devices : []) {
    for (const other of world.devices) {
      if (other.identifier === identifier) continue;
      await world.during(up.contact(other.identifier));
      await up.setVerified(other.identifier, true);
    }
  }
  return { world, ann, ben, cleo };
}

/** A scene with a group of the three. */
async function club(seed: number) {
  const played = await scene(seed);
  const { world, ann, ben, cleo } = played;
  await world.during(ann.up.createGroup("Club", [ben.identifier, cleo.identifier]));
  await world.settle(60);
  return { ...played, all: [ann, ben, cleo] };
}

const last = async ({ up }: SimulatedDevice, conversation: string): Promise<Message> =>
  (await up.history(conversation)).at(-1) as Message;

describe("an answer", () => {
  test("quotes what it answers, found where it is, and says that a text was forwarded", async () => {
    const { world, ann, ben } = await scene(1);
    const first = await ann.up.send(ben.identifier, "shall we?");
    await world.settle();
    await ben.up.send(ann.identifier, "yes", { replyTo: first.id, forwarded: true });
    await world.settle();
    const quote = { id: first.id, from: ann.identifier, body: "shall we?", found: true };
    expect(await last(ann, ben.identifier)).toMatchObject({ body: "yes", replyTo: quote, forwarded: true });
    expect(await last(ben, ann.identifier)).toMatchObject({ body: "yes", replyTo: quote, forwarded: true });
    await ann.up.edit(ben.identifier, first.id, "shall we go?");
    await world.settle();
    expect((await last(ben, ann.identifier)).replyTo).toMatchObject({ body: "shall we go?" });
    expect((await ben.up.message(ann.identifier, first.id)).replyTo).toBeUndefined();
  });

  test("brings an excerpt for those who came later, which goes with the message that it quotes", async () => {
    const { world, ann, ben, cleo } = await scene(2);
    await world.during(ann.up.createGroup("Club", [ben.identifier]));
    await world.settle(60);
    const old = await ann.up.send("Club", `from before ${"x".repeat(1_000)}`);
    const secret = await ann.up.send("Club", "gone in a minute", { expiresAfter: 60 });
    await world.settle();
    await world.during(ann.up.addToGroup("Club", [cleo.identifier]));
    await world.settle(10);
    await ben.up.send("Club", "to the old", { replyTo: old.id });
    await ben.up.send("Club", "to the secret", { replyTo: secret.id });
    await world.settle();
    const [toOld, toSecret] = await cleo.up.history("Club");
    expect(toOld?.replyTo).toMatchObject({ id: old.id, from: ann.identifier, found: false });
    expect(toOld?.replyTo?.body).toBe(`from before ${"x".repeat(500)}`);
    expect(toSecret?.replyTo).toMatchObject({ id: secret.id, body: undefined, found: false });
    await ann.up.deleteMessage("Club", old.id, { forEveryone: true });
    await world.settle();
    expect((await cleo.up.history("Club"))[0]?.replyTo).toMatchObject({ body: undefined, found: false });
    expect(await plaintextOfVault(cleo)).not.toContain("from before");
    expect((await ben.up.history("Club"))[2]?.replyTo).toMatchObject({ body: "", found: true });
  });

  test("goes to a message of this conversation only", async () => {
    const { world, ann, ben, cleo } = await scene(3);
    const toBen = await ann.up.send(ben.identifier, "hi");
    await ann.up.send(cleo.identifier, "hi");
    await world.settle();
    await expect(ann.up.send(cleo.identifier, "no", { replyTo: toBen.id })).rejects.toMatchObject({
      code: "usage",
    });
  });
});

describe("a reaction", () => {
  test("is one of each person, the last wins, and it can be taken back; everybody sees the same", async () => {
    const { world, ann, ben, cleo, all } = await club(4);
    const message = await ann.up.send("Club", "cake!");
    await world.settle();
    await ben.up.react("Club", message.id, "👍");
    await cleo.up.react("Club", message.id, "🎂");
    await ann.up.react("Club", message.id, "❤️");
    await world.settle();
    await ben.up.react("Club", message.id, "👨‍👩‍👧‍👦");
    await cleo.up.react("Club", message.id, "");
    await world.settle();
    for (const device of all) {
      const { reactions } = await device.up.message("Club", message.id);
      expect(reactions?.map(({ emoji, from }) => [emoji, from])).toEqual([
        ["❤️", ann.identifier],
        ["👨‍👩‍👧‍👦", ben.identifier],
      ]);
      expect(reactions?.find(({ own }) => own)?.from).toBe(device === cleo ? undefined : device.identifier);
    }
    expect(ben.events.filter(({ type }) => type === "message_changed").length).toBeGreaterThanOrEqual(5);
    await expect(ann.up.react("Club", message.id, "two")).rejects.toMatchObject({ code: "usage" });
    await expect(ann.up.react("Club", "0".repeat(32), "👍")).rejects.toMatchObject({ code: "usage" });
  });

  test("to a message with a person, offline, goes out with the next connection", async () => {
    const { world, ann, ben } = await scene(5);
    const message = await ann.up.send(ben.identifier, "hello");
    await world.settle();
    await world.settle(60);
    ben.network.partition();
    await ben.up.react(ann.identifier, message.id, "👋");
    await world.settle(20);
    expect((await ann.up.message(ben.identifier, message.id)).reactions).toBeUndefined();
    ben.network.heal();
    await world.settle(120);
    expect((await ann.up.message(ben.identifier, message.id)).reactions).toMatchObject([{ emoji: "👋" }]);
  });
});

describe("a request", () => {
  test.each([
    [
      "a reaction",
      async (device: SimulatedDevice, peer: string, id: string) =>
        void (await device.up.react(peer, id, "👍")),
    ],
    ["a timer", async (device: SimulatedDevice, peer: string) => device.up.setTimer(peer, 60)],
  ])("is accepted by %s", async (_, answer) => {
    const { world, ann, ben } = await scene(18, "strangers");
    const message = await ann.up.send(ben.identifier, "hello");
    await world.settle(60);
    await ben.up.markRead(ann.identifier);
    await world.settle();
    expect((await ben.up.conversations())[0]?.request?.from).toBe(ann.identifier);
    expect((await ann.up.message(ben.identifier, message.id)).status).toBe("delivered");
    await world.during(answer(ben, ann.identifier, message.id));
    await world.settle();
    expect((await ben.up.conversations())[0]?.request).toBeUndefined();
    expect((await ann.up.message(ben.identifier, message.id)).status).toBe("read");
  });
});

describe("an edit", () => {
  test("changes the text everywhere, keeps no older one, and comes from whoever sent the message only", async () => {
    const { world, ann, ben, cleo, all } = await club(6);
    const message = await ann.up.send("Club", "at sevn");
    await world.settle();
    await ben.up.react("Club", message.id, "👍");
    const edited = await ann.up.edit("Club", message.id, "at seven");
    expect(edited).toMatchObject({ body: "at seven", editedAt: expect.any(Number) });
    await world.settle();
    await ann.up.edit("Club", message.id, "at eight");
    await world.settle();
    for (const device of all) {
      const now = await device.up.message("Club", message.id);
      expect(now).toMatchObject({ body: "at eight", editedAt: (edited.editedAt ?? 0) + 5 });
      expect(now.reactions).toHaveLength(1);
      expect(await device.up.history("Club")).toHaveLength(1);
      expect(await plaintextOfVault(device)).not.toContain("at sev");
      expect((await device.up.conversations())[0]?.last?.body).toBe("at eight");
    }
    expect(cleo.events).toContainEqual(
      expect.objectContaining({
        type: "message_changed",
        change: "edited",
        message: expect.objectContaining({ id: message.id, body: "at eight" }),
      }),
    );
    await expect(ben.up.edit("Club", message.id, "mine")).rejects.toMatchObject({ code: "usage" });
    await expect(ann.up.edit("Club", message.id, "x".repeat(65_537))).rejects.toMatchObject({
      code: "message_too_large",
    });
  });

  test("of a message that waits to be sent goes out once, as it is then", async () => {
    const { world, ann, ben } = await scene(7);
    await ann.up.send(ben.identifier, "hello");
    await world.settle(60);
    ann.network.partition();
    const message = await ann.up.send(ben.identifier, "drafft");
    await ann.up.edit(ben.identifier, message.id, "draft");
    await ann.up.edit(ben.identifier, message.id, "done");
    ann.network.heal();
    await world.settle(120);
    const shown = ben.received.filter(({ id }) => id === message.id);
    expect(shown.map(({ body }) => body)).toEqual(["done"]);
    expect(await last(ben, ann.identifier)).toMatchObject({ body: "done", editedAt: expect.any(Number) });
    expect((await ann.up.doctor()).queued).toBe(0);
  });
});

describe("a message that is taken back", () => {
  test("leaves nothing in any vault, and late edits and reactions do nothing", async () => {
    const { world, ann, ben, cleo, all } = await club(8);
    const message = await ann.up.send("Club", "a secret that slipped");
    await world.settle();
    await cleo.up.markRead("Club");
    await ben.up.react("Club", message.id, "😮");
    await world.settle();
    expect((await ben.up.conversations())[0]?.unread).toBe(1);
    cleo.network.partition();
    await cleo.up.react("Club", message.id, "🙈");
    await expect(ben.up.deleteMessage("Club", message.id, { forEveryone: true })).rejects.toMatchObject({
      code: "usage",
    });
    await ann.up.deleteMessage("Club", message.id, { forEveryone: true });
    await world.settle(5);
    cleo.network.heal();
    await world.settle(120);
    for (const device of all) {
      const left = await device.up.message("Club", message.id);
      expect(left).toMatchObject({ body: "", deleted: true });
      expect(left.reactions).toBeUndefined();
      const vault = await plaintextOfVault(device);
      expect(vault).not.toContain("slipped");
      expect(vault).not.toContain("🙈");
      expect((await device.up.conversations())[0]).toMatchObject({ unread: 0, last: { deleted: true } });
    }
    await expect(ann.up.edit("Club", message.id, "again")).rejects.toMatchObject({ code: "usage" });
    await expect(ann.up.react("Club", message.id, "👍")).rejects.toMatchObject({ code: "usage" });
    // A message that was never shown is not shown as an empty one.
    const iterator = ben.up.messages({ signal: AbortSignal.timeout(10) })[Symbol.asyncIterator]();
    expect((await iterator.next()).done).toBe(true);
  });

  test("before it went out never goes out", async () => {
    const { world, ann, ben } = await scene(9);
    await ann.up.send(ben.identifier, "hello");
    await world.settle(60);
    ann.network.partition();
    const message = await ann.up.send(ben.identifier, "never mind");
    const waits = ann.up.whenSent(message.id).catch((error: unknown) => error);
    await ann.up.deleteMessage(ben.identifier, message.id, { forEveryone: true });
    expect(await waits).toMatchObject({ code: "usage" });
    await ann.up.send(ben.identifier, "after");
    ann.network.heal();
    await world.settle(120);
    expect((await ben.up.history(ann.identifier)).map(({ body }) => body)).toEqual(["hello", "after"]);
    expect((await ann.up.history(ben.identifier)).map(({ body }) => body)).toEqual(["hello", "after"]);
    expect(ann.events).toContainEqual({
      type: "messages_removed",
      conversation: ben.identifier,
      ids: [message.id],
    });
  });
});

describe("deleting here", () => {
  test("takes one message from this device alone, and it never comes back", async () => {
    const { world, ann, ben } = await scene(10);
    const first = await ann.up.send(ben.identifier, "one");
    const second = await ann.up.send(ben.identifier, "two, to be forgotten");
    await world.settle();
    await ben.up.deleteMessage(ann.identifier, second.id);
    expect((await ben.up.conversations())[0]).toMatchObject({ unread: 1, last: { id: first.id } });
    expect(await plaintextOfVault(ben)).not.toContain("forgotten");
    await ann.up.react(ben.identifier, second.id, "👍");
    await ann.up.edit(ben.identifier, second.id, "two, still here");
    await world.settle();
    ben.kill();
    await ben.start();
    await world.settle();
    expect((await ben.up.history(ann.identifier)).map(({ body }) => body)).toEqual(["one"]);
    expect((await ann.up.history(ben.identifier)).map(({ body }) => body)).toEqual([
      "one",
      "two, still here",
    ]);
    await expect(ben.up.message(ann.identifier, second.id)).rejects.toMatchObject({ code: "usage" });
  });

  test("clears a whole conversation, which stays in the list and goes on", async () => {
    const { world, ann, ben } = await club(11);
    for (let n = 0; n < 20; n++) await ann.up.send("Club", `number ${n}`);
    await world.settle();
    await ben.up.clearConversation("Club");
    expect(await ben.up.history("Club")).toEqual([]);
    expect(await plaintextOfVault(ben)).not.toContain("number ");
    expect((await ben.up.conversations())[0]).toMatchObject({ peer: "Club", unread: 0, last: undefined });
    expect(ben.events).toContainEqual(expect.objectContaining({ type: "conversation", deleted: true }));
    await ann.up.send("Club", "afterwards");
    await world.settle();
    expect((await ben.up.history("Club")).map(({ body }) => body)).toEqual(["afterwards"]);
    expect(await ann.up.history("Club")).toHaveLength(21);
  });
});

describe("receipts", () => {
  test("say of each person of a group who has a message and who read it", async () => {
    const { world, ann, ben, cleo } = await club(12);
    cleo.network.partition();
    const message = await ann.up.send("Club", "well?");
    await world.settle();
    await ben.up.markRead("Club");
    await world.settle();
    const [toBen, toCleo] = await ann.up.receipts("Club", message.id);
    expect(toBen).toMatchObject({ identifier: ben.identifier, delivered: true, read: true });
    expect(toBen?.readAt).toBeGreaterThanOrEqual(toBen?.deliveredAt ?? Infinity);
    expect(toCleo).toEqual({
      identifier: cleo.identifier,
      accountId: cleo.account,
      delivered: false,
      deliveredAt: undefined,
      read: false,
      readAt: undefined,
    });
    expect((await ann.up.message("Club", message.id)).status).toBe("sent");
    expect(ann.events).toContainEqual(
      expect.objectContaining({ type: "message_changed", change: "receipt" }),
    );
    await expect(ben.up.receipts("Club", message.id)).rejects.toMatchObject({ code: "usage" });
    cleo.network.heal();
    await world.settle(120);
    expect((await ann.up.receipts("Club", message.id)).map(({ delivered }) => delivered)).toEqual([
      true,
      true,
    ]);
    expect((await ann.up.message("Club", message.id)).status).toBe("delivered");
  });

  test("say it of one person too, in both suites", async () => {
    const { world, ann, ben } = await scene(13);
    const mls = await ann.up.send(ben.identifier, "over MLS");
    const classic = await ann.up.send(ben.identifier, "classic", { suite: "classic" });
    await world.settle();
    await ben.up.markRead(ann.identifier);
    await world.settle();
    const read = { identifier: ben.identifier, accountId: ben.account, delivered: true, read: true };
    expect(await ann.up.receipts(ben.identifier, mls.id)).toMatchObject([
      { ...read, readAt: expect.any(Number) },
    ]);
    expect(await ann.up.receipts(ben.identifier, classic.id)).toMatchObject([{ ...read, readAt: undefined }]);
  });
});

describe("the classic suite", () => {
  test("refuses what its messages cannot carry, and nothing falls back", async () => {
    const { world, ann, ben } = await scene(14);
    const mls = await ann.up.send(ben.identifier, "over MLS");
    const classic = await ann.up.send(ben.identifier, "classic", { suite: "classic" });
    await world.settle();
    const suite = "classic";
    const refused = { code: "suite_unavailable" };
    await expect(ann.up.send(ben.identifier, "x", { suite, replyTo: mls.id })).rejects.toMatchObject(refused);
    await expect(ann.up.send(ben.identifier, "x", { suite, forwarded: true })).rejects.toMatchObject(refused);
    await expect(ann.up.send(ben.identifier, "x", { suite, expiresAfter: 60 })).rejects.toMatchObject(
      refused,
    );
    await expect(ann.up.react(ben.identifier, classic.id, "👍")).rejects.toMatchObject(refused);
    await expect(ben.up.react(ann.identifier, classic.id, "👍")).rejects.toMatchObject(refused);
    await expect(ann.up.edit(ben.identifier, classic.id, "y")).rejects.toMatchObject(refused);
    await expect(
      ann.up.deleteMessage(ben.identifier, classic.id, { forEveryone: true }),
    ).rejects.toMatchObject(refused);
    await world.during(ann.up.setTimer(ben.identifier, 60));
    await expect(ann.up.send(ben.identifier, "x", { suite })).rejects.toMatchObject(refused);
    await ann.up.send(ben.identifier, "for good, and knowingly", { suite, expiresAfter: 0 });
    // Deleting here is local, and answering a classic message goes over MLS.
    await ann.up.send(ben.identifier, "answer", { replyTo: classic.id });
    await ann.up.deleteMessage(ben.identifier, classic.id);
    await world.settle();
    expect((await ben.up.history(ann.identifier)).map(({ body }) => body)).toContain("classic");
    expect(await last(ben, ann.identifier)).toMatchObject({ replyTo: { id: classic.id, found: true } });
  });
});

describe("whoever breaks the rules", () => {
  test("SOTTO-CONTENT-2: a message with the id of somebody else's is refused, and the first one stays", async () => {
    const { world, ann, ben, cleo } = await club(15);
    ben.network.partition();
    const id = "ab".repeat(16);
    await ben.up.send("Club", "mine", { id });
    const message = await ann.up.send("Club", "the first", { id });
    await world.settle();
    ben.network.heal();
    await world.settle(120);
    for (const device of [ann, cleo]) {
      expect((await device.up.history("Club")).map(({ body }) => body)).toEqual(["the first"]);
      const refused = { type: "refused", from: expect.any(String), code: "message_refused" };
      expect(device.notices).toContainEqual(refused);
    }
    expect((await cleo.up.message("Club", message.id)).from).toBe(ann.identifier);
    await expect(cleo.up.send("Club", "and mine", { id })).rejects.toMatchObject({ code: "usage" });
  });

  test("touches nobody else's message: an edit and a deletion are of the sender's own", async () => {
    const { world, ann, ben, cleo } = await club(16);
    const message = await ann.up.send("Club", "mine");
    const other = await ben.up.send("Club", "Ben's");
    await world.settle();
    // A client of Ben's that asks for it all the same.
    const [group] = await ben.groups();
    const stamp = { atMs: world.clock.nowMs(), id: "cd".repeat(16) };
    ben.kill();
    await ben.tamper((draft) => {
      const conversation = group?.conversation ?? "";
      const list = groupNames.outbox(conversation);
      const target = { account: ben.account, id: message.id };
      draft.putItem(list, 1, { content: { type: "delete", target, stamp } });
      const wrong = { account: ann.account, id: other.id };
      draft.putItem(list, 2, { content: { type: "reaction", target: wrong, emoji: "👎", stamp } });
      draft.putItem(groupNames.outboxes, 1, conversation);
      draft.put(groupNames.outboxOf(conversation), 1);
    });
    await ben.start();
    await world.settle(60);
    expect((await ben.up.doctor()).queued).toBe(0);
    for (const device of [ann, cleo]) {
      const [first, second] = await device.up.history("Club");
      expect(first).toMatchObject({ id: message.id, body: "mine" });
      expect(first?.deleted).toBeUndefined();
      expect(second).toMatchObject({ id: other.id, body: "Ben's" });
      expect(second?.reactions).toBeUndefined();
    }
  });
});

describe("a pair that is made anew", () => {
  test("brings edits, reactions and deletions again that were lost with the old one", async () => {
    const { world, ann, ben } = await scene(17);
    const first = await ann.up.send(ben.identifier, "first");
    const second = await ann.up.send(ben.identifier, "to be taken back");
    await world.settle();
    const theirs = await ben.up.send(ann.identifier, "theirs");
    await world.settle(60);
    const [pair] = await ben.groups();
    ben.kill();
    await ann.up.edit(ben.identifier, first.id, "first, edited");
    await ann.up.react(ben.identifier, theirs.id, "👍");
    await ann.up.deleteMessage(ben.identifier, second.id, { forEveryone: true });
    await ann.up.send(ben.identifier, "third");
    await world.settle();
    await ben.tamper((draft) => draft.delete(groupNames.state(pair?.id ?? "")));
    await ben.start();
    await world.settle(120);
    const shown = await ben.up.history(ann.identifier);
    expect(shown.map(({ body }) => body)).toEqual(["first, edited", "", "theirs", "third"]);
    expect(shown[1]).toMatchObject({ deleted: true });
    expect(shown[2]?.reactions).toMatchObject([{ emoji: "👍", from: ann.identifier }]);
    expect(await plaintextOfVault(ben)).not.toContain("taken back");
  });
});
