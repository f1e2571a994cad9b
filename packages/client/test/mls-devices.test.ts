/** Several devices of one account while things go wrong: in groups, leaving them, taking over the history, seeing one of them go. */
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { groupNames, names } from "@sotto/client/parts";
import { toHex, type ClientFrame } from "@sotto/protocol";
import { expect, test } from "vitest";

async function scene(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  const cleo = await world.device("+15551230003");
  for (const device of world.devices) await device.start();
  await world.settle();
  const linked = async (existing: SimulatedDevice) => {
    const device = await world.linked(existing);
    await device.start();
    return device;
  };
  return { world, ann, ben, cleo, linked };
}

const bodies = async ({ up }: SimulatedDevice, conversation: string) =>
  (await up.history(conversation).catch(() => [])).map(({ body }) => body);
const stateOf = async (device: SimulatedDevice, id: string) =>
  (await device.groups()).find((group) => group.id === id)?.state;
const pairsOf = async (device: SimulatedDevice) =>
  (await device.groups()).filter(({ kind, state }) => kind === "pair" && state === "joined");
const keptHistory = (id: string) => ({ list: `kept-history/${id}` });
const codeOf = (work: Promise<void>) =>
  work.then(
    () => "",
    ({ code }) => code,
  );
const refused = ({ notices }: SimulatedDevice) => notices.filter(({ type }) => type === "refused");

test("whoever is added twice before it could be done is added once", async () => {
  const { world, ann, ben, cleo } = await scene(1);
  const { id } = await world.during(ann.up.createGroup("Climbing", [ben.identifier]));
  await world.during(ann.up.contact(cleo.identifier));
  ann.network.partition();
  const added = [1, 2].map(() => ann.up.addToGroup(id, [cleo.identifier]));
  await world.settle(1);
  ann.network.heal();
  await world.during(Promise.all(added));
  await world.settle(30);
  await cleo.up.send(id, "here I am");
  await world.settle(10);
  expect(await bodies(ann, id)).toEqual(["here I am"]);
});

test("a device that was revoked is seen out by whoever hears of it first, and whoever has not yet asks before they refuse", async () => {
  const { world, ann, ben, cleo, linked } = await scene(2);
  const phone = await linked(ann);
  await world.settle(30);
  const { id } = await world.during(ann.up.createGroup("Climbing", [ben.identifier, cleo.identifier]));
  await world.settle(120);
  // Ben has asked for Ann's list just now; Cleo asks when it is another.
  ben.network.breakAll();
  await ben.up.send(ann.identifier, "hello");
  await world.settle(10);
  ann.up.revokeDevice(phone.device).catch(() => undefined);
  await world.until(async () => (await world.server.devicesOf(ann.account)).get(phone.device) === false);
  ann.kill();
  cleo.network.breakAll();
  await cleo.up.send(ann.identifier, "are you there?");
  await world.settle(60);
  await ann.start();
  await world.settle(60);
  for (const device of [ann, ben, cleo]) {
    expect(refused(device)).toEqual([]);
    expect(await stateOf(device, id)).toBe("joined");
  }
  expect(world.witness.logs.get(id)?.members.get(world.witness.logs.get(id)?.epoch ?? 0)).toEqual(
    new Set([ann.device, ben.device, cleo.device]),
  );
});

test("SOTTO-JOIN-5: an invitation of a device that was revoked before it was read is not believed; others let one in", async () => {
  const { world, ann, ben, cleo, linked } = await scene(10);
  const phone = await linked(ann);
  await world.settle(60);
  ben.kill();
  const { id } = await world.during(phone.up.createGroup("Climbing", [ben.identifier, cleo.identifier]));
  await world.settle(30);
  await ann.up.send(ben.identifier, "hello");
  await world.settle(30);
  await world.during(ann.up.revokeDevice(phone.device));
  await world.settle(60);
  await ben.start();
  await world.settle(120);
  await ben.up.send(id, "here I am");
  await ben.up.send(ann.identifier, "hello yourself");
  await world.settle(30);
  expect(refused(ben)).toEqual([]);
  expect(await bodies(ben, ann.identifier)).toEqual(["hello", "hello yourself"]);
  expect(await bodies(cleo, id)).toEqual(["here I am"]);
  expect(await bodies(ann, ben.identifier)).toEqual(["hello", "hello yourself"]);
  const log = world.witness.logs.get(id);
  expect(log?.members.get(log.epoch)).toEqual(new Set([ann.device, ben.device, cleo.device]));
});

test("what only a revoked device had read comes to the other once the pair is made anew, whatever its receipts said", async () => {
  const { world, ann, ben, linked } = await scene(9);
  const phone = await linked(ann);
  await world.settle(60);
  phone.network.partition();
  await ann.up.send(ben.identifier, "hello");
  await world.settle(30);
  const revoked = phone.up.revokeDevice(ann.device);
  await ben.up.send(ann.identifier, "hello yourself");
  await world.settle(30);
  expect((await ben.up.history(ann.identifier)).at(-1)?.status).toBe("delivered");
  phone.network.heal();
  await world.during(revoked);
  await world.settle(120);
  expect(await bodies(phone, ben.identifier)).toContain("hello yourself");
});

test("what a revoked device invited to waits no longer than it must: others say that one is out of it, or a pair in its place is there", async () => {
  const { world, ann, ben, cleo, linked } = await scene(13);
  const phone = await linked(ann);
  await world.settle(60);
  ben.kill();
  const { id } = await world.during(phone.up.createGroup("Climbing", [ben.identifier, cleo.identifier]));
  await phone.up.send(ben.identifier, "hello");
  await world.settle(30);
  await world.during(ann.up.revokeDevice(phone.device));
  await world.during(ann.up.removeFromGroup(id, [ben.identifier]));
  await world.settle(30);
  // The pair is made anew.
  const pair = (await ann.groups()).find(({ kind }) => kind === "pair")?.id ?? "";
  ann.kill();
  await ann.tamper((draft) => draft.delete(groupNames.state(pair)));
  await ann.start();
  await world.settle(60);
  await ben.start();
  await world.settle(700);
  expect(await ben.stored.page(groupNames.heldItems)).toEqual([]);
  expect(refused(ben)).toEqual([]);
  expect(await stateOf(ben, id)).toBeUndefined();
  expect(await bodies(ben, ann.identifier)).toEqual(["hello"]);
});

test("SOTTO-JOIN-5: what a revoked device made in a place that another group has is passed over, and nobody is asked about it", async () => {
  const { world, ann, ben, linked } = await scene(8);
  const phone = await linked(ann);
  await ben.up.send(ann.identifier, "hello");
  await world.settle(60);
  const [pair] = await pairsOf(ben);
  ben.kill();
  for (const { network } of [ann, phone]) network.weather = { ...network.weather, delayMs: [400, 400] };
  // Both make it anew, and leave Ben a Welcome.
  await world.server.wreck(pair!);
  await world.settle(30);
  const made = [...world.witness.logs.values()].filter(
    ({ id, joins }) => id !== pair?.id && joins.some(({ device }) => device === ben.device),
  );
  expect(made).toHaveLength(2);
  const kept = made.find(({ joins }) => joins.some(({ by }) => by === ann.device));
  await world.during(ann.up.revokeDevice(phone.device));
  await ben.start();
  await world.settle(120);
  expect((await pairsOf(ben)).map(({ id }) => id)).toEqual([kept?.id]);
  expect(await ben.stored.page(groupNames.heldItems)).toEqual([]);
  expect(refused(ben)).toEqual([{ type: "refused", from: undefined, code: "malformed" }]);
});

/** Ann's phone lets her first device into a group with Ben while that is away, which revokes the phone before it reads so. */
async function onlyOtherRevoked(seed: number) {
  const { world, ann, ben, linked } = await scene(seed);
  const phone = await linked(ann);
  await world.settle(60);
  ann.kill();
  const { id } = await world.during(phone.up.createGroup("Climbing", [ben.identifier]));
  await world.settle(30);
  phone.kill();
  ann.network.partition();
  await ann.start();
  const revoked = ann.up.revokeDevice(phone.device);
  await world.settle(1);
  const goOn = async () => {
    ann.network.heal();
    await world.during(revoked);
  };
  /** What Ann's device reads of what Ben writes then, what it refused, and who is in the group. */
  const outcome = async () => {
    await ben.up.send(id, "where are you?");
    await world.settle(30);
    const log = world.witness.logs.get(id);
    const members = [ann, ben, phone].filter(({ device }) => log?.members.get(log.epoch)?.has(device));
    return [await bodies(ann, id), refused(ann), members.map(({ label }) => label)];
  };
  const letIn = [["where are you?"], [], [ann.label, ben.label]];
  return { world, ben, goOn, outcome, letIn };
}

test("a device whose only other was revoked after it let the first into a group is let in by the others of that group", async () => {
  const { world, goOn, outcome, letIn } = await onlyOtherRevoked(11);
  await goOn();
  await world.settle(120);
  expect(await outcome()).toEqual(letIn);
});

test("a device that sleeps for more than a week while nobody answers asks once more to be let in", async () => {
  const { world, ben, goOn, outcome, letIn } = await onlyOtherRevoked(12);
  ben.network.partition();
  await goOn();
  await world.settle(30);
  world.clock.jump(8 * 86_400_000);
  await world.settle(30);
  ben.network.heal();
  await world.settle(1_500);
  expect(await outcome()).toEqual(letIn);
});

test("whoever leaves a group on one device has left it on all, the last one in it too", async () => {
  const { world, ann, ben, linked } = await scene(3);
  const phone = await linked(ben);
  const { id } = await world.during(ann.up.createGroup("Climbing", [ben.identifier]));
  await world.settle(60);
  await world.during(ben.up.leaveGroup(id));
  await world.settle(10);
  expect(await stateOf(phone, id)).toBe("left");
  expect(await phone.stored.page(groupNames.secrets(id))).toEqual([]);
  await ann.up.send(id, "alone");
  const tablet = await linked(ann);
  await world.settle(60);
  expect(await stateOf(tablet, id)).toBe("joined");
  await world.during(tablet.up.leaveGroup(id));
  await world.settle(10);
  expect(await stateOf(ann, id)).toBe("left");
});

test("whoever was added in the moment in which another device left is in the group, and knows it", async () => {
  let late = 0;
  for (const afterSec of [1, 2, 3]) {
    const { world, ann, ben, cleo, linked } = await scene(30);
    const phone = await linked(ann);
    const { id } = await world.during(ann.up.createGroup("Climbing", [ben.identifier]));
    await world.during(ann.up.setAdmins(id, [ben.identifier], true));
    await world.during(ann.up.contact(cleo.identifier));
    await world.settle(60);
    const before = world.witness.logs.get(id)?.epoch;
    // Who would see them out is away.
    ben.network.partition();
    ann.network.weather = { ...ann.network.weather, delayMs: [1_000, 1_000] };
    ann.up.addToGroup(id, [cleo.identifier]).catch(() => undefined);
    await world.settle(afterSec);
    const unchanged = world.witness.logs.get(id)?.epoch === before;
    await world.during(phone.up.leaveGroup(id));
    await world.settle(20);
    ben.network.heal();
    await world.settle(60);
    expect([await stateOf(ann, id), await stateOf(phone, id)]).toEqual(["left", "left"]);
    const log = world.witness.logs.get(id);
    const isIn = log?.joins.some(({ device }) => device === cleo.device) === true;
    expect(await stateOf(cleo, id)).toBe(isIn ? "joined" : undefined);
    if (isIn && unchanged) late += 1;
  }
  expect(late).toBeGreaterThan(0);
});

test("whoever was added in the moment in which everybody else leaves hears so, sees them out, and lets no later device of theirs in", async () => {
  const { world, ann, ben, cleo, linked } = await scene(31);
  const phone = await linked(ann);
  for (const one of [ann, ben]) await world.during(one.up.contact(cleo.identifier));
  await world.settle(30);
  const ids: string[] = [];
  for (const [adds, leaves] of [
    [ann, phone],
    [ben, ben],
  ] as const) {
    const { id } = await world.during(adds.up.createGroup("Climbing", []));
    await world.settle(60);
    adds.network.weather = { ...adds.network.weather, delayMs: [1_000, 1_000] };
    adds.up.addToGroup(id, [cleo.identifier]).catch(() => undefined);
    await world.until(async () => (await adds.stored.get(groupNames.pending(id))) !== undefined);
    const log = world.witness.logs.get(id);
    const before = log?.epoch;
    const left = leaves.up.leaveGroup(id);
    if (leaves === phone) await world.during(left);
    // The Commit is on its way still.
    expect(log?.epoch).toBe(before);
    await world.during(left);
    ids.push(id);
  }
  await linked(ann);
  await world.settle(120);
  for (const id of ids) {
    const { members, epoch } = world.witness.logs.get(id) ?? {};
    expect([...(members?.get(epoch ?? 0) ?? [])]).toEqual([cleo.device]);
    expect(await cleo.up.groupMembers(id)).toMatchObject([{ self: true, role: "admin" }]);
  }
});

test("a process that dies once the group knows that somebody leaves has left it when it comes back", async () => {
  const { world, ann, ben } = await scene(4);
  const { id } = await world.during(ann.up.createGroup("Climbing", [ben.identifier]));
  await world.settle(60);
  const before = world.witness.logs.get(id)?.head ?? 0;
  ben.network.weather = { ...ben.network.weather, delayMs: [1_000, 1_000] };
  ben.up.leaveGroup(id).catch(() => undefined);
  await world.until(() => (world.witness.logs.get(id)?.head ?? 0) > before);
  ben.kill();
  ann.kill();
  await ben.start();
  await world.settle(10);
  expect(await stateOf(ben, id)).toBe("left");
});

test("the history goes from device to device, each message once", async () => {
  const { world, ann, ben, linked } = await scene(5);
  const said: string[] = [];
  const say = async (texts: number) => {
    for (let i = 0; i < texts; i++) {
      said.push(`text ${said.length}`);
      await ben.up.send(ann.identifier, said.at(-1) ?? "");
      await world.settle(1);
    }
    await world.settle(10);
  };
  await say(20);
  const phone = await linked(ann);
  await world.settle(60);
  await say(40);
  const tablet = await linked(phone);
  await world.settle(60);
  await say(5);
  const watch = await linked(tablet);
  await world.settle(60);
  for (const device of [ann, phone, tablet, watch]) {
    expect(await bodies(device, ben.identifier)).toEqual(said);
  }
});

test("what a new device can read in a log itself lies where the log has it, whatever the history tells of it", async () => {
  const { world, ann, ben } = await scene(16);
  const { id } = await world.during(ben.up.createGroup("Climbing", [ann.identifier]));
  await world.during(ben.up.send(id, "before"));
  await world.settle(30);
  const phone = await world.linked(ann);
  ann.network.partition();
  await ann.up.send(id, "written first, sent second");
  await phone.start();
  await world.settle(30);
  await ben.up.send(id, "sent first");
  await world.settle(30);
  phone.network.partition();
  // Each epoch takes a round trip to read; the history is there sooner.
  for (let times = 0; times < 8; times++) await world.during(ben.up.renameGroup(id, `Climbing ${times}`));
  ann.network.heal();
  await world.settle(30);
  expect(await bodies(ann, id)).toEqual(["before", "written first, sent second", "sent first"]);
  phone.network.heal();
  await world.settle(60);
  expect(await bodies(phone, id)).toEqual(["before", "sent first", "written first, sent second"]);
});

test("a device that dies when another has its answer tells that one the history when it comes back", async () => {
  const { world, ann, ben } = await scene(6);
  await ben.up.send(ann.identifier, "before");
  await world.settle(10);
  const { code, joined } = await world.newDevice(ann);
  ann.network.weather = { ...ann.network.weather, delayMs: [500, 500] };
  ann.up.approveLink(code).catch(() => undefined);
  const phone = await world.during(joined);
  ann.kill();
  await phone?.start();
  await ann.start();
  await world.settle(120);
  expect(await bodies(phone as SimulatedDevice, ben.identifier)).toEqual(["before"]);
});

test("a device that loses its account's group before it heard where the history is asks for it once more", async () => {
  const { world, ann, ben } = await scene(14);
  for (const text of ["one", "two"]) await ben.up.send(ann.identifier, text);
  await world.settle(10);
  const phone = await world.linked(ann);
  // In the group, and not a word read of it.
  phone.network.weather = { ...phone.network.weather, delayMs: [500, 500] };
  await phone.start();
  const accountGroup = async () => (await phone.groups()).find(({ kind }) => kind === "account");
  await world.until(async () => (await accountGroup()) !== undefined);
  phone.kill();
  const { id, cursor } = (await accountGroup())!;
  const log = world.witness.logs.get(id);
  expect(log?.head).toBeGreaterThan(cursor);
  await phone.tamper((draft) => draft.delete(groupNames.state(id)));
  await phone.start();
  await world.settle(60);
  await ben.up.send(ann.identifier, "three");
  await world.settle(60);
  expect(await bodies(phone, ben.identifier)).toEqual(["one", "two", "three"]);
  expect(await phone.stored.get(names.historyAwaited)).toMatchObject({ asked: 1, complete: true });
});

test("a device that is looked for before it has KeyPackages is in the group a moment after it has", async () => {
  const { world, ann, ben } = await scene(15);
  const { id } = await world.during(ann.up.createGroup("Climbing", [ben.identifier]));
  await world.settle(60);
  const { device, code, joined } = await world.newDevice(ann);
  device.network.weather = { ...device.network.weather, delayMs: [2_000, 2_000] };
  await world.during(ann.up.approveLink(code));
  // Whoever let it in would go on until it is in.
  ann.kill();
  ben.network.breakAll();
  await ben.up.send(ann.identifier, "hello");
  await world.settle(1);
  const listed = (await ben.stored.get(names.directory(ann.account)))?.deviceList;
  expect(toHex(listed ?? new Uint8Array())).toContain(device.device);
  const phone = (await world.during(joined)) as SimulatedDevice;
  await phone.start();
  await world.settle(30);
  expect(await stateOf(phone, id)).toBe("joined");
});

test("a device that was let in and never came up holds up none that comes after it", async () => {
  const { world, ann, ben } = await scene(7);
  await ben.up.send(ann.identifier, "before");
  await world.settle(10);
  const [ghost, { code, joined }] = [await world.newDevice(ann), await world.newDevice(ann)];
  ghost.device.network.partition();
  await world.during(ann.up.approveLink(ghost.code));
  expect(await world.during(ghost.joined)).toBeUndefined();
  await world.during(ann.up.approveLink(code));
  const phone = await world.during(joined);
  await phone?.start();
  await world.settle(120);
  expect(await bodies(phone as SimulatedDevice, ben.identifier)).toEqual(["before"]);
});

test("what was said in a group that a new device comes into late is not lost for it", async () => {
  const { world, ann, ben, linked } = await scene(7);
  const { id } = await world.during(ann.up.createGroup("Climbing", [ben.identifier]));
  await world.settle(60);
  await ben.up.send(id, "before");
  await world.settle(10);
  // Nobody can put Ann right, and so nobody lets her phone in, until Ben is back.
  ann.kill();
  ben.network.partition();
  await ann.tamper((draft) => draft.delete(groupNames.state(id)));
  await ann.start();
  await world.settle(5);
  const phone = await linked(ann);
  await world.settle(600);
  expect(await phone.stored.page(keptHistory(id))).toHaveLength(1);
  expect(await stateOf(phone, id)).toBeUndefined();
  ben.network.heal();
  await world.settle(1_200);
  expect(await stateOf(phone, id)).toBe("joined");
  expect(await bodies(phone, id)).toEqual(["before"]);
  expect(await phone.stored.page(keptHistory(id))).toEqual([]);
});

test("devices that come one after another have one group of their own", async () => {
  const { world, ann, linked } = await scene(8);
  const devices = [ann];
  for (let i = 0; i < 3; i++) {
    devices.push(await linked(devices.at(-1) as SimulatedDevice));
    await world.settle(30);
  }
  await world.settle(1_200);
  const ids = await Promise.all(
    devices.map(async (device) =>
      (await device.groups()).filter(({ kind }) => kind === "account").map((group) => group.id),
    ),
  );
  expect(new Set(ids.flat()).size).toBe(1);
  expect(ids.every((own) => own.length === 1)).toBe(true);
});

test("a device whose turn it was to make a group anew while it was away reads first what lies in its inbox, and makes none", async () => {
  const { world, ann, ben, cleo, linked } = await scene(24);
  const phone = await linked(ann);
  // So many that the tree lies in a side log, which takes longer to read than it takes to find everybody's KeyPackages.
  const others: SimulatedDevice[] = [];
  for (let i = 0; i < 5; i++) others.push(await world.device(`+155512310${i}0`));
  for (const device of others) await device.start();
  await world.settle(30);
  const people = [ben, cleo, ...others].map(({ identifier }) => identifier);
  const { id } = await world.during(ann.up.createGroup("Climbing", people));
  await world.settle(60);
  await world.server.wreck((await ann.groups()).find((group) => group.id === id)!);
  await world.settle(20);
  expect(await stateOf(phone, id)).toBe("healing");
  phone.network.partition();
  await world.settle(200);
  await world.during(ann.up.removeFromGroup("Climbing", [ben.identifier]));
  const logs = world.witness.logs.size;
  phone.network.heal();
  await world.settle(60);
  expect(world.witness.logs.size).toBe(logs);
  await phone.up.send("Climbing", "here I am");
  await world.settle(10);
  expect(await bodies(cleo, "Climbing")).toEqual(["here I am"]);
  // Of the log's end, and nothing else.
  for (const device of [ann, phone, ben, cleo]) expect(refused(device)).toHaveLength(1);
});

test("a device that comes into a pair which took another's place does not go on in the other, though somebody who is late lets it in there", async () => {
  const { world, ann, ben, linked } = await scene(9);
  const phone = await linked(ann);
  await world.settle(30);
  await ben.up.send(ann.identifier, "first");
  await world.settle(60);
  const old = (await ben.groups()).find(({ kind }) => kind === "pair")?.id ?? "";
  phone.network.partition();
  ben.kill();
  await ben.tamper((draft) => draft.delete(groupNames.state(old)));
  await ben.start();
  await world.settle(60);
  const tablet = await linked(ann);
  await world.settle(60);
  // The phone finds its account's new device, and adds it where it still is, before it hears of the new pair.
  phone.network.weather = { ...phone.network.weather, delayMs: [200, 200] };
  phone.network.heal();
  await world.settle(120);
  for (const device of [ann, phone, tablet]) await device.up.send(ben.identifier, `from ${device.label}`);
  await world.settle(60);
  const inUse = await Promise.all([ann, phone, tablet, ben].map(async (device) => pairsOf(device)));
  expect(new Set(inUse.map((pairs) => pairs.map(({ id }) => id).join())).size).toBe(1);
  expect(await bodies(ben, ann.identifier)).toHaveLength(4);
});

test("a device is taken off the list though another of the account rotates the identity key at the same time; so is the key rotated twice", async () => {
  const { world, ann, ben, linked } = await scene(16);
  const [phone, tablet] = [await linked(ann), await linked(ann)];
  await ben.up.send(ann.identifier, "hello");
  await world.settle(60);
  await world.during(
    Promise.all([
      ann.up.rotateIdentity(),
      phone.up.rotateIdentity(),
      ben.up.rotateIdentity(),
      world.settle(1).then(() => phone.up.revokeDevice(tablet.device).catch(() => undefined)),
    ]),
  );
  await world.during(phone.up.revokeDevice(tablet.device));
  await world.settle(60);
  expect((await world.server.devicesOf(ann.account)).get(tablet.device)).toBe(false);
  const keys = [ann, phone].map(async ({ stored }) => (await stored.get(names.own))?.identityKey.publicKey);
  const [annsKey, phonesKey] = await Promise.all(keys);
  expect(annsKey).toEqual(phonesKey);
  expect(refused(phone)).toEqual([]);
});

test("a device is taken off the list by one that has not heard yet that it was let in; offline, that one says that it cannot know", async () => {
  const { world, ann, linked } = await scene(17);
  const phone = await linked(ann);
  await world.settle(30);
  phone.network.weather = { ...phone.network.weather, delayMs: [10_000, 10_000] };
  const tablet = await linked(ann);
  expect(await phone.up.devices()).toHaveLength(2);
  await world.during(phone.up.revokeDevice(tablet.device));
  expect((await world.server.devicesOf(ann.account)).get(tablet.device)).toBe(false);
  const nobody = "00".repeat(16);
  expect(await world.during(codeOf(phone.up.revokeDevice(nobody)))).toBe("device_unknown");
  phone.network.partition();
  await world.settle(60);
  expect(await world.during(codeOf(phone.up.revokeDevice(nobody)))).toBe("server_unreachable");
});

test("what waits for a contact's new identity key to be accepted goes out once another device accepted it, whichever of the two saw it first", async () => {
  const { world, ann, ben, linked } = await scene(18);
  const phone = await linked(ann);
  await ben.up.send(ann.identifier, "hello");
  await world.settle(60);
  const changes = () => phone.notices.filter(({ type }) => type === "identity_changed").length;
  const accept = async () => {
    await ann.up.acknowledgeIdentity(ben.identifier);
    await ann.up.setVerified(ben.identifier, true);
  };
  phone.network.partition();
  phone.up.send(ben.identifier, "to the second key").catch(() => undefined);
  await world.during(ben.up.rotateIdentity());
  await world.settle(30);
  phone.network.heal();
  await world.settle(60);
  expect(changes()).toBe(1);
  expect(await bodies(ben, ann.identifier)).toEqual(["hello"]);
  await accept();
  await world.settle(5);
  expect(await bodies(ben, ann.identifier)).toEqual(["hello", "to the second key"]);

  phone.network.partition();
  await world.during(ben.up.rotateIdentity());
  await world.settle(60);
  await accept();
  await world.settle(5);
  phone.network.heal();
  await world.settle(60);
  await world.during(phone.up.send(ben.identifier, "to the third key"));
  await world.settle(5);
  expect(await bodies(ben, ann.identifier)).toEqual(["hello", "to the second key", "to the third key"]);
  expect(await phone.up.contacts()).toMatchObject([{ identityChanged: false, verified: true }]);
  expect(changes()).toBe(1);
});

test.each([21, 22])(
  "a device that was let in after a pair's log was ended goes on in the same pair as the others, who made it anew in two ways, seed %i",
  async (seed) => {
    const { world, ann, ben, linked } = await scene(seed);
    await ann.up.send(ben.identifier, "before");
    await world.settle(30);
    ben.network.partition();
    await world.settle(1);
    await world.server.wreck((await pairsOf(ann))[0]!);
    await world.settle(120);
    // The first pair is none that this device was ever in.
    const phone = await linked(ann);
    await world.settle(60);
    ben.network.heal();
    await world.settle(600);
    const used = await Promise.all([ann, phone, ben].map(pairsOf));
    const [id] = used[0]!.map((pair) => pair.id);
    expect(used.map((own) => own.map((pair) => pair.id))).toEqual([[id], [id], [id]]);
    await phone.up.send(ben.identifier, "after");
    await world.settle(10);
    expect(await bodies(ben, ann.identifier)).toEqual(["before", "after"]);
  },
);

test("whoever was away when a group's device was revoked asks before they write there, and lets the account's new one in", async () => {
  const { world, ann, ben } = await scene(40);
  const { id } = await world.during(ann.up.createGroup("Climbing", [ben.identifier]));
  await world.settle(60);
  ben.kill();
  // The phone dies before it lets the tablet into the group: nobody in there will know of either.
  const { code, joined } = await world.newDevice(ann);
  ann.up.approveLink(code).catch(() => undefined);
  const tablet = (await world.during(joined)) as SimulatedDevice;
  ann.kill();
  await tablet.start();
  await world.during(tablet.up.revokeDevice(ann.device));
  expect(await stateOf(tablet, id)).toBeUndefined();
  await ben.start();
  await world.settle(30);
  await ben.up.send(id, "not for a lost phone");
  await world.settle(60);
  const log = world.witness.logs.get(id);
  const [text] = log?.texts ?? [];
  expect(log?.members.get(text?.epoch ?? 0)).toEqual(new Set([ben.device, tablet.device]));
  expect(await bodies(tablet, id)).toEqual(["not for a lost phone"]);
});

/** Ann's phone revokes her only other device, which was in a group with others, before it could publish KeyPackages. */
async function allOthersRevoked(seed: number) {
  const { world, ann, ben, cleo } = await scene(seed);
  const { id } = await world.during(ben.up.createGroup("Climbing", [ann.identifier, cleo.identifier]));
  await world.settle(60);
  const transport = world.server.transport.bind(world.server);
  let isHeldBack = true;
  world.server.transport = (address) => ({
    ...transport(address),
    connect: async (events, hello) => {
      const connection = await transport(address).connect(events, hello);
      const passes = ({ frame }: ClientFrame) =>
        frame.case !== "putKeyPackages" || address !== `${ann.identifier}#2` || !isHeldBack;
      return {
        close: () => connection.close(),
        send: (frames) => connection.send(frames.filter(passes)),
      };
    },
  });
  const { code, joined } = await world.newDevice(ann);
  await world.during(ann.up.approveLink(code));
  const phone = (await world.during(joined)) as SimulatedDevice;
  ann.kill();
  await phone.start();
  await world.during(phone.up.revokeDevice(ann.device));
  await ben.up.send(id, "not for a lost phone");
  await world.settle(120);
  const log = world.witness.logs.get(id);
  expect(log?.texts).toEqual([]);
  const publish = () => {
    isHeldBack = false;
    phone.network.breakAll();
  };
  /** Which of these the text was encrypted for. */
  const readers = () =>
    [ben, cleo, phone].filter(({ device: one }) => log?.members.get(log.texts[0]?.epoch ?? -1)?.has(one));
  return { world, id, ben, cleo, phone, publish, readers };
}

test("whoever revoked all other devices before this one could be let in is in their groups once it can, and nothing is written there meanwhile", async () => {
  const { world, id, ben, cleo, phone, publish, readers } = await allOthersRevoked(41);
  publish();
  await world.settle(60);
  expect(readers()).toEqual([ben, cleo, phone]);
  expect(await bodies(phone, id)).toEqual(["not for a lost phone"]);
});

test("nobody waits longer than ten minutes for a device that never publishes KeyPackages", async () => {
  const { world, ben, cleo, readers } = await allOthersRevoked(42);
  await world.settle(540);
  expect(readers()).toEqual([ben, cleo]);
});
