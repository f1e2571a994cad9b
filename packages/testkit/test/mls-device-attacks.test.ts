/**
 * Lies and forgeries about devices, against whole clients in MLS groups: device lists that are older, or not the owner's; devices that
 * were revoked and go on; requests to be added anew that are forged or told again; what own devices tell each other, from somebody else;
 * and offers of new devices that are not what their code is for.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { codeOfOffer, formatCode, groupNames, keysOfCode, names, sealUnderCode } from "@sotto/client/parts";
import {
  ContentSchema,
  DeviceSchema,
  EntryKind,
  GroupEntrySchema,
  LABELS,
  LinkOfferSchema,
  toHex,
  type ClientFrame,
  type LookupResult,
} from "@sotto/protocol";
import { afterEach, expect, test } from "vitest";
import { serverFrame } from "../src/frames.ts";
import type { SimulatedDevice } from "../src/simulation/index.ts";
import {
  appends,
  newDevice,
  nextList,
  nowSec,
  publishes,
  replacedBy,
  strange,
} from "./support/device-lists.ts";
import {
  Intruder,
  Scene,
  bytes,
  engine,
  forgeGroup,
  groupData,
  groupOf,
  hasRead,
  leaveRejoin,
  mlsOf,
  provider,
  refusals,
  sendWelcome,
} from "./support/mls-scene.ts";

let scene: Scene;
afterEach(() => scene.close());

/** Longer than a client trusts a device list without asking again. */
const stale = (): Promise<void> => scene.world.settle(200);

const inPair = async (device: SimulatedDevice) =>
  (await device.groups()).filter(({ kind, state }) => kind === "pair" && state === "joined");

/** What a device is told of an account. */
function tells(
  device: SimulatedDevice,
  account: string,
  change: (result: LookupResult) => LookupResult,
): void {
  scene.lie(device, {
    down: (told) => {
      const { frame } = told;
      if (frame.case !== "lookupResult" || toHex(frame.value.accountId) !== account) return [told];
      return [serverFrame({ case: "lookupResult", value: change(frame.value) })];
    },
  });
}

test("the server adds a device to somebody's list: not the owner's signature, and nothing is sealed to it", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier]));
  await scene.reaches(ann, "Choir", "hello", [bob]);
  const before = (await groupOf(ann)).accounts;
  const { identityKey } = (await mallory.stored.get(names.own))!;
  const forged = await nextList(
    scene,
    bob,
    (list) => list.devices.push(strange(scene)),
    identityKey.privateKey,
  );
  await stale();
  tells(ann, bob.account, (result) => ({ ...result, lists: [...result.lists, forged], newestVersion: 2n }));
  await ann.up.send(bob.identifier, "waits for the truth");
  await scene.world.until(() => refusals(ann).length > 0);
  expect(refusals(ann)).toEqual(["signature_invalid"]);
  expect((await groupOf(ann)).accounts).toEqual(before);
  expect((await mlsOf(ann, (await groupOf(ann)).id)).members).toHaveLength(2);
});

test("the server rolls a device list back: refused, told, and no group is made with what was revoked", async () => {
  scene = await Scene.make();
  const [ann, bob] = await scene.people("ann", "bob");
  await scene.reaches(bob, ann.identifier, "hello", [ann]);
  // Bob's list has a second version, which Ann has seen.
  await scene.world.during(bob.up.rotateClassicKey());
  await stale();
  await scene.reaches(ann, bob.identifier, "I have seen it", [bob]);
  await stale();
  tells(ann, bob.account, (result) => ({ ...result, lists: result.lists.slice(0, 1), newestVersion: 1n }));
  await expect(scene.world.during(ann.up.createGroup("Choir", [bob.identifier]))).rejects.toMatchObject({
    code: "device_list_rolled_back",
  });
  expect(refusals(ann)).toContain("device_list_rolled_back");
  expect((await ann.groups()).filter(({ kind }) => kind === "group")).toEqual([]);
});

test("a revoked device goes on sending: what it writes is refused and told, before and after it is out", async () => {
  scene = await Scene.make();
  const [ann, bob] = await scene.people("ann", "bob");
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier]));
  await scene.reaches(ann, "Choir", "hello", [bob]);
  await scene.world.settle(60);
  const group = await groupOf(bob);
  const mls = await mlsOf(bob, group.id);
  const list = await nextList(scene, bob, (next) => {
    next.devices[0]!.revokedAtSec = next.createdAtSec;
    next.devices.push(strange(scene));
  });
  const intruder = await Intruder.takeOver(scene, bob);
  // Ann hears of the revocation, and the liar keeps her Commit back.
  await stale();
  scene.lie(ann, {
    down: (told) => {
      const { frame } = told;
      if (frame.case !== "lookupResult" || toHex(frame.value.accountId) !== bob.account) return [told];
      const value = { ...frame.value, lists: [...frame.value.lists, list], newestVersion: 2n };
      return [serverFrame({ case: "lookupResult", value })];
    },
    up: (told) => {
      const { frame } = told;
      return frame.case === "append" && frame.value.kind === EntryKind.COMMIT ? [] : [told];
    },
  });
  ann.up.send(bob.identifier, "makes her look").catch(() => undefined);
  await scene.world.settle(10);
  const text = create(ContentSchema, {
    id: provider.randomBytes(16),
    sentAtMs: BigInt(scene.world.clock.nowMs()),
    body: { case: "text", value: { body: "still me" } },
  });
  const { message } = await engine.protect(mls, toBinary(ContentSchema, text));
  const entry = create(GroupEntrySchema, { entry: { case: "mlsMessage", value: message } });
  expect(await intruder.append(group, EntryKind.MESSAGE, toBinary(GroupEntrySchema, entry))).toBe("appended");
  await scene.world.until(() => refusals(ann).includes("message_refused"));
  expect(hasRead(ann, "still me")).toBe(false);
  // Her Commit goes through now, and its device is out: it writes nothing more.
  scene.lie(ann, {});
  scene.link(ann).cut();
  await scene.world.until(async () => (await groupOf(ann)).epoch > group.epoch, 3_600);
  expect(await intruder.append(group, EntryKind.MESSAGE, toBinary(GroupEntrySchema, entry))).toBe(
    "epoch_ended",
  );
});

test("what is written in a group waits until a device that is known to be revoked is out, whoever may remove people", async () => {
  scene = await Scene.make();
  const [ann, bob, cleo] = await scene.people("ann", "bob", "cleo");
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier, cleo.identifier]));
  await scene.reaches(ann, "Choir", "hello", [bob, cleo]);
  await scene.world.settle(60);
  const group = await groupOf(bob);
  // The server tells nobody of the new list, and is slow with KeyPackages: who hears of the list otherwise cannot make a Commit yet.
  let slow = true;
  const unkind = { ignores: () => (slow ? ["claimKeyPackages"] : []), tellsNothing: true };
  const sent = appends(scene, cleo, group.id, unkind);
  appends(scene, ann, group.id, unkind);
  await publishes(scene, bob, replacedBy(strange(scene)));
  // Cleo, who may remove nobody, looks.
  await stale();
  cleo.up.send(bob.identifier, "makes her look").catch(() => undefined);
  await scene.world.settle(10);
  const writing = cleo.up.send("Choir", "not for his old phone");
  await cleo.up.sendTyping("Choir");
  await scene.world.settle(30);
  expect(sent).toEqual([]);

  slow = false;
  for (const device of [ann, cleo]) scene.link(device).cut();
  await scene.world.during(writing);
  // For ten minutes his new device, which has no KeyPackages, might come in with the Commit that takes the old one out.
  await scene.world.until(() => hasRead(ann, "not for his old phone"), 660);
  const message = sent.find(({ kind }) => kind === EntryKind.MESSAGE);
  expect(message?.epoch).toBeGreaterThan(group.epoch);
  const members = (await mlsOf(cleo, group.id)).members.map(({ deviceId }) => toHex(deviceId));
  expect(members).not.toContain(bob.device);
});

test("a group's only admin lost the only device: nobody wedges the group, and it goes on when the new one can come in", async () => {
  scene = await Scene.make();
  const [ann, bob, cleo] = await scene.people("ann", "bob", "cleo");
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier, cleo.identifier]));
  await scene.reaches(ann, "Choir", "hello", [bob, cleo]);
  await scene.world.settle(60);
  const group = await groupOf(ann);
  const found = await newDevice(scene, ann);
  const sent = appends(scene, bob, group.id);
  await publishes(scene, ann, replacedBy(found.device));
  const writing = bob.up.send("Choir", "are you back?");
  await scene.world.settle(60);
  // A Commit that left nobody as an admin would be refused by everybody.
  expect(sent).toEqual([]);
  await found.comesUp();
  await scene.world.during(writing);
  await scene.world.until(() => hasRead(cleo, "are you back?"));
  const members = (await mlsOf(bob, group.id)).members.map(({ deviceId }) => toHex(deviceId));
  expect(members).toContain(toHex(found.device.deviceId));
  expect(members).not.toContain(ann.device);
  expect(refusals(bob)).toEqual([]);
  expect(refusals(cleo)).toEqual([]);
});

test("a pair whose maker was lost before it let the other side in, and is revoked, is made anew", async () => {
  scene = await Scene.make();
  const { world } = scene;
  const [ann, bob] = await scene.people("ann", "bob");
  const phone = await world.linked(ann);
  await phone.start();
  await world.settle(60);
  const { inbox } = (await bob.stored.get(names.own))!;
  const isForBob = ({ frame }: ClientFrame) => frame.case === "append" && toHex(frame.value.logId) === inbox;
  scene.lie(phone, { up: (told) => (isForBob(told) ? [] : [told]) });
  phone.up.send(bob.identifier, "lost with the phone").catch(() => undefined);
  await world.until(async () => (await inPair(ann)).length === 1);
  phone.kill();
  await world.settle(10);
  expect(await inPair(bob)).toEqual([]);
  await world.during(ann.up.revokeDevice(phone.device));
  await scene.reaches(ann, bob.identifier, "from the other device", [bob]);
  expect(await inPair(bob)).toMatchObject([{ id: (await inPair(ann))[0]!.id }]);
  expect(ann.notices.filter(({ type }) => type === "healed")).toEqual([]);
  expect([...refusals(ann), ...refusals(bob)]).toEqual([]);
});

test("whoever was added to a group by a device that was lost before it left the Welcome hears so from who sees that device out", async () => {
  scene = await Scene.make();
  const { world } = scene;
  const [ann, bob, cleo] = await scene.people("ann", "bob", "cleo");
  const phone = await world.linked(ann);
  await phone.start();
  await world.during(ann.up.createGroup("Choir", [cleo.identifier]));
  await world.during(phone.up.contact(bob.identifier));
  await world.settle(120);
  const { inbox } = (await bob.stored.get(names.own))!;
  scene.lie(phone, {
    up: (told) => (told.frame.case === "append" && toHex(told.frame.value.logId) === inbox ? [] : [told]),
  });
  phone.up.addToGroup("Choir", [bob.identifier]).catch(() => undefined);
  await world.until(async () => (await groupOf(ann)).accounts.includes(bob.account));
  phone.kill();
  await world.settle(10);
  expect(await bob.groups()).not.toContainEqual(expect.objectContaining({ kind: "group" }));
  await world.during(ann.up.revokeDevice(phone.device));
  await world.settle(120);
  await scene.reaches(ann, "Choir", "welcome at last", [bob, cleo]);
  await scene.reaches(bob, "Choir", "at last", [ann, cleo]);
  expect([ann, bob, cleo].flatMap(refusals)).toEqual([]);
});

test("a request to be added anew that is forged is refused; a true one told again changes nothing", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier, mallory.identifier]));
  await scene.reaches(ann, "Choir", "hello", [bob, mallory]);
  await scene.world.settle(60);
  const { id } = await groupOf(bob);
  const annsInbox = (await ann.stored.get(names.own))!.inbox;
  // Bob asks once, truly; the server keeps what he left in Ann's inbox.
  const kept: Uint8Array[] = [];
  let lied = false;
  scene.lie(bob, {
    up: (told) => {
      const { frame } = told;
      if (frame.case === "append" && toHex(frame.value.logId) === annsInbox)
        kept.push(frame.value.body.slice());
      return [told];
    },
    down: (told) => {
      const { frame } = told;
      if (frame.case !== "attached" || toHex(frame.value.logId) !== id || lied) return [told];
      lied = true;
      return [serverFrame({ case: "attached", value: { ...frame.value, cursorSeq: 1_000_000n } })];
    },
  });
  scene.link(bob).cut();
  await scene.world.until(() => bob.notices.some(({ type }) => type === "healed"), 3_600);
  await scene.world.settle(120);
  expect(kept.length).toBeGreaterThan(0);
  const intruder = await Intruder.takeOver(scene, mallory);
  const { epoch } = await groupOf(ann);
  for (const body of kept) expect(await intruder.leave(bytes(annsInbox), body)).toBe("appended");
  await scene.world.settle(120);
  expect((await groupOf(ann)).epoch).toBe(epoch);

  const { deviceKey } = (await mallory.stored.get(names.own))!;
  await leaveRejoin(intruder, ann, bob, { logId: id }, deviceKey.privateKey);
  await scene.world.until(() => refusals(ann).length > 0);
  expect(refusals(ann)).toEqual(["mls_invalid"]);
  expect((await groupOf(ann)).epoch).toBe(epoch);
  expect((await bob.stored.get(groupNames.group(id)))?.state).toBe("joined");
});

test("what own devices tell each other is believed from nobody else, nor is a group of own devices", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  await scene.reaches(ann, bob.identifier, "hello", [bob]);
  await scene.reaches(mallory, ann.identifier, "hello from me", [ann]);
  await scene.world.settle(60);
  const group = await groupOf(mallory, "pair");
  const mls = await mlsOf(mallory, group.id);
  const intruder = await Intruder.takeOver(scene, mallory);
  const contact = {
    accountId: bytes(bob.account),
    identifier: bob.identifier,
    acceptedKey: provider.randomBytes(32),
    verified: true,
  };
  const content = create(ContentSchema, {
    id: provider.randomBytes(16),
    sentAtMs: BigInt(scene.world.clock.nowMs()),
    body: { case: "accountSync", value: { change: { case: "contact", value: contact } } },
  });
  const { message } = await engine.protect(mls, toBinary(ContentSchema, content));
  const entry = create(GroupEntrySchema, { entry: { case: "mlsMessage", value: message } });
  expect(await intruder.append(group, EntryKind.MESSAGE, toBinary(GroupEntrySchema, entry))).toBe("appended");
  const forged = { groupId: provider.randomBytes(16), data: groupData("ACCOUNT", ""), epoch: 1 };
  await sendWelcome(intruder, ann, await forgeGroup(scene, intruder, ann, forged));
  await scene.world.until(() => refusals(ann).length > 0);
  expect(refusals(ann)).toEqual(["mls_invalid"]);
  expect((await ann.groups()).some(({ kind }) => kind === "account")).toBe(false);
  const bobs = (await ann.up.contacts()).find(({ identifier }) => identifier === bob.identifier);
  expect(bobs).toMatchObject({ verified: false, identityChanged: false });
  await scene.reaches(ann, bob.identifier, "nothing has changed", [bob]);
});

/** What the server shows Ann under a code. */
function offers(ann: SimulatedDevice, offer: Uint8Array): void {
  scene.lie(ann, {
    up: (told, link) => {
      const { frame } = told;
      if (frame.case !== "fetchLink") return [told];
      const { request } = frame.value;
      const value = { request, offer, address: "192.0.2.7", madeAtSec: BigInt(nowSec(scene)) };
      link.toClient(serverFrame({ case: "linkFetched", value }));
      return [];
    },
  });
}

/** What a device that nobody knows asks with. */
function strangeOffer(): Uint8Array {
  const answerKey = provider.randomBytes(1_216);
  return toBinary(
    LinkOfferSchema,
    create(LinkOfferSchema, { device: strange(scene), answerKey, name: "Ann's tablet" }),
  );
}

/** An offer's code, and what its device would leave with the server; with another offer under the same code, by who saw it. */
async function underCode(ann: SimulatedDevice, offer: Uint8Array, instead = offer) {
  const env = { crypto: scene.world.crypto } as Parameters<typeof keysOfCode>[0];
  const code = await codeOfOffer(env, offer);
  const { serverFingerprint } = (await ann.stored.get(names.own))!;
  const { offerKey } = await keysOfCode(env, code, serverFingerprint);
  return { code: formatCode(code), sealed: await sealUnderCode(env, offerKey, LABELS.linkOffer, instead) };
}

test("the offer that is shown is the one that the code was made for", async () => {
  scene = await Scene.make();
  const [ann] = await scene.people("ann");
  const { code, sealed } = await underCode(ann, strangeOffer());
  offers(ann, sealed);
  expect(await scene.world.during(ann.up.linkRequest(code))).toMatchObject({ code, name: "Ann's tablet" });
});

test("the server swaps the offer under a code: refused before anything is shown, and nothing is put on the list", async () => {
  scene = await Scene.make();
  const [ann] = await scene.people("ann");
  const { code } = await underCode(ann, strangeOffer());
  const another = await underCode(ann, strangeOffer());
  offers(ann, another.sealed);
  const refused = { code: "link_refused" };
  await expect(scene.world.during(ann.up.linkRequest(code))).rejects.toMatchObject(refused);
  await expect(scene.world.during(ann.up.approveLink(code))).rejects.toMatchObject(refused);
  expect(await ann.up.devices()).toHaveLength(1);
});

test("who read the code over a shoulder, together with the server, puts no other offer under it", async () => {
  scene = await Scene.make();
  const [ann] = await scene.people("ann");
  const { code, sealed } = await underCode(ann, strangeOffer(), strangeOffer());
  offers(ann, sealed);
  const approving = scene.world.during(ann.up.approveLink(code));
  await expect(approving).rejects.toMatchObject({ code: "link_refused" });
  expect(await ann.up.devices()).toHaveLength(1);
});

test("an offer in the name of a device that is on the list gets no keys in silence", async () => {
  scene = await Scene.make();
  const [ann] = await scene.people("ann");
  const own = (await ann.stored.get(names.own))!;
  // Everything in it is public but the key that the answer would be sealed to.
  const device = create(DeviceSchema, {
    deviceId: bytes(own.device),
    signatureKey: own.deviceKey.publicKey,
    inboxId: bytes(own.inbox),
    inboxKey: own.inboxKey.publicKey,
  });
  const offer = toBinary(
    LinkOfferSchema,
    create(LinkOfferSchema, { device, answerKey: provider.randomBytes(1_216), name: "Ann's tablet" }),
  );
  const { code, sealed } = await underCode(ann, offer);
  offers(ann, sealed);
  const approving = scene.world.during(ann.up.approveLink(code));
  await expect(approving).rejects.toMatchObject({ code: "link_refused" });
});
