/**
 * Nodes of one server: one store, a bus between them. By a real NATS, and by transports that lose, double and delay all that
 * they are given: then what is stored arrives by looking at the store, and nothing twice.
 */
import { randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { AccountDeletionSchema, SignedDeviceListSchema, accountId, deviceId } from "@sotto/protocol";
import { settle } from "@sotto/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { NatsTransport } from "../../../src/adapters/nats/transport.ts";
import { nodeScheduler } from "../../../src/adapters/node-scheduler.ts";
import { SharedBus, type BusTransport } from "../../../src/adapters/shared-bus.ts";
import { idKey } from "../../../src/core/logs/id-key.ts";
import type { Notice, Wake } from "../../../src/core/bus.ts";
import { nextList } from "../../support/account.ts";
import { TestNats, natsIsInstalled } from "../../support/nats.ts";
import { ProbedStore, TestNode, ack, message } from "./node.ts";

let nats: TestNats;
const buses: SharedBus[] = [];
const failures: unknown[] = [];

afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close();
  const failed = failures.splice(0);
  if (failed.length > 0) throw failed[0];
});

/** Nodes over one store. @param pollMs longer than the test where the transport alone is to bring it. */
function nodes(transports: readonly BusTransport[], pollMs: number): [TestNode, TestNode] {
  const store = new ProbedStore();
  const fingerprint = new Uint8Array(randomBytes(32));
  const made = transports.map((transport) => {
    const bus = new SharedBus({
      store,
      scheduler: nodeScheduler,
      transport,
      failed: (error) => void failures.push(error),
      pollMs,
    });
    buses.push(bus);
    return new TestNode({ shared: { store, bus, fingerprint } });
  });
  return made as [TestNode, TestNode];
}

/** Two nodes over a real NATS, and none but it brings anything in time. */
async function byNats(): Promise<[TestNode, TestNode]> {
  let connected = 0;
  const prefix = `nodes-${randomBytes(4).toString("hex")}`;
  const transports = [0, 1].map(
    () =>
      new NatsTransport({
        servers: [nats.url],
        prefix,
        events: {
          busConnected: () => void connected++,
          busDisconnected: () => undefined,
          busFailed: (error) => void failures.push(error),
        },
      }),
  );
  await vi.waitFor(() => expect(connected).toBe(2), 10_000);
  return nodes(transports, 600_000);
}

/** Two ends of a wire that does with each wake what `carry` says. */
function wire(carry: (deliver: () => void) => void): BusTransport[] {
  const listening: Map<string, Set<(wake: Wake) => void>>[] = [new Map(), new Map()];
  const hearing: ((notice: Notice) => void)[][] = [[], []];
  return [0, 1].map((end) => ({
    send(log, wake) {
      carry(() => listening[1 - end]!.get(idKey(log))?.forEach((listener) => listener(wake)));
    },
    listen(log, listener) {
      const own = listening[end]!;
      own.set(idKey(log), (own.get(idKey(log)) ?? new Set()).add(listener));
      return () => void own.get(idKey(log))?.delete(listener);
    },
    tell: (notice) => carry(() => hearing[1 - end]!.forEach((listener) => listener(notice))),
    hear: (listener) => void hearing[end]!.push(listener),
    close: async () => undefined,
  }));
}

/** Tells until it is heard: NATS learns of a node a moment after it is there. */
const told = (tell: () => void, check: () => void): Promise<void> =>
  vi.waitFor(
    () => {
      tell();
      check();
    },
    { timeout: 10_000, interval: 50 },
  );

const texts = (count: number, of = "m"): string[] => Array.from({ length: count }, (_, n) => `${of}${n}`);

describe.runIf(natsIsInstalled())("by NATS", () => {
  beforeAll(async () => {
    nats = await TestNats.start();
  });
  afterAll(() => nats.kill());

  test("what is stored on one node reaches readers on the other, in order and once; typing as well", async () => {
    const [one, two] = await byNats();
    const [ann, ben] = [await one.person(), await one.person()];
    const sender = await ann.online(one);
    const reader = await ben.reading(0, two);
    await told(
      () => sender.send(message(1_000, ben.inbox, "typing", 3)),
      () => expect(reader.texts()).toContain("typing"),
    );
    for (const [n, text] of texts(100).entries()) sender.send(message(n + 1, ben.inbox, text));
    await vi.waitFor(
      () => expect(reader.texts().filter((text) => text !== "typing")).toEqual(texts(100)),
      10_000,
    );
    expect(reader.seqs().filter((seq) => seq > 0)).toEqual(texts(100).map((_, n) => n + 1));
  });

  test("a new list is told there to who looked it up, and ends the sessions of devices that it revokes", async () => {
    const [one, two] = await byNats();
    const [ann, ben] = [await one.person(), await one.person()];
    const annThere = await ann.online(two);
    const benThere = await ben.online(two);
    const subject = { case: "accountId", value: ann.account.list.accountId } as const;
    benThere.send({ case: "lookup", value: { request: 1, subject } });
    await settle();
    // As a recovery does: by who has no session.
    const { signed, list } = nextList(ann.account, (next) => (next.devices[0]!.revokedAtSec = 5n));
    const { deviceId: device, signatureKey } = list.devices[0]!;
    const account = accountId(list.accountId);
    await one.store.putDeviceList({
      account,
      version: 2,
      signedList: toBinary(SignedDeviceListSchema, signed),
      devices: [{ device: deviceId(device), signatureKey, inbox: ann.inbox, revoked: true }],
      nowSec: 1,
    });
    await told(
      () => one.delivery.listChanged(account, list),
      () => expect(annThere.goodbye()).toBe("sign_in_refused"),
    );
    expect(benThere.all("deviceListChanged")[0]).toMatchObject({ accountId: account, newestVersion: 2n });
  });

  test("a device that signs in elsewhere has one connection", async () => {
    const [one, two] = await byNats();
    const ann = await one.person();
    const first = await ann.online(one);
    const second = await ann.online(two);
    await vi.waitFor(() => expect(first.goodbye()).toBe("superseded"), 10_000);
    expect(second.goodbye()).toBeUndefined();
  });

  test("a reset that begins, and an account that is gone, are told there", async () => {
    const [one, two] = await byNats();
    const [ann, ben] = [await one.person(), await one.person()];
    const [annThere, benThere] = [await ann.online(two), await ben.online(two)];
    const [annId, benId] = [ann, ben].map(({ account }) => accountId(account.list.accountId));
    await one.store.putReset(annId!, 1_900_000_000);
    await told(
      () => one.delivery.resetChanged(annId!, 1_900_000_000),
      () => expect(annThere.all("resetChanged").at(-1)).toMatchObject({ resetAtSec: 1_900_000_000n }),
    );
    const deletion = create(AccountDeletionSchema, { clientNonce: randomBytes(32) });
    await one.store.deleteAccount(benId!, 1, toBinary(AccountDeletionSchema, deletion));
    await told(
      () => one.delivery.replaced(benId!),
      () => expect(benThere.goodbye()).toBe("account_deleted"),
    );
    expect(annThere.goodbye()).toBeUndefined();
  });
});

describe("whatever the transport does, nothing is lost, doubled or out of order", () => {
  const pollMs = 50;
  const transports: Record<string, (deliver: () => void) => void> = {
    "loses everything": () => undefined,
    "doubles everything": (deliver) => (deliver(), deliver()),
    "delays, and so turns round": (deliver) => void setTimeout(deliver, Math.random() * 60),
    "loses, doubles and delays": (deliver) => {
      for (let copies = Math.floor(Math.random() * 3); copies > 0; copies--)
        setTimeout(deliver, Math.random() * 60);
    },
  };
  for (const [what, carry] of Object.entries(transports)) {
    test(`when it ${what}`, async () => {
      const [one, two] = nodes(wire(carry), pollMs);
      const [ann, ben] = [await one.person(), await one.person()];
      const [sender, reader] = [await ann.online(one), await ben.reading(0, two)];
      for (const upTo of [20, 40, 60]) {
        for (let n = upTo - 20; n < upTo; n++) sender.send(message(n + 1, ben.inbox, `m${n}`));
        await vi.waitFor(() => expect(reader.seqs()).toContain(upTo), 5_000);
        reader.send(ack(ben.inbox, upTo));
      }
      await vi.waitFor(() => expect(reader.texts()).toEqual(texts(60)), 5_000);
      await new Promise((later) => setTimeout(later, 3 * pollMs));
      expect(reader.texts()).toEqual(texts(60));
      expect(reader.seqs()).toEqual(texts(60).map((_, n) => n + 1));
    });
  }

  test("a store that fails while it is looked at is looked at again", async () => {
    const [one, two] = nodes(
      wire(() => undefined),
      pollMs,
    );
    const [ann, ben] = [await one.person(), await one.person()];
    const reader = await ben.reading(0, two);
    const readHeads = one.store.readHeads.bind(one.store);
    one.store.readHeads = () => Promise.reject(new Error("away"));
    const sender = await ann.online(one);
    sender.send(message(1, ben.inbox, "hello"));
    await vi.waitFor(() => expect(failures.length).toBeGreaterThan(1));
    expect(reader.texts()).toEqual([]);
    one.store.readHeads = readHeads;
    await vi.waitFor(() => expect(reader.texts()).toEqual(["hello"]));
    failures.length = 0;
  });
});
