/** Names in a simulated world: told end to end to whom one writes, shown beside the identifier, never in its place. */
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { describe, expect, test } from "vitest";
import { isDisplayName } from "../src/core/display-name.ts";
import { encodeContent, parseContent } from "../src/core/groups/content.ts";

const ANN = "+15551230001";
const BEN = "+15551230002";
const CLEO = "+15551230003";

async function scene(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device(ANN);
  const ben = await world.device(BEN);
  const cleo = await world.device(CLEO);
  for (const device of world.devices) await device.start();
  await world.settle();
  await ann.up.updateProfile({ name: "Ann Lee" });
  return { world, ann, ben, cleo };
}

const nameOf = async ({ up }: SimulatedDevice, peer: string) =>
  (await up.contacts()).find(({ identifier }) => identifier === peer)?.name;

test("a name goes along with the first message, is shown beside the identifier, and follows when it changes", async () => {
  const { world, ann, ben, cleo } = await scene(1);
  await ann.up.send(BEN, "hello");
  await world.settle(30);
  expect(await nameOf(ben, ANN)).toBe("Ann Lee");
  expect((await ben.up.history(ANN))[0]).toMatchObject({ from: ANN, fromName: "Ann Lee", body: "hello" });
  await ann.up.updateProfile({ name: "Ann" });
  await world.settle(30);
  expect(await nameOf(ben, ANN)).toBe("Ann");
  // Whom she never wrote to learns nothing; a name leads nowhere.
  expect(await nameOf(cleo, ANN)).toBeUndefined();
  await expect(ben.up.send("Ann", "hi")).rejects.toMatchObject({ code: "identifier_invalid" });
  await ann.up.updateProfile({ name: "" });
  await world.settle(30);
  expect(await nameOf(ben, ANN)).toBe("");
  expect((await ben.up.history(ANN))[0]?.fromName).toBeUndefined();
});

test("in a group, whoever comes later learns it with the next message", async () => {
  const { world, ann, ben, cleo } = await scene(2);
  await world.during(ann.up.createGroup("Choir", [BEN]));
  await ann.up.send("Choir", "la");
  await world.settle(30);
  expect((await ben.up.groupMembers("Choir")).map(({ name }) => name).toSorted()).toEqual(["", "Ann Lee"]);
  await world.during(ann.up.addToGroup("Choir", [CLEO]));
  await ann.up.send("Choir", "lo");
  await world.settle(60);
  expect((await cleo.up.history("Choir"))[0]).toMatchObject({ fromName: "Ann Lee", body: "lo" });
});

test("a nickname wins, on all of the own devices, and nobody is told of it", async () => {
  const { world, ann, ben } = await scene(3);
  await ann.up.send(BEN, "hello");
  await world.settle(30);
  const phone = await world.linked(ben);
  await phone.start();
  await world.settle(60);
  expect(await nameOf(phone, ANN)).toBe("Ann Lee");
  await phone.up.setNickname(ANN, "Boss");
  await world.settle(30);
  for (const device of [ben, phone]) expect(await nameOf(device, ANN)).toBe("Boss");
  await ben.up.setNickname(ANN, "");
  await world.settle(30);
  for (const device of [ben, phone]) expect(await nameOf(device, ANN)).toBe("Ann Lee");
  await expect(ben.up.setNickname("+15551239999", "x")).rejects.toMatchObject({ code: "contact_unknown" });
});

test("the own name is the same on all devices, also on one that is linked later", async () => {
  const { world, ann, ben } = await scene(4);
  const phone = await world.linked(ann);
  await phone.start();
  await world.settle(60);
  expect(await phone.up.profile()).toEqual({ name: "Ann Lee" });
  await phone.up.updateProfile({ name: "Annie" });
  await phone.up.send(BEN, "from the phone");
  await world.settle(30);
  expect(await ann.up.profile()).toEqual({ name: "Annie" });
  expect(await nameOf(ben, ANN)).toBe("Annie");
});

test(
  "killed at each effect of a change, the name is the old one or the new one, on both sides the same",
  { timeout: 300_000 },
  async () => {
    for (let effect = 0; ; effect++) {
      const { world, ann, ben } = await scene(5);
      await ann.up.send(BEN, "hello");
      await world.settle(30);
      let count = 0;
      ann.fate = () => (count++ === effect ? "before" : false);
      ann.up.updateProfile({ name: "Annie" }).catch(() => undefined);
      await world.settle(5);
      const wasKilled = !ann.alive;
      ann.fate = () => false;
      if (wasKilled) await ann.start();
      await world.settle(60);
      expect(await nameOf(ben, ANN)).toBe((await ann.up.profile()).name);
      if (!wasKilled) break;
    }
  },
);

const content = (name: string) =>
  encodeContent({
    id: "ab".repeat(16),
    sentAtMs: 1,
    from: "",
    body: { type: "profile", name, changedAtMs: 1 },
  });

describe("what is no name", () => {
  const bad = [
    "",
    " Ann",
    "Ann ",
    "a\nb",
    "a\u0000b",
    "a\u202eb",
    "a\u2066b",
    "a\u200fb",
    "a\u2028b",
    "\ud800",
    "x".repeat(65),
  ];

  test("is not taken by the SDK, and changes nothing", async () => {
    const { ann } = await scene(6);
    for (const name of bad.filter((text) => text !== "")) {
      expect(isDisplayName(name)).toBe(false);
      await expect(ann.up.updateProfile({ name })).rejects.toMatchObject({ code: "usage" });
    }
    expect(await ann.up.profile()).toEqual({ name: "Ann Lee" });
    for (const name of ["Ann", "Zoë Ångström", "李安", "👩‍👩‍👧", "x".repeat(64)])
      expect(isDisplayName(name)).toBe(true);
  });

  test("SOTTO-CONTENT-1: is refused from others", () => {
    for (const name of bad.filter((text) => text !== "" && text !== "\ud800")) {
      expect(() => parseContent(content(name))).toThrow("SOTTO-CONTENT-1");
    }
    expect(parseContent(content("Ann")).body).toEqual({ type: "profile", name: "Ann", changedAtMs: 1 });
  });
});
