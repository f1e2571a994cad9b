/**
 * Clocks that are wrong: whoever has one is told, messages under MLS are neither lost nor late by it, and what is dated ahead under the classic
 * suite is told and kept. A server that lies about the time gains nothing.
 */
import { afterEach, expect, test } from "vitest";
import { serverFrame } from "../src/frames.ts";
import type { SimulatedDevice } from "../src/simulation/index.ts";
import { Scene, hasRead, refusals } from "./support/mls-scene.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

let scene: Scene;
afterEach(() => scene.close());

/** People whose clocks are ahead by so much. */
async function people(skews: Readonly<Record<string, number>>): Promise<readonly SimulatedDevice[]> {
  scene = await Scene.make();
  const devices: SimulatedDevice[] = [];
  for (const [name, skewMs] of Object.entries(skews)) {
    const device = await scene.world.device(`${name}@example.org`);
    device.skewMs = skewMs;
    devices.push(device);
  }
  for (const device of devices) await device.start();
  await scene.world.settle();
  return devices;
}

const clockNotices = (device: SimulatedDevice): readonly number[] =>
  device.notices.flatMap((notice) => (notice.type === "clock_wrong" ? [notice.aheadMs] : []));

const about = (ms: number): number => expect.closeTo(ms, -4) as number;

test("whoever's clock is wrong is told so once, again when it is wrong by something else, and when it is right", async () => {
  const [ann, bob] = (await people({ ann: 2 * hourMs, bob: 50_000 })) as [SimulatedDevice, SimulatedDevice];
  expect(clockNotices(ann)).toEqual([about(2 * hourMs)]);
  expect((await ann.up.doctor()).clockAheadMs).toEqual(about(2 * hourMs));
  // Within a minute nobody minds.
  expect(clockNotices(bob)).toEqual([]);
  expect((await bob.up.doctor()).clockAheadMs).toBe(0);
  const reconnected = async (skewMs: number): Promise<void> => {
    ann.skewMs = skewMs;
    scene.link(ann).cut();
    await scene.world.settle(120);
    expect(ann.up.connection).toBe("online");
  };
  await reconnected(2 * hourMs);
  expect(clockNotices(ann)).toHaveLength(1);
  await reconnected(-3 * hourMs);
  await reconnected(0);
  await reconnected(0);
  expect(clockNotices(ann)).toEqual([about(2 * hourMs), about(-3 * hourMs), 0]);
});

test("with a clock that is off by weeks a device does not sign in, and says why", async () => {
  const [ann] = (await people({ ann: 30 * dayMs })) as [SimulatedDevice];
  await scene.world.settle(60);
  const problems = ann.events.flatMap((event) => (event.type === "connection" ? [event.problem] : []));
  expect(problems).toContain("clock_wrong");
  expect(problems).not.toContain("server_key_mismatch");
  expect(clockNotices(ann)).toEqual([about(30 * dayMs)]);
  ann.skewMs = 0;
  await scene.world.until(() => ann.up.connection === "online", 3_600);
  expect(clockNotices(ann).at(-1)).toBe(0);
});

test("under MLS clocks that are days off, to both sides, lose and delay nothing: pairs, groups, people who are added", async () => {
  const [ann, bob, cleo] = (await people({ ann: 4 * dayMs, bob: -2 * dayMs, cleo: 0 })) as [
    SimulatedDevice,
    SimulatedDevice,
    SimulatedDevice,
  ];
  await scene.reaches(ann, bob.identifier, "from the day after tomorrow", [bob]);
  await scene.reaches(bob, ann.identifier, "from the day before yesterday", [ann]);
  await scene.reaches(cleo, ann.identifier, "to whoever is ahead", [ann]);
  await scene.world.during(bob.up.createGroup("Choir", [ann.identifier]));
  await scene.reaches(ann, "Choir", "ahead", [bob]);
  await scene.world.during(bob.up.addToGroup("Choir", [cleo.identifier]));
  await scene.reaches(cleo, "Choir", "on time", [ann, bob]);
  await scene.reaches(bob, "Choir", "behind", [ann, cleo]);
  for (const device of [ann, bob, cleo]) expect(refusals(device)).toEqual([]);
});

test("a classic message that is dated ahead is told at once, kept, and shown when its time comes or the clock is put right", async () => {
  const [ann, bob] = (await people({ ann: 0, bob: 2 * hourMs })) as [SimulatedDevice, SimulatedDevice];
  for (const text of ["one", "two"]) await bob.up.send(ann.identifier, text, { suite: "classic" });
  await scene.world.settle(10);
  expect(ann.received).toEqual([]);
  const held = ann.notices.filter(({ type }) => type === "held");
  expect(held).toMatchObject([{ code: "message_from_future" }]);
  expect(clockNotices(bob)).toEqual([about(2 * hourMs)]);
  await scene.world.settle(2 * 3_600);
  expect(ann.received.map(({ body }) => body)).toEqual(["one", "two"]);

  // The other way round: it is the recipient's clock, and messages come as soon as it is put right.
  ann.skewMs = -hourMs;
  await scene.world.during(bob.up.send(ann.identifier, "three", { suite: "classic" }));
  await scene.world.settle(10);
  expect(hasRead(ann, "three")).toBe(false);
  ann.skewMs = 2 * hourMs;
  await scene.world.until(() => hasRead(ann, "three"), 120);
});

test("a server that lies about the time: it is told, and nothing else follows", async () => {
  const [ann, bob] = (await people({ ann: 0, bob: 0 })) as [SimulatedDevice, SimulatedDevice];
  for (const serverTimeMs of [1n, 2n ** 64n - 1n]) {
    scene.lie(ann, {
      down: (told) => {
        const { frame } = told;
        if (frame.case !== "challenge") return [told];
        return [serverFrame({ case: "challenge", value: { ...frame.value, serverTimeMs } })];
      },
    });
    scene.link(ann).cut();
    await scene.world.settle(120);
    await scene.reaches(ann, bob.identifier, `at ${serverTimeMs}`, [bob]);
    await scene.reaches(bob, ann.identifier, `back at ${serverTimeMs}`, [ann]);
  }
  expect(clockNotices(ann)).toHaveLength(2);
  expect(refusals(ann)).toEqual([]);
});
