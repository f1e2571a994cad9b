/** Who is woken, when, and how often. */
import { describe, expect, test } from "vitest";
import { accountId, deviceId, logId, type AccountId, type DeviceId, type PutPush } from "@sotto/protocol";
import { MemoryStore } from "../../src/adapters/memory-store.ts";
import { Push } from "../../src/core/push/desk.ts";
import { Sleepers } from "../../src/core/push/sleepers.ts";
import type { PushOutcome } from "../../src/core/push/sender.ts";

const id = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const [ann, ben] = [accountId(id(1)), accountId(id(2))];
const phone = deviceId(id(3));
const [annInbox, talk, other] = [logId(id(11)), logId(id(5)), logId(id(6))];
const put: PutPush = {
  $typeName: "sotto.v1.PutPush",
  request: 1,
  endpoint: "https://push.example.org/1",
  p256dh: new Uint8Array(65).fill(4),
  auth: id(9),
};

/** Lets everything that was begun end. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

async function makeDesk() {
  const store = new MemoryStore();
  const calls: string[] = [];
  const outcomes: PushOutcome[] = [];
  const later: (() => void)[] = [];
  const told: string[] = [];
  for (const account of [ann, ben]) {
    await store.createAccount(new Uint8Array(32).fill(account[0]!), firstList(account), undefined);
  }
  const make = (): Push =>
    new Push({
      store,
      sender: {
        publicKey: new Uint8Array(65),
        accepts: (endpoint) => endpoint.startsWith("https://push."),
        async wake({ endpoint }) {
          calls.push(endpoint);
          return outcomes.shift() ?? "sent";
        },
        close: () => undefined,
      },
      events: {
        pushSubscribed: (outcome) => told.push(`put ${outcome}`),
        woken: (outcome) => told.push(outcome),
        pushFailed: (error) => told.push(String(error)),
      },
      after(_delayMs, callback) {
        later.push(callback);
        return () => undefined;
      },
    });
  const desk = make();
  return {
    store,
    calls,
    outcomes,
    told,
    desk,
    make,
    /** The moment passes after which devices are woken. */
    async pass() {
      await settle();
      for (const run of later.splice(0)) run();
      await settle();
    },
    asker: (account: AccountId = ann, device: DeviceId = phone) => ({ account, device, address: "" }),
  };
}

function firstList(account: AccountId) {
  const inbox = logId(id((account[0] ?? 0) + 10));
  const device = { device: phone, signatureKey: new Uint8Array(32), inbox, revoked: false };
  return { account, version: 1, signedList: id(1), devices: [device], nowSec: 1 };
}

async function sleeping() {
  const made = await makeDesk();
  made.desk.awake(ann, phone);
  await made.desk.put(made.asker(), put);
  made.desk.asleep(ann, phone, [annInbox, talk]);
  await settle();
  return made;
}

describe("who sleeps", () => {
  test("is woken once by what it waits for, and again only after it was there", async () => {
    const { desk, calls, pass } = await sleeping();
    desk.appended(other, ben);
    await pass();
    expect(calls).toEqual([]);
    desk.appended(talk, ben);
    desk.appended(talk, ben);
    desk.appended(annInbox, ben);
    await pass();
    expect(calls).toEqual([put.endpoint]);
    desk.awake(ann, phone);
    desk.appended(talk, ben);
    await pass();
    expect(calls).toHaveLength(1);
    desk.asleep(ann, phone, [annInbox, talk]);
    await pass();
    desk.appended(talk, ben);
    await pass();
    expect(calls).toHaveLength(2);
  });

  test("is not woken by what the own account writes", async () => {
    const { desk, calls, pass } = await sleeping();
    desk.appended(talk, ann);
    await pass();
    expect(calls).toEqual([]);
    desk.appended(talk, ben);
    await pass();
    expect(calls).toHaveLength(1);
  });

  test("is left alone when it is back within the moment", async () => {
    const { desk, calls, pass } = await sleeping();
    desk.appended(talk, ben);
    desk.awake(ann, phone);
    await pass();
    expect(calls).toEqual([]);
  });

  test("sleeps only when its last connection is gone", async () => {
    const { desk, calls, pass } = await sleeping();
    desk.awake(ann, phone);
    desk.awake(ann, phone);
    desk.asleep(ann, phone, [talk]);
    await pass();
    desk.appended(talk, ben);
    await pass();
    expect(calls).toEqual([]);
    desk.asleep(ann, phone, [talk]);
    await pass();
    desk.appended(talk, ben);
    await pass();
    expect(calls).toHaveLength(1);
  });

  test("without a subscription is nobody's business", async () => {
    const { desk, calls, pass } = await makeDesk();
    desk.awake(ben, phone);
    desk.asleep(ben, phone, [talk]);
    await pass();
    desk.appended(talk, ann);
    await pass();
    expect(calls).toEqual([]);
  });

  test("after a restart is woken for its inbox: which conversations it reads is not on the disk", async () => {
    const { calls, make, pass } = await sleeping();
    const restarted = make();
    await restarted.start();
    restarted.appended(talk, ben);
    await pass();
    expect(calls).toEqual([]);
    restarted.appended(annInbox, ben);
    await pass();
    expect(calls).toEqual([put.endpoint]);
  });
});

describe("what becomes of a wake-up", () => {
  test("a subscription that is over is deleted", async () => {
    const { desk, store, outcomes, told, pass } = await sleeping();
    outcomes.push("gone");
    desk.appended(talk, ben);
    await pass();
    expect(told).toContain("gone");
    expect(await store.readPush(ann, phone)).toBeUndefined();
  });

  test("one that could not be sent goes out with what comes next", async () => {
    const { desk, calls, outcomes, pass } = await sleeping();
    outcomes.push("failed");
    desk.appended(talk, ben);
    await pass();
    desk.appended(talk, ben);
    await pass();
    expect(calls).toHaveLength(2);
  });
});

describe("putting a way to be woken", () => {
  test.each([
    ["an address that is no push service's", { endpoint: "https://internal.example/1" }],
    ["an address that is too long", { endpoint: `https://push.example.org/${"x".repeat(2_048)}` }],
    ["a key of another length", { p256dh: new Uint8Array(64).fill(4) }],
    ["a compressed key", { p256dh: new Uint8Array(65).fill(2) }],
    ["a secret of another length", { auth: new Uint8Array(15) }],
  ])("%s is refused, and changes nothing", async (_, wrong) => {
    const { desk, store, asker } = await sleeping();
    await expect(desk.put(asker(), { ...put, ...wrong })).rejects.toMatchObject({ code: "malformed" });
    expect((await store.readPush(ann, phone))?.endpoint).toBe(put.endpoint);
  });

  test("an empty address ends it", async () => {
    const { desk, store, asker } = await sleeping();
    await desk.put(asker(), { ...put, endpoint: "", p256dh: new Uint8Array(), auth: new Uint8Array() });
    expect(await store.readPush(ann, phone)).toBeUndefined();
  });

  test("a server without push takes none, and says that it has no key", async () => {
    const { store, asker } = await makeDesk();
    const events = { pushSubscribed: () => {}, woken: () => {}, pushFailed: () => {} };
    const desk = new Push({ store, sender: undefined, events, after: () => () => undefined });
    expect(desk.publicKey).toEqual(new Uint8Array());
    await expect(desk.put(asker(), put)).rejects.toMatchObject({ code: "unavailable" });
  });
});

test("sleepers are bounded: who sleeps the longest is forgotten first", () => {
  const sleepers = new Sleepers(3);
  const sleeper = (n: number) => ({
    account: accountId(id(n)),
    device: phone,
    logs: [logId(id(100 + n)), talk],
  });
  sleepers.add(sleeper(1));
  sleepers.add(sleeper(2));
  expect(sleepers.size).toBe(1);
  expect(sleepers.waitingFor(talk).map(({ account }) => account[0])).toEqual([2]);
  expect(sleepers.remove(sleeper(1))).toBe(false);
  expect(sleepers.remove(sleeper(2))).toBe(true);
  expect(sleepers.waitingFor(talk)).toEqual([]);
  expect(sleepers.size).toBe(0);
});
