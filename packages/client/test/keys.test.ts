/** Rotating and revoking this device's RSA key, through crashes and conflicts. */
import { beforeEach, expect, test } from "vitest";
import { parsePem } from "@sotto/crypto";
import { LIMITS, parseDeviceList, type ServerFrame } from "@sotto/protocol";
import { craft, deliver, secretsOf } from "./support/forge.ts";
import { PASSPHRASE, World, type TestPerson } from "./support/world.ts";

const ANN = "+15551230001";
const BEN = "+15551230002";

let world: World;
let ann: TestPerson;
let ben: TestPerson;
beforeEach(async () => {
  world = await World.make();
  [ann, ben] = await Promise.all([world.person(ANN), world.person(BEN)]);
  await ann.start();
  await ben.start();
  await world.settle();
});

const during = <T>(work: Promise<T>): Promise<T> => world.during(work);

const published = (person: TestPerson) => {
  const newest = world.server.accounts.get(person.account)?.at(-1);
  return parseDeviceList(newest?.list ?? new Uint8Array()).devices[0]?.classicKeys ?? [];
};

test("after a rotation, messages under way to the old key are read, and new ones go to the new key", async () => {
  const underWay = await craft(ann, ben, { type: "text", body: "under way", from: ANN, n: 1 });
  await during(ben.up.rotateClassicKey());
  expect(published(ben).map((key) => key.retiredAtSec !== 0n)).toEqual([true, false]);
  deliver(ben, underWay.json);
  await ann.up.send(BEN, "to the new key", { suite: "classic" });
  await ben.up.send(ANN, "signed by the new key", { suite: "classic" });
  await world.settle();
  expect(ben.received.map((message) => message.body)).toEqual(["under way", "to the new key"]);
  expect(ann.received.map((message) => message.body)).toEqual(["signed by the new key"]);
  expect(ben.notices).toEqual([]);
});

test("a retired key is deleted once nothing encrypted to it would be taken any more", async () => {
  await during(ben.up.rotateClassicKey());
  expect((await secretsOf(ben)).classicKeys).toHaveLength(2);
  await ben.stop();
  await world.clock.advance((LIMITS.maxMessageAgeSec + LIMITS.maxClockSkewSec + 60) * 1000);
  await ben.start();
  await world.settle();
  expect(ben.up.connection).toBe("online");
  expect((await secretsOf(ben)).classicKeys).toHaveLength(1);
});

test("after a revocation the old key opens nothing here, and verifies nothing newer", async () => {
  const stolen = await secretsOf(ben);
  const underWay = await craft(ann, ben, { type: "text", body: "to the old key", from: ANN, n: 1 });
  await ann.up.send(BEN, "before", { suite: "classic" });
  await ben.up.send(ANN, "before", { suite: "classic" });
  await world.settle();
  await during(ben.up.revokeClassicKey());
  const kept = await secretsOf(ben);
  expect(kept.classicKeys).toHaveLength(1);
  expect(
    Buffer.from(kept.classicKeys[0]?.privateKey ?? []).equals(
      stolen.classicKeys[0]?.privateKey as Uint8Array,
    ),
  ).toBe(false);
  deliver(ben, underWay.json);
  await world.settle(10);
  expect(ben.notices).toMatchObject([{ type: "refused", code: "decryption_failed" }]);

  await world.settle(400);
  const byThief = await craft(
    ben,
    ann,
    { type: "text", body: "by a thief", from: BEN },
    { privateKey: stolen.classicKeys[0]?.privateKey as Uint8Array },
  );
  deliver(ann, byThief.json);
  await ann.up.send(BEN, "after", { suite: "classic" });
  await ben.up.send(ANN, "after", { suite: "classic" });
  await world.settle();
  expect(ann.notices).toMatchObject([{ type: "refused", code: "key_revoked" }]);
  expect(ann.received.map((message) => message.body)).toEqual(["before", "after"]);
  expect(ben.received.map((message) => message.body)).toEqual(["before", "after"]);
});

test.each(["before", "after"] as const)(
  "a crash %s any effect of a rotation leaves one consistent key",
  async (when) => {
    for (let effect = 0; effect < 6; effect++) {
      const before = published(ben).length;
      let count = 0;
      ben.fate = () => (count++ === effect ? when : false);
      let done = false;
      ben.up.rotateClassicKey().then(
        () => (done = true),
        () => undefined,
      );
      await world.until(() => done || !ben.alive);
      ben.fate = () => false;
      if (!ben.alive) await ben.start();
      await world.settle(60);
      const own = await secretsOf(ben);
      expect(own.proposal).toBeUndefined();
      const keys = published(ben);
      expect(keys.length - before).toBeLessThanOrEqual(1);
      expect(
        Buffer.from(own.classicKeys.at(-1)?.publicKey ?? []).equals(keys.at(-1)?.publicKey as Uint8Array),
      ).toBe(true);
      await world.settle(400);
      await ann.up.send(BEN, `${when} ${effect}`, { suite: "classic" });
      await ben.up.send(ANN, `${when} ${effect}`, { suite: "classic" });
      await world.settle();
      const newest = (await ben.up.history(ANN)).slice(-2);
      expect(newest.map((message) => [message.direction, message.body, message.status]).toSorted()).toEqual([
        ["in", `${when} ${effect}`, "received"],
        ["out", `${when} ${effect}`, "delivered"],
      ]);
    }
  },
);

test("a rotation made while the server is away is published when it is back", async () => {
  world.network.partition();
  await world.settle(10);
  const rotated = ben.up.rotateClassicKey();
  await world.settle(60);
  expect(published(ben)).toHaveLength(1);
  world.network.heal();
  await during(rotated);
  expect(published(ben)).toHaveLength(2);
});

test("the answer to a list is not taken for that to the list that was made anew in its place", async () => {
  await ann.stop();
  // The server takes the list. A lookup's answer from before it comes first, then the one to the list, then that to the one made anew.
  const [first] = world.server.accounts.get(ben.account) ?? [];
  const late: ServerFrame[] = [];
  let early = true;
  world.server.twist = (frame) => {
    const { case: kind, value } = frame.frame;
    if (kind === "done") late.push(frame);
    if (kind === "lookupResult" && early) {
      early = false;
      Object.assign(value, { lists: [first], newestVersion: 1n });
    }
    if (kind === "refused") return [...late.splice(0), frame];
    return kind === "done" ? [] : [frame];
  };
  const rotated = ben.up.rotateClassicKey();
  await world.until(() => late.length === 1);
  await world.settle(2);
  const accountId = Uint8Array.from(Buffer.from(ben.account, "hex"));
  world.server.tellAll({ case: "deviceListChanged", value: { accountId, newestVersion: 2n } });
  await during(rotated);
  await world.settle();
  expect([early, late]).toEqual([false, []]);
  world.server.twist = (frame) => [frame];
  await during(ben.up.rotateClassicKey());
  expect(ben.notices).toEqual([]);
  expect(published(ben)).toHaveLength(3);
});

test("a revocation whose answer was lost, and whose lookup then fails, takes effect over the same connection", async () => {
  await ann.stop();
  // The server takes it, and its answer never comes.
  world.server.twist = (frame) => (frame.frame.case === "done" ? [] : [frame]);
  let failing = 0;
  world.server.refuse = (frame) =>
    frame.case === "lookup" && failing++ < 5 ? { code: "unavailable" } : undefined;
  let done = false;
  void ben.up.revokeClassicKey().then(() => (done = true));
  await world.until(() => published(ben).length === 2);
  world.server.cutAll();
  await world.until(() => failing > 0);
  const connections = world.server.counts.get("signIn");
  await world.until(() => done);
  expect(failing).toBeGreaterThan(5);
  expect(world.server.counts.get("signIn")).toBe(connections);
  expect((await secretsOf(ben)).classicKeys).toHaveLength(1);
});

test("who was away asks for a contact's keys anew before sending, however short it was", async () => {
  await ann.up.send(BEN, "before", { suite: "classic" });
  await world.settle();
  ann.kill();
  await world.during(ben.up.revokeClassicKey());
  await ann.start();
  await ann.up.send(BEN, "after a restart", { suite: "classic" });
  await world.settle();
  world.server.cutAll();
  await world.during(ben.up.revokeClassicKey());
  await world.settle(1);
  world.server.cutAll();
  await ann.up.send(BEN, "after a break", { suite: "classic" });
  await world.settle(60);
  expect(ben.received.map((message) => message.body)).toEqual(["before", "after a restart", "after a break"]);
  expect(ben.notices).toEqual([]);
});

test("the private key is exported only with the passphrase, and belongs to the published key", async () => {
  await expect(ben.up.exportClassicPrivateKey("wrong")).rejects.toMatchObject({ code: "passphrase_wrong" });
  const pem = await ben.up.exportClassicPrivateKey(PASSPHRASE);
  const privateKey = parsePem("PRIVATE KEY", pem);
  const [shown] = await during(ann.up.classicPublicKeys(BEN));
  expect(await during(ben.up.classicPublicKeys(BEN))).toEqual([shown]);
  const data = new Uint8Array(8);
  const signature = await world.crypto.rsaPssSign(privateKey, data);
  const publicKey = parsePem("PUBLIC KEY", shown ?? "");
  expect(await world.crypto.rsaPssVerify(publicKey, data, signature)).toBe(true);
});

test(
  "a device rotates its keys for years: the oldest are left out of its list once they verify nothing any more",
  { timeout: 60_000 },
  async () => {
    await ann.stop();
    const tenth = (LIMITS.maxMessageAgeSec + LIMITS.retiredKeyGraceSec) / 10;
    for (let n = 1; n <= LIMITS.maxClassicKeys + 4; n++) {
      await during(ben.up.rotateClassicKey());
      await ben.stop();
      await world.clock.advance(tenth * 1000);
      await ben.start();
      await world.settle();
    }
    expect(world.server.accounts.get(ben.account)?.length).toBeGreaterThan(LIMITS.maxClassicKeys);
    expect(published(ben).length).toBeLessThan(14);
    // Who never saw the versions in between believes the whole chain, and who is new as well.
    await ann.start();
    await ann.up.send(BEN, "after years", { suite: "classic" });
    await ben.up.send(ANN, "the same", { suite: "classic" });
    await world.settle(30);
    expect(ben.received.map((message) => message.body)).toEqual(["after years"]);
    expect(ann.received.map((message) => message.body)).toEqual(["the same"]);
  },
);

test("devices() tells this device", async () => {
  expect(await ben.up.devices()).toMatchObject([{ id: ben.device, current: true, revoked: false }]);
});
