/**
 * Commits that nobody may send, against whole clients: by a member without rights, by nobody at all, and by a server that shows different
 * ones to different members, or hides one. Each is refused and told; the people of the group end in one group again.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { groupNames, names } from "@sotto/client/parts";
import { createMlsEngine, type MlsEngine } from "@sotto/crypto";
import { EntryKind, GroupEntrySchema, type Entry } from "@sotto/protocol";
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
  mlsOf,
  mlsProvider,
  provider,
  refusals,
} from "./support/mls-scene.ts";

let scene: Scene;
afterEach(() => scene.close());

const entryOf = (value: Uint8Array): Uint8Array =>
  toBinary(GroupEntrySchema, create(GroupEntrySchema, { entry: { case: "mlsMessage", value } }));

/** Ann's group with Bob and Mallory, and a stranger beside it. */
async function choir() {
  scene = await Scene.make();
  const [ann, bob, mallory, stranger] = await scene.people("ann", "bob", "mallory", "stranger");
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier, mallory.identifier]));
  await scene.reaches(ann, "Choir", "hello", [bob, mallory]);
  await scene.reaches(mallory, "Choir", "hello from me", [ann, bob]);
  await scene.world.settle(60);
  return { ann, bob, mallory, stranger, id: (await groupOf(bob)).id };
}

/** Mallory commits something that the rules forbid, and the server takes it. */
async function commit(mallory: SimulatedDevice, id: string, changes: Parameters<MlsEngine["commit"]>[1]) {
  const group = await groupOf(mallory);
  const mls = await mlsOf(mallory, id);
  const intruder = await Intruder.takeOver(scene, mallory);
  const made = await engine.commit(mls, changes);
  const hash = await provider.sha256(await exported(made.next));
  return intruder.append(group, EntryKind.COMMIT, entryOf(made.commit), hash);
}

/** It is refused and told, and the others end in a group without Mallory, unless she stays. */
async function refuseTogether(
  ann: SimulatedDevice,
  bob: SimulatedDevice,
  mallory: SimulatedDevice,
  code: string,
  staying: readonly SimulatedDevice[] = [],
) {
  for (const device of [ann, bob]) {
    await scene.world.until(() => refusals(device).includes(code));
    const told = device.notices.find((notice) => notice.type === "refused" && notice.code === code);
    expect(told).toMatchObject({ from: mallory.identifier });
  }
  await scene.world.until(async () => (await bob.groups()).some(({ state }) => state === "joined"), 3_600);
  await scene.world.settle(60);
  await scene.reaches(ann, "Choir", "without her", [bob]);
  await scene.reaches(bob, "Choir", "indeed", [ann]);
  for (const device of [ann, bob]) {
    const members = await device.up.groupMembers("Choir");
    expect(members.map(({ accountId }) => accountId).toSorted()).toEqual(
      [ann, bob, ...staying].map(({ account }) => account).toSorted(),
    );
    expect(members.filter(({ role }) => role === "admin").map(({ accountId }) => accountId)).toEqual([
      ann.account,
    ]);
  }
}

test("a member without rights adds somebody: refused, told, and the group goes on without either", async () => {
  const { ann, bob, mallory, stranger, id } = await choir();
  const helper = await Intruder.takeOver(scene, stranger);
  const keyPackage = await claimOne(helper, stranger, "x-wing");
  const { deviceKey } = (await stranger.stored.get(names.own))!;
  const verified = engine.verifyKeyPackage(
    await engine.readKeyPackage(keyPackage),
    {
      accountId: bytes(stranger.account),
      deviceId: bytes(stranger.device),
      signatureKey: deviceKey.publicKey,
      ciphersuite: "x-wing",
    },
    Math.floor(scene.world.clock.nowMs() / 1000),
  );
  expect(await commit(mallory, id, { add: [verified] })).toBe("appended");
  await refuseTogether(ann, bob, mallory, "group_forbidden");
});

test("a member without rights removes somebody: refused, told, and the group goes on with everybody", async () => {
  const { ann, bob, mallory, id } = await choir();
  const mls = await mlsOf(mallory, id);
  const victim = mls.members.find((member) => Buffer.from(member.accountId).toString("hex") === bob.account)!;
  expect(await commit(mallory, id, { remove: [victim.leafIndex] })).toBe("appended");
  // Only Bob's device list says that it is forbidden, and a server can show an old one: so nobody is thrown out for it.
  await refuseTogether(ann, bob, mallory, "group_forbidden", [mallory]);
});

test("a member without rights renames the group: refused, told, and the group goes on under its name", async () => {
  const { ann, bob, mallory, id } = await choir();
  expect(await commit(mallory, id, { groupData: groupData("GROUP", "Mallory's", [ann.account]) })).toBe(
    "appended",
  );
  await refuseTogether(ann, bob, mallory, "group_forbidden");
});

test("a member without rights makes itself admin: refused, told, and the group goes on", async () => {
  const { ann, bob, mallory, id } = await choir();
  expect(
    await commit(mallory, id, { groupData: groupData("GROUP", "Choir", [ann.account, mallory.account]) }),
  ).toBe("appended");
  await refuseTogether(ann, bob, mallory, "group_forbidden");
});

test("the server adds a member, with a Commit of an accomplice who is none: refused, told, and put right", async () => {
  const { ann, bob, mallory, stranger, id } = await choir();
  const accomplice = await Intruder.takeOver(scene, stranger);
  const group = await groupOf(bob);
  const forged = { groupId: bytes(id), data: groupData("GROUP", "Choir", [stranger.account]) };
  const invitation = await forgeGroup(scene, accomplice, bob, { ...forged, epoch: group.epoch });
  const { commit: made } = await engine.commit(invitation.group, {});
  let shown = false;
  scene.lie(
    bob,
    aboutLog(id, (entry) => {
      if (shown) return [entry];
      shown = true;
      return [{ ...entry, kind: EntryKind.COMMIT, body: entryOf(made) }];
    }),
  );
  await ann.up.send("Choir", "something in the log");
  await scene.world.until(() => refusals(bob).length > 0);
  scene.behave();
  scene.link(bob).cut();
  await scene.world.until(() => bob.notices.some(({ type }) => type === "healed"), 3_600);
  await scene.world.settle(60);
  await scene.reaches(ann, "Choir", "as we were", [bob, mallory]);
  expect((await bob.up.groupMembers("Choir")).map(({ accountId }) => accountId)).not.toContain(
    stranger.account,
  );
});

test("the server hides the Commit that removes somebody: what follows does not open, is told, and the rest is made good", async () => {
  const { ann, bob, mallory, id } = await choir();
  scene.lie(
    bob,
    aboutLog(id, (entry) => (entry.kind === EntryKind.COMMIT ? [] : [entry])),
  );
  await scene.world.during(ann.up.removeFromGroup("Choir", [mallory.identifier]));
  await ann.up.send("Choir", "after the removal");
  await scene.world.settle(30);
  // Bob has not heard of it; the others' messages do not reach him, and what he writes does not reach them.
  expect(hasRead(bob, "after the removal")).toBe(false);
  scene.behave();
  scene.link(bob).cut();
  await scene.world.until(async () => (await bob.groups()).some(({ state }) => state === "joined"), 3_600);
  await scene.world.settle(120);
  await scene.reaches(bob, "Choir", "without Mallory", [ann]);
  await scene.reaches(ann, "Choir", "now he reads again", [bob]);
  expect(hasRead(mallory, "without Mallory")).toBe(false);
  expect((await bob.up.groupMembers("Choir")).map(({ accountId }) => accountId)).not.toContain(
    mallory.account,
  );
});

test("the server forks a group with different Commits for different members: the branches never meet unseen, and it heals", async () => {
  const { ann, bob, mallory, id } = await choir();
  // Bob's own Commit is said to have won, for him alone; for the others it never came.
  let bobs: Uint8Array | undefined;
  const forkedAt: Entry[] = [];
  const lies = aboutLog(id, (entry) => {
    if (entry.kind !== EntryKind.COMMIT || bobs === undefined || forkedAt.length > 0) return [entry];
    forkedAt.push(entry);
    return [{ ...entry, body: bobs }];
  });
  scene.lie(bob, {
    down: lies.down!,
    up: (told, link) => {
      const { frame } = told;
      if (frame.case === "append" && frame.value.kind === EntryKind.COMMIT) {
        bobs = frame.value.body.slice();
        return [];
      }
      return lies.up!(told, link);
    },
  });
  const own = bob.up.setAdmins("Choir", [bob.identifier], true).catch(() => undefined);
  await scene.world.during(ann.up.renameGroup("Choir", "Chorus"));
  await scene.world.settle(600);
  await own;
  // Bob may not make himself admin, so he updates his leaf instead: seven days later, and Ann renames again.
  await scene.world.settle(8 * 86_400);
  await scene.world.during(ann.up.renameGroup("Chorus", "Chor"));
  await ann.up.send("Chor", "in one branch");
  await scene.world.settle(120);
  scene.behave();
  scene.link(bob).cut();
  await scene.world.until(async () => (await bob.groups()).some(({ state }) => state === "joined"), 7_200);
  await scene.world.settle(300);
  expect(forkedAt).toHaveLength(1);
  await scene.reaches(bob, "Chor", "back in one", [ann, mallory]);
  expect(bob.notices.some(({ type }) => type === "healed" || type === "refused")).toBe(true);
});

test.each([0, 1])(
  "a member poisons the path of its Commit for some (seal %i): those are put right, the others go on",
  async (poisoned) => {
    const { ann, bob, mallory, stranger, id } = await choir();
    await scene.world.during(ann.up.addToGroup("Choir", [stranger.identifier]));
    await scene.reaches(stranger, "Choir", "I am here", [ann, bob, mallory]);
    await scene.world.settle(60);
    const group = await groupOf(mallory);
    const { deviceKey } = (await mallory.stored.get(names.own))!;
    let seals = 0;
    const honest = mlsProvider.suites["x-wing"];
    const wicked = createMlsEngine({
      ...mlsProvider,
      suites: {
        ...mlsProvider.suites,
        "x-wing": {
          ...honest,
          hpkeSeal: async (...sealing: Parameters<typeof honest.hpkeSeal>) => {
            const sealed = await honest.hpkeSeal(...sealing);
            if (seals++ === poisoned) sealed.ciphertext[0]! ^= 1;
            return sealed;
          },
        },
      },
    });
    const secrets = await mallory.stored.page(groupNames.secrets(id));
    const mls = await wicked.restore(
      {
        base: (await mallory.stored.get(groupNames.state(id)))!,
        secrets: secrets.map(({ order, value }) => ({ id: order, bytes: value })),
      },
      deviceKey,
    );
    const made = await wicked.commit(mls, {});
    expect(seals).toBeGreaterThan(1);
    const intruder = await Intruder.takeOver(scene, mallory);
    const hash = await provider.sha256(await exported(made.next));
    expect(await intruder.append(group, EntryKind.COMMIT, entryOf(made.commit), hash)).toBe("appended");
    const others = [ann, bob, stranger];
    await scene.world.until(() => others.some((device) => refusals(device).length > 0));
    const hit = others.filter((device) => refusals(device).length > 0);
    expect(hit.length).toBeLessThan(others.length);
    await scene.world.until(
      () => hit.every((device) => device.notices.some(({ type }) => type === "healed")),
      7_200,
    );
    await scene.world.settle(60);
    for (const device of others) {
      const readers = others.filter((other) => other !== device);
      await scene.reaches(device, "Choir", `${device.identifier} goes on`, readers);
    }
  },
);
