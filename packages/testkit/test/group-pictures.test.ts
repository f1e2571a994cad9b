/** A group's picture: set by who may rename, the same for everybody, there for who comes later; what is no small picture reaches nobody. */
import { concatBytes, utf8 } from "@sotto/protocol";
import { afterEach, expect, test, vi } from "vitest";
import { CANARY, JPEG, PNG, exif, segment } from "../../client/test/support/pictures.ts";
import type { SimulatedDevice } from "../src/simulation/index.ts";
import { Scene } from "./support/mls-scene.ts";

vi.setConfig({ testTimeout: 60_000 });
let scene: Scene;
afterEach(() => scene.close());

/** As a camera writes it: with what tells of place and time. */
const photo = concatBytes(JPEG.subarray(0, 2), segment(0xe1, utf8("Exif\0\0"), exif(1)), JPEG.subarray(2));
const holds = async (device: SimulatedDevice): Promise<boolean> =>
  (await device.up.groups()).length > 0 && (await device.up.groupPicture("Choir")) !== undefined;

test("it reaches who is there and who comes later, without what it tells of its making; and goes for all", async () => {
  scene = await Scene.make();
  const [ann, bob, cleo] = await scene.people("ann", "bob", "cleo");
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier]));
  await scene.world.during(ann.up.setGroupPicture("Choir", photo));
  await scene.world.until(() => holds(bob));
  await scene.world.during(ann.up.addToGroup("Choir", [cleo.identifier]));
  await scene.world.until(() => holds(cleo));
  const pictures = await Promise.all([ann, bob, cleo].map((one) => one.up.groupPicture("Choir")));
  expect(Buffer.from(pictures[0]!).includes(CANARY)).toBe(false);
  for (const picture of pictures) expect(picture).toEqual(pictures[0]);
  const [group] = await cleo.up.groups();
  expect(group?.picture).toMatch(/^[0-9a-f]{64}$/);
  await expect(scene.world.during(bob.up.setGroupPicture("Choir", JPEG))).rejects.toMatchObject({
    code: "group_forbidden",
  });
  // It is no message: nothing is shown of it but that it changed.
  expect(await cleo.up.history("Choir")).toEqual([]);
  expect(bob.notices).toContainEqual(
    expect.objectContaining({ type: "group_changed", change: { kind: "picture", removed: false } }),
  );
  await scene.world.during(ann.up.setGroupPicture("Choir", undefined));
  await scene.world.until(async () => (await cleo.up.groups())[0]?.picture === undefined);
  expect(await cleo.up.groupPicture("Choir")).toBeUndefined();
});

test("what is no small JPEG or WebP is refused before anybody hears of it", async () => {
  scene = await Scene.make();
  const [ann] = await scene.people("ann");
  await scene.world.during(ann.up.createGroup("Choir", []));
  // The frame header says how large it is: 65,535 pixels wide.
  const bomb = JPEG.slice();
  const at = bomb.findIndex((byte, i) => byte === 0xff && bomb[i + 1] === 0xc0);
  bomb.set([0xff, 0xff], at + 7);
  const large = concatBytes(JPEG.subarray(0, -2), new Uint8Array(20_000).fill(1), JPEG.subarray(-2));
  for (const image of [PNG, utf8("<svg/>"), new Uint8Array(), bomb, large]) {
    await expect(scene.world.during(ann.up.setGroupPicture("Choir", image))).rejects.toMatchObject({
      code: expect.stringMatching(/^(usage|picture_unreadable)$/) as string,
    });
  }
  expect((await ann.up.groups())[0]?.picture).toBeUndefined();
});
