/**
 * Checks that a client makes around the MLS engine, each against whole clients: what breaks the rule is refused and told, and what differs
 * from it in that point alone is taken. Rules about members and Commits that need no client are tested in packages/client.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { nextDeviceList, restoreDeviceList, signDeviceList, type MlsCiphersuite } from "@sotto/crypto";
import { groupNames, names } from "@sotto/client/parts";
import {
  ContentSchema,
  EntryKind,
  EphemeralItemSchema,
  GroupEntrySchema,
  SignedDeviceListSchema,
  accountId,
  deviceId,
  type GroupEntry,
} from "@sotto/protocol";
import { afterEach, expect, test } from "vitest";
import type { SimulatedDevice } from "../src/simulation/index.ts";
import {
  Intruder,
  Scene,
  bytes,
  claimOne,
  engine,
  forgeGroup,
  groupData,
  groupOf,
  hasRead,
  leaveNotMember,
  leaveRejoin,
  mlsOf,
  provider,
  refusals,
  sendWelcome,
  storedState,
} from "./support/mls-scene.ts";

let scene: Scene;
afterEach(() => scene.close());

/** Mallory's group with Ann and Bob: she is its admin, and falls into an attacker's hands. */
async function choir() {
  scene = await Scene.make();
  const [ann, bob, mallory] = await scene.people("ann", "bob", "mallory");
  await scene.world.during(mallory.up.createGroup("Choir", [ann.identifier, bob.identifier]));
  await scene.reaches(mallory, "Choir", "hello", [ann, bob]);
  // Everybody updates once after joining; that is over then.
  await scene.world.settle(60);
  const group = await groupOf(mallory);
  const mls = await mlsOf(mallory, group.id);
  const intruder = await Intruder.takeOver(scene, mallory);
  return { ann, bob, mallory, group, mls, intruder };
}

/** Bob, and Mallory with a forged group to which he has not been asked yet. */
async function invited(kind: "PAIR" | "GROUP" = "PAIR") {
  scene = await Scene.make();
  const [bob, mallory] = await scene.people("bob", "mallory");
  const intruder = await Intruder.takeOver(scene, mallory);
  const data = kind === "PAIR" ? groupData("PAIR", "") : groupData("GROUP", "Trap", [mallory.account]);
  const forged = { groupId: provider.randomBytes(16), data, epoch: 1 };
  return { bob, mallory, intruder, forged, invitation: await forgeGroup(scene, intruder, bob, forged) };
}

const joined = async (device: SimulatedDevice): Promise<number> =>
  (await device.groups()).filter(({ state }) => state === "joined").length;

const groupEntry = (entry: GroupEntry["entry"]): Uint8Array =>
  toBinary(GroupEntrySchema, create(GroupEntrySchema, { entry }));

function text(body: string): Uint8Array {
  const content = {
    id: provider.randomBytes(16),
    sentAtMs: BigInt(scene.world.clock.nowMs()),
    body: { case: "text", value: { body } },
  } as const;
  return toBinary(ContentSchema, create(ContentSchema, content));
}

test("SOTTO-WELCOME-1: a Welcome opens with a KeyPackage that is not used up", async () => {
  const { bob, intruder, forged } = await invited();
  const keyPackage = await claimOne(intruder, bob);
  const first = await forgeGroup(scene, intruder, bob, forged, keyPackage);
  const other = { ...forged, groupId: provider.randomBytes(16) };
  const second = await forgeGroup(scene, intruder, bob, other, keyPackage);
  await sendWelcome(intruder, bob, first);
  await scene.world.until(async () => (await joined(bob)) === 1);
  expect(refusals(bob)).toEqual([]);
  await sendWelcome(intruder, bob, second);
  await scene.world.until(() => refusals(bob).length > 0);
  expect(refusals(bob)).toEqual(["mls_invalid"]);
  expect(await joined(bob)).toBe(1);
});

test("SOTTO-WELCOME-2: a Welcome is of the group whose log it names", async () => {
  const { bob, intruder, invitation } = await invited();
  await sendWelcome(intruder, bob, invitation, { logId: provider.randomBytes(16) });
  await scene.world.until(() => refusals(bob).length > 0);
  expect(refusals(bob)).toEqual(["mls_invalid"]);
  expect(await bob.groups()).toEqual([]);
  await sendWelcome(intruder, bob, invitation);
  await scene.world.until(async () => (await joined(bob)) === 1);
});

test("SOTTO-WELCOME-3: a Welcome comes with a ratchet tree", async () => {
  const { bob, intruder, invitation } = await invited();
  await sendWelcome(intruder, bob, invitation, { tree: { case: undefined } });
  await scene.world.until(() => refusals(bob).length > 0);
  expect(refusals(bob)).toEqual(["mls_invalid"]);
  expect(await bob.groups()).toEqual([]);
  await sendWelcome(intruder, bob, invitation);
  await scene.world.until(async () => (await joined(bob)) === 1);
});

test("SOTTO-WELCOME-4: a pair does not become a group, though its own people say so", async () => {
  const { bob, mallory, intruder, forged, invitation } = await invited();
  await sendWelcome(intruder, bob, invitation);
  await scene.world.until(async () => (await joined(bob)) === 1);
  const { id } = await groupOf(bob, "pair");
  const data = groupData("GROUP", "Trap", [mallory.account]);
  const before = await storedState(bob, id);
  await sendWelcome(intruder, bob, await forgeGroup(scene, intruder, bob, { ...forged, data, epoch: 9 }));
  await scene.world.until(() => refusals(bob).length > 0, 3_600);
  expect(refusals(bob)).toEqual(["mls_invalid"]);
  expect(await storedState(bob, id)).toEqual(before);
});

test("SOTTO-WELCOME-5: whoever left is asked back into a later epoch only", async () => {
  const { bob, intruder, forged, invitation } = await invited("GROUP");
  await sendWelcome(intruder, bob, invitation);
  await scene.world.until(async () => (await joined(bob)) === 1);
  const { id, epoch } = await groupOf(bob);
  await bob.stop();
  await bob.tamper(async (draft) => {
    draft.put(groupNames.group(id), {
      ...(await draft.get(groupNames.group(id)))!,
      state: "left",
      tasks: [],
    });
  });
  await bob.start();
  await scene.world.settle();
  await sendWelcome(intruder, bob, await forgeGroup(scene, intruder, bob, { ...forged, epoch }));
  await scene.world.until(() => refusals(bob).length > 0);
  expect(refusals(bob)).toEqual(["mls_invalid"]);
  expect(await joined(bob)).toBe(0);
  await sendWelcome(intruder, bob, await forgeGroup(scene, intruder, bob, { ...forged, epoch: epoch + 1 }));
  await scene.world.until(async () => (await joined(bob)) === 1);
});

test("SOTTO-WELCOME-6: a device that asks to be put right is let in by a member, by no stranger", async () => {
  const { bob, intruder, forged, invitation } = await invited("GROUP");
  const [stranger] = await scene.people("stranger");
  await sendWelcome(intruder, bob, invitation);
  await scene.world.until(async () => (await joined(bob)) === 1);
  const { id, epoch } = await groupOf(bob);
  await bob.stop();
  await bob.tamper((draft) => draft.delete(groupNames.state(id)));
  await bob.start();
  await scene.world.until(async () => (await bob.groups()).some(({ state }) => state === "healing"));
  const told = refusals(bob).length;
  const other = await Intruder.takeOver(scene, stranger);
  const data = groupData("GROUP", "Trap", [stranger.account]);
  const trap = await forgeGroup(scene, other, bob, { ...forged, data, epoch: epoch + 5 });
  await sendWelcome(other, bob, trap);
  await scene.world.until(() => refusals(bob).length > told, 3_600);
  expect(refusals(bob).slice(told)).toEqual(["mls_invalid"]);
  expect(await joined(bob)).toBe(0);
  await sendWelcome(intruder, bob, await forgeGroup(scene, intruder, bob, { ...forged, epoch: epoch + 6 }));
  await scene.world.until(async () => (await joined(bob)) === 1);
});

test("SOTTO-WELCOME-7: a pair keeps its two people", async () => {
  const { bob, intruder, forged, invitation } = await invited();
  const [other] = await scene.people("other");
  await sendWelcome(intruder, bob, invitation);
  await scene.world.until(async () => (await joined(bob)) === 1);
  const { id, epoch } = await groupOf(bob, "pair");
  const become = async (accounts?: readonly string[]): Promise<void> => {
    await bob.stop();
    await bob.tamper(async (draft) => {
      const record = (await draft.get(groupNames.group(id)))!;
      draft.put(groupNames.group(id), {
        ...record,
        state: "removed",
        accounts: accounts ?? record.accounts.filter((account) => account !== other.account),
      });
    });
    await bob.start();
    await scene.world.settle();
  };
  // One of them is somebody else than before.
  await become([...(await groupOf(bob, "pair")).accounts, other.account]);
  await sendWelcome(intruder, bob, await forgeGroup(scene, intruder, bob, { ...forged, epoch: epoch + 5 }));
  await scene.world.until(() => refusals(bob).length > 0, 3_600);
  expect(refusals(bob)).toEqual(["mls_invalid"]);
  await become();
  await sendWelcome(intruder, bob, await forgeGroup(scene, intruder, bob, { ...forged, epoch: epoch + 6 }));
  await scene.world.until(async () => (await joined(bob)) === 1);
});

test("SOTTO-WELCOME-8: while a device is in a group, only its log can say that it was taken out and added anew", async () => {
  const { ann, bob, mallory, group, intruder } = await choir();
  const forged = { groupId: bytes(group.id), epoch: group.epoch + 5 };
  const data = groupData("GROUP", "Choir", [mallory.account]);
  await sendWelcome(intruder, bob, await forgeGroup(scene, intruder, bob, { ...forged, data }));
  await scene.world.until(() => refusals(bob).length > 0, 3_600);
  expect(refusals(bob)).toEqual(["mls_invalid"]);
  expect((await groupOf(bob)).epoch).toBe(group.epoch);
  await scene.reaches(bob, "Choir", "as before", [ann]);
});

test("SOTTO-ENTRY-1: a message is an MLS message; what else stands in its place is told, and the group goes on", async () => {
  const { ann, bob, group, intruder } = await choir();
  const value = create(EphemeralItemSchema, { leafIndex: 0, sealed: provider.randomBytes(90) });
  expect(await intruder.append(group, EntryKind.MESSAGE, groupEntry({ case: "ephemeral", value }))).toBe(
    "appended",
  );
  await scene.world.until(() => refusals(bob).length > 0);
  expect(refusals(bob)).toEqual(["message_refused"]);
  await scene.reaches(ann, "Choir", "we go on", [bob]);
});

test("SOTTO-ENTRY-2: a Commit that is sent as a message changes nothing", async () => {
  const { ann, bob, group, mls, intruder } = await choir();
  const { commit } = await engine.commit(mls, {});
  const body = groupEntry({ case: "mlsMessage", value: commit });
  const before = await storedState(bob, group.id);
  expect(await intruder.append(group, EntryKind.MESSAGE, body)).toBe("appended");
  await scene.world.until(() => refusals(bob).length > 0);
  expect(refusals(bob)).toEqual(["message_refused"]);
  expect(await storedState(bob, group.id)).toEqual(before);
  await scene.reaches(ann, "Choir", "we go on", [bob]);
});

test("SOTTO-ENTRY-3: what a device writes once it is revoked is refused, though its leaf is still there", async () => {
  const { ann, bob, mallory, group, mls, intruder } = await choir();
  const first = await engine.protect(mls, text("while in use"));
  const old = await engine.protect(first.group, text("written before, read after"));
  const revokedAtSec = Math.floor(scene.world.clock.nowMs() / 1000);
  await scene.world.settle(2);
  const second = await engine.protect(old.group, text("after it was revoked"));
  const send = (message: Uint8Array) =>
    intruder.append(group, EntryKind.MESSAGE, groupEntry({ case: "mlsMessage", value: message }));
  expect(await send(first.message)).toBe("appended");
  await scene.world.until(() => hasRead(bob, "while in use"));
  await bob.stop();
  expect(await send(old.message)).toBe("appended");
  expect(await send(second.message)).toBe("appended");
  await scene.world.until(() => hasRead(ann, "after it was revoked"));

  const own = (await mallory.stored.get(names.own))!;
  const pinned = (await bob.stored.get(names.directory(mallory.account)))!;
  const known = await restoreDeviceList(provider, pinned.deviceList, pinned.identityHistory);
  const list = nextDeviceList(known, revokedAtSec);
  list.devices[0]!.revokedAtSec = list.createdAtSec;
  const signed = await signDeviceList(provider, list, own.identityKey.privateKey);
  await bob.tamper((draft) => {
    const deviceList = toBinary(SignedDeviceListSchema, signed);
    draft.put(names.directory(mallory.account), { ...pinned, deviceList });
  });
  await bob.start();
  await scene.world.until(() => refusals(bob).includes("message_refused"));
  expect(hasRead(bob, "written before, read after")).toBe(true);
  expect(hasRead(bob, "after it was revoked")).toBe(false);
});

test("SOTTO-COMMIT-8: nobody is added of whom no device list can be had", async () => {
  const { ann, bob, group, mls, intruder } = await choir();
  const nowSec = Math.floor(scene.world.clock.nowMs() / 1000);
  const signatureKey = await provider.ed25519Generate();
  const client = {
    accountId: accountId(provider.randomBytes(16)),
    deviceId: deviceId(provider.randomBytes(16)),
  };
  const lifetime = { notBeforeSec: nowSec - 60, notAfterSec: nowSec + 86_400, lastResort: false };
  const ciphersuite: MlsCiphersuite = "x-wing";
  const made = await engine.createKeyPackage({ ciphersuite, client, signatureKey, ...lifetime });
  const expected = { ...client, signatureKey: signatureKey.publicKey, ciphersuite };
  const add = [engine.verifyKeyPackage(await engine.readKeyPackage(made.keyPackage), expected, nowSec)];
  const { commit } = await engine.commit(mls, { add });
  const body = groupEntry({ case: "mlsMessage", value: commit });
  expect(await intruder.append(group, EntryKind.COMMIT, body, provider.randomBytes(32))).toBe("appended");
  await scene.world.until(() => refusals(bob).length > 0 && refusals(ann).length > 0);
  expect(refusals(bob)).toEqual(["message_refused"]);
  for (const device of [ann, bob]) {
    const { epoch, accounts } = (await device.stored.get(groupNames.group(group.id)))!;
    expect(epoch).toBe(group.epoch);
    expect(accounts).toEqual(group.accounts);
  }
});

/** Bob has lost the group's state, and asks; Ann is away. */
async function choirThatBobLost() {
  const played = await choir();
  const { ann, bob, group } = played;
  ann.kill();
  bob.kill();
  await bob.tamper((draft) => draft.delete(groupNames.state(group.id)));
  await bob.start();
  return played;
}

test("SOTTO-REJOIN-2: only who decides in a group says that a device which lost its state is not in it", async () => {
  const { ann, bob, group, intruder } = await choirThatBobLost();
  const admin = intruder.device;
  const [admins, anns] = await Promise.all(
    [admin, ann].map(async ({ stored }) => (await stored.get(names.own))!.deviceKey.privateKey),
  );
  const gone = { logId: group.id, epoch: group.epoch + 1 };
  // In an admin's name; by an admin to another device; by no admin; about an epoch of before.
  await leaveNotMember(intruder, bob, admin, gone, anns!);
  await leaveNotMember(intruder, bob, admin, { ...gone, asker: ann.device }, admins!);
  await leaveNotMember(intruder, bob, ann, gone, anns!);
  await leaveNotMember(intruder, bob, admin, { ...gone, epoch: group.epoch }, admins!);
  await scene.world.settle(30);
  expect(new Set(refusals(bob))).toEqual(new Set(["mls_invalid"]));
  const state = async () => (await bob.stored.get(groupNames.group(group.id)))?.state;
  expect(await state()).toBe("healing");
  await leaveNotMember(intruder, bob, admin, gone, admins!);
  await scene.world.until(async () => (await state()) === "removed");
});

test("SOTTO-REJOIN-2: that somebody left a group only they say themselves", async () => {
  const { ann, bob, group, intruder } = await choirThatBobLost();
  const admin = intruder.device;
  const admins = (await admin.stored.get(names.own))!.deviceKey.privateKey;
  const leaving = async () => (await bob.stored.get(groupNames.group(group.id)))?.leaving ?? [];
  const said = { logId: group.id, epoch: group.epoch + 1 };
  await leaveNotMember(intruder, bob, admin, { ...said, gone: ann.account }, admins);
  await leaveNotMember(intruder, bob, admin, { ...said, epoch: group.epoch, gone: admin.account }, admins);
  await scene.world.settle(30);
  expect(await leaving()).toEqual([]);
  await leaveNotMember(intruder, bob, admin, { ...said, gone: admin.account }, admins);
  await scene.world.until(async () => (await leaving()).includes(admin.account));
});

test("SOTTO-REJOIN-1: only the device itself asks to be added anew", async () => {
  const { ann, bob, group, intruder } = await choir();
  const { deviceKey } = (await intruder.device.stored.get(names.own))!;
  await leaveRejoin(intruder, ann, bob, { logId: group.id }, deviceKey.privateKey);
  await scene.world.until(() => refusals(ann).length > 0);
  expect(refusals(ann)).toEqual(["mls_invalid"]);
  await scene.world.settle(60);
  expect((await groupOf(ann)).epoch).toBe(group.epoch);
  await leaveRejoin(intruder, ann, bob, { logId: group.id });
  await scene.world.until(async () => (await groupOf(ann)).epoch > group.epoch);
});
