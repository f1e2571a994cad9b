/** Groups of people under MLS, between real clients over a real server. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Message, Messenger } from "../src/node.ts";
import { testServer, type TestServer } from "./support/server.ts";

// Many clients share the cores with other tests.
vi.setConfig({ testTimeout: 120_000 });

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.stop());

const bodies = async (messenger: Messenger, group: string) =>
  (await messenger.history(group)).map(({ body }) => body);

async function until(condition: () => Promise<boolean> | boolean, what = ""): Promise<void> {
  for (let tries = 0; tries < 4_000; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`it did not come to be: ${what}`);
}

const has = async (messenger: Messenger, group: string, body: string): Promise<boolean> => {
  const groups = await messenger.groups();
  return groups.some(({ name }) => name === group) && (await bodies(messenger, group)).includes(body);
};

const epochOf = async (messenger: Messenger, group: string) =>
  (await messenger.groups()).find(({ name }) => name === group)?.epoch;

async function people(count: number, tag: string): Promise<Messenger[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => server.join(`${tag}${i}@example.org`)));
}

const name = (messenger: Messenger | undefined) => messenger?.self.identifier ?? "";

describe("a group", () => {
  test("is made, written in by all, grown, renamed, and shrunk", async () => {
    const [ann, ben, cleo, dan] = (await people(4, "a")) as [Messenger, Messenger, Messenger, Messenger];
    const group = await ann.createGroup("Climbing", [name(ben), name(cleo)]);
    expect(group).toMatchObject({ name: "Climbing", admin: true, members: 3, state: "joined" });
    await ann.send("Climbing", "one");
    await until(() => has(ben, "Climbing", "one"), "ben has one");
    await until(() => has(cleo, "Climbing", "one"), "cleo has one");
    await ben.send("Climbing", "two");
    await until(() => has(ann, "Climbing", "two"), "ann has two");
    await until(() => has(cleo, "Climbing", "two"), "cleo has two");
    const received = (await cleo.history("Climbing")).at(-1) as Message;
    expect(received).toMatchObject({
      from: name(ben),
      to: "Climbing",
      conversation: "Climbing",
      suite: "mls",
    });

    await expect(ben.addToGroup("Climbing", [name(dan)])).rejects.toMatchObject({ code: "group_forbidden" });
    await ann.addToGroup("Climbing", [name(dan)]);
    await ann.send("Climbing", "three");
    await until(() => has(dan, "Climbing", "three"), "dan has three");
    expect(await bodies(dan, "Climbing")).toEqual(["three"]);
    await dan.send("Climbing", "four");
    await until(() => has(ben, "Climbing", "four"), "ben has four");

    await ann.renameGroup("Climbing", "Caving");
    await until(() => has(cleo, "Caving", "four"), "cleo has the name");
    const members = await cleo.groupMembers("Caving");
    expect(members.map(({ role }) => role).toSorted()).toEqual(["admin", "member", "member", "member"]);
    expect(members.every(({ devices }) => devices === 1)).toBe(true);

    await ann.removeFromGroup("Caving", [name(ben)]);
    await until(async () => (await ben.groups())[0]?.state === "removed", "ben is removed");
    await ann.send("Caving", "without Ben");
    await until(() => has(dan, "Caving", "without Ben"), "dan goes on");
    expect(await bodies(ben, "Caving")).not.toContain("without Ben");
    await expect(ben.send("Caving", "still here?")).rejects.toMatchObject({ code: "group_forbidden" });
  });

  test("is left: the others go on, and whoever left reads nothing more", async () => {
    const [ann, ben, cleo] = (await people(3, "b")) as [Messenger, Messenger, Messenger];
    await ann.createGroup("Choir", [name(ben), name(cleo)]);
    await ann.send("Choir", "la");
    await until(() => has(ben, "Choir", "la"), "ben");
    await until(() => has(cleo, "Choir", "la"), "cleo");
    await expect(ann.leaveGroup("Choir")).rejects.toMatchObject({ code: "group_forbidden" });
    await ben.leaveGroup("Choir");
    await until(async () => (await ann.groupMembers("Choir")).length === 2, "ben is out");
    await ann.send("Choir", "lo");
    await until(() => has(cleo, "Choir", "lo"), "cleo goes on");
    expect(await bodies(ben, "Choir")).toEqual(["la"]);
  });

  test("ten who change it at once: one wins each time, all end in the same epoch, no message is lost", async () => {
    const all = await people(10, "c");
    const [ann, ...others] = all as [Messenger, ...Messenger[]];
    await ann.createGroup("Ten", others.map(name));
    await ann.send("Ten", "start");
    for (const one of others) await until(() => has(one, "Ten", "start"), "start");
    await ann.setAdmins("Ten", others.map(name), true);
    for (const one of others) await until(async () => (await one.groups())[0]?.admin === true, "admins");
    const before = await epochOf(ann, "Ten");
    await Promise.all([
      ...all.map((one, i) => one.renameGroup("Ten", `Ten ${i}`).catch((cause: unknown) => cause)),
      ...all.map(async (one, i) => one.send((await one.groups())[0]?.id ?? "", `message ${i}`)),
    ]);
    const id = (await ann.groups())[0]?.id ?? "";
    await until(async () => {
      const counts = await Promise.all(all.map(async (one) => (await bodies(one, id)).length));
      return counts.every((count) => count === 11);
    }, "everybody has every message");
    await until(async () => {
      const epochs = await Promise.all(all.map(async (one) => (await one.groups())[0]?.epoch));
      return new Set(epochs).size === 1;
    }, "one epoch");
    const names = await Promise.all(all.map(async (one) => (await one.groups())[0]?.name));
    expect(new Set(names).size).toBe(1);
    expect((await ann.groups())[0]?.epoch).toBeGreaterThan(before ?? 0);
  });

  test("two groups of one name are told apart by their ids", async () => {
    const [ann, ben] = (await people(2, "d")) as [Messenger, Messenger];
    const one = await ann.createGroup("Same", [name(ben)]);
    const other = await ann.createGroup("Same", [name(ben)]);
    const failure = await ann.send("Same", "which?").catch((cause: unknown) => cause);
    expect(failure).toMatchObject({ code: "group_ambiguous" });
    expect(String((failure as Error).message)).toContain(one.id);
    expect(String((failure as Error).message)).toContain(other.id);
    await ann.send(other.id, "this one");
    await until(async () => (await ben.groups()).length === 2 && (await bodies(ben, other.id)).length === 1);
  });
});
