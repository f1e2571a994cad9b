/**
 * People who write, answer, react, edit, take back and set timers over networks that break, on devices that die, one of them with two:
 * in the end everybody shows the same. The seed decides everything.
 */
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { withSeed } from "@sotto/testkit";
import { expect, test } from "vitest";
import type { Message } from "../src/api.ts";

const slow = process.env["SOTTO_SLOW_TESTS"] !== undefined;
const rounds = slow ? 12 : 2;
const steps = slow ? 150 : 50;

/** What must be the same for everybody in the group. */
const common = ({
  id,
  from,
  body,
  kind,
  deleted,
  editedAt,
  replyTo,
  expiresAfter,
  reactions = [],
}: Message) => ({
  id,
  from,
  body,
  kind,
  deleted,
  editedAt,
  quoted: replyTo?.id,
  expiresAfter,
  reactions: reactions.map((one) => `${one.from} ${one.emoji}`).toSorted(),
});

async function play(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  await world.device("+15551230003");
  for (const device of world.devices) await device.start();
  await world.settle();
  const others = world.devices.slice(1).map(({ identifier }) => identifier);
  await world.during(ann.up.createGroup("Club", others));
  await world.during(ann.up.setAdmins("Club", others, true));
  const phone = await world.linked(ben);
  await phone.start();
  await world.settle(120);
  for (const device of world.devices) await device.up.send("Club", "so that all names are known");
  await world.settle(30);
  const { random } = world;
  for (const { network } of world.devices) {
    network.weather = { ...network.weather, delayMs: [0, 3_000], breakChance: 0.02 };
  }
  for (let step = 0; step < steps; step++) {
    const device = world.devices[random.integer(world.devices.length)] as SimulatedDevice;
    if (!device.alive) await device.start();
    else if (random.chance(0.05)) device.kill();
    else await act(world, device);
    await world.settle(random.integer(4));
  }
  for (const device of world.devices) {
    device.network.weather = { ...device.network.weather, delayMs: [0, 50], breakChance: 0 };
    device.network.heal();
    if (!device.alive) await device.start();
  }
  await world.settle(600);
  const shown = await Promise.all(
    world.devices.map(async ({ up }) => {
      const messages = (await up.history("Club")).map((message) => common(message));
      return messages.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    }),
  );
  const queued = await Promise.all(world.devices.map(async ({ up }) => (await up.doctor()).queued));
  return { shown, queued, failures: world.server.failures };
}

async function act(world: SimulatedWorld, { up, network }: SimulatedDevice): Promise<void> {
  const { random } = world;
  const messages = (await up.history("Club", { limit: 15 })).filter(({ kind }) => kind === undefined);
  const message = messages[random.integer(messages.length)];
  const own = messages.filter(({ direction, deleted }) => direction === "out" && deleted === undefined);
  const mine = own[random.integer(own.length)];
  const emoji = ["👍", "👎", "🎉", ""][random.integer(4)] ?? "";
  const roll = random.integer(10);
  if (roll === 0) network.partition();
  else if (roll === 1) network.heal();
  else if (roll === 2 && mine !== undefined && random.chance(0.5)) {
    await up.deleteMessage("Club", mine.id, { forEveryone: true });
  } else if (roll <= 4 && mine !== undefined) await up.edit("Club", mine.id, `edit ${random.integer(100)}`);
  else if (roll <= 7 && message !== undefined && message.deleted === undefined) {
    await up.react("Club", message.id, emoji);
  } else if (roll === 8) {
    // It resolves when it is committed, which may take until the network heals.
    up.setTimer("Club", [0, 86_400, 604_800][random.integer(3)] ?? 0).catch(() => undefined);
  } else {
    const answer = message === undefined || random.chance(0.5) ? {} : { replyTo: message.id };
    await up.send("Club", `number ${random.integer(1_000)}`, answer);
  }
}

test.each(Array.from({ length: rounds }, (_, round) => round))(
  "all come to the same, round %i",
  { timeout: 300_000 },
  (round) =>
    withSeed(0x50780 + round, async (random) => {
      const { shown, queued, failures } = await play(random.nextUint32());
      for (const one of shown) expect(one).toEqual(shown[0]);
      expect(shown[0]?.some(({ reactions }) => reactions.length > 0)).toBe(true);
      expect(queued).toEqual(shown.map(() => 0));
      expect(failures).toEqual([]);
    }),
);
