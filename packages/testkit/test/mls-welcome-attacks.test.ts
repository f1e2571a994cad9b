/**
 * Forged, old and altered Welcomes against whole clients: a group that one is in cannot be put in the place of another, nobody is let
 * back into what they left, and what never completes is given up.
 */
import { afterEach, expect, test } from "vitest";
import {
  Intruder,
  Scene,
  bytes,
  forgeGroup,
  groupData,
  groupOf,
  hasRead,
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
