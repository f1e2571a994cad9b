/** Conversations of two under MLS, between real clients over a real server. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bytesSource } from "../src/core/media/file-source.ts";
import { open, type Message, type Messenger } from "../src/node.ts";
import { PASSPHRASE, testServer, type TestServer } from "./support/server.ts";

// Many clients share the cores with other tests.
vi.setConfig({ testTimeout: 120_000 });

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.stop());

/** The next messages that were not shown before. */
async function take(messenger: Messenger, count: number): Promise<readonly Message[]> {
  const taken: Message[] = [];
  const signal = AbortSignal.timeout(100_000);
  for await (const message of messenger.messages({ signal })) {
    taken.push(message);
    if (taken.length === count) break;
  }
  // The last one counts as shown only when the next is asked for.
  for (const conversation of new Set(taken.map((message) => message.conversation))) {
    await messenger.markRead(conversation);
  }
  return taken;
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 4_000; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("it did not come to be");
}

const statusOf = async (messenger: Messenger, peer: string, id: string) =>
  (await messenger.history(peer)).find((message) => message.id === id)?.status;

describe("two people", () => {
  test("a send that is repeated with its id, even at once, sends one message", async () => {
    const gil = await server.join("gil@example.org");
    const hal = await server.join("ian@example.org");
    const id = "00112233445566778899aabbccddeeff";
    const [first, second] = await Promise.all([
      gil.send("ian@example.org", "once", { id }),
      gil.send("ian@example.org", "once", { id }),
    ]);
    expect(second).toEqual(first);
    expect(await gil.send("ian@example.org", "another text", { id })).toMatchObject({ id, body: "once" });
    await expect(gil.send("ian@example.org", "x", { id: "short" })).rejects.toMatchObject({ code: "usage" });
    await gil.send("ian@example.org", "last");
    expect((await take(hal, 2)).map(({ body }) => body)).toEqual(["once", "last"]);
    const [once, last] = await gil.history("ian@example.org");
    expect(await gil.history("ian@example.org", { after: once?.id ?? "", limit: 5 })).toEqual([last]);
    expect(await gil.history("ian@example.org", { before: last?.id ?? "", limit: 5 })).toEqual([once]);
    await expect(gil.history("ian@example.org", { before: id, after: id })).rejects.toMatchObject({
      code: "usage",
    });
    expect(await hal.conversation("gil@example.org")).toMatchObject({ peer: "gil@example.org", unread: 0 });
    expect(await hal.conversation("nobody@example.org")).toBeUndefined();
  });

  test("what failed since nobody had that address goes out when it is sent again, with its file, and is there once", async () => {
    const gil = await server.join("gia@example.org");
    const source = bytesSource(Uint8Array.of(1, 2, 3));
    const failed = await gil.send("late@example.org", "early", { attachments: [{ source, name: "a.bin" }] });
    await expect(gil.whenSent(failed.id)).rejects.toMatchObject({ code: "identifier_not_found" });
    const hal = await server.join("late@example.org");
    const again = await gil.sendAgain("late@example.org", failed.id);
    await gil.whenSent(again.id);
    const [got] = await take(hal, 1);
    expect(got).toMatchObject({ id: again.id, body: "early", attachments: [{ name: "a.bin", size: 3 }] });
    const kept: Uint8Array[] = [];
    await hal.downloadAttachment("gia@example.org", again.id, 0, {
      write: async (bytes) => void kept.push(bytes.slice()),
      close: async () => undefined,
      abort: async () => undefined,
    });
    expect(Buffer.concat(kept)).toEqual(Buffer.from([1, 2, 3]));
    expect((await gil.history("late@example.org")).map(({ id }) => id)).toEqual([again.id]);
    for (const id of [again.id, failed.id])
      await expect(gil.sendAgain("late@example.org", id)).rejects.toMatchObject({ code: "usage" });
  });

  test("the first message to somebody who was never online since registering waits for them", async () => {
    const ann = await server.join("ann@example.org");
    const home = await server.register("ben@example.org");
    const sent = await ann.send("ben@example.org", "hello, Ben");
    expect(sent.suite).toBe("mls");
    await ann.whenSent(sent.id);

    const ben = await open({ home, passphrase: PASSPHRASE });
    const [message] = await take(ben, 1);
    expect(message).toMatchObject({
      id: sent.id,
      from: "ann@example.org",
      to: "ben@example.org",
      conversation: "ann@example.org",
      suite: "mls",
      body: "hello, Ben",
    });
    await ben.acceptRequest("ann@example.org");
    await until(async () => (await statusOf(ann, "ben@example.org", sent.id)) === "read");
    await ben.close();
  });

  test("many messages both ways arrive once, in order, across restarts", async () => {
    const homes = [await server.register("cleo@example.org"), await server.register("dan@example.org")];
    let [cleo, dan] = await Promise.all(homes.map((home) => open({ home, passphrase: PASSPHRASE })));
    const got: string[] = [];
    for (let round = 0; round < 3; round++) {
      const bodies = Array.from({ length: 40 }, (_, i) => `${round}/${i}`);
      for (const body of bodies) {
        await cleo?.send("dan@example.org", body);
        await dan?.send("cleo@example.org", `re ${body}`);
      }
      await Promise.all([cleo?.flushed(), dan?.flushed()]);
      const taken = await take(dan as Messenger, 40);
      got.push(...taken.map(({ body }) => body));
      expect(taken.map(({ body }) => body)).toEqual(bodies);
      expect((await take(cleo as Messenger, 40)).map(({ body }) => body)).toEqual(
        bodies.map((b) => `re ${b}`),
      );
      await Promise.all([cleo?.close(), dan?.close()]);
      [cleo, dan] = await Promise.all(homes.map((home) => open({ home, passphrase: PASSPHRASE })));
    }
    expect(new Set(got).size).toBe(120);
    const history = await cleo?.history("dan@example.org");
    expect(history).toHaveLength(240);
    await Promise.all([cleo?.close(), dan?.close()]);
  });

  test("both write first at the same time: everything arrives on both sides", async () => {
    const eve = await server.join("eve@example.org");
    const fay = await server.join("fay@example.org");
    await Promise.all([eve.send("fay@example.org", "from Eve"), fay.send("eve@example.org", "from Fay")]);
    expect((await take(eve, 1))[0]?.body).toBe("from Fay");
    expect((await take(fay, 1))[0]?.body).toBe("from Eve");
    await eve.send("fay@example.org", "and on");
    expect((await take(fay, 1))[0]?.body).toBe("and on");
    await fay.send("eve@example.org", "and back");
    expect((await take(eve, 1))[0]?.body).toBe("and back");
  });

  test("typing is told, and nothing else", async () => {
    const gus = await server.join("gus@example.org");
    const hal = await server.join("hal@example.org");
    await gus.send("hal@example.org", "hi");
    await take(hal, 1);
    await hal.acceptRequest("gus@example.org");
    let typed: string | undefined;
    gus.subscribe((event) => {
      if (event.type === "typing") typed = event.from;
    });
    await until(async () => {
      await hal.sendTyping("gus@example.org");
      return typed !== undefined;
    });
    expect(typed).toBe("hal@example.org");
    expect(await gus.history("hal@example.org")).toHaveLength(1);
  });

  test("classic goes on when it is asked for, beside MLS", async () => {
    const ida = await server.join("ida@example.org");
    const jon = await server.join("jon@example.org");
    await ida.send("jon@example.org", "old", { suite: "classic" });
    expect((await take(jon, 1))[0]).toMatchObject({ body: "old", suite: "classic" });
    await jon.send("ida@example.org", "new");
    expect((await take(ida, 1))[0]).toMatchObject({ body: "new", suite: "mls" });
  });
});
