/** What travels between nodes by a real NATS, and that nothing depends on it. */
import { randomBytes } from "node:crypto";
import { connect } from "@nats-io/transport-node";
import { EntryKind, accountId, deviceId, logId, toHex } from "@sotto/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { decodeNotice, decodeWake, encodeNotice, encodeWake } from "../../src/adapters/nats/messages.ts";
import { NatsTransport } from "../../src/adapters/nats/transport.ts";
import type { Notice, Wake } from "../../src/core/bus.ts";
import { TestNats, natsIsInstalled } from "../support/nats.ts";

let nats: TestNats;
const opened: NatsTransport[] = [];

afterEach(async () => {
  for (const transport of opened.splice(0)) await transport.close();
});

const newId = () => new Uint8Array(randomBytes(16));
const newLog = () => logId(newId());
const stored = (headSeq: number): Wake => ({ type: "stored", headSeq });

async function open(prefix = "test", url = nats.url) {
  const states: string[] = [];
  const failures: unknown[] = [];
  const transport = new NatsTransport({
    servers: [url],
    prefix,
    events: {
      busConnected: () => void states.push("connected"),
      busDisconnected: () => void states.push("disconnected"),
      busFailed: (error) => void failures.push(error),
    },
  });
  opened.push(transport);
  return {
    transport,
    states,
    failures,
    connected: () => vi.waitFor(() => expect(states).toContain("connected"), 10_000),
  };
}

/** Sends until it is heard: NATS learns of a subscription a moment later. */
async function heard(wakes: readonly Wake[], send: () => void, wanted: Wake): Promise<void> {
  await vi.waitFor(
    () => {
      send();
      expect(wakes).toContainEqual(wanted);
    },
    { timeout: 10_000, interval: 20 },
  );
}

describe("messages", () => {
  test("come back as they were; entries stay at home", () => {
    const entry = { seq: 7, epoch: 2, kind: EntryKind.MESSAGE, body: new Uint8Array(9) };
    expect(decodeWake(encodeWake({ type: "stored", headSeq: 7, entries: [entry] }))).toEqual(stored(7));
    const ephemeral: Wake = { type: "ephemeral", epoch: 3, body: Uint8Array.of(1, 2) };
    expect(decodeWake(encodeWake(ephemeral))).toEqual(ephemeral);
    const [account, device] = [accountId(newId()), deviceId(newId())];
    for (const notice of [
      { type: "account-changed", account },
      { type: "signed-in", account, device },
    ] as const) {
      expect(decodeNotice(encodeNotice(notice))).toEqual(notice);
    }
  });

  test("that are none are dropped", () => {
    const wake = encodeWake(stored(1));
    const notice = encodeNotice({ type: "account-changed", account: accountId(newId()) });
    const wrong = [
      new Uint8Array(),
      wake.slice(0, 8),
      Uint8Array.from([...wake, 0]),
      new Uint8Array(9).fill(255),
    ];
    for (const bytes of wrong) expect(decodeWake(bytes)).toBeUndefined();
    for (const bytes of [
      new Uint8Array(),
      notice.slice(1),
      notice.slice(0, 9),
      Uint8Array.of(2, ...notice.slice(1)),
    ]) {
      expect(decodeNotice(bytes)).toBeUndefined();
    }
  });
});

describe.runIf(natsIsInstalled())("by NATS", () => {
  beforeAll(async () => {
    nats = await TestNats.start();
  });
  afterAll(() => nats.kill());

  test("a wake reaches the other node that reads the log, and not oneself, other logs or other servers", async () => {
    const [one, two, foreign] = [await open(), await open(), await open("other")];
    await Promise.all([one, two, foreign].map(({ connected }) => connected()));
    const [log, other] = [newLog(), newLog()];
    const [own, wakes, otherWakes, foreignWakes]: Wake[][] = [[], [], [], []];
    one.transport.listen(log, (wake) => own!.push(wake));
    const stop = two.transport.listen(log, (wake) => wakes!.push(wake));
    two.transport.listen(other, (wake) => otherWakes!.push(wake));
    foreign.transport.listen(log, (wake) => foreignWakes!.push(wake));
    await heard(wakes!, () => one.transport.send(log, stored(5)), stored(5));
    const typing: Wake = { type: "ephemeral", epoch: 1, body: Uint8Array.of(9) };
    await heard(wakes!, () => one.transport.send(log, typing), typing);
    expect([own, otherWakes, foreignWakes]).toEqual([[], [], []]);
    stop();
    const before = wakes!.length;
    one.transport.send(log, stored(6));
    await heard(otherWakes!, () => one.transport.send(other, stored(1)), stored(1));
    expect(wakes!.length).toBe(before);
  });

  test("notices reach every other node", async () => {
    const [one, two] = [await open(), await open()];
    await Promise.all([one, two].map(({ connected }) => connected()));
    const notices: Notice[] = [];
    const own: Notice[] = [];
    two.transport.hear((notice) => notices.push(notice));
    one.transport.hear((notice) => own.push(notice));
    const notice: Notice = { type: "account-changed", account: accountId(newId()) };
    await vi.waitFor(() => {
      one.transport.tell(notice);
      expect(notices).toContainEqual(notice);
    }, 10_000);
    expect(own).toEqual([]);
  });

  test("what others send there that is no wake changes nothing", async () => {
    const [one, two] = [await open(), await open()];
    await Promise.all([one, two].map(({ connected }) => connected()));
    const log = newLog();
    const wakes: Wake[] = [];
    two.transport.listen(log, (wake) => wakes.push(wake));
    await heard(wakes, () => one.transport.send(log, stored(1)), stored(1));
    const foreign = await connect({ servers: [nats.url] });
    for (const bytes of [new Uint8Array(), new Uint8Array(100_000)]) {
      foreign.publish(`test.log.${toHex(log)}`, bytes);
      foreign.publish("test.notice", bytes);
    }
    await foreign.drain();
    await heard(wakes, () => one.transport.send(log, stored(2)), stored(2));
    const heads = wakes.map((wake) => (wake.type === "stored" ? wake.headSeq : undefined));
    expect(heads.filter((head) => head !== 1 && head !== 2)).toEqual([]);
    expect(two.failures).toEqual([]);
  });

  test("NATS may be away at the start, die and come back: what is listened to then is heard again", async () => {
    const later = await TestNats.start();
    await later.kill();
    const [one, two] = [await open("test", later.url), await open("test", later.url)];
    const log = newLog();
    const wakes: Wake[] = [];
    two.transport.listen(log, (wake) => wakes.push(wake));
    one.transport.send(log, stored(1));
    expect(one.states).toEqual([]);
    await later.restart();
    await Promise.all([one.connected(), two.connected()]);
    await heard(wakes, () => one.transport.send(log, stored(2)), stored(2));
    // What was sent while it was away is gone: the store has it.
    expect(wakes).not.toContainEqual(stored(1));
    await later.kill();
    await vi.waitFor(() => expect(one.states.at(-1)).toBe("disconnected"), 10_000);
    for (let n = 0; n < 1_000; n++) one.transport.send(log, stored(3));
    await later.restart();
    await vi.waitFor(() => expect(one.states.at(-1)).toBe("connected"), 10_000);
    await heard(wakes, () => one.transport.send(log, stored(4)), stored(4));
    expect(wakes).not.toContainEqual(stored(3));
    await Promise.all(opened.splice(0).map((transport) => transport.close()));
    await later.kill();
  });
});
