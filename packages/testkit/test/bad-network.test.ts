/**
 * Two whole clients and a real server over a network that delays, breaks connections in the middle of what is sent, doubles
 * frames, and falls apart for a while: every message arrives, is shown once, in the order in which it was written, and is
 * receipted.
 */
import { nodeProvider } from "@sotto/crypto/node";
import { expect, test } from "vitest";
import { LyingServer, Phone, TestServer, badWeather } from "../src/attack.ts";
import { type SeededRandom, SimulatedNetwork, withSeed } from "../src/index.ts";

const provider = nodeProvider();
const clock = {
  nowMs: () => performance.now(),
  setTimer: (delayMs: number, callback: () => void) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

async function play(random: SeededRandom) {
  const server = await TestServer.start(provider);
  const networks = [1, 2].map(() => new SimulatedNetwork(random, clock));
  const proxies = await Promise.all(networks.map(() => LyingServer.start(server.facts.origin)));
  const [ann, bob] = [
    await Phone.register(server, proxies[0]!.origin, "+15551230001"),
    await Phone.register(server, proxies[1]!.origin, "+15551230002"),
  ];
  const storm = { delayMs: [0, 20], breakChance: 0.01, duplicateChance: 0.03 } as const;
  for (const [i, network] of networks.entries()) {
    network.weather = { ...network.weather, ...storm };
    proxies[i]!.lie(badWeather(network));
  }
  const written = { ann: [] as string[], bob: [] as string[] };
  for (let i = 0; i < 60; i++) {
    await ann.messenger.send(bob.identifier, `ann ${i}`);
    written.ann.push(`ann ${i}`);
    await bob.messenger.send(ann.identifier, `bob ${i}`);
    written.bob.push(`bob ${i}`);
    if (i % 20 === 10) {
      const broken = random.pick([0, 1]);
      networks[broken]!.partition();
      proxies[broken]!.cutAll();
      setTimeout(() => networks[broken]!.heal(), 150);
    }
    await new Promise((resolve) => void setTimeout(resolve, random.integer(10)));
  }
  await ann.until("ann has all", () => ann.inbox.length >= written.bob.length);
  await bob.until("bob has all", () => bob.inbox.length >= written.ann.length);
  for (const proxy of proxies) proxy.behave();
  await expect
    .poll(
      async () =>
        new Set(
          (await ann.messenger.history(bob.identifier, { limit: 1_000 })).map(
            ({ direction, status }) => `${direction} ${status}`,
          ),
        ),
      {
        timeout: 45_000,
      },
    )
    .toEqual(new Set(["out delivered", "in received"]));
  const counts = networks.map((network) => network.counts);
  const result = {
    written,
    ann: [...ann.inbox],
    bob: [...bob.inbox],
    notices: [...ann.notices, ...bob.notices],
    counts,
  };
  for (const closing of [ann, bob, ...proxies, server]) await closing.close();
  return result;
}

test.each([1, 2, 3])(
  "seed %i: everything arrives, once, in order",
  async (seed) => {
    await withSeed(seed, async (random) => {
      const { written, ann, bob, notices, counts } = await play(random);
      process.stdout.write(`bad network, seed ${seed}: ${JSON.stringify(counts)}\n`);
      expect(bob).toEqual(written.ann);
      expect(ann).toEqual(written.bob);
      // A doubled message may be told as replayed; nothing is missing, nothing else is wrong.
      expect(
        notices.filter((notice) => notice.type !== "refused" || notice.code !== "message_replayed"),
      ).toEqual([]);
      // The weather was bad indeed; that connections broke, cutAll() has seen to.
      expect(counts.reduce((sum, { duplicated }) => sum + duplicated, 0)).toBeGreaterThan(0);
    });
  },
  180_000,
);
