/**
 * The outbox and the shown-once rule under everything at once: people write, processes are killed before and after any write or
 * send, writes fail, connections break, frames come twice, the server restarts. Whatever was accepted by send() is shown once, in order.
 */
import { describe, expect, test } from "vitest";
import { World, type TestPerson } from "./support/world.ts";

const slow = process.env["SOTTO_SLOW_TESTS"] !== undefined;
const seeds = Array.from({ length: slow ? 60 : 6 }, (_, i) => i + 1);
const identifiers = ["+15551230001", "+15551230002", "+15551230003"];

describe("accepted messages arrive once and in order, whatever crashes", () => {
  test.each(seeds)("seed %i", { timeout: 120_000 }, async (seed) => {
    const world = await World.make(seed);
    const { random, network } = world;
    network.weather = {
      delayMs: [0, 400],
      breakChance: 0.01,
      duplicateChance: 0,
      reorderChance: 0,
      unreachableChance: 0.1,
    };
    const people = await Promise.all(identifiers.map((identifier) => world.person(identifier)));
    let mortality = 0.04;
    for (const person of people) {
      person.fate = () =>
        random.chance(mortality)
          ? ((["before", "after", "fails"] as const)[random.integer(3)] ?? false)
          : false;
    }
    /** Bodies of messages that send() accepted, by sender and recipient. */
    const accepted = new Map<string, string[]>();
    let kills = 0;

    const pick = (): TestPerson => people[random.integer(people.length)] as TestPerson;
    const act = async (): Promise<void> => {
      const person = pick();
      if (!person.alive) {
        kills++;
        return void (await Promise.race([person.start(), world.settle(1)]));
      }
      const peer = pick();
      const roll = random.integer(100);
      if (roll < 60 && peer !== person) {
        const body = `${seed}/${random.nextUint32()}`;
        const key = `${person.identifier} ${peer.identifier}`;
        person.up.send(peer.identifier, body, { suite: "classic" }).then(
          () => accepted.set(key, [...(accepted.get(key) ?? []), body]),
          () => undefined,
        );
      } else if (roll < 75 && peer !== person) {
        person.up.markRead(peer.identifier).catch(() => undefined);
      } else if (roll < 85) person.kill();
      else if (roll < 92) world.server.cutAll();
      else await world.settle(random.integer(40));
      await world.settle(random.float() * 2);
    };
    for (let i = 0; i < 120; i++) await act();

    // Peace: everybody lives, the network carries, and everything must arrive.
    mortality = 0;
    network.weather = { ...network.weather, breakChance: 0, unreachableChance: 0 };
    for (const person of people) if (!person.alive) await person.start();
    await world.settle(600);

    let total = 0;
    for (const sender of people) {
      for (const recipient of people) {
        if (sender === recipient) continue;
        const stored = await historyOf(sender, recipient.identifier, "out");
        const shown = await historyOf(recipient, sender.identifier, "in");
        expect(shown.map((message) => message.body)).toEqual(stored.map((message) => message.body));
        expect(shown.map((message) => message.id)).toEqual(stored.map((message) => message.id));
        for (const message of stored) expect(["delivered", "read"]).toContain(message.status);
        const bodies = accepted.get(`${sender.identifier} ${recipient.identifier}`) ?? [];
        expect(stored.map((message) => message.body).filter((body) => bodies.includes(body))).toEqual(bodies);
        total += bodies.length;
      }
    }
    for (const person of people) {
      const alarms = person.notices.filter(
        (notice) => notice.type !== "refused" || notice.code !== "message_replayed",
      );
      expect(alarms).toEqual([]);
    }
    // The test is worth something only if it was hard.
    expect(total).toBeGreaterThan(15);
    expect(kills).toBeGreaterThan(5);
  });
});

describe("a kill at each effect of one exchange, before it and after it", () => {
  test.each([
    ["the sender", "before"],
    ["the sender", "after"],
    ["the recipient", "before"],
    ["the recipient", "after"],
  ] as const)("of %s, %s", { timeout: 120_000 }, async (who, when) => {
    let kills = 0;
    for (let effect = 0; ; effect++) {
      const world = await World.make(effect + 1);
      const [ann, ben] = await Promise.all([world.person("+15551230001"), world.person("+15551230002")]);
      const mortal = who === "the sender" ? ann : ben;
      let count = 0;
      mortal.fate = () => (count++ === effect ? when : false);
      await Promise.race([Promise.all([ann.start(), ben.start()]), world.settle(2)]);
      const accepted: string[] = [];
      for (const body of ["one", "two"]) {
        if (ann.alive)
          ann.up.send(ben.identifier, body, { suite: "classic" }).then(
            () => accepted.push(body),
            () => undefined,
          );
        await world.settle(1);
      }
      if (ben.alive) ben.up.markRead(ann.identifier).catch(() => undefined);
      await world.settle(1);
      const wasKilled = !mortal.alive;
      mortal.fate = () => false;
      if (wasKilled) await mortal.start();
      await world.settle(60);
      await ben.up.acceptRequest(ann.identifier).catch(() => undefined);
      await ben.up.markRead(ann.identifier).catch(() => undefined);
      await world.settle(60);

      const sent = await historyOf(ann, ben.identifier, "out");
      const shown = await historyOf(ben, ann.identifier, "in");
      expect(shown.map((message) => message.body)).toEqual(sent.map((message) => message.body));
      expect(sent.map((message) => message.status)).toEqual(sent.map(() => "read"));
      expect(sent.map((message) => message.body)).toEqual(expect.arrayContaining(accepted));
      expect([...ann.notices, ...ben.notices].filter((notice) => notice.type !== "refused")).toEqual([]);
      if (!wasKilled) break;
      kills++;
    }
    expect(kills).toBeGreaterThan(8);
  });
});

async function historyOf(person: TestPerson, peer: string, direction: "in" | "out") {
  try {
    return (await person.up.history(peer)).filter((message) => message.direction === direction);
  } catch (error) {
    if ((error as { code?: string }).code === "contact_unknown") return [];
    throw error;
  }
}
