/** A process is killed at each of its effects while messages change or disappear: everybody comes to the same, and nothing stays behind. */
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { describe, expect, test } from "vitest";
import type { Message } from "../src/api.ts";
import { plaintextOfVault } from "./support/vault-plaintext.ts";

const slow = process.env["SOTTO_SLOW_TESTS"] !== undefined;

async function scene(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  for (const device of world.devices) await device.start();
  await world.settle();
  await world.during(ann.up.createGroup("Climbing", [ben.identifier]));
  await ann.up.send("Climbing", "hello");
  await world.settle();
  await ben.up.send("Climbing", "hello too");
  await world.settle(60);
  const [first, second] = await ann.up.history("Climbing");
  if (first === undefined || second === undefined) throw new Error("nothing was sent");
  return { world, ann, ben, first, second };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** What somebody does while somebody is mortal. What fails because its process dies is done again by the person. */
const lives: Record<string, (scene: Scene) => { mortal: SimulatedDevice; act(): Promise<unknown> }> = {
  "who changes messages": ({ world, ann, first, second }) => ({
    mortal: ann,
    act: async () => {
      const acts: (() => Promise<unknown>)[] = [
        () => ann.up.react("Climbing", second.id, "👍"),
        () => ann.up.edit("Climbing", first.id, "edited"),
        () => ann.up.send("Climbing", "an answer", { replyTo: second.id }),
        () => ann.up.react("Climbing", second.id, "🎉"),
        () => ann.up.deleteMessage("Climbing", first.id, { forEveryone: true }),
        () => ann.up.setTimer("Climbing", 3_600),
      ];
      for (const act of acts) {
        if (ann.alive) act().catch(() => undefined);
        await world.settle(1);
      }
    },
  }),
  "who hears of changes": ({ world, ann, ben, first, second }) => ({
    mortal: ben,
    act: async () => {
      await ann.up.react("Climbing", second.id, "👍");
      await ann.up.edit("Climbing", first.id, "edited");
      await world.settle(1);
      await world.during(ann.up.setTimer("Climbing", 3_600));
      await ann.up.deleteMessage("Climbing", first.id, { forEveryone: true });
      await world.settle(2);
    },
  }),
  "whose messages disappear": ({ world, ann, ben }) => ({
    mortal: ben,
    act: async () => {
      await ann.up.send("Climbing", "disappearing one", { expiresAfter: 20 });
      await ann.up.send("Climbing", "disappearing two", { expiresAfter: 20 });
      await world.settle(2);
      if (ben.alive) ben.up.markRead("Climbing").catch(() => undefined);
      await world.settle(30);
    },
  }),
};

/** What must be the same for everybody. */
const common = ({ id, body, from, kind, timer, replyTo, editedAt, deleted, reactions = [] }: Message) => ({
  id,
  body,
  from,
  kind,
  timer,
  quoted: replyTo?.id,
  editedAt,
  deleted,
  reactions: reactions.map((one) => `${one.from} ${one.emoji}`).toSorted(),
});

describe.each(Object.keys(lives))("%s", (name) => {
  test.each(["before", "after"] as const)("is killed %s each effect", { timeout: 300_000 }, async (when) => {
    let kills = 0;
    const stride = slow ? 1 : 3;
    for (let effect = when === "before" ? 0 : stride - 1; ; effect += stride) {
      const played = await scene(effect + 1);
      const { world, ann, ben } = played;
      const { mortal, act } = (lives[name] as (typeof lives)[string])(played);
      let count = 0;
      mortal.fate = () => (count++ === effect ? when : false);
      await act();
      const wasKilled = !mortal.alive;
      mortal.fate = () => false;
      if (wasKilled) await mortal.start();
      await world.settle(30);
      // What was not shown when the process died, is shown now.
      await ben.up.markRead("Climbing");
      await world.settle(90);
      const [one, other] = await Promise.all(
        [ann, ben].map(async ({ up }) => (await up.history("Climbing")).map((message) => common(message))),
      );
      expect(other, `effect ${effect}`).toEqual(one);
      for (const device of [ann, ben]) {
        expect((await device.up.doctor()).queued, `effect ${effect}`).toBe(0);
        expect(await plaintextOfVault(device), `effect ${effect}`).not.toContain("disappearing");
      }
      if (!wasKilled) break;
      kills++;
    }
    expect(kills).toBeGreaterThan(1);
  });
});
