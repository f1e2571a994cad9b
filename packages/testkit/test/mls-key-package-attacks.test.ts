/**
 * A server that hands out KeyPackages which it should not, against whole clients: altered, old, used before, of another device or another
 * account; and one that lies about how many are left. Nobody is let in by one that their device list does not back, whoever asked is
 * told, and nobody is locked out.
 */
import { groupNames, names } from "@sotto/client/parts";
import { toHex, type KeyPackagesClaimed } from "@sotto/protocol";
import { afterEach, expect, test } from "vitest";
import { serverFrame } from "../src/frames.ts";
import type { SimulatedDevice } from "../src/simulation/index.ts";
import {
  Intruder,
  Scene,
  bytes,
  claimOne,
  engine,
  forgeGroup,
  groupData,
  hasRead,
  provider,
  refusals,
  sendWelcome,
} from "./support/mls-scene.ts";

let scene: Scene;
afterEach(() => scene.close());

/** What a device is told when it claims KeyPackages. */
function hands(device: SimulatedDevice, change: (claimed: KeyPackagesClaimed) => object): void {
  scene.lie(device, {
    down: (told) => {
      const { frame } = told;
      if (frame.case !== "keyPackagesClaimed") return [told];
      const value = { ...frame.value, ...change(frame.value) };
      return [serverFrame({ case: "keyPackagesClaimed", value })];
    },
  });
}

const replaced =
  (keyPackage: Uint8Array) =>
  ({ keyPackages }: KeyPackagesClaimed) => ({
    keyPackages: keyPackages.map((one) => ({ ...one, keyPackage })),
  });

/** Ann writes to Bob under a lie: it is refused and told, nobody is let in; afterwards all is well. */
async function refusesIt(ann: SimulatedDevice, bob: SimulatedDevice): Promise<true> {
  const { id } = await ann.up.send(bob.identifier, "for Bob alone");
  await expect(scene.world.during(ann.up.whenSent(id))).rejects.toMatchObject({ code: "no_usable_key" });
  expect(refusals(ann).length).toBeGreaterThan(0);
  expect(await ann.groups()).toEqual([]);
  expect(bob.received).toEqual([]);
  scene.behave();
  await scene.reaches(ann, bob.identifier, "at last", [bob]);
  return true;
}

test("an altered KeyPackage is refused and told, and nobody is let in by it", async () => {
  scene = await Scene.make();
  const [ann, bob] = await scene.people("ann", "bob");
  hands(ann, ({ keyPackages }) => ({
    keyPackages: keyPackages.map((one) => {
      const keyPackage = one.keyPackage.slice();
      keyPackage[60]! ^= 1;
      return { ...one, keyPackage };
    }),
  }));
  expect(await refusesIt(ann, bob)).toBe(true);
});

test("another account's KeyPackage under this one's device is refused and told", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  const intruder = await Intruder.takeOver(scene, mallory);
  hands(ann, replaced(await claimOne(intruder, mallory, "x-wing")));
  expect(await refusesIt(ann, bob)).toBe(true);
});

test("a KeyPackage of the account with a key that is not on its device list is refused and told", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  const stolen = (await mallory.stored.get(names.own))!.deviceKey;
  hands(ann, replaced(await keyPackageOf(bob, { signatureKey: stolen })));
  expect(await refusesIt(ann, bob)).toBe(true);
});

test("a KeyPackage whose time is over is refused and told", async () => {
  scene = await Scene.make();
  const [ann, bob] = await scene.people("ann", "bob");
  const nowSec = Math.floor(scene.world.clock.nowMs() / 1000);
  hands(ann, replaced(await keyPackageOf(bob, { notAfterSec: nowSec - 10 })));
  expect(await refusesIt(ann, bob)).toBe(true);
});

test("a KeyPackage of the wrong ciphersuite is refused and told", async () => {
  scene = await Scene.make();
  const [ann, bob] = await scene.people("ann", "bob");
  hands(ann, replaced(await keyPackageOf(bob, { ciphersuite: "x25519" })));
  expect(await refusesIt(ann, bob)).toBe(true);
});

test("a KeyPackage that is handed out twice: its owner is told, asks to be added with another, and misses nothing", async () => {
  scene = await Scene.make();
  const [ann, bob, cleo] = await scene.people("ann", "bob", "cleo");
  let first: Uint8Array | undefined;
  hands(cleo, ({ keyPackages }) => {
    first = keyPackages[0]!.keyPackage.slice();
    return {};
  });
  await scene.reaches(cleo, bob.identifier, "the first", [bob]);
  let times = 1;
  hands(ann, (claimed) => (times-- > 0 ? replaced(first!)(claimed) : {}));
  await scene.reaches(ann, bob.identifier, "the second", [bob]);
  expect(refusals(bob)).toEqual(["mls_invalid"]);
  await scene.reaches(bob, ann.identifier, "there it is", [ann]);
  expect((await bob.groups()).length).toBe(2);
  await scene.reaches(bob, cleo.identifier, "the first goes on", [cleo]);
});

test("a KeyPackage that is handed out again and again: the owner asks once in ten minutes, and comes in at last", async () => {
  scene = await Scene.make();
  const [ann, bob, cleo] = await scene.people("ann", "bob", "cleo");
  let first: Uint8Array | undefined;
  hands(cleo, ({ keyPackages }) => {
    first = keyPackages[0]!.keyPackage.slice();
    return {};
  });
  await scene.reaches(cleo, bob.identifier, "the first", [bob]);
  let claims = 0;
  hands(ann, (claimed) => {
    claims++;
    return replaced(first!)(claimed);
  });
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier]));
  await scene.world.settle(3_600);
  // One at first, and one for each time that Bob asked.
  expect(claims).toBeLessThan(30);
  expect(claims).toBeGreaterThan(4);
  expect((await bob.groups()).some(({ kind }) => kind === "group")).toBe(false);
  scene.behave();
  await scene.world.until(async () => (await bob.groups()).some(({ kind }) => kind === "group"), 1_800);
  await scene.reaches(ann, "Choir", "all are here", [bob]);
}, 60_000);

test("Welcomes for used KeyPackages that name somebody else as their sender: few requests go to them, and nothing follows", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  await scene.world.during(ann.up.createGroup("Choir", []));
  const intruder = await Intruder.takeOver(scene, mallory);
  const keyPackage = await claimOne(intruder, bob);
  const forged = { data: groupData("PAIR", ""), epoch: 1 };
  const use = async (groupId: Uint8Array) =>
    forgeGroup(scene, intruder, bob, { ...forged, groupId }, keyPackage);
  await sendWelcome(intruder, bob, await use(provider.randomBytes(16)));
  await scene.world.until(async () => (await bob.groups()).length === 1);
  const { inbox } = (await ann.stored.get(names.own))!;
  let left = 0;
  scene.lie(bob, {
    up: (told) => {
      if (told.frame.case === "append" && toHex(told.frame.value.logId) === inbox) left++;
      return [told];
    },
  });
  const from = { fromAccountId: bytes(ann.account), fromDeviceId: bytes(ann.device) };
  const choir = bytes((await ann.groups()).find(({ kind }) => kind === "group")!.id);
  for (let i = 0; i < 40; i++) {
    const invitation = await use(i === 0 ? choir : provider.randomBytes(16));
    await sendWelcome(intruder, bob, invitation, from);
  }
  await scene.world.settle(120);
  expect(left).toBe(20);
  expect(refusals(bob)).toHaveLength(40);
  expect(refusals(ann)).toEqual([]);
  expect((await ann.up.groupMembers("Choir")).map(({ accountId }) => accountId)).toEqual([ann.account]);
});

test("when all KeyPackages are drained the last resort still works, and more are put as soon as the device is there", async () => {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  await bob.stop();
  const intruder = await Intruder.takeOver(scene, mallory);
  const claimed: string[] = [];
  for (let i = 0; i < 60; i++)
    claimed.push(Buffer.from(await claimOne(intruder, bob, "x-wing")).toString("hex"));
  expect(new Set(claimed.slice(-10)).size).toBe(1);
  await ann.up.send(bob.identifier, "by the last resort");
  await scene.world.settle(10);
  await bob.start();
  await scene.world.until(() => hasRead(bob, "by the last resort"));
  await scene.reaches(bob, ann.identifier, "got it", [ann]);
  await scene.world.settle(60);
  const fresh = (await bob.stored.page(groupNames.keyPackages)).filter(({ value }) => !value.lastResort);
  expect(fresh.length).toBeGreaterThan(10);
});

test.each([
  ["none is left", { left: 0, hasLastResort: false }],
  ["far more are left than were made", { left: 1_000_000, hasLastResort: true }],
])(
  "the server says again and again that %s: the vault does not grow without end",
  async (_, lie) => {
    scene = await Scene.make();
    const [, bob] = await scene.people("ann", "bob");
    scene.lie(bob, {
      down: (told) => {
        const { frame } = told;
        return frame.case === "keyPackageCount"
          ? [serverFrame({ case: "keyPackageCount", value: { ...frame.value, ...lie } })]
          : [told];
      },
    });
    for (let i = 0; i < 12; i++) {
      scene.link(bob).cut();
      await scene.world.settle(45);
    }
    const count = (await bob.stored.page(groupNames.keyPackages)).length;
    expect(count).toBeGreaterThan(100);
    expect(count).toBeLessThanOrEqual(8 * (40 + 10) + 2 * 8);
  },
  60_000,
);

/** A KeyPackage that Bob's device never made, with its own key or another. */
async function keyPackageOf(
  device: SimulatedDevice,
  changes: Partial<Parameters<typeof engine.createKeyPackage>[0]>,
): Promise<Uint8Array> {
  const own = (await device.stored.get(names.own))!;
  const nowSec = Math.floor(scene.world.clock.nowMs() / 1000);
  const made = await engine.createKeyPackage({
    ciphersuite: "x-wing",
    client: { accountId: bytes(own.account), deviceId: bytes(own.device) },
    signatureKey: own.deviceKey,
    notBeforeSec: nowSec - 1_000,
    notAfterSec: nowSec + 1_000,
    lastResort: false,
    ...changes,
  });
  return made.keyPackage;
}
