/** Devices that lost what they knew of a group are put right by themselves, and told what they will never have. */
import { SimulatedWorld } from "@sotto/testkit/simulation";
import { groupNames } from "@sotto/client/parts";
import { expect, test } from "vitest";

async function scene() {
  const world = await SimulatedWorld.make(7);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  const cleo = await world.device("+15551230003");
  for (const device of world.devices) await device.start();
  await world.settle();
  const made = await world.during(ann.up.createGroup("Climbing", [ben.identifier, cleo.identifier]));
  await ann.up.send(ben.identifier, "in the pair");
  await world.settle(60);
  return { world, ann, ben, cleo, id: made.id };
}

type Scene = Awaited<ReturnType<typeof scene>>;
const healed = ({ ben }: Scene) => ben.notices.filter(({ type }) => type === "healed");
const refused = ({ world }: Scene) =>
  world.devices.flatMap(({ notices }) => notices.filter(({ type }) => type === "refused"));
const isPair = ({ kind }: { readonly kind: string }) => kind === "pair";
const shown = async ({ ben }: Scene, conversation: string) =>
  (await ben.up.history(conversation)).filter(({ direction }) => direction === "in").map(({ body }) => body);

test("a device put back to an old copy of its vault reads on in its groups, and is told how much it lacks", async () => {
  const played = await scene();
  const { world, ann, ben, id } = played;
  const copy = ben.copy();
  await ann.up.send("Climbing", "read, and forgotten again");
  await world.settle(5);
  expect(await shown(played, id)).toEqual(["read, and forgotten again"]);
  ben.kill();
  ben.restore(copy);
  await ben.start();
  await world.settle(60);
  await ann.up.send("Climbing", "read afterwards");
  await ben.up.send("Climbing", "and written");
  await world.settle(60);
  expect(await shown(played, id)).toEqual(["read afterwards"]);
  expect(ann.received.map(({ body }) => body)).toContain("and written");
  const [notice] = healed(played);
  expect(notice).toMatchObject({ type: "healed", conversation: "Climbing" });
  expect(notice?.type === "healed" && notice.missed).toBeGreaterThanOrEqual(1);
  expect(refused(played)).toEqual([]);
});

test.each(["removed from", "left"])(
  "a device put back to a copy in which it was out of a group that it %s asks, and is let in where it was added again since",
  async (how) => {
    const played = await scene();
    const { world, ann, ben, cleo, id } = played;
    if (how === "left") await world.during(ben.up.leaveGroup(id));
    else await world.during(ann.up.removeFromGroup(id, [ben.identifier]));
    await world.settle(60);
    const copy = ben.copy();
    await world.during(ann.up.addToGroup(id, [ben.identifier]));
    await world.settle(30);
    await cleo.up.send(id, "read, and forgotten again");
    await world.settle(10);
    expect(await shown(played, id)).toEqual(["read, and forgotten again"]);
    ben.kill();
    ben.restore(copy);
    await ben.start();
    await world.settle(60);
    await cleo.up.send(id, "read afterwards");
    await world.settle(30);
    expect(await shown(played, id)).toEqual(["read afterwards"]);
    expect(refused(played)).toEqual([]);
  },
);

test("whoever was away while they were removed, and added again by somebody who came since, is let in", async () => {
  const played = await scene();
  const { world, ann, ben, cleo } = played;
  const { id } = await world.during(ann.up.createGroup("Walking", [ben.identifier]));
  await world.during(cleo.up.contact(ben.identifier));
  await world.settle(60);
  ben.kill();
  await world.during(ann.up.removeFromGroup(id, [ben.identifier]));
  await world.during(ann.up.addToGroup(id, [cleo.identifier]));
  await world.during(ann.up.setAdmins(id, [cleo.identifier], true));
  await world.settle(30);
  await world.during(cleo.up.addToGroup(id, [ben.identifier]));
  await world.settle(30);
  await cleo.up.send(id, "welcome back");
  await ben.start();
  await world.settle(60);
  expect(await shown(played, id)).toEqual(["welcome back"]);
  expect(refused(played)).toEqual([]);
});

test("a device put back to a copy in which it was removed from a group stays out when it was not added again", async () => {
  const played = await scene();
  const { world, ann, ben, id } = played;
  await world.during(ann.up.removeFromGroup(id, [ben.identifier]));
  await world.settle(60);
  const copy = ben.copy();
  await ben.up.send(ann.identifier, "something for the inbox");
  await world.during(ann.up.createGroup("Another", [ben.identifier]));
  await world.settle(30);
  ben.kill();
  ben.restore(copy);
  await ben.start();
  await world.settle(120);
  expect((await ben.groups()).find((group) => group.id === id)?.state).toBe("removed");
  expect(world.witness.logs.get(id)?.members.get(world.witness.logs.get(id)?.epoch ?? 0)).not.toContain(
    ben.device,
  );
});

test("a device put back to before everybody else left a group hears so from them, and goes on alone", async () => {
  const { world, ann, ben, cleo, id } = await scene();
  const copy = ann.copy();
  await world.during(ben.up.leaveGroup(id));
  await world.settle(60);
  ann.network.weather = { ...ann.network.weather, delayMs: [400, 400] };
  await world.during(cleo.up.leaveGroup(id));
  ann.kill();
  ann.restore(copy);
  await ann.start();
  await world.settle(300);
  expect((await ann.up.groups()).map(({ name, members }) => [name, members])).toEqual([["Climbing", 1]]);
  expect((await ann.groups()).find((group) => group.id === id)?.state).toBe("replaced");
  await world.during(ann.up.addToGroup("Climbing", [ben.identifier]));
  await world.settle(60);
  await ann.up.send("Climbing", "back again");
  await world.settle(60);
  expect(ben.received.map(({ body }) => body)).toContain("back again");
});

test("a device put back to before its own Commit lost its state by itself: nothing is refused, and any member lets it in", async () => {
  const played = await scene();
  const { world, ann, ben, cleo, id } = played;
  const copy = ann.copy();
  ann.network.weather = { ...ann.network.weather, delayMs: [400, 400] };
  const log = world.witness.logs.get(id);
  const before = log?.epoch ?? 0;
  ann.up.renameGroup("Climbing", "Bouldering").catch(() => undefined);
  // It is in the log, and she has not acked it: the server cannot tell her that she is behind.
  await world.until(() => (log?.epoch ?? 0) > before);
  ann.kill();
  await world.settle(10);
  ben.network.partition();
  ann.restore(copy);
  await ann.start();
  await world.settle(60);
  await cleo.up.send("Bouldering", "read afterwards");
  await world.settle(30);
  expect(ann.received.map(({ body }) => body)).toContain("read afterwards");
  expect(refused(played)).toEqual([]);
});

test.each(["deleted", "damaged"])(
  "a group whose state is %s on the disk is joined anew, without anybody's action",
  async (how) => {
    const played = await scene();
    const { world, ann, ben, id } = played;
    ben.kill();
    const name = groupNames.state(id);
    const state = await ben.stored.get(name);
    if (state === undefined) throw new Error("there is no state");
    if (how === "deleted") await ben.tamper((draft) => draft.delete(name));
    else await ben.spoil((draft) => draft.put(name, state));
    await ben.start();
    await world.settle(60);
    await ann.up.send("Climbing", "read afterwards");
    await world.settle(60);
    expect(await shown(played, id)).toEqual(["read afterwards"]);
    expect(healed(played)).toHaveLength(1);
    expect(refused(played)).toEqual([]);
  },
);

test("a device is not put out when it is to be added anew and the question for its KeyPackage gets lost", async () => {
  const played = await scene();
  const { world, ann, ben, cleo, id } = played;
  ben.kill();
  await cleo.stop();
  await ben.tamper((draft) => draft.delete(groupNames.state(id)));
  ann.network.weather = { ...ann.network.weather, delayMs: [400, 400] };
  await ben.start();
  await world.until(async () => (await ann.stored.page(groupNames.intents(id))).length > 0);
  await world.settle(0.4);
  ann.network.breakAll();
  await world.settle(60);
  await ann.up.send("Climbing", "read afterwards");
  await world.settle(60);
  expect(await shown(played, id)).toEqual(["read afterwards"]);
  const log = world.witness.logs.get(id);
  for (const members of log?.members.values() ?? []) expect(members).toContain(ben.device);
});

test("a pair whose state is lost is made anew by itself, and what was under way comes again", async () => {
  const played = await scene();
  const { world, ann, ben } = played;
  const pair = (await ben.groups()).find(({ kind }) => kind === "pair");
  if (pair === undefined) throw new Error("there is no pair");
  ben.kill();
  await ann.up.send(ben.identifier, "written before it shows");
  await world.settle(5);
  await ben.tamper((draft) => draft.delete(groupNames.state(pair.id)));
  await ben.start();
  await world.settle(60);
  await ann.up.send(ben.identifier, "written afterwards");
  await world.settle(60);
  expect(await shown(played, ann.identifier)).toEqual([
    "in the pair",
    "written before it shows",
    "written afterwards",
  ]);
  expect(refused(played)).toEqual([]);
});

test("what only one of somebody's devices read in a pair that is made anew comes to the others as well, once", async () => {
  const played = await scene();
  const { world, ann, ben } = played;
  const second = await world.linked(ben);
  await second.start();
  await world.settle(60);
  const pair = (await ben.groups()).find(({ kind }) => kind === "pair");
  if (pair === undefined) throw new Error("there is no pair");
  ben.kill();
  const { id } = await ann.up.send(ben.identifier, "read by one");
  await ann.up.send(ben.identifier, "taken back");
  await world.settle(30);
  const sent = await ann.up.history(ben.identifier);
  expect(sent.map(({ status }) => status)).toEqual(["delivered", "delivered", "delivered"]);
  await ann.up.deleteMessage(ben.identifier, sent[2]?.id ?? "", { forEveryone: true });
  await second.up.deleteMessage(ann.identifier, id);
  await world.settle(30);
  await ben.tamper((draft) => draft.delete(groupNames.state(pair.id)));
  await ben.start();
  await world.settle(120);
  expect(await shown(played, ann.identifier)).toEqual(["in the pair", "read by one"]);
  // Deleted here, it does not come back.
  const rows = await second.up.history(ann.identifier);
  expect(rows.map(({ body, deleted }) => deleted ?? body)).toEqual(["in the pair", true]);
  expect((await ann.up.history(ben.identifier)).map(({ status }) => status)).not.toContain("queued");
  expect(refused(played)).toEqual([]);
});

test("when all admins leave, whoever is left becomes an admin and sees them out", async () => {
  const { world, ann, ben, cleo, id } = await scene();
  await world.during(ann.up.setAdmins(id, [ben.identifier], true));
  await world.settle(20);
  // Both at once: neither knows of the other.
  await world.during(Promise.all([ann.up.leaveGroup(id), ben.up.leaveGroup(id)]));
  await world.settle(120);
  expect(await cleo.up.groupMembers(id)).toMatchObject([{ self: true, role: "admin" }]);
  await world.during(cleo.up.renameGroup(id, "Bouldering"));
});

test.each([
  ["an admin", false],
  ["another device of theirs", true],
])(
  "whoever is removed while their state is lost hears it from %s, and waits for nothing",
  async (_, fromOwn) => {
    const played = await scene();
    const { world, ann, ben, cleo, id } = played;
    const second = fromOwn ? await world.linked(ben) : undefined;
    await second?.start();
    await world.settle(60);
    ben.kill();
    await ben.tamper((draft) => draft.delete(groupNames.state(id)));
    await world.during(ann.up.removeFromGroup("Climbing", [ben.identifier]));
    await world.settle(10);
    if (fromOwn) await ann.stop();
    ben.network.partition();
    await ben.start();
    const sent = ben.up.send(id, "to nobody");
    await world.settle(1);
    ben.network.heal();
    await world.settle(60);
    await sent;
    expect((await ben.groups()).find((one) => one.id === id)?.state).toBe("removed");
    expect((await ben.up.history(id)).at(-1)).toMatchObject({ status: "failed", problem: "group_unknown" });
    expect(refused(played)).toEqual([]);
    if (fromOwn) return;
    // As after any removal.
    await world.during(ann.up.addToGroup("Climbing", [ben.identifier]));
    await cleo.up.send("Climbing", "welcome back");
    await world.settle(60);
    expect(await shown(played, id)).toEqual(["welcome back"]);
  },
);

test("a device that asked to be let in and was revoked before anybody read that is passed over, and nobody is told", async () => {
  const played = await scene();
  const { world, ann, ben, cleo, id } = played;
  const phone = await world.linked(ben);
  await phone.start();
  await world.settle(60);
  const log = world.witness.logs.get(id);
  expect(log?.members.get(log.epoch)).toContain(phone.device);
  for (const device of [ann, ben, cleo]) device.network.partition();
  phone.kill();
  await phone.tamper((draft) => draft.delete(groupNames.state(id)));
  await phone.start();
  await world.settle(30);
  phone.kill();
  ben.kill();
  ben.network.heal();
  // It knows nothing of the request when it revokes.
  ben.network.weather = { ...ben.network.weather, delayMs: [300, 300] };
  await ben.start();
  await world.during(ben.up.revokeDevice(phone.device));
  for (const device of [ann, cleo]) device.network.heal();
  await world.settle(60);
  expect(log?.members.get(log.epoch)).not.toContain(phone.device);
  expect(refused(played)).toEqual([]);
});

test("a wish of somebody who is an admin no more is not committed, and they hear so", async () => {
  const played = await scene();
  const { world, ann, ben, id } = played;
  await world.during(ann.up.setAdmins(id, [ben.identifier], true));
  await world.settle(20);
  ben.network.partition();
  const wish = ben.up.renameGroup(id, "Bouldering").catch((error: { code?: string }) => error.code);
  await world.settle(1);
  await world.during(ann.up.setAdmins(id, [ben.identifier], false));
  ben.network.heal();
  expect(await world.during(wish)).toBe("group_forbidden");
  await world.settle(60);
  expect((await ann.up.groups())[0]?.name).toBe("Climbing");
  expect(refused(played)).toEqual([]);
});

test("whoever is removed with wishes open hears that they are not in the group any more", async () => {
  const { world, ann, ben, cleo, id } = await scene();
  await world.during(ann.up.setAdmins(id, [ben.identifier], true));
  await world.settle(20);
  await world.during(ben.up.contact(cleo.identifier));
  ben.network.partition();
  const wish = ben.up.removeFromGroup(id, [cleo.identifier]).catch((error: { code?: string }) => error.code);
  await world.during(ann.up.removeFromGroup(id, [ben.identifier]));
  ben.network.heal();
  expect(await world.during(wish)).toBe("group_forbidden");
});

test("what is taken back while it waits to be sent once more stays taken back, for whoever has it as well", async () => {
  const { world, ann, ben } = await scene();
  const [sent] = await ann.up.history(ben.identifier);
  // One of two devices has it: that is what a receipt says.
  await world.linked(ben);
  await world.settle(30);
  const pair = (await ann.groups()).find(isPair)?.id ?? "";
  ann.kill();
  await ann.tamper((draft) => draft.delete(groupNames.state(pair)));
  ann.network.weather = { ...ann.network.weather, delayMs: [500, 500] };
  await ann.start();
  await world.until(async () =>
    (await ann.groups()).some((group) => isPair(group) && group.state === "creating"),
  );
  await ann.up.deleteMessage(ben.identifier, sent?.id ?? "", { forEveryone: true });
  await world.settle(60);
  const [his] = await ben.up.history(ann.identifier);
  const [hers] = await ann.up.history(ben.identifier);
  expect([sent?.status, his?.deleted, hers?.deleted]).toEqual(["delivered", true, true]);
});

test("a group that each device in it lost in another way is made anew by those who decide, once all have asked to be let in", async () => {
  const { world, ann, ben } = await scene();
  const phone = await world.linked(ann);
  await phone.start();
  await world.settle(60);
  const { id } = await world.during(ann.up.createGroup("Diary", []));
  await world.settle(60);
  const copy = phone.copy();
  await world.during(ann.up.renameGroup(id, "Journal"));
  await world.settle(30);
  phone.kill();
  await world.server.wreck((await ann.groups()).find((group) => group.id === id)!);
  phone.restore(copy);
  await phone.start();
  await ann.up.send(id, "waits for it");
  await world.settle(1_500);
  await phone.up.send("Journal", "from the phone");
  await world.settle(30);
  for (const device of [ann, phone]) {
    const bodies = (await device.up.history("Journal")).map(({ body }) => body);
    expect(bodies).toEqual(["waits for it", "from the phone"]);
  }
  expect(ben.notices.filter(({ type }) => type === "refused")).toEqual([]);
});

test("a device put back to before it made somebody an admin goes on in the group that they made anew", async () => {
  const played = await scene();
  const { world, ann, ben, cleo, id } = played;
  const copy = ann.copy();
  await world.during(ann.up.setAdmins(id, [ben.identifier], true));
  await world.settle(30);
  ann.kill();
  await world.server.wreck((await ben.groups()).find((group) => group.id === id)!);
  await world.settle(300);
  ann.restore(copy);
  await ann.start();
  await world.settle(1_500);
  await ann.up.send("Climbing", "here again");
  await world.settle(30);
  for (const { received } of [ben, cleo]) expect(received.map(({ body }) => body)).toContain("here again");
  expect(ann.notices.filter(({ type }) => type === "refused")).toEqual([]);
});

test("whom somebody wanted removed from a group whose log ended is told that the one in its place is without them, and can be asked in again", async () => {
  const { world, ann, ben, cleo, id } = await scene();
  ann.network.partition();
  const removed = ann.up.removeFromGroup(id, [ben.identifier]);
  await world.server.wreck((await cleo.groups()).find((group) => group.id === id)!);
  await world.settle(10);
  await ben.up.send(id, "waits in vain");
  ann.network.heal();
  await world.during(removed);
  await world.settle(1_200);
  expect((await ben.up.groups()).map(({ state }) => state)).toEqual(["removed"]);
  expect((await ben.up.history(id)).map(({ status }) => status)).toEqual(["failed"]);
  await world.during(ann.up.addToGroup("Climbing", [ben.identifier]));
  await world.settle(60);
  await cleo.up.send("Climbing", "welcome back");
  await world.settle(30);
  expect(ben.received.map(({ body }) => body)).toContain("welcome back");
});

test("whoever left a group whose log ended before anybody saw them out can be asked into the one in its place", async () => {
  const { world, ann, ben, cleo, id } = await scene();
  // Everybody updates once after joining; that is over then.
  await ann.up.send(id, "hello");
  await world.settle(60);
  ann.network.partition();
  await world.during(ben.up.leaveGroup(id));
  ben.kill();
  await world.server.wreck((await cleo.groups()).find((group) => group.id === id)!);
  ann.network.heal();
  await world.settle(1_200);
  await ben.start();
  await world.during(ann.up.addToGroup("Climbing", [ben.identifier]));
  await world.settle(60);
  await cleo.up.send("Climbing", "welcome back");
  await world.settle(30);
  expect(ben.received.map(({ body }) => body)).toContain("welcome back");
  expect(ben.notices.filter(({ type }) => type === "refused")).toEqual([]);
});
