/**
 * Links of groups, between whole clients: who asks by one is shown to the admins whom it names, and comes in when one of them approves. The link
 * alone lets nobody in; requests that are forged, repeated, too many, or by a link that is no more come to nothing.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { names } from "@sotto/client/parts";
import {
  GroupLinkSchema,
  JoinAnsweredSchema,
  JoinAskedSchema,
  JoinVerdict,
  decode,
  parseBase64Url,
  toBase64Url,
  utf8,
  type JoinAnswer,
  type JoinRequest,
} from "@sotto/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SimulatedDevice } from "../src/simulation/index.ts";
import { Intruder, Scene, bytes, leaveSealed, provider, refusals } from "./support/mls-scene.ts";

vi.setConfig({ testTimeout: 60_000 });
const daySec = 86_400;

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.make();
});
afterEach(() => scene.close());

/** Ann and Bob are admins of a choir with a link, Cleo has the link. */
async function choir(...others: readonly string[]) {
  const [ann, bob, cleo, ...rest] = await scene.people("ann", "bob", "cleo", ...others);
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier]));
  await scene.world.during(ann.up.setAdmins("Choir", [bob.identifier], true));
  await scene.reaches(ann, "Choir", "hello", [bob]);
  await scene.world.settle(60);
  const { link } = await scene.world.during(ann.up.createGroupLink("Choir"));
  await scene.world.until(async () => (await bob.up.groupLinks("Choir")).length === 1);
  return { ann, bob, cleo, rest, link };
}

const ask = (device: SimulatedDevice, link: string) => scene.world.during(device.up.askToJoin(link));
const waiting = async (device: SimulatedDevice) =>
  (await device.up.joinRequests()).map(({ identifier }) => identifier);
const asking = (device: SimulatedDevice, who: readonly SimulatedDevice[]) =>
  scene.world.until(async () => (await waiting(device)).join() === who.map((one) => one.identifier).join());
const stateOf = async (device: SimulatedDevice) => (await device.up.askedJoins()).map(({ state }) => state);

/** What a link holds. */
const opened = (link: string) =>
  decode(GroupLinkSchema, parseBase64Url(link.slice(link.indexOf("#/join/") + 7)) as Uint8Array);

/** label || 0x00 || secret || content, as the protocol has it. */
const signed = (label: string, ...parts: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([utf8(label), new Uint8Array(1), ...parts]);

async function linkId(secret: Uint8Array): Promise<Uint8Array> {
  return (await provider.sha256(signed("sotto/group-link/v1", secret))).subarray(0, 16);
}

/** A request made by hand, with the keys of a device. */
async function request(
  device: SimulatedDevice,
  link: string,
  changes: { secret?: Uint8Array; account?: string; askedAtMs?: number; name?: string } = {},
): Promise<JoinRequest> {
  const own = (await device.stored.get(names.own))!;
  const { secret } = opened(link);
  const asked = toBinary(
    JoinAskedSchema,
    create(JoinAskedSchema, {
      linkId: await linkId(secret),
      accountId: bytes(changes.account ?? own.account),
      deviceId: bytes(own.device),
      askedAtMs: BigInt(changes.askedAtMs ?? scene.world.clock.nowMs()),
      from: "",
      name: changes.name ?? "",
    }),
  );
  const said = signed("sotto/group-link/ask/v1", changes.secret ?? secret, asked);
  const signature = await provider.ed25519Sign(own.deviceKey.privateKey, said);
  return { $typeName: "sotto.v1.JoinRequest", asked, signature };
}

const leave = (intruder: Intruder, victim: SimulatedDevice, value: JoinRequest) =>
  leaveSealed(intruder, victim, { content: { case: "join", value } });

test("who asks is shown to every admin whom the link names, comes in when one approves, and needs to accept nothing", async () => {
  const { ann, bob, cleo, link } = await choir();
  const phone = await scene.world.linked(ann);
  await phone.start();
  await scene.world.settle(60);
  await scene.world.during(cleo.up.updateProfile({ name: "Cleo" }));
  expect(await ask(cleo, link)).toMatchObject({ group: "Choir", state: "waiting" });
  for (const admin of [ann, bob, phone]) await asking(admin, [cleo]);
  expect(await ann.up.joinRequests("Choir")).toMatchObject([
    { group: "Choir", identifier: cleo.identifier, name: "Cleo", verified: false, accountId: cleo.account },
  ]);
  expect(await ann.up.safetyNumber(cleo.account)).toBe(
    await scene.world.during(cleo.up.safetyNumber(ann.identifier)),
  );
  expect(bob.notices).toContainEqual(
    expect.objectContaining({ type: "join_requested", group: "Choir", from: cleo.identifier }),
  );
  // The link alone let nobody in.
  expect(await cleo.up.groups()).toEqual([]);
  await scene.world.during(bob.up.approveJoin("Choir", cleo.identifier));
  for (const admin of [ann, bob, phone]) await asking(admin, []);
  await scene.world.until(async () => (await cleo.up.groups()).length === 1);
  expect(await cleo.up.askedJoins()).toEqual([]);
  expect((await cleo.up.conversation("Choir"))?.request).toBeUndefined();
  await scene.reaches(cleo, "Choir", "thank you", [ann, bob, phone]);
  expect(await ask(cleo, link)).toMatchObject({ group: "Choir", state: "member" });
});

test("who is refused is told, is asked of no other admin, and is not heard again for a day", async () => {
  const { ann, bob, cleo, link } = await choir();
  await bob.stop();
  await ask(cleo, link);
  await asking(ann, [cleo]);
  await ann.up.refuseJoin("Choir", cleo.account);
  expect(await waiting(ann)).toEqual([]);
  await scene.world.until(async () => (await stateOf(cleo)).includes("refused"));
  expect(cleo.notices).toContainEqual({ type: "join_answered", group: "Choir", state: "refused" });
  // The word in the group and the request reach Bob in either order.
  await bob.start();
  await scene.world.settle(60);
  expect(await waiting(bob)).toEqual([]);
  expect(await ask(cleo, link)).toMatchObject({ state: "refused" });
  await scene.world.settle(daySec);
  expect(await ask(cleo, link)).toMatchObject({ state: "waiting" });
  await asking(ann, [cleo]);
});

test("a link that is taken back or too old lets nobody ask, and takes with it who asked", async () => {
  const { ann, bob, cleo, rest, link } = await choir("dora");
  const [dora] = rest as [SimulatedDevice];
  await ask(cleo, link);
  await asking(bob, [cleo]);
  const [{ id } = { id: "" }] = await bob.up.groupLinks("Choir");
  await scene.world.during(bob.up.revokeGroupLink("Choir", id));
  await asking(ann, []);
  await scene.world.until(async () => (await stateOf(cleo)).join() === "closed");
  expect(await ann.up.groupLinks("Choir")).toEqual([]);
  await ask(dora, link);
  await scene.world.until(async () => (await stateOf(dora)).join() === "closed");
  expect(await waiting(ann)).toEqual([]);
  await dora.up.forgetJoin((await dora.up.askedJoins())[0]?.id ?? "");
  expect(await dora.up.askedJoins()).toEqual([]);

  const brief = await scene.world.during(ann.up.createGroupLink("Choir", 60));
  await scene.world.settle(120);
  await expect(ask(dora, brief.link)).rejects.toMatchObject({ code: "group_link_invalid" });
  // Whoever asks all the same is told by the admins.
  const intruder = await Intruder.takeOver(scene, dora);
  await leave(intruder, ann, await request(dora, brief.link));
  await scene.world.settle(60);
  expect(await waiting(ann)).toEqual([]);
  await expect(scene.world.during(ann.up.createGroupLink("Choir", 91 * daySec))).rejects.toMatchObject({
    code: "usage",
  });
});

test("what is no link, or one for people of another server, is refused before anybody is asked", async () => {
  const { cleo, link } = await choir();
  const told = opened(link);
  const twisted = (changes: Partial<typeof told>) =>
    toBase64Url(toBinary(GroupLinkSchema, create(GroupLinkSchema, { ...told, ...changes })));
  for (const text of [
    "",
    "https://example.org/",
    `${link}=`,
    link.slice(0, -4),
    twisted({ hosts: [] }),
    twisted({ hosts: [told.hosts[0]!, told.hosts[0]!, told.hosts[0]!, told.hosts[0]!] }),
    twisted({ groupName: "a\u0000b" }),
    twisted({ secret: new Uint8Array(15) }),
    twisted({ serverFingerprint: new Uint8Array(32) }),
    // The server put somebody else in the admin's place.
    twisted({ hosts: [{ ...told.hosts[0]!, identityKey: new Uint8Array(32).fill(7) }] }),
    // Nobody has that account.
    twisted({ hosts: [{ ...told.hosts[0]!, accountId: new Uint8Array(16).fill(7) }] }),
  ]) {
    await expect(ask(cleo, text)).rejects.toMatchObject({ code: "group_link_invalid" });
  }
  expect(await cleo.up.askedJoins()).toEqual([]);
});

test("SOTTO-ASK-1: a request is signed with the link by a device of the account that it names", async () => {
  const { ann, cleo, rest, link } = await choir("mallory");
  const [mallory] = rest as [SimulatedDevice];
  const intruder = await Intruder.takeOver(scene, mallory);
  await leave(intruder, ann, await request(mallory, link, { account: cleo.account }));
  await scene.world.until(() => refusals(ann).length === 1);
  await leave(intruder, ann, await request(mallory, link, { secret: new Uint8Array(16) }));
  await scene.world.until(() => refusals(ann).length === 2);
  expect(refusals(ann)).toEqual(["message_refused", "message_refused"]);
  expect(await waiting(ann)).toEqual([]);
  // Of one that differs in that point alone, a name that hides others is left out.
  await leave(intruder, ann, await request(mallory, link, { name: "\u202eevil" }));
  await scene.world.until(async () => (await waiting(ann)).length === 1);
  expect(await ann.up.joinRequests()).toMatchObject([{ accountId: mallory.account, name: "" }]);
});

test("a request that comes again after it was answered comes to nothing; so does one of who is blocked", async () => {
  const { ann, bob, rest, link } = await choir("mallory");
  const [mallory] = rest as [SimulatedDevice];
  const intruder = await Intruder.takeOver(scene, mallory);
  const first = await request(mallory, link);
  await leave(intruder, ann, first);
  await scene.world.until(async () => (await waiting(ann)).length === 1);
  await scene.world.during(ann.up.approveJoin("Choir", mallory.account));
  await scene.world.during(ann.up.removeFromGroup("Choir", [mallory.account]));
  await leave(intruder, ann, first);
  await leave(intruder, bob, first);
  await scene.world.settle(60);
  expect([await waiting(ann), await waiting(bob)]).toEqual([[], []]);
  await ann.up.block(mallory.account);
  const later = await request(mallory, link);
  await leave(intruder, ann, later);
  await leave(intruder, bob, later);
  await scene.world.until(async () => (await waiting(bob)).length === 1);
  await scene.world.settle(60);
  expect(await waiting(ann)).toEqual([]);
});

test("who may not let people in is shown nobody, and makes no links", async () => {
  const { ann, bob, cleo, link } = await choir();
  await scene.world.during(ann.up.setAdmins("Choir", [bob.identifier], false));
  await scene.world.settle(60);
  await ask(cleo, link);
  await asking(ann, [cleo]);
  expect(await waiting(bob)).toEqual([]);
  expect(await bob.up.groupLinks("Choir")).toEqual([]);
  await expect(scene.world.during(bob.up.createGroupLink("Choir"))).rejects.toMatchObject({
    code: "group_forbidden",
  });
  await expect(bob.up.refuseJoin("Choir", cleo.account)).rejects.toMatchObject({ code: "contact_unknown" });
});

test("SOTTO-ASK-2: an answer is believed of an admin whom the link names", async () => {
  const { ann, cleo, rest, link } = await choir("mallory");
  const [mallory] = rest as [SimulatedDevice];
  await ask(cleo, link);
  const { secret } = opened(link);
  await asking(ann, [cleo]);
  const [kept] = await cleo.stored.page<{ askedAtMs: number }>({ list: "asked-joins" });
  const answered = async (
    own: { account: string; device: string; deviceKey: { privateKey: Uint8Array } },
    as = own,
  ): Promise<JoinAnswer> => {
    const said = toBinary(
      JoinAnsweredSchema,
      create(JoinAnsweredSchema, {
        linkId: await linkId(secret),
        askerAccountId: bytes(cleo.account),
        askedAtMs: BigInt(kept?.value.askedAtMs ?? 0),
        verdict: JoinVerdict.REFUSED,
        accountId: bytes(as.account),
        deviceId: bytes(as.device),
      }),
    );
    const transcript = signed("sotto/group-link/answer/v1", secret, said);
    const signature = await provider.ed25519Sign(own.deviceKey.privateKey, transcript);
    return { $typeName: "sotto.v1.JoinAnswer", answered: said, signature };
  };
  const [anns, theirs] = [(await ann.stored.get(names.own))!, (await mallory.stored.get(names.own))!];
  const intruder = await Intruder.takeOver(scene, mallory);
  for (const value of [await answered(theirs), await answered(theirs, anns)]) {
    await leaveSealed(intruder, cleo, { content: { case: "joinAnswer", value } });
  }
  await scene.world.until(() => refusals(cleo).length === 2);
  expect(await stateOf(cleo)).toEqual(["waiting"]);
  await leaveSealed(intruder, cleo, { content: { case: "joinAnswer", value: await answered(anns) } });
  await scene.world.until(async () => (await stateOf(cleo)).join() === "refused");
});
