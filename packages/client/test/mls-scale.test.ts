/** Large groups: many people come with one Commit, and each gets the one sealed copy of the ratchet tree, whenever they come. */
import { nodeProvider } from "@sotto/crypto/node";
import { SimulatedWorld } from "@sotto/testkit/simulation";
import { expect, test } from "vitest";

const people = 101;
const awake = 4;

test("a hundred people are added with one Commit; those who come late find the ratchet tree still there", async () => {
  const world = await SimulatedWorld.make(7);
  // Making RSA pairs would take most of the time, and the classic suite is not what this is about.
  const pair = nodeProvider().rsaGenerate();
  Object.assign(world.crypto, { rsaGenerate: () => pair });
  const devices = [];
  for (let i = 0; i < people + 1; i++) devices.push(await world.device(`person${i}@example.org`));
  const messengers = [];
  for (const device of devices) messengers.push(await device.start());
  await world.settle(5);
  const [ann] = messengers;
  if (ann === undefined) throw new Error("nobody is there");
  for (const device of devices.slice(awake)) await device.stop();

  await world.during(ann.createGroup("Big", ["person1@example.org"]));
  const before = (await ann.groups())[0]?.epoch ?? 0;
  const added = devices.slice(2).map(({ identifier }) => identifier);
  expect(added).toHaveLength(100);
  await world.during(ann.addToGroup("Big", added));
  expect((await ann.groups())[0]).toMatchObject({ epoch: before + 1, members: people + 1 });
  await ann.send("Big", "welcome, everybody");

  const late = [];
  for (const device of devices.slice(awake, awake + 3)) late.push(await device.start());
  for (const messenger of [...messengers.slice(1, awake), ...late]) {
    await world.until(async () => {
      const joined = (await messenger.groups()).length === 1;
      return joined && (await messenger.history("Big")).some(({ body }) => body === "welcome, everybody");
    });
  }
}, 120_000);
