/** Who somebody is: pinning, changes of identity, an identifier that moves to another account, safety numbers. */
import { beforeEach, expect, test } from "vitest";
import { decodeSignedDeviceList } from "@sotto/crypto";
import { craft, deliver, publishNext, secretsOf } from "./support/forge.ts";
import { World, type TestPerson } from "./support/world.ts";

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

let newest: Uint8Array | undefined;
async function rotateIdentity(person: TestPerson, identityKey?: Uint8Array): Promise<void> {
  const fresh = await world.crypto.ed25519Generate();
  await publishNext(
    person,
    (list) => {
      list.identityKey = fresh.publicKey;
    },
    { newIdentityKey: fresh.privateKey, ...(identityKey !== undefined && { identityKey }) },
  );
  newest = fresh.privateKey;
}
const rotateIdentityAgain = (person: TestPerson): Promise<void> => rotateIdentity(person, newest);

test("contact() looks somebody up, remembers them, and says who is nobody", async () => {
  expect(await during(ann.up.contact(BEN))).toEqual({
    identifier: BEN,
    accountId: ben.account,
    name: "",
    nickname: "",
    verified: false,
    known: false,
    blocked: false,
    identityChanged: false,
    devices: 1,
  });
  await expect(during(ann.up.contact("+15551239999"))).rejects.toMatchObject({
    code: "identifier_not_found",
  });
  world.network.partition();
  await world.settle(5);
  expect(await ann.up.contact(BEN)).toMatchObject({ accountId: ben.account });
  await expect(during(ann.up.contact("+15551239998"))).rejects.toMatchObject({ code: "server_unreachable" });
  await expect(ann.up.history("+15551239998")).rejects.toMatchObject({ code: "contact_unknown" });
});

test("safety numbers are equal on both sides, and change with the identity", async () => {
  const number = await during(ann.up.safetyNumber(BEN));
  expect(number).toMatch(/^\d{5}( \d{5}){11}$/);
  expect(await during(ben.up.safetyNumber(ANN))).toBe(number);
  await rotateIdentity(ben);
  await world.settle(400);
  await during(ann.up.contact(BEN));
  expect(await during(ann.up.safetyNumber(BEN))).not.toBe(number);
});

test("a changed identity key blocks sending until it is acknowledged; what was queued then goes out", async () => {
  await ann.up.send(BEN, "before", { suite: "classic" });
  await world.settle();
  await ann.up.setVerified(BEN, true);
  expect((await ann.up.contacts())[0]?.verified).toBe(true);

  await rotateIdentity(ben);
  await world.settle(400);
  const { id } = await ann.up.send(BEN, "queued", { suite: "classic" });
  const outcome = ann.up.whenSent(id).catch((error: unknown) => error);
  await world.settle();
  expect(await outcome).toMatchObject({ code: "identity_changed" });
  expect(ann.notices).toEqual([{ type: "identity_changed", identifier: BEN }]);
  expect(await ann.up.contacts()).toMatchObject([{ identityChanged: true, verified: false }]);
  await expect(ann.up.send(BEN, "blocked", { suite: "classic" })).rejects.toMatchObject({
    code: "identity_changed",
  });
  await expect(ann.up.setVerified(BEN, true)).rejects.toMatchObject({ code: "identity_changed" });
  await ann.up.flushed();
  expect(ben.received.map((message) => message.body)).toEqual(["before"]);

  await ann.stop();
  await ann.start();
  await world.settle();
  await expect(ann.up.send(BEN, "blocked", { suite: "classic" })).rejects.toMatchObject({
    code: "identity_changed",
  });
  await ann.up.acknowledgeIdentity(BEN);
  await world.settle();
  expect(ben.received.map((message) => message.body)).toEqual(["before", "queued"]);
  expect(await ann.up.contacts()).toMatchObject([{ identityChanged: false, verified: false }]);
});

test("a key that changes again after its safety number was shown is not acknowledged with it", async () => {
  await ann.up.send(BEN, "before", { suite: "classic" });
  await world.settle();
  await rotateIdentity(ben);
  await world.settle(400);
  await during(ann.up.contact(BEN));
  const compared = await during(ann.up.safetyNumber(BEN));
  const second = world.server.accounts.get(ben.account)?.at(-1);
  await rotateIdentityAgain(ben);
  expect(world.server.accounts.get(ben.account)?.at(-1)).not.toBe(second);
  await world.settle(400);
  await during(ann.up.contact(BEN));
  const told = ann.notices.length;

  await ann.up.acknowledgeIdentity(BEN);
  await world.settle();
  expect(await ann.up.contacts()).toMatchObject([{ identityChanged: true, verified: false }]);
  expect(ann.notices.slice(told)).toEqual([{ type: "identity_changed", identifier: BEN }]);
  await expect(ann.up.send(BEN, "blocked", { suite: "classic" })).rejects.toMatchObject({
    code: "identity_changed",
  });

  expect(await during(ann.up.safetyNumber(BEN))).not.toBe(compared);
  await ann.up.acknowledgeIdentity(BEN);
  expect(await ann.up.contacts()).toMatchObject([{ identityChanged: false }]);
  await ann.up.send(BEN, "after", { suite: "classic" });
  await world.settle();
  expect(ben.received.map((message) => message.body)).toEqual(["before", "after"]);
});

test("an identity key that the old one did not sign never replaces the pinned one", async () => {
  await ann.up.send(BEN, "before", { suite: "classic" });
  await world.settle();
  const forger = await world.crypto.ed25519Generate();
  await publishNext(
    ben,
    (list) => {
      list.identityKey = forger.publicKey;
    },
    { identityKey: forger.privateKey, newIdentityKey: forger.privateKey },
  );
  await world.settle(400);
  const number = await during(ann.up.safetyNumber(BEN));
  const { id } = await ann.up.send(BEN, "secret", { suite: "classic" });
  const outcome = ann.up.whenSent(id).catch((error: unknown) => error);
  await world.settle();
  expect(await outcome).toMatchObject({ code: "signature_invalid" });
  expect(await during(ann.up.safetyNumber(BEN))).toBe(number);
  expect(ann.notices).toEqual([{ type: "refused", from: BEN, code: "signature_invalid" }]);
});

test("an older device list is refused, the pinned one stays in force, and messages still come in", async () => {
  const before = [...(world.server.accounts.get(ben.account) ?? [])];
  await during(ben.up.rotateClassicKey());
  await ann.up.send(BEN, "before", { suite: "classic" });
  await world.settle();
  world.server.accounts.set(ben.account, before);
  await world.settle(400);
  const { id } = await ann.up.send(BEN, "to an old key?", { suite: "classic" });
  const outcome = ann.up.whenSent(id).catch((error: unknown) => error);
  await world.settle();
  expect(await outcome).toMatchObject({ code: "device_list_rolled_back" });
  expect(ann.notices).toMatchObject([{ type: "refused", code: "device_list_rolled_back" }]);
  deliver(
    ann,
    (await craft(ben, ann, { type: "text", body: "still me", id: "0".repeat(32), from: BEN, n: 3 })).json,
  );
  await world.settle();
  expect(ann.received.map((message) => message.body)).toEqual(["still me"]);
});

test("an identifier that leads to another account is a change of identity, and keeps its history", async () => {
  await ann.up.send(BEN, "to the first", { suite: "classic" });
  await ben.up.send(ANN, "from the first", { suite: "classic" });
  await world.settle();
  await ben.stop();
  // Ben set up anew on a server that lost his account.
  const second = await world.person(BEN);
  world.server.accounts.delete(ben.account);
  world.server.inboxes.delete(ben.inbox);
  await second.start();
  await world.settle(400);
  const { id } = await ann.up.send(BEN, "to whom?", { suite: "classic" });
  const outcome = ann.up.whenSent(id).catch((error: unknown) => error);
  await world.settle();
  expect(await outcome).toMatchObject({ code: "identity_changed" });
  expect(ann.notices).toEqual([{ type: "identity_changed", identifier: BEN }]);
  expect(second.received).toEqual([]);
  // Until then, what the new account says stands under its id.
  await second.up.send(ANN, "it is me, Ben", { suite: "classic" });
  await world.settle();
  expect(ann.received.at(-1)).toMatchObject({ from: second.account, body: "it is me, Ben" });

  await ann.up.acknowledgeIdentity(BEN);
  await world.settle();
  expect(second.received.map((message) => message.body)).toEqual(["to whom?"]);
  const history = await ann.up.history(BEN);
  expect(history.map((message) => message.body)).toEqual([
    "to the first",
    "from the first",
    "to whom?",
    "it is me, Ben",
  ]);
  expect(await ann.up.history(BEN, { before: history[1]?.id ?? "", limit: 5 })).toHaveLength(1);
  expect(await ann.up.contacts()).toMatchObject([{ identifier: BEN, accountId: second.account }]);
});

test("a list of many versions is fetched page by page, and checked as one chain", async () => {
  const { signDeviceList, nextDeviceList, restoreDeviceList, verifyDeviceLists } =
    await import("@sotto/crypto");
  const own = await secretsOf(ben);
  const [first] = world.server.accounts.get(ben.account) ?? [];
  if (first === undefined) throw new Error("no list");
  let known = await verifyDeviceLists(world.crypto, undefined, [first]);
  for (let version = 2; version <= 200; version++) {
    const next = nextDeviceList(known, Math.floor(world.clock.nowMs() / 1000));
    const signed = await signDeviceList(world.crypto, next, own.identityKey.privateKey);
    world.server.addList(ben.account, signed);
    known = await verifyDeviceLists(world.crypto, known, [signed]);
  }
  await restoreDeviceList(world.crypto, known.signedBytes, known.identityHistory);
  expect(decodeSignedDeviceList(known.signedBytes).signature).toHaveLength(64);
  expect(await during(ann.up.contact(BEN))).toMatchObject({ devices: 1 });
  const lookups = world.server.counts.get("lookup");
  await world.settle(400);
  await during(ann.up.contact(BEN));
  expect((world.server.counts.get("lookup") ?? 0) - (lookups ?? 0)).toBe(1);
});

test("a device that was revoked gets nothing and its messages are refused", async () => {
  await ann.up.send(BEN, "before", { suite: "classic" });
  await world.settle();
  await publishNext(ben, (list) => {
    for (const device of list.devices) device.revokedAtSec = list.createdAtSec;
  });
  await world.settle(400);
  const { id } = await ann.up.send(BEN, "after", { suite: "classic" });
  const outcome = ann.up.whenSent(id).catch((error: unknown) => error);
  deliver(ann, (await craft(ben, ann, { type: "text", body: "still here", from: BEN })).json);
  await world.settle();
  expect(await outcome).toMatchObject({ code: "no_usable_key" });
  expect(ann.received).toEqual([]);
  expect(ann.notices).toEqual([
    { type: "refused", from: BEN, code: "device_unknown" },
    { type: "device_unlisted", identifier: BEN },
  ]);
});

test("giving a nameless contact its name does not acknowledge a changed identity key", async () => {
  deliver(ann, (await craft(ben, ann, { raw: '{"type":"text","body":"nameless"}' })).json);
  await world.settle();
  await rotateIdentity(ben);
  await world.settle(400);
  deliver(ann, (await craft(ben, ann, { raw: '{"type":"text","body":"again"}' })).json);
  await world.settle();
  expect(ann.notices).toEqual([{ type: "identity_changed", identifier: ben.account }]);
  await ann.up.send(BEN, "blocked", { suite: "classic" });
  await world.settle();
  expect(ben.received).toEqual([]);
  expect(await ann.up.contacts()).toMatchObject([{ identifier: BEN, identityChanged: true }]);
});

test("nobody is verified before a key of theirs is known", async () => {
  world.server.refuse = (frame) => (frame.case === "lookup" ? { code: "unavailable" } : undefined);
  await ann.up.send(BEN, "queued", { suite: "classic" });
  await expect(ann.up.setVerified(BEN, true)).rejects.toMatchObject({ code: "contact_unknown" });
});
