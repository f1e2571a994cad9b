/**
 * A server that was put back to an older copy of its data, by its operator or on purpose, against whole clients: groups and pairs that changed
 * since live on by themselves in the state that is newest, and nobody gets in, back or rights by it.
 */
import { afterEach, expect, test } from "vitest";
import type { SimulatedDevice } from "../src/simulation/index.ts";
import { Scene, groupOf, hasRead, refusals } from "./support/mls-scene.ts";

let scene: Scene;
afterEach(() => scene.close());

/** Ann's group with Bob, Cleo and Mallory; everybody's first update is over. */
async function choir() {
  scene = await Scene.make();
  const [ann, bob, cleo, mallory] = await scene.people("ann", "bob", "cleo", "mallory");
  const others = [bob, cleo, mallory];
  const identifiers = others.map(({ identifier }) => identifier);
  await scene.world.during(ann.up.createGroup("Choir", identifiers));
  await scene.reaches(ann, "Choir", "hello", others);
  await scene.world.settle(60);
  return { ann, bob, cleo, mallory };
}

const present = async (device: SimulatedDevice) =>
  (await device.groups()).filter(({ kind, state }) => kind === "group" && state === "joined");
const people = async (device: SimulatedDevice, group = "Choir") =>
  (await device.up.groupMembers(group)).map(({ accountId, role }) => `${accountId} ${role}`).toSorted();

/** All of them are in one group that is in use, and read each other. */
async function goesOn(
  devices: readonly SimulatedDevice[],
  name = "Choir",
  withinSec = 3_600,
): Promise<string> {
  const isOne = async () => {
    const ids = await Promise.all(devices.map(async (device) => (await present(device)).map(({ id }) => id)));
    return ids.every((one) => one.length === 1 && one[0] === ids[0]?.[0]);
  };
  for (let waited = 0; waited < withinSec && !(await isOne()); waited += 10) await scene.world.settle(10);
  expect(await isOne()).toBe(true);
  await scene.world.settle(60);
  for (const [i, device] of devices.entries()) {
    const readers = devices.filter((other) => other !== device);
    await scene.reaches(device, name, `${i} of ${scene.world.clock.nowMs()}`, readers);
  }
  return (await present(devices[0]!))[0]!.id;
}

test("a group that changed since the copy lives on as it was last, and what devices hold stays", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  const [eve] = await scene.people("eve");
  const copy = scene.world.server.copy();
  await scene.world.during(ann.up.renameGroup("Choir", "Chorus"));
  await scene.world.during(ann.up.addToGroup("Chorus", [eve.identifier]));
  await scene.reaches(bob, "Chorus", "written after the copy", [ann, cleo, mallory, eve]);
  await scene.world.during(ann.up.setAdmins("Chorus", [bob.identifier], true));
  await scene.world.settle(60);
  const before = await people(bob, "Chorus");
  await scene.world.server.restore(copy);
  const everybody = [ann, bob, cleo, mallory, eve];
  await goesOn(everybody, "Chorus");
  for (const device of everybody) {
    expect(await people(device, "Chorus")).toEqual(before);
    expect(device.notices.some(({ type }) => type === "healed")).toBe(true);
  }
  const shown = (await cleo.up.history("Chorus")).filter(({ body }) => body !== "").map(({ body }) => body);
  expect(shown.slice(0, 2)).toEqual(["hello", "written after the copy"]);
});

test("whoever was away since before the copy comes along, and whoever was removed after it stays out", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  await cleo.stop();
  mallory.kill();
  const copy = scene.world.server.copy();
  await scene.world.during(ann.up.removeFromGroup("Choir", [mallory.identifier]));
  await scene.reaches(ann, "Choir", "without her", [bob]);
  await scene.world.settle(60);
  await scene.world.server.restore(copy);
  await mallory.start();
  await cleo.start();
  await goesOn([ann, bob, cleo]);
  await scene.reaches(bob, "Choir", "not for her", [ann, cleo]);
  for (const device of [ann, bob, cleo]) {
    expect((await people(device)).join()).not.toContain(mallory.account);
  }
  await scene.world.settle(600);
  expect(hasRead(mallory, "not for her")).toBe(false);
});

test("an admin who was away, and does not know of a removal, brings nobody back among those who do", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  await scene.world.during(ann.up.setAdmins("Choir", [cleo.identifier], true));
  await scene.world.settle(60);
  await cleo.stop();
  mallory.kill();
  const copy = scene.world.server.copy();
  await scene.world.during(ann.up.removeFromGroup("Choir", [mallory.identifier]));
  await scene.reaches(ann, "Choir", "without her", [bob]);
  await scene.world.settle(60);
  // For a while only the one who does not know is there to decide.
  await ann.stop();
  await scene.world.server.restore(copy);
  await mallory.start();
  await cleo.start();
  await scene.world.settle(1_800);
  expect(await present(bob)).toEqual([]);
  expect(refusals(bob)).toContain("group_forbidden");
  await ann.start();
  await goesOn([ann, bob, cleo]);
  for (const device of [ann, bob, cleo]) {
    expect((await people(device)).join()).not.toContain(mallory.account);
  }
});

test("a pair that changed since the copy is made anew, once, and what was under way comes", async () => {
  scene = await Scene.make();
  const [ann, bob] = await scene.people("ann", "bob");
  await scene.reaches(ann, bob.identifier, "hello", [bob]);
  await scene.reaches(bob, ann.identifier, "hello back", [ann]);
  await scene.world.settle(60);
  const copy = scene.world.server.copy();
  // A week later leaves are updated.
  await scene.world.settle(8 * 86_400);
  await scene.reaches(ann, bob.identifier, "after the copy", [bob]);
  const before = await groupOf(bob, "pair");
  await bob.stop();
  await ann.up.send(bob.identifier, "lost with the server");
  await scene.world.settle(5);
  await scene.world.server.restore(copy);
  await scene.world.settle(5);
  await bob.start();
  await scene.reaches(ann, bob.identifier, "after all", [bob]);
  await scene.reaches(bob, ann.identifier, "and back", [ann]);
  await scene.world.settle(120);
  const bodies = (await bob.up.history(ann.identifier)).filter(({ direction }) => direction === "in");
  expect(bodies.map(({ body }) => body)).toEqual([
    "hello",
    "after the copy",
    "lost with the server",
    "after all",
  ]);
  for (const device of [ann, bob]) {
    const pairs = (await device.groups()).filter(({ kind, state }) => kind === "pair" && state === "joined");
    expect(pairs).toHaveLength(1);
    expect(pairs[0]!.id).not.toBe(before.id);
  }
});

test("what is left in an inbox under numbers that were given out before is taken, though its device was away", async () => {
  scene = await Scene.make();
  const [ann, bob] = await scene.people("ann", "bob");
  await scene.reaches(ann, bob.identifier, "hello", [bob]);
  await scene.world.settle(60);
  const copy = scene.world.server.copy();
  const names = (await bob.groups()).length;
  for (const name of ["one", "two"]) {
    await scene.world.during(ann.up.createGroup(name, [bob.identifier]));
  }
  await scene.world.until(async () => (await bob.groups()).length === names + 2);
  await bob.stop();
  await scene.world.server.restore(copy);
  // Before Ann asks Bob about the groups that she lost.
  await scene.world.settle(2);
  for (const name of ["three", "four", "five"]) {
    await scene.world.during(ann.up.createGroup(name, [bob.identifier]));
  }
  await bob.start();
  const named = async () =>
    (await bob.up.groups()).filter(({ state }) => state === "joined").map(({ name }) => name);
  for (let waited = 0; waited < 1_800 && (await named()).length < 5; waited += 10)
    await scene.world.settle(10);
  expect((await named()).toSorted()).toEqual(["five", "four", "one", "three", "two"]);
  for (const name of await named()) await scene.reaches(ann, name, `in ${name}`, [bob]);
});

test("whoever registered after the copy is not there any more, and keeps nobody from going on", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  const copy = scene.world.server.copy();
  const [eve] = await scene.people("eve");
  await scene.world.during(ann.up.addToGroup("Choir", [eve.identifier]));
  await scene.reaches(eve, "Choir", "I am here", [ann, bob, cleo, mallory]);
  await scene.world.settle(60);
  await scene.world.server.restore(copy);
  await goesOn([ann, bob, cleo, mallory]);
  expect((await people(ann)).join()).not.toContain(eve.account);
});

test("a group in which nobody else is goes on as well", async () => {
  scene = await Scene.make();
  const [ann, bob] = await scene.people("ann", "bob");
  const { id } = await scene.world.during(ann.up.createGroup("Notes", []));
  const copy = scene.world.server.copy();
  await scene.world.during(ann.up.renameGroup("Notes", "Diary"));
  await scene.world.server.restore(copy);
  await scene.world.settle(300);
  await scene.world.during(ann.up.addToGroup("Diary", [bob.identifier]));
  expect(await goesOn([ann, bob], "Diary")).not.toBe(id);
});

test("a group that was made anew, and lost with the server before anybody else heard of it, is made anew once more", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  const copy = scene.world.server.copy();
  await scene.world.during(ann.up.renameGroup("Choir", "Chorus"));
  await scene.world.settle(10);
  const { id } = await groupOf(ann);
  let made = false;
  scene.lie(ann, {
    up: (told) => {
      if (told.frame.case === "createLog") made = true;
      return made && told.frame.case === "append" && told.frame.value.accessToken.length === 0 ? [] : [told];
    },
  });
  await scene.world.server.restore(copy);
  await scene.world.until(() => made);
  await scene.world.settle(10);
  scene.behave();
  await scene.world.server.restore(copy);
  expect(await goesOn([ann, bob, cleo, mallory], "Chorus", 7_200)).not.toBe(id);
});

test("a server that puts itself back again and again has groups and pairs made anew a few times, and then once an hour", async () => {
  const { ann, bob, cleo, mallory } = await choir();
  await scene.reaches(ann, bob.identifier, "in the pair", [bob]);
  await scene.reaches(bob, ann.identifier, "and back", [ann]);
  await scene.world.settle(60);
  const copy = scene.world.server.copy();
  // A week later all leaves were updated.
  await scene.world.settle(8 * 86_400);
  await scene.reaches(ann, "Choir", "in a later epoch", [bob, cleo, mallory]);
  let logs = 0;
  for (const device of [ann, bob, cleo, mallory]) {
    scene.lie(device, {
      up: (told) => {
        if (told.frame.case === "createLog") logs++;
        return [told];
      },
    });
  }
  for (let minutes = 0; minutes < 150; minutes += 5) {
    await scene.world.server.restore(copy);
    await scene.world.settle(300);
  }
  // Thirty times put back: the group, and the pair by each of its two, about five times each.
  expect(logs).toBeLessThanOrEqual(20);
  await goesOn([ann, bob, cleo, mallory], "Choir", 7_200);
  await scene.world.settle(3_600);
  await scene.reaches(ann, bob.identifier, "through at last", [bob]);
  expect(
    (await bob.groups()).filter(({ kind, state }) => kind === "pair" && state === "joined"),
  ).toHaveLength(1);
}, 300_000);
