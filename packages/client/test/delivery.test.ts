/** Messages and receipts in a world under control: order, waiting, retries, states. */
import { expect, test } from "vitest";
import { parseClassicMessage } from "@sotto/crypto";
import { fromUtf8, utf8 } from "@sotto/protocol";
import { memoryStorage } from "../src/adapters/memory-storage.ts";
import { names } from "../src/core/records.ts";
import { vaultStore } from "../src/core/vault-store.ts";
import { bytesOfId, publishNext } from "./support/forge.ts";
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
  const { id } = await ann.up.send(BEN, "hello", { suite: "classic" });
  expect(await statuses(ann, BEN)).toEqual(["queued"]);
  await world.settle();
  expect(ben.received.map((message) => message.body)).toEqual(["hello"]);
  await ben.up.acceptRequest(ANN);
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
  await ann.up.send(BEN, "hello", { suite: "classic" });
  await world.settle();
  await ben.up.acceptRequest(ANN);
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
  for (let i = 0; i < 10; i++) await ann.up.send(BEN, `number ${i}`, { suite: "classic" });
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
  for (let i = 0; i < 30; i++) await ann.up.send(BEN, `number ${i}`, { suite: "classic" });
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
  await ann.up.send(BEN, "patience", { suite: "classic" });
  await world.settle(1);
  expect(await statuses(ann, BEN)).toEqual(["queued"]);
  await world.settle(60);
  expect(ben.received.map((message) => message.body)).toEqual(["patience"]);

  world.server.refuse = (frame) => (frame.case === "append" ? { code: "classic_switched_off" } : undefined);
  const { id } = await ann.up.send(BEN, "never", { suite: "classic" });
  const outcome = ann.up.whenSent(id).catch((error: unknown) => error);
  await world.settle(60);
  expect(await outcome).toMatchObject({ code: "classic_switched_off" });
  world.server.refuse = () => undefined;
  await ann.up.send(BEN, "after", { suite: "classic" });
  await world.settle(60);
  expect((await ann.up.history(BEN)).at(1)).toMatchObject({
    status: "failed",
    problem: "classic_switched_off",
  });
  expect(ben.received.map((message) => message.body)).toEqual(["patience", "after"]);
  // A message that no device ever saw leaves no gap.
  expect(ben.notices).toEqual([]);
});

test("a message that fails after an answer was lost keeps its number: the server may have it", async () => {
  const { world, ann, ben } = await pair();
  world.server.twist = (frame) => (frame.frame.case === "appended" ? [] : [frame]);
  await ann.up.send(BEN, "taken, but who knows", { suite: "classic" });
  await world.until(() => ben.received.length === 1);
  world.server.twist = (frame) => [frame];
  let refusals = 0;
  world.server.refuse = (frame, device) => {
    if (frame.case !== "append" || device !== ann.device) return undefined;
    refusals++;
    return { code: "classic_switched_off" };
  };
  world.server.cutAll();
  await world.until(() => refusals > 0);
  await world.during(ann.up.flushed());
  world.server.refuse = () => undefined;
  await ann.up.send(BEN, "the next", { suite: "classic" });
  await world.settle(60);
  expect(ben.received.map((message) => message.body)).toEqual(["taken, but who knows", "the next"]);
  const vault = vaultStore(ben.vault, memoryStorage(new Map(ben.rows)));
  expect(await vault.get(names.gaps(ann.account, ann.device))).toMatchObject({ highest: 2, missing: [] });
});

test("writing to nobody fails with identifier_not_found, and other conversations go on", async () => {
  const { world, ann, ben } = await pair();
  const { id } = await ann.up.send("+15551239999", "anybody there?", { suite: "classic" });
  const outcome = ann.up.whenSent(id).catch((error: unknown) => error);
  await ann.up.send(BEN, "hello", { suite: "classic" });
  await world.settle();
  expect(await outcome).toMatchObject({ code: "identifier_not_found" });
  expect(ben.received.map((message) => message.body)).toEqual(["hello"]);
});

test("every device in use gets a copy; one that was revoked meanwhile is looked up again and left out", async () => {
  const { world, ann, ben } = await pair();
  const other = { id: "4".repeat(32), inbox: "5".repeat(32), key: await world.crypto.rsaGenerate() };
  const signer = await world.crypto.ed25519Generate();
  await publishNext(ben, (list) => {
    const [first] = list.devices;
    if (first === undefined) throw new Error("no device");
    list.devices.push({
      ...first,
      deviceId: bytesOfId(other.id),
      inboxId: bytesOfId(other.inbox),
      signatureKey: signer.publicKey,
      inboxKey: new Uint8Array(),
      classicKeys: first.classicKeys.map((key) => ({
        ...key,
        publicKey: other.key.publicKey,
        addedAtSec: list.createdAtSec,
      })),
      addedAtSec: list.createdAtSec,
    });
  });
  await ann.up.send(BEN, "to both", { suite: "classic" });
  await world.settle();
  expect(world.server.inboxes.get(other.inbox)?.entries).toHaveLength(1);
  expect((await ann.up.history(BEN))[0]?.envelopes).toHaveLength(2);

  await publishNext(ben, (list) => {
    for (const device of list.devices.slice(1)) device.revokedAtSec = list.createdAtSec;
  });
  expect(world.server.inboxes.has(other.inbox)).toBe(false);
  await ann.up.send(BEN, "to the one that is left", { suite: "classic" });
  await world.settle(30);
  expect(await statuses(ann, BEN)).toEqual(["delivered", "delivered"]);
  expect(ben.received.map((message) => message.body)).toEqual(["to both", "to the one that is left"]);
  expect((await ann.up.history(BEN))[1]?.envelopes).toHaveLength(1);
});

test("what was encrypted and not taken is encrypted anew when the recipient's key changed, under the same id and n", async () => {
  const { world, ann, ben } = await pair();
  await ann.up.send(BEN, "before", { suite: "classic" });
  await world.settle();
  world.server.refuse = (frame) => (frame.case === "append" ? { code: "unavailable" } : undefined);
  const { id } = await ann.up.send(BEN, "waits", { suite: "classic" });
  await world.settle(2);
  await ben.stop();
  const fresh = await world.crypto.rsaGenerate();
  await publishNext(ben, (list) => {
    for (const device of list.devices) {
      for (const key of device.classicKeys) key.revokedAtSec = list.createdAtSec;
      device.classicKeys.push({
        ...(device.classicKeys[0] as NonNullable<(typeof device.classicKeys)[0]>),
        publicKey: fresh.publicKey,
        addedAtSec: list.createdAtSec,
        revokedAtSec: 0n,
      });
    }
  });
  await world.settle(400);
  world.server.refuse = () => undefined;
  await world.settle(60);
  const [envelope] = (await ann.up.history(BEN))[1]?.envelopes ?? [];
  const message = parseClassicMessage(utf8(envelope ?? ""));
  const key = await world.crypto.rsaOaepOpen(fresh.privateKey, message.encryptedKey);
  const plaintext = await world.crypto.aesCfbDecrypt(key, message.iv, message.ciphertext);
  expect(JSON.parse(fromUtf8(plaintext))).toMatchObject({ id, body: "waits", n: 2 });
});

test("typing reaches the peer and is never stored", async () => {
  const { world, ann, ben } = await pair();
  await ann.up.send(BEN, "hello", { suite: "classic" });
  await ben.up.send(ANN, "hello", { suite: "classic" });
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
  await expect(ann.up.send(BEN, "x".repeat(65_537), { suite: "classic" })).rejects.toMatchObject({
    code: "message_too_large",
  });
  await expect(ann.up.send(BEN, "\u0001".repeat(60_000), { suite: "classic" })).rejects.toMatchObject({
    code: "message_too_large",
  });
  await expect(ann.up.send(ANN, "me", { suite: "classic" })).rejects.toMatchObject({ code: "usage" });
  await expect(ann.up.send("nobody", "x", { suite: "classic" })).rejects.toMatchObject({
    code: "identifier_invalid",
  });
  expect(await ann.up.conversations()).toEqual([]);
});
