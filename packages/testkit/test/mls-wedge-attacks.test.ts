/**
 * Logs that are ended by what nobody can take in, against whole clients: the group lives on by itself, within what its devices knew, and
 * whoever ends logs gains nothing by it: nobody in, nobody back, no rights, and only now and then some minutes.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { names } from "@sotto/client/parts";
import { EntryKind, GroupEntrySchema, RejoinReason, toHex } from "@sotto/protocol";
import { afterEach, expect, test } from "vitest";
import type { SimulatedDevice } from "../src/simulation/index.ts";
import {
  Intruder,
  Scene,
  aboutLog,
  bytes,
  claimOne,
  engine,
  exported,
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

/** Ann's group with Bob, Cleo and Mallory, who has no rights in it. */
async function choir() {
  scene = await Scene.make();
  const [ann, bob, cleo, mallory] = await scene.people("ann", "bob", "cleo", "mallory");
  const others = [bob.identifier, cleo.identifier, mallory.identifier];
  await scene.world.during(ann.up.createGroup("Choir", others));
  await scene.reaches(ann, "Choir", "hello", [bob, cleo, mallory]);
  // Everybody updates once after joining; that is over then.
  await scene.world.settle(60);
  return { ann, bob, cleo, mallory, id: (await groupOf(bob)).id };
}

const garbage = {
  "random bytes": () => provider.randomBytes(400),
  "an MLSMessage of random bytes": () => {
    const value = provider.randomBytes(400);
    return toBinary(GroupEntrySchema, create(GroupEntrySchema, { entry: { case: "mlsMessage", value } }));
  },
};

/** Mallory ends the epoch of her group with something that nobody can take in. */
async function endLog(mallory: SimulatedDevice, body = provider.randomBytes(400)): Promise<Intruder> {
  const group = (await mallory.groups()).find(({ state, kind }) => kind === "group" && state === "joined")!;
  const intruder = await Intruder.takeOver(scene, mallory);
  expect(await intruder.append(group, EntryKind.COMMIT, body, provider.randomBytes(32))).toBe("appended");
  return intruder;
}

const present = async (device: SimulatedDevice) =>
  (await device.groups()).filter(({ kind, state }) => kind === "group" && state === "joined");

/** All of them are in one group that is in use, and read each other. */
async function goesOn(devices: readonly SimulatedDevice[], withinSec = 900): Promise<string> {
  const isOne = async () => {
    const ids = await Promise.all(devices.map(async (device) => (await present(device)).map(({ id }) => id)));
    return ids.every((one) => one.length === 1 && one[0] === ids[0]?.[0]);
  };
  for (let waited = 0; waited < withinSec && !(await isOne()); waited += 10) await scene.world.settle(10);
  expect(await isOne()).toBe(true);
  await scene.world.settle(60);
  for (const [i, device] of devices.entries()) {
    const readers = devices.filter((other) => other !== device);
    await scene.reaches(device, "Choir", `${i} of ${scene.world.clock.nowMs()}`, readers);
  }
  return (await present(devices[0]!))[0]!.id;
}

const people = async (device: SimulatedDevice) =>
  (await device.up.groupMembers("Choir")).map(({ accountId, role }) => `${accountId} ${role}`).toSorted();

test.each(Object.entries(garbage))(
  "a member ends the log with %s: the group goes on, with the same people and the same admin",
  async (_, make) => {
    const { ann, bob, cleo, mallory, id } = await choir();
    const before = await people(bob);
    await ann.up.send("Choir", "the last that was written");
    await endLog(mallory, make());
    const next = await goesOn([ann, bob, cleo]);
    expect(next).not.toBe(id);
    for (const device of [ann, bob, cleo]) {
      expect(await people(device)).toEqual(before);
      expect(refusals(device).length).toBeGreaterThan(0);
      expect(device.notices.filter(({ type }) => type === "healed")).toHaveLength(1);
    }
    const shown = (await bob.up.history("Choir")).map(({ body }) => body);
    expect(shown.slice(0, 2)).toEqual(["hello", "the last that was written"]);
    expect((await bob.up.groups()).map(({ name }) => name)).toContain("Choir");
  },
);

test("a device that was away for days finds the way into the group that goes on", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  await cleo.stop();
  await ann.up.send("Choir", "while Cleo is away");
  await scene.world.settle(5);
  await endLog(mallory);
  await goesOn([ann, bob]);
  await ann.up.send("Choir", "afterwards");
  await scene.world.settle(3 * 86_400);
  await cleo.start();
  await goesOn([ann, bob, cleo]);
  const shown = (await cleo.up.history("Choir")).map(({ body }) => body);
  expect(shown.slice(0, 2)).toEqual(["hello", "while Cleo is away"]);
  expect(shown).toContain("afterwards");
});

test("nobody but an admin makes the group anew: it waits for one, and goes on when they come", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  await ann.stop();
  await endLog(mallory);
  await scene.world.settle(6 * 3_600);
  expect((await bob.up.groups()).map(({ state }) => state)).toEqual(["healing"]);
  await ann.start();
  await goesOn([ann, bob, cleo]);
});

test("the second admin makes it anew when the first is not there", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  await scene.world.during(ann.up.setAdmins("Choir", [bob.identifier], true));
  await scene.world.settle(20);
  await ann.stop();
  await endLog(mallory);
  await goesOn([bob, cleo]);
  expect(await people(bob)).toContain(`${ann.account} admin`);
  await ann.start();
  await goesOn([ann, bob, cleo]);
});

/** The server keeps what somebody who makes the group anew leaves in inboxes, and what is left in their own from then on. */
async function keepApart(maker: SimulatedDevice): Promise<void> {
  const { inbox } = (await maker.stored.get(names.own))!;
  let made = false;
  scene.lie(maker, {
    up: (told) => {
      if (told.frame.case === "createLog") made = true;
      return made && told.frame.case === "append" && told.frame.value.accessToken.length === 0 ? [] : [told];
    },
    down: (told) => {
      const { frame } = told;
      return made && frame.case === "entries" && toHex(frame.value.logId) === inbox ? [] : [told];
    },
  });
}

test("two admins make it anew at once, since the server keeps them apart: everybody ends in the same group", async () => {
  const { ann, bob, cleo, mallory, id } = await choir();
  await scene.world.during(ann.up.setAdmins("Choir", [bob.identifier], true));
  await scene.world.settle(20);
  const [first, second] = ann.account < bob.account ? [ann, bob] : [bob, ann];
  await keepApart(first);
  await endLog(mallory);
  await goesOn([second, cleo]);
  const firsts = (await first.groups()).find(({ state }) => state === "creating")!;
  expect(firsts.id).not.toBe(id);
  expect(firsts.id).not.toBe((await present(second))[0]!.id);
  scene.behave();
  scene.link(first).cut();
  await goesOn([ann, bob, cleo]);
  for (const device of [ann, bob, cleo]) {
    expect((await device.up.groups()).filter(({ name }) => name === "Choir")).toHaveLength(1);
  }
});

test("whoever comes into a group that is given up for another comes into that one; whoever is removed there stays out", async () => {
  for (let seed = 1; ; seed++) {
    scene = await Scene.make(seed);
    const { world } = scene;
    const [dora, ...admins] = await scene.people("dora", "ann", "bob", "cleo");
    const [first, second, third] = admins.toSorted((a, b) =>
      a.account < b.account ? -1 : 1,
    ) as typeof admins;
    const others = [second.identifier, third.identifier];
    await world.during(first.up.createGroup("Choir", others));
    await world.during(first.up.setAdmins("Choir", others, true));
    await world.during(second.up.contact(dora.identifier));
    await world.settle(60);
    await keepApart(first);
    await world.server.wreck(await groupOf(first));
    const heard = await goesOn([second, third]);
    const unheard = (await first.groups()).find(({ state }) => state === "creating")!.id;
    // Which of the two counts before the other is as chance has it: here the one that nobody heard of.
    if (unheard > heard) {
      await scene.close();
      continue;
    }
    await world.during(second.up.addToGroup("Choir", [dora.identifier]));
    await scene.reaches(dora, "Choir", "from the one that is given up", [second, third]);
    await third.stop();
    scene.behave();
    scene.link(first).cut();
    expect(await goesOn([first, second, dora])).toBe(unheard);
    expect(hasRead(first, "from the one that is given up")).toBe(true);
    await world.during(first.up.removeFromGroup("Choir", [dora.identifier]));
    await third.start();
    expect(await goesOn([first, second, third])).toBe(unheard);
    expect(await people(first)).toEqual(admins.map(({ account }) => `${account} admin`).toSorted());
    return;
  }
});

test("whoever is not taken along into the group that goes on hears so, and what they wrote there fails", async () => {
  const { ann, bob, cleo, mallory, id } = await choir();
  ann.network.partition();
  await endLog(mallory);
  await scene.world.settle(10);
  await cleo.up.send("Choir", "does anybody read this?");
  const removed = ann.up.removeFromGroup("Choir", [cleo.identifier]);
  ann.network.heal();
  await goesOn([ann, bob]);
  await removed;
  // It asks every ten minutes.
  await scene.world.settle(900);
  expect((await cleo.groups()).find((group) => group.id === id)?.state).toBe("removed");
  expect((await cleo.up.history("Choir")).at(-1)).toMatchObject({ status: "failed" });
  expect((await cleo.up.doctor()).queued).toBe(0);
});

/** A group of two admins with Cleo and Dora whose log is over; the server keeps apart what the admin makes whose turn is first. */
async function apart(seed: number) {
  scene = await Scene.make(seed);
  const { world } = scene;
  const [third, dora, ...admins] = await scene.people("cleo", "dora", "ann", "bob");
  const [first, second] = admins.toSorted((a, b) => (a.account < b.account ? -1 : 1)) as typeof admins;
  const others = [second, third, dora].map(({ identifier }) => identifier);
  await world.during(first.up.createGroup("Choir", others));
  await world.during(first.up.setAdmins("Choir", [second.identifier], true));
  await world.settle(60);
  await keepApart(first);
  await world.server.wreck(await groupOf(first));
  return { world, first, second, third, dora };
}

test("whom an admin wanted removed is out of the group that counts, though another admin made it and knew nothing of it", async () => {
  for (let seed = 1; ; seed++) {
    const { world, first, second, third, dora } = await apart(seed);
    await world.settle(10);
    const removed = first.up.removeFromGroup("Choir", [dora.identifier]).catch((cause: unknown) => cause);
    const heard = await goesOn([second, third, dora]);
    const unheard = (await first.groups()).find(({ state }) => state === "creating")!.id;
    // Which of the two counts before the other is as chance has it: here the one that dora is in.
    if (heard > unheard) {
      await scene.close();
      continue;
    }
    scene.behave();
    scene.link(first).cut();
    expect(await goesOn([first, second, third])).toBe(heard);
    expect(await removed).toBeUndefined();
    expect(await present(dora)).toEqual([]);
    return;
  }
});

test("whoever was removed from a group that is given up for another is removed from that one, whose maker had not heard of it", async () => {
  for (let seed = 1; ; seed++) {
    const { world, first, second, third, dora } = await apart(seed);
    const heard = await goesOn([second, third, dora]);
    const unheard = (await first.groups()).find(({ state }) => state === "creating")!.id;
    // Which of the two counts before the other is as chance has it: here the one that nobody heard of.
    if (unheard > heard) {
      await scene.close();
      continue;
    }
    await world.during(second.up.removeFromGroup("Choir", [dora.identifier]));
    await world.settle(30);
    scene.behave();
    scene.link(first).cut();
    expect(await goesOn([first, second, third])).toBe(unheard);
    expect(await present(dora)).toEqual([]);
    for (const device of [first, second, third, dora]) {
      expect(refusals(device).filter((code) => code === "group_forbidden")).toEqual([]);
    }
    return;
  }
});

test("whoever was removed from the group, or left it, before its log was ended can be asked into the one that goes on", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  await scene.world.during(ann.up.removeFromGroup("Choir", [cleo.identifier]));
  await scene.world.during(bob.up.leaveGroup("Choir"));
  await scene.world.settle(60);
  await endLog(mallory);
  await mallory.start();
  await goesOn([ann, mallory]);
  for (const device of [bob, cleo]) {
    expect(await present(device)).toEqual([]);
    await scene.world.during(ann.up.addToGroup("Choir", [device.identifier]));
  }
  await goesOn([ann, bob, cleo]);
  for (const device of [bob, cleo]) expect(refusals(device)).toEqual([]);
});

test("what somebody wanted changed in the group that ended is changed in the one that goes on", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  ann.network.partition();
  const wish = ann.up.renameGroup("Choir", "Chorus");
  await endLog(mallory);
  ann.network.heal();
  await scene.world.during(wish);
  await scene.world.settle(30);
  for (const device of [bob, cleo]) expect((await device.up.groups())[0]?.name).toBe("Chorus");
});

test("an admin whose wish waits to keep out whoever ends every log has a group without them", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  const logs = async () => (await mallory.groups()).filter(({ kind }) => kind === "group").length;
  const startedMs = scene.world.clock.nowMs();
  await endLog(mallory);
  let ended = 1;
  // Whenever the group goes on, she ends it before anybody can do anything.
  for (; ended < 6; ended++) {
    const before = await logs();
    await mallory.start();
    for (let waited = 0; waited < 7_200 && (await logs()) === before; waited += 1)
      await scene.world.settle(1);
    await endLog(mallory);
  }
  // At once, after 1, 4 and 16 minutes, and then once an hour.
  expect(scene.world.clock.nowMs() - startedMs).toBeGreaterThan(80 * 60_000);
  await scene.world.settle(60);
  const removed = ann.up.removeFromGroup("Choir", [mallory.identifier]);
  await mallory.start();
  await scene.world.settle(2 * 3_600);
  await removed;
  await goesOn([ann, bob, cleo]);
  for (const device of [ann, bob, cleo]) {
    expect(await people(device)).toEqual(
      [`${ann.account} admin`, `${bob.account} member`, `${cleo.account} member`].toSorted(),
    );
  }
  expect((await present(mallory)).length).toBe(0);
}, 120_000);

/** Mallory's group in the place of the one that she ended, as she would like it. */
async function usurp(
  intruder: Intruder,
  victim: SimulatedDevice,
  beside: readonly SimulatedDevice[],
  forged: { readonly groupId: Uint8Array; readonly admins: readonly string[]; readonly replaces?: string },
) {
  const { groupId, admins, replaces } = forged;
  const data = groupData(
    "GROUP",
    "Choir",
    admins,
    replaces === undefined ? undefined : { id: replaces, epoch: 999 },
  );
  const invitation = await forgeGroup(scene, intruder, victim, { groupId, data, epoch: 40, beside });
  await sendWelcome(intruder, victim, invitation);
}

test.each([
  ["makes herself admin", (ann: string, mallory: string) => [ann, mallory], false],
  ["lets a stranger in", (ann: string) => [ann], true],
] as const)(
  "a member ends the log, has everybody ask to be let in again, and %s: refused, and the group goes on as it was",
  async (_, admins, withStranger) => {
    const { ann, bob, cleo, mallory, id } = await choir();
    const [stranger] = await scene.people("stranger");
    const before = await people(bob);
    await ann.stop();
    const intruder = await endLog(mallory);
    await scene.world.settle(30);
    const groupId = bytes(id);
    const beside = [ann, cleo, ...(withStranger ? [stranger] : [])];
    const told = refusals(bob).length;
    await usurp(intruder, bob, beside, { groupId, admins: admins(ann.account, mallory.account) });
    await scene.world.until(() => refusals(bob).length > told);
    expect(refusals(bob).at(-1)).toBe("group_forbidden");
    expect(await present(bob)).toEqual([]);
    await ann.start();
    await goesOn([ann, bob, cleo]);
    expect(await people(bob)).toEqual(before);
  },
);

test("a member without rights puts a group of its own in the place of the one that it ended: refused", async () => {
  const { ann, bob, cleo, mallory, id } = await choir();
  await ann.stop();
  const intruder = await endLog(mallory);
  await scene.world.settle(30);
  const told = refusals(bob).length;
  const forged = { groupId: provider.randomBytes(16), admins: [ann.account], replaces: id };
  await usurp(intruder, bob, [ann, cleo], forged);
  await scene.world.until(() => refusals(bob).length > told);
  expect(refusals(bob).at(-1)).toBe("group_forbidden");
  expect(await present(bob)).toEqual([]);
  await ann.start();
  await goesOn([ann, bob, cleo]);
});

test("an admin who was removed from the group that goes on puts one of their own in the place of the one before, of a later epoch: refused", async () => {
  const { ann, bob, cleo, mallory, id } = await choir();
  await scene.world.during(ann.up.setAdmins("Choir", [mallory.identifier], true));
  await scene.world.settle(20);
  await scene.world.server.wreck(await groupOf(ann));
  const next = await goesOn([ann, bob, cleo, mallory]);
  await scene.world.during(ann.up.removeFromGroup("Choir", [mallory.identifier]));
  await scene.world.settle(20);
  const before = await people(bob);
  const told = refusals(bob).length;
  const intruder = await Intruder.takeOver(scene, mallory);
  const forged = { groupId: provider.randomBytes(16), admins: [mallory.account], replaces: id };
  await usurp(intruder, bob, [ann, cleo], forged);
  await scene.world.until(() => refusals(bob).length > told);
  expect(refusals(bob).at(-1)).toBe("group_forbidden");
  expect(await goesOn([ann, bob, cleo])).toBe(next);
  expect(await people(bob)).toEqual(before);
});

test("the server alone shows an admin a Commit that there is not: others put the admin right, and no group is made anew", async () => {
  const { ann, bob, cleo, mallory, id } = await choir();
  let lied = false;
  scene.lie(
    ann,
    aboutLog(id, (entry) => {
      if (lied || entry.kind !== EntryKind.MESSAGE) return [entry];
      lied = true;
      return [{ ...entry, kind: EntryKind.COMMIT, body: provider.randomBytes(400) }];
    }),
  );
  await bob.up.send("Choir", "in its place");
  await scene.world.until(() => refusals(ann).length > 0);
  // Nobody is there to put her right, for longer than it takes to make a group.
  for (const device of [bob, cleo, mallory]) device.kill();
  await scene.world.settle(900);
  scene.behave();
  scene.link(ann).cut();
  for (const device of [bob, cleo, mallory]) await device.start();
  expect(await goesOn([ann, bob, cleo], 1_800)).toBe(id);
});

test("the server and a member have an admin believe that the log is over: all go over, and nobody is lost, in or out by it", async () => {
  const { ann, bob, cleo, mallory, id } = await choir();
  const before = await people(bob);
  const body = provider.randomBytes(400);
  let lied = false;
  scene.lie(
    ann,
    aboutLog(id, (entry) => {
      if (lied || entry.kind !== EntryKind.MESSAGE) return [entry];
      lied = true;
      return [{ ...entry, kind: EntryKind.COMMIT, body }];
    }),
  );
  // Nobody puts her right: what they leave in her inbox is lost.
  const { inbox } = (await ann.stored.get(names.own))!;
  for (const device of [bob, cleo]) {
    scene.lie(device, {
      up: (told) => {
        const { frame } = told;
        return frame.case === "append" && toHex(frame.value.logId) === inbox ? [] : [told];
      },
    });
  }
  const intruder = await Intruder.takeOver(scene, mallory);
  await bob.up.send("Choir", "in its place");
  await scene.world.until(() => refusals(ann).length > 0);
  const refusedCommit = await provider.sha256(body);
  const { epoch } = (await mallory.groups()).find((group) => group.id === id)!;
  await leaveRejoin(intruder, ann, mallory, { logId: id, reason: RejoinReason.COMMIT, epoch, refusedCommit });
  await scene.world.settle(120);
  scene.behave();
  for (const device of [ann, bob, cleo]) scene.link(device).cut();
  expect(await goesOn([ann, bob, cleo], 3_600)).not.toBe(id);
  for (const device of [bob, cleo]) expect(await people(device)).toEqual(before);
});

test("a member takes a device out and adds it anew by a true Commit, and lets it into a group of its own: refused", async () => {
  const { ann, bob, cleo, mallory, id } = await choir();
  const before = await people(bob);
  const group = await groupOf(mallory);
  const mls = await mlsOf(mallory, id);
  const intruder = await Intruder.takeOver(scene, mallory);
  const leaf = mls.members.find((member) => toHex(member.accountId) === bob.account)!;
  const read = await engine.readKeyPackage(await claimOne(intruder, bob, "x-wing"));
  const nowSec = Math.floor(scene.world.clock.nowMs() / 1000);
  const add = [engine.verifyKeyPackage(read, { ...leaf, ciphersuite: "x-wing" }, nowSec)];
  const made = await engine.commit(mls, { remove: [leaf.leafIndex], add });
  const value = create(GroupEntrySchema, { entry: { case: "mlsMessage", value: made.commit } });
  const hash = await provider.sha256(await exported(made.next));
  expect(await intruder.append(group, EntryKind.COMMIT, toBinary(GroupEntrySchema, value), hash)).toBe(
    "appended",
  );
  await scene.world.settle(5);
  await usurp(intruder, bob, [ann, cleo], { groupId: bytes(id), admins: [ann.account, mallory.account] });
  await scene.world.until(() => refusals(bob).length > 0);
  expect(refusals(bob)).toEqual(["group_forbidden"]);
  expect(await goesOn([ann, bob, cleo], 1_800)).toBe(id);
  expect(await people(bob)).toEqual(before);
});

const slow = process.env["SOTTO_SLOW_TESTS"] !== undefined;

test.each(["who makes the group anew", "who goes over to it"])(
  "%s is killed at its effects meanwhile: the group goes on, once",
  async (who) => {
    let kills = 0;
    const stride = slow ? 1 : 7;
    for (let effect = 0; ; effect += stride) {
      const { ann, bob, cleo, mallory } = await choir();
      const mortal = who === "who makes the group anew" ? ann : bob;
      await endLog(mallory);
      let count = 0;
      mortal.fate = () => (count++ === effect ? (effect % 2 === 0 ? "before" : "after") : false);
      await scene.world.settle(150);
      const wasKilled = !mortal.alive;
      mortal.fate = () => false;
      if (wasKilled) await mortal.start();
      await goesOn([ann, bob, cleo]);
      if (!wasKilled) break;
      kills++;
      await scene.close();
    }
    expect(kills).toBeGreaterThan(1);
  },
  300_000,
);
