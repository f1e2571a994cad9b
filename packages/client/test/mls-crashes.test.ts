/** A process is killed at each of its effects while it sends, commits or joins: nothing is lost, nothing comes twice, order is kept. */
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { check, newStage } from "@sotto/testkit/soak";
import { describe, expect, test } from "vitest";

const slow = process.env["SOTTO_SLOW_TESTS"] !== undefined;

async function scene(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  const cleo = await world.device("+15551230003");
  for (const device of world.devices) await device.start();
  await world.settle();
  await world.during(ann.up.createGroup("Climbing", [ben.identifier]));
  await ann.up.send(cleo.identifier, "hello");
  // Updates after joining are over then: what follows is what the test does.
  await world.settle(60);
  return { world, ann, ben, cleo };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** Each of them and what they do while they are mortal. */
const lives: Record<string, (scene: Scene) => { mortal: SimulatedDevice; act(): Promise<unknown> }> = {
  "who sends": ({ ann, world, cleo }) => ({
    mortal: ann,
    act: async () => {
      for (const to of ["Climbing", cleo.identifier, "Climbing"]) {
        if (ann.alive) ann.up.send(to, `to ${to}`).catch(() => undefined);
        await world.settle(1);
      }
    },
  }),
  "who reads": ({ ann, ben, world }) => ({
    mortal: ben,
    act: async () => {
      for (const body of ["one", "two"]) await ann.up.send("Climbing", body);
      await world.settle(2);
    },
  }),
  "who commits": ({ ann, ben, cleo, world }) => ({
    mortal: ann,
    act: async () => {
      ann.up.addToGroup("Climbing", [cleo.identifier]).catch(() => undefined);
      ben.up.send("Climbing", "meanwhile").catch(() => undefined);
      await world.settle(2);
    },
  }),
  "who joins": ({ ann, cleo, world }) => ({
    mortal: cleo,
    act: async () => {
      await world.during(ann.up.addToGroup("Climbing", [cleo.identifier]));
      await ann.up.send("Climbing", "welcome");
      await world.settle(20);
    },
  }),
};

describe.each(Object.keys(lives))("%s", (name) => {
  test.each(["before", "after"] as const)("is killed %s each effect", { timeout: 300_000 }, async (when) => {
    let kills = 0;
    const stride = slow ? 1 : 2;
    for (let effect = when === "before" ? 0 : stride - 1; ; effect += stride) {
      const played = await scene(effect + 1);
      const { world } = played;
      const { mortal, act } = (lives[name] as (typeof lives)[string])(played);
      let count = 0;
      mortal.fate = () => (count++ === effect ? when : false);
      await act();
      const wasKilled = !mortal.alive;
      mortal.fate = () => false;
      if (wasKilled) await mortal.start();
      await world.settle(120);
      expect(await check(newStage(world)), `effect ${effect}`).toEqual([]);
      if (!wasKilled) break;
      kills++;
    }
    expect(kills).toBeGreaterThan(2);
  });
});
