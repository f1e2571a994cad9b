/**
 * A revocation reaches those who are online at once: the server tells who looked the list up. And what a server can do with such hints: have
 * clients look, and nothing else.
 */
import { EntryKind, toHex } from "@sotto/protocol";
import { afterEach, expect, test } from "vitest";
import { serverFrame } from "../src/frames.ts";
import type { SimulatedDevice } from "../src/simulation/index.ts";
import { appends, newDevice, publishes, replacedBy } from "./support/device-lists.ts";
import { Scene, bytes, groupOf, hasRead, mlsOf, refusals } from "./support/mls-scene.ts";

let scene: Scene;
afterEach(() => scene.close());

const epochsOfMessages = (sent: ReturnType<typeof appends>): readonly number[] =>
  sent.flatMap(({ kind, epoch }) => (kind === EntryKind.MESSAGE ? [epoch] : []));

/** Whom a device looks up from now on. */
function lookups(device: SimulatedDevice): string[] {
  const asked: string[] = [];
  scene.lie(device, {
    up: (told) => {
      const { frame } = told;
      if (frame.case === "lookup" && frame.value.subject.case === "accountId")
        asked.push(toHex(frame.value.subject.value));
      return [told];
    },
  });
  return asked;
}

/** The server says that somebody's list has a newer version. */
const hint = (device: SimulatedDevice, account: string, newestVersion: bigint): void =>
  scene
    .link(device)
    .toClient(
      serverFrame({ case: "deviceListChanged", value: { accountId: bytes(account), newestVersion } }),
    );

test("who is online sends nothing more to a device that a contact has just revoked, in a pair and in a group", async () => {
  scene = await Scene.make();
  const [ann, phone] = await scene.people("ann", "bob");
  const bob = phone.identifier;
  await scene.reaches(ann, bob, "hello", [phone]);
  await scene.world.during(ann.up.createGroup("Choir", [bob]));
  const tablet = await scene.world.linked(phone);
  await tablet.start();
  await scene.world.settle(60);
  await scene.reaches(ann, bob, "to both of yours", [phone, tablet]);
  await scene.reaches(ann, "Choir", "to all of yours", [phone, tablet]);
  // Bob revokes the phone from his tablet, which gets no further than that.
  scene.lie(tablet, {
    up: (told) => (told.frame.case === "append" && told.frame.value.kind === EntryKind.COMMIT ? [] : [told]),
  });
  await scene.world.during(tablet.up.revokeDevice(phone.device));
  for (const [to, kind] of [[bob, "pair"] as const, ["Choir", "group"] as const]) {
    const { id, epoch } = await groupOf(ann, kind);
    const before = (await mlsOf(ann, id)).members.map(({ deviceId }) => toHex(deviceId));
    const sent = appends(scene, ann, id);
    await scene.reaches(ann, to, `not for what you lost: ${kind}`, [tablet]);
    const after = (await mlsOf(ann, id)).members.map(({ deviceId }) => toHex(deviceId));
    expect(after).not.toContain(phone.device);
    // Out with the very message, or before it.
    const least = before.includes(phone.device) ? epoch + 1 : epoch;
    expect(epochsOfMessages(sent).length).toBeGreaterThan(0);
    for (const written of epochsOfMessages(sent)) expect(written).toBeGreaterThanOrEqual(least);
  }
});

test("in a group nothing is written until a list was seen of which the server said that it changed", async () => {
  scene = await Scene.make();
  const [ann, bob, cleo] = await scene.people("ann", "bob", "cleo");
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier, cleo.identifier]));
  await scene.reaches(ann, "Choir", "hello", [bob, cleo]);
  await scene.world.settle(60);
  const { id, epoch } = await groupOf(cleo);
  let slow = true;
  const unkind = { ignores: () => (slow ? ["lookup"] : []) };
  const sent = appends(scene, cleo, id, unkind);
  appends(scene, ann, id, unkind);
  const found = await newDevice(scene, bob);
  await publishes(scene, bob, replacedBy(found.device));
  await found.comesUp();
  const writing = cleo.up.send("Choir", "for whoever is left");
  await scene.world.settle(60);
  expect(sent).toEqual([]);
  slow = false;
  for (const device of [ann, cleo]) scene.link(device).cut();
  await scene.world.during(writing);
  await scene.world.until(() => hasRead(ann, "for whoever is left"));
  for (const written of epochsOfMessages(sent)) expect(written).toBeGreaterThan(epoch);
});

test("a classic message goes to the new key of a contact who has just revoked the old one", async () => {
  scene = await Scene.make();
  const [ann, bob] = await scene.people("ann", "bob");
  await scene.world.during(ann.up.send(bob.identifier, "hello", { suite: "classic" }));
  await scene.world.until(() => hasRead(bob, "hello"));
  await scene.world.during(bob.up.revokeClassicKey());
  await scene.world.settle(1);
  await scene.world.during(ann.up.send(bob.identifier, "to the new key", { suite: "classic" }));
  await scene.world.until(() => hasRead(bob, "to the new key"));
  expect(refusals(bob)).toEqual([]);
});

test("hints that are lies: nothing changes, messages go on, and few lookups follow", async () => {
  scene = await Scene.make();
  const [ann, bob, cleo] = await scene.people("ann", "bob", "cleo");
  await scene.reaches(ann, bob.identifier, "hello", [bob]);
  await scene.world.settle(60);
  await scene.reaches(ann, bob.identifier, "hello again", [bob]);
  const asked = lookups(ann);
  const pair = await groupOf(ann, "pair");
  // Of somebody whom she does not know, of an older version, of the present one: she does not even look.
  hint(ann, cleo.account, 9n);
  hint(ann, bob.account, 1n);
  await scene.world.settle(5);
  expect(asked).toEqual([]);
  // Of a version that there is not, a hundred times at once: she looks once.
  for (let n = 0; n < 100; n++) hint(ann, bob.account, 1_000n + BigInt(n));
  await scene.world.settle(5);
  expect(asked).toEqual([bob.account]);
  hint(ann, bob.account, 0n);
  await scene.world.settle(5);
  expect(asked).toEqual([bob.account, bob.account]);
  await scene.reaches(ann, bob.identifier, "we go on", [bob]);
  expect((await groupOf(ann, "pair")).epoch).toBe(pair.epoch);
  expect(refusals(ann)).toEqual([]);
});
