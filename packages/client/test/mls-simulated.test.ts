/** The simulated world itself: people write over the real server core, and the same seed makes the same world. */
import { expect, test } from "vitest";
import { SimulatedWorld } from "@sotto/testkit/simulation";

async function play(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  const cleo = await world.device("+15551230003");
  for (const device of world.devices) await device.start();
  await world.settle();
  await ann.up.send(ben.identifier, "hello");
  await world.during(ann.up.createGroup("Climbing", [ben.identifier, cleo.identifier]));
  for (const { network } of world.devices) {
    network.weather = { ...network.weather, delayMs: [0, 200], breakChance: 0.02 };
  }
  await world.settle(60);
  await cleo.up.send("Climbing", "one");
  await world.settle(60);
  expect(ben.received.map(({ body }) => body).toSorted()).toEqual(["hello", "one"]);
  expect(ann.received.map(({ body }) => body)).toEqual(["one"]);
  expect(world.server.failures).toEqual([]);
  expect([...world.witness.logs.values()].map(({ unknown }) => unknown)).toEqual([0, 0]);
  return {
    events: world.devices.map(({ events }) => events),
    counts: world.devices.map(({ network }) => network.counts),
    logs: [...world.witness.logs.values()],
    nowMs: world.clock.nowMs(),
  };
}

test("people write in it, and what happened under a seed happens again, to the last event", async () => {
  const first = await play(1);
  expect(first.counts.some(({ broken }) => broken > 0)).toBe(true);
  expect(await play(1)).toEqual(first);
  expect(await play(2)).not.toEqual(first);
});
