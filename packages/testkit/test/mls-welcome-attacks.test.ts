/**
 * Forged, old and altered Welcomes against whole clients: a group that one is in cannot be put in the place of another, nobody is let
 * back into what they left, and what never completes is given up.
 */
import { afterEach, expect, test } from "vitest";
import { groupNames, names } from "@sotto/client/parts";
import { toHex } from "@sotto/protocol";
import { serverFrame } from "../src/frames.ts";
import {
  Intruder,
  Scene,
  bytes,
  claimOne,
  forgeGroup,
  groupData,
  groupOf,
  hasRead,
  provider,
  refusals,
  sendWelcome,
  storedState,
} from "./support/mls-scene.ts";

let scene: Scene;
afterEach(() => scene.close());

test("a stranger who knows a pair's log id cannot put a pair of their own in its place", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  await scene.reaches(ann, bob.identifier, "hello", [bob]);
  await scene.reaches(bob, ann.identifier, "hello back", [ann]);
  const pair = await groupOf(bob, "pair");
  const intruder = await Intruder.takeOver(scene, mallory);
  const groupId = bytes(pair.id);
  const data = groupData("PAIR", "");
  const invitation = await forgeGroup(scene, intruder, bob, { groupId, data, epoch: pair.epoch + 5 });
  const before = await storedState(bob, pair.id);
  await sendWelcome(intruder, bob, invitation);
  await scene.world.until(() => refusals(bob).length > 0);
  expect(refusals(bob)).toEqual(["mls_invalid"]);
  expect(await storedState(bob, pair.id)).toEqual(before);
  await scene.reaches(bob, ann.identifier, "for Ann alone", [ann]);
});

test("who was removed from a group cannot come back by making it anew under the same id", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier, mallory.identifier]));
  await scene.world.until(
    async () => (await mallory.groups()).length === 1 && (await bob.groups()).length === 1,
  );
  await scene.world.during(ann.up.removeFromGroup("Choir", [mallory.identifier]));
  await scene.reaches(ann, "Choir", "without her", [bob]);
  const group = await groupOf(bob);
  const intruder = await Intruder.takeOver(scene, mallory);
  const forged = { groupId: bytes(group.id), epoch: group.epoch + 5 };
  const data = groupData("GROUP", "Choir", [mallory.account]);
  const invitation = await forgeGroup(scene, intruder, bob, { ...forged, data });
  const before = await storedState(bob, group.id);
  await sendWelcome(intruder, bob, invitation);
  await scene.world.until(() => refusals(bob).length > 0);
  expect(await storedState(bob, group.id)).toEqual(before);
  await scene.reaches(bob, "Choir", "still here", [ann]);
  expect(hasRead(mallory, "still here")).toBe(false);
});

test("a member without rights cannot make itself admin by a group of the same id: the log says nothing of it", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier, mallory.identifier]));
  await scene.reaches(ann, "Choir", "hello", [bob, mallory]);
  const group = await groupOf(bob);
  const intruder = await Intruder.takeOver(scene, mallory);
  const forged = { groupId: bytes(group.id), epoch: group.epoch + 5 };
  const data = groupData("GROUP", "Choir", [mallory.account]);
  const invitation = await forgeGroup(scene, intruder, bob, { ...forged, data });
  await sendWelcome(intruder, bob, invitation);
  await scene.world.until(() => refusals(bob).length > 0, 3_600);
  expect(refusals(bob)).toEqual(["mls_invalid"]);
  const roles = (await bob.up.groupMembers("Choir")).filter(({ role }) => role === "admin");
  expect(roles.map(({ accountId }) => accountId)).toEqual([ann.account]);
  await scene.reaches(bob, "Choir", "as before", [ann]);
});

test("a Welcome of another group, or under another log's id, is refused", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  await scene.reaches(ann, bob.identifier, "hello", [bob]);
  const pair = await groupOf(bob, "pair");
  const before = await storedState(bob, pair.id);
  const intruder = await Intruder.takeOver(scene, mallory);
  const forged = { groupId: provider.randomBytes(16), data: groupData("PAIR", ""), epoch: 1 };
  const invitation = await forgeGroup(scene, intruder, bob, forged);
  await sendWelcome(intruder, bob, invitation, { logId: bytes(pair.id) });
  await scene.world.until(() => refusals(bob).length === 1);
  const other = await forgeGroup(scene, intruder, bob, { ...forged, groupId: provider.randomBytes(16) });
  await sendWelcome(intruder, bob, { ...invitation, tree: other.tree });
  await scene.world.until(() => refusals(bob).length === 2);
  expect(refusals(bob)).toEqual(["mls_invalid", "mls_invalid"]);
  expect(await storedState(bob, pair.id)).toEqual(before);
  expect((await bob.groups()).length).toBe(1);
});

test("an old Welcome again: who left a group is not brought back, though the last resort opens it once more", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  expect(ann.alive).toBe(true);
  const intruder = await Intruder.takeOver(scene, mallory);
  // Every KeyPackage but the last resort is used up by then.
  const claimed: Uint8Array[] = [];
  for (let i = 0; i < 60; i++) claimed.push(await claimOne(intruder, bob));
  const lastResort = claimed.at(-1)!;
  expect(claimed.at(-2)).toEqual(lastResort);
  const forged = { groupId: provider.randomBytes(16), epoch: 1 };
  const data = groupData("GROUP", "Trap", [mallory.account]);
  const invitation = await forgeGroup(scene, intruder, bob, { ...forged, data }, lastResort);
  await sendWelcome(intruder, bob, invitation);
  await scene.world.until(async () => (await bob.groups()).some(({ kind }) => kind === "group"));
  await scene.world.during(bob.up.leaveGroup("Trap")).catch(() => undefined);
  const id = Buffer.from(forged.groupId).toString("hex");
  await bob.stop();
  await bob.tamper(async (draft) => {
    const record = (await draft.get(groupNames.group(id)))!;
    draft.put(groupNames.group(id), { ...record, state: "left", tasks: [] });
  });
  await bob.start();
  await sendWelcome(intruder, bob, invitation);
  await scene.world.settle(120);
  expect((await bob.groups()).map(({ state }) => state)).toEqual(["left"]);
});

test("a ratchet tree that is not there, or altered, is given up after a while and told; others get in meanwhile", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  const intruder = await Intruder.takeOver(scene, mallory);
  const data = groupData("PAIR", "");
  const forged = { groupId: provider.randomBytes(16), data, epoch: 1 };
  const invitation = await forgeGroup(scene, intruder, bob, forged);
  const side = { logId: provider.randomBytes(16), accessToken: provider.randomBytes(32), size: 1_000n };
  const missing = { ...side, sha256: new Uint8Array(32), key: new Uint8Array(32) };
  await sendWelcome(intruder, bob, invitation, { tree: { case: "sideTree", value: missing } });
  const altered = invitation.tree.slice();
  altered[40]! ^= 1;
  await sendWelcome(intruder, bob, { ...invitation, tree: altered });
  await scene.reaches(ann, bob.identifier, "meanwhile", [bob]);
  await scene.world.until(() => refusals(bob).length === 2, 3_600);
  await scene.world.during(bob.up.caughtUp());
  expect((await bob.groups()).length).toBe(1);
});

test("pairs without end: a stranger's device fills no more than a few, and the person is told", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  const intruder = await Intruder.takeOver(scene, mallory);
  const data = groupData("PAIR", "");
  const forged = new Set<string>();
  // In the second round the logs of the first, which never were, are given up already: that makes no room.
  for (const most of [20, 40]) {
    while (forged.size < most) {
      const groupId = provider.randomBytes(16);
      forged.add(toHex(groupId));
      await sendWelcome(intruder, bob, await forgeGroup(scene, intruder, bob, { groupId, data, epoch: 1 }));
    }
    await scene.world.until(() => refusals(bob).length === most - 16);
    await scene.world.settle(120);
  }
  expect(new Set(refusals(bob))).toEqual(new Set(["quota_exceeded"]));
  expect((await bob.groups()).filter(({ id }) => forged.has(id)).length).toBe(16);
  await scene.reaches(ann, bob.identifier, "there is room for others", [bob]);
  await scene.reaches(bob, ann.identifier, "so there is", [ann]);
});

test("a Welcome whose side log is the inbox itself does not swallow what comes there", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  const intruder = await Intruder.takeOver(scene, mallory);
  const data = groupData("PAIR", "");
  const forged = { groupId: provider.randomBytes(16), data, epoch: 1 };
  const invitation = await forgeGroup(scene, intruder, bob, forged);
  const { inbox } = (await bob.stored.get(names.own))!;
  const value = {
    logId: bytes(inbox),
    accessToken: provider.randomBytes(32),
    size: 1_000_000n,
    sha256: new Uint8Array(32),
    key: new Uint8Array(32),
  };
  const acks: string[] = [];
  scene.lie(bob, {
    // A liar's accomplice: says yes to whatever is asked of the inbox as a side log.
    up: (told, link) => {
      const { frame } = told;
      if (frame.case === "ack" && frame.value.slotId.length > 0) acks.push(toHex(frame.value.logId));
      const asked = frame.case === "openSlot" || (frame.case === "attach" && frame.value.slotId.length > 0);
      if (!asked || toHex(frame.value.logId) !== inbox) return [told];
      const { request } = frame.value;
      const logId = bytes(inbox);
      const yes =
        frame.case === "openSlot"
          ? serverFrame({ case: "done", value: { request } })
          : serverFrame({ case: "attached", value: { request, logId, headSeq: 9n } });
      link.toClient(yes);
      return [];
    },
  });
  await sendWelcome(intruder, bob, invitation, { tree: { case: "sideTree", value } });
  await scene.world.settle(1);
  await scene.reaches(ann, bob.identifier, "not a piece of a tree", [bob]);
  expect(acks).not.toContain(inbox);
});
