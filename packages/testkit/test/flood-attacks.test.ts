/**
 * Attacks by mass, over real sockets: connections that never speak, readers that never read, messages that are too large,
 * too many, cut, nested or random. The server stays small, says why it ends a connection, and serves an honest pair meanwhile.
 */
import { randomBytes } from "node:crypto";
import { type Socket, connect as connectTcp } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { nodeProvider } from "@sotto/crypto/node";
import { EntryKind, LIMITS, utf8 } from "@sotto/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HonestPair, type Person, RawClient, TestServer } from "../src/attack.ts";
import {
  type ClientFrameInit,
  clientFrame,
  encodeClientFrames,
  mutatedBytes,
  withSeed,
} from "../src/index.ts";

const provider = nodeProvider();
let server: TestServer;
let honest: HonestPair;
let ann: Person;
let mallory: Person;

beforeAll(async () => {
  server = await TestServer.start(provider, { trustedProxies: ["loopback"] });
  honest = await HonestPair.join(server);
  [ann, mallory] = [await server.join(), await server.join()];
});

afterAll(async () => {
  honest.close();
  await server.close();
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes that this process holds outside of the database, client and server together: heap, buffers. */
async function memory(): Promise<number> {
  // Buffers go when what they hung on has gone.
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await sleep(0);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The honest pair writes until `done`; the slowest exchange in milliseconds, and how many there were. */
async function honestMeanwhile(done: () => boolean): Promise<{ slowestMs: number; exchanges: number }> {
  let slowestMs = 0;
  let exchanges = 0;
  do {
    slowestMs = Math.max(slowestMs, await honest.exchange());
    exchanges++;
    await sleep(50);
  } while (!done());
  return { slowestMs, exchanges };
}

/** The TCP stream under a client's WebSocket. */
function rawStream(client: RawClient): Socket {
  const stream = (client.socket as unknown as Record<"_socket", Socket>)["_socket"];
  stream.on("error", () => undefined);
  return stream;
}

describe("1,000 connections that never speak", () => {
  test("are closed in time with sign_in_timeout; honest people sign in and write meanwhile", async () => {
    const startedMs = performance.now();
    const silent = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => RawClient.connect(server.facts.origin, `192.0.2.${i % 4}`)),
    );
    let closed = 0;
    const ends = Promise.all(
      silent.map(async (client) => {
        const end = await client.closed;
        closed++;
        return end.goodbye;
      }),
    );
    honest.close();
    const { slowestMs, exchanges } = await honestMeanwhile(() => closed === silent.length);
    expect(new Set(await ends)).toEqual(new Set(["sign_in_timeout"]));
    expect(performance.now() - startedMs).toBeLessThan(LIMITS.signInTimeoutMs + 8_000);
    expect(exchanges).toBeGreaterThan(20);
    expect(slowestMs).toBeLessThan(5_000);
  }, 60_000);

  test("from one address: more than its share are turned away at the door, and nobody else is", async () => {
    const attempts = await Promise.allSettled(
      Array.from({ length: 700 }, () => RawClient.connect(server.facts.origin, "192.0.2.77")),
    );
    const open = attempts.filter((attempt) => attempt.status === "fulfilled").map(({ value }) => value);
    expect(open.length).toBeLessThan(700);
    expect(open.length).toBeGreaterThan(100);
    honest.close();
    await honest.exchange();
    for (const client of open) client.close();
  });

  test("that do not even speak HTTP, or half a request: the server serves on", async () => {
    const { port, hostname } = new URL(server.facts.origin);
    const sockets = Array.from({ length: 1_000 }, (_, i) => {
      const socket = connectTcp(Number(port), hostname);
      socket.on("error", () => undefined);
      if (i % 2 === 0) socket.write("GET /v1/session HTTP/1.1\r\nUpgrade: websocket\r\nX-Slow: ");
      return socket;
    });
    await sleep(500);
    honest.close();
    for (let i = 0; i < 10; i++) expect(await honest.exchange()).toBeLessThan(5_000);
    for (const socket of sockets) socket.destroy();
  });
});

describe("before signing in", () => {
  test("500 connections that each begin a large message and hold it back cost no memory for long", async () => {
    const before = await memory();
    const clients = await Promise.all(
      Array.from({ length: 500 }, () => RawClient.connect(server.facts.origin, "192.0.2.88")),
    );
    // The header of one masked binary message of a megabyte, and all of it but the last bytes.
    const header = Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4);
    const most = new Uint8Array(LIMITS.maxMessageBytes - 100);
    for (const client of clients) {
      const stream = rawStream(client);
      stream.write(header);
      stream.write(most);
    }
    await honestMeanwhile(() => clients.every(({ socket }) => socket.readyState === socket.CLOSED));
    await sleep(100);
    expect((await memory()) - before).toBeLessThan(30_000_000);
    for (const client of clients) client.close();
  }, 60_000);
});

/** Signs Mallory in, sends bytes, and tells how the connection ended. */
async function punished(
  ...messages: readonly Uint8Array[]
): Promise<{ code: number; goodbye: string | undefined }> {
  const client = await server.connect(mallory);
  for (const message of messages) client.sendBytes(message);
  const end = await client.closed;
  await honest.exchange();
  return end;
}

describe("messages that are no messages", () => {
  test("oversized: the connection ends, whether signed in or not", async () => {
    expect((await punished(new Uint8Array(LIMITS.maxMessageBytes + 1))).code).toBe(1009);
    const stranger = await RawClient.connect(server.facts.origin);
    stranger.sendBytes(new Uint8Array(LIMITS.maxMessageBytes + 1));
    expect((await stranger.closed).code).toBe(1009);
  });

  test("truncated", async () => {
    const whole = encodeClientFrames([
      clientFrame({
        case: "append",
        value: { request: 1, logId: ann.inbox, kind: EntryKind.MESSAGE, body: utf8("x") },
      }),
    ]);
    for (let length = 1; length < whole.length; length += 7) {
      expect((await punished(whole.subarray(0, length))).goodbye).toBe("malformed");
    }
  });

  test("deeply nested", async () => {
    expect((await punished(new Uint8Array(100_000).fill(0x0b))).goodbye).toBe("malformed");
    expect((await punished(new Uint8Array(100_000).fill(0x7b))).goodbye).toBe("malformed");
  });

  test("a megabyte of the smallest frames, or more frames than a message may have", async () => {
    const empty = Uint8Array.from({ length: LIMITS.maxMessageBytes }, (_, i) => (i % 2 === 0 ? 0x0a : 0));
    expect((await punished(empty)).goodbye).toBe("too_large");
    const ack = clientFrame({ case: "ack", value: { logId: mallory.inbox } });
    const frames = Array.from({ length: LIMITS.maxFramesPerMessage + 1 }, () => ack);
    expect((await punished(encodeClientFrames(frames))).goodbye).toBe("too_large");
  });

  test("megabytes of hostile messages in a row cost the others little", async () => {
    const empty = Uint8Array.from({ length: LIMITS.maxMessageBytes }, (_, i) => (i % 2 === 0 ? 0x0a : 0));
    let running = true;
    const attack = (async () => {
      for (let i = 0; i < 100; i++) {
        const client = await RawClient.connect(server.facts.origin, "192.0.2.9");
        client.sendBytes(empty);
        await client.closed;
      }
      running = false;
    })();
    const { slowestMs } = await honestMeanwhile(() => !running);
    await attack;
    expect(slowestMs).toBeLessThan(5_000);
  });

  test("a message in a hundred thousand fragments, and a flood of pings", async () => {
    const client = await server.connect(mallory);
    const stream = rawStream(client);
    const masked = [0x81, 1, 2, 3, 4, 5];
    const flood = Uint8Array.from({ length: 600_000 }, (_, i) => (i % 6 === 0 ? 0x00 : masked[i % 6]!));
    flood[0] = 0x02;
    stream.write(flood);
    expect((await client.closed).code).not.toBe(1000);
    const pinger = await server.connect(mallory);
    for (let i = 0; i < 20_000; i++) pinger.socket.ping();
    expect(["appended", "closed"]).toContain(await pinger.append(ann.inbox, utf8("after the pings")));
    pinger.close();
    await honest.exchange();
  });
});

const hash = new Uint8Array(32).fill(5);

const value = (): { logId: Uint8Array; slotId: Uint8Array; accessToken: Uint8Array; epoch: bigint } => ({
  logId: ann.inbox,
  slotId: new Uint8Array(16).fill(3),
  accessToken: new Uint8Array(32).fill(4),
  epoch: 1n,
});

/** One frame of each kind, well formed. */
const frames = (): NonNullable<ClientFrameInit>[] => [
  { case: "hello", value: { protocolVersion: 1, clientNonce: hash } },
  {
    case: "signIn",
    value: { accountId: ann.account, deviceId: ann.device, signature: new Uint8Array(64) },
  },
  { case: "append", value: { ...value(), request: 1, kind: EntryKind.MESSAGE, body: utf8("fuzz") } },
  { case: "append", value: { ...value(), request: 2, kind: EntryKind.COMMIT, nextTokenHash: hash } },
  { case: "ack", value: { logId: mallory.inbox, seq: 1n } },
  { case: "attach", value: { ...value(), request: 3, window: 9 } },
  { case: "attach", value: { request: 4, logId: mallory.inbox } },
  { case: "detach", value: { logId: mallory.inbox } },
  {
    case: "createLog",
    value: { request: 5, logId: new Uint8Array(randomBytes(16)), epoch: 1n, tokenHash: hash },
  },
  { case: "openSlot", value: { ...value(), request: 6 } },
  { case: "closeSlot", value: { request: 7, logId: ann.inbox, slotId: new Uint8Array(16) } },
  { case: "lookup", value: { request: 8, subject: { case: "identifier", value: ann.identifier } } },
  { case: "putDeviceList", value: { request: 9, deviceList: mallory.lists[0]! } },
];

describe("fuzzed sockets", () => {
  test("3,000 messages before signing in, each on a connection of its own: each ends with a reason", async () => {
    await withSeed(0xf1, async (random) => {
      const corpus = frames().map((frame) => encodeClientFrames([clientFrame(frame)]));
      const ends: Record<string, number> = {};
      for (let i = 0; i < 3_000; i++) {
        const client = await RawClient.connect(server.facts.origin);
        client.sendBytes(mutatedBytes(random, corpus));
        // Whatever became of it, this is no message.
        client.sendBytes(Uint8Array.of(0x0b));
        const { goodbye = "nothing" } = await client.closed;
        ends[goodbye] = (ends[goodbye] ?? 0) + 1;
      }
      process.stdout.write(`fuzzed before signing in: ${JSON.stringify(ends)}\n`);
      const codes = [
        "malformed",
        "not_signed_in",
        "sign_in_refused",
        "unexpected_frame",
        "unsupported_version",
      ];
      expect(codes).toEqual(expect.arrayContaining(Object.keys(ends)));
      await honest.exchange();
    });
  }, 60_000);

  test("2,000 messages of a device that has signed in: it is answered or ended with a reason, each time", async () => {
    await withSeed(0xf2, async (random) => {
      const corpus = frames().map((frame) => encodeClientFrames([clientFrame(frame)]));
      const ends: Record<string, number> = {};
      let client = await server.connect(mallory);
      for (let i = 0; i < 2_000; i++) {
        client.sendBytes(mutatedBytes(random, corpus));
        const barrier = 1_000_000 + i;
        client.send({
          case: "closeSlot",
          value: { request: barrier, logId: ann.inbox, slotId: hash.subarray(16) },
        });
        const outcome = await client.outcome(barrier);
        client.received.length = 0;
        ends[outcome] = (ends[outcome] ?? 0) + 1;
        if (outcome !== "slot_unknown") client = await server.connect(mallory);
      }
      client.close();
      process.stdout.write(`fuzzed after signing in: ${JSON.stringify(ends)}\n`);
      expect(["malformed", "slot_unknown", "unexpected_frame"]).toEqual(
        expect.arrayContaining(Object.keys(ends)),
      );
      await honest.exchange();
    });
  }, 60_000);

  test("5,000 well-formed requests with random contents: each is answered, none ends the connection", async () => {
    await withSeed(0xf3, async (random) => {
      const client = await server.connect(mallory);
      const ids = [ann.inbox, mallory.inbox, new Uint8Array(16), new Uint8Array(), random.bytes(15)];
      const id = (): Uint8Array => (random.chance(0.2) ? random.bytes(16) : random.pick(ids));
      const number = (): bigint =>
        random.pick([0n, 1n, 2n, 5n, 2n ** 31n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]);
      const token = (): Uint8Array =>
        random.pick([new Uint8Array(), hash, random.bytes(32), random.bytes(31)]);
      const make = (request: number): NonNullable<ClientFrameInit> => {
        const common = { request, logId: id(), slotId: id(), accessToken: token(), epoch: number() };
        switch (random.integer(6)) {
          case 0:
            return {
              case: "append",
              value: {
                ...common,
                kind: random.integer(5) as EntryKind,
                body: random.bytes(40),
                nextTokenHash: token(),
              },
            };
          case 1:
            return {
              case: "attach",
              value: { ...common, afterSeq: number(), window: random.integer(2_000) },
            };
          case 2:
            return { case: "createLog", value: { ...common, tokenHash: token() } };
          case 3:
            return {
              case: "openSlot",
              value: { ...common, ...(random.chance(0.5) && { afterSeq: number() }) },
            };
          case 4:
            return { case: "closeSlot", value: common };
          default:
            return {
              case: "lookup",
              value: { request, subject: { case: "accountId", value: id() }, fromVersion: number() },
            };
        }
      };
      const outcomes: Record<string, number> = {};
      for (let batch = 0; batch < 100; batch++) {
        const requests = Array.from({ length: 50 }, () => client.request());
        client.send(...requests.map(make));
        for (const request of requests) {
          const outcome = await client.outcome(request);
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        }
      }
      process.stdout.write(`fuzzed requests: ${JSON.stringify(outcomes)}\n`);
      expect(client.socket.readyState).toBe(client.socket.OPEN);
      expect(outcomes["internal"] ?? 0).toBe(0);
      expect(outcomes["unavailable"] ?? 0).toBe(0);
      client.close();
      await honest.exchange();
    });
  }, 60_000);
});

const body = new Uint8Array(200_000).fill(7);

/** Puts entries into Ann's inbox. */
async function fill(count: number): Promise<void> {
  const writer = await server.connect(mallory);
  for (let i = 0; i < count; i += 4) {
    const requests = Array.from({ length: 4 }, () => writer.request());
    writer.send(
      ...requests.map((request) => ({
        case: "append" as const,
        value: { request, logId: ann.inbox, kind: EntryKind.MESSAGE, body },
      })),
    );
    for (const request of requests) expect(await writer.outcome(request)).toBe("appended");
  }
  writer.close();
}

test("everybody together writes no more than the node takes: refused with the time to wait, and taken after it", async () => {
  const clock = { aheadMs: 0 };
  const narrow = await TestServer.start(
    provider,
    {
      limits: {
        appendsPerNode: { burst: 4, perHour: 3_600 },
        appendedBytesPerNode: { burst: 900, perHour: 0 },
      },
    },
    { nowMs: () => Date.now() + clock.aheadMs },
  );
  const people = [await narrow.join(), await narrow.join(), await narrow.join()];
  const clients = await Promise.all(people.map((person) => narrow.connect(person)));
  const write = (by: number, bytes = 1): Promise<string> =>
    clients[by]!.append(people[0]!.inbox, new Uint8Array(bytes));
  for (const by of [0, 1, 2, 0]) expect(await write(by)).toBe("appended");
  const request = clients[1]!.request();
  clients[1]!.send({
    case: "append",
    value: { request, logId: people[0]!.inbox, kind: EntryKind.MESSAGE, body: utf8("x") },
  });
  const refused = await clients[1]!.next("refused", (answer) => answer.request === request);
  expect(refused.problem?.code).toBe("rate_limited");
  const waitMs = Number(refused.problem?.retryAfterMs);
  expect(waitMs).toBeGreaterThanOrEqual(1_000);
  clock.aheadMs += waitMs + 4_000;
  expect(await write(1)).toBe("appended");
  // Bytes count as well, and none of them come back here.
  expect(await write(2, 800)).toBe("appended");
  expect(await write(2, 800)).toBe("rate_limited");
  expect(await write(0)).toBe("appended");
  const metrics = await (await fetch(`${narrow.facts.origin}/metrics`)).text();
  expect(metrics).toContain('sotto_limits_hit_total{limit="appendsPerNode"} 1');
  expect(metrics).toContain('sotto_limits_hit_total{limit="appendedBytesPerNode"} 1');
  expect(metrics).toContain('sotto_requests_refused_total{code="rate_limited"} 2');
  for (const client of clients) client.close();
  await narrow.close();
});

describe("a slow reader", () => {
  test("that does not read its socket holds no memory of the server, and loses nothing when it reads on", async () => {
    const count = 300;
    await fill(count);
    const reader = await server.connect(ann);
    await reader.attach(ann.inbox, 0, 1);
    reader.socket.pause();
    const before = await memory();
    const request = reader.request();
    reader.send({ case: "attach", value: { request, logId: ann.inbox, window: LIMITS.maxWindow } });
    await fill(40);
    await sleep(300);
    expect((await memory()) - before).toBeLessThan(20_000_000);
    await honest.exchange();
    reader.socket.resume();
    let last = 0n;
    let large = 0;
    while (large < count + 40) {
      for (const entry of (await reader.next("entries")).entries) {
        if (entry.seq <= last && entry.seq !== 1n) throw new Error(`${entry.seq} after ${last}`);
        last = entry.seq;
        if (entry.body.length === body.length) large++;
      }
      reader.send({ case: "ack", value: { logId: ann.inbox, seq: last } });
    }
    expect(large).toBe(count + 40);
    reader.close();
  }, 60_000);

  test("that does not ack gets its window and no more, until it acks", async () => {
    await fill(12);
    const reader = await server.connect(ann);
    await reader.attach(ann.inbox, 0, 4);
    const got: bigint[] = [];
    const collect = async (): Promise<void> => {
      await sleep(200);
      for (const { frame } of reader.received.splice(0)) {
        if (frame.case === "entries") got.push(...frame.value.entries.map(({ seq }) => seq));
      }
    };
    await collect();
    expect(got.length).toBe(4);
    await collect();
    expect(got.length).toBe(4);
    reader.send({ case: "ack", value: { logId: ann.inbox, seq: got[1]! } });
    await collect();
    expect(got.length).toBe(6);
    reader.close();
    await honest.exchange();
  });

  test("with many logs, that does not read its socket: the server holds no more for it", async () => {
    const logs = 60;
    const client = await server.connect(mallory);
    const opened: { log: Uint8Array; slot: Uint8Array; token: Uint8Array }[] = [];
    for (let i = 0; i < logs; i++) {
      const log = new Uint8Array(randomBytes(16));
      const slot = new Uint8Array(randomBytes(16));
      const token = new Uint8Array(randomBytes(32));
      const tokenHash = await provider.sha256(token);
      const access = { logId: log, accessToken: token, epoch: 0n };
      const requests = Array.from({ length: 6 }, () => client.request());
      const append = { ...access, kind: EntryKind.MESSAGE, body };
      client.send(
        { case: "createLog", value: { request: requests[0]!, logId: log, epoch: 0n, tokenHash } },
        { case: "openSlot", value: { ...access, request: requests[1]!, slotId: slot, afterSeq: 0n } },
        ...requests.slice(2).map((request) => ({ case: "append" as const, value: { ...append, request } })),
      );
      for (const request of requests) expect(["done", "appended"]).toContain(await client.outcome(request));
      opened.push({ log, slot, token });
    }
    client.socket.pause();
    const before = await memory();
    for (const { log, slot, token } of opened) {
      const request = client.request();
      client.send({
        case: "attach",
        value: { request, logId: log, slotId: slot, accessToken: token, epoch: 0n },
      });
    }
    let most = 0;
    for (let i = 0; i < 4; i++) {
      await sleep(50);
      most = Math.max(most, (await memory()) - before);
    }
    expect(most).toBeLessThan(20_000_000);
    client.socket.resume();
    const got = new Map<string, number>();
    const drained = (): boolean => got.size === logs && [...got.values()].every((count) => count === 4);
    while (!drained()) {
      const { logId, entries } = await client.next("entries");
      const name = Buffer.from(logId).toString("hex");
      got.set(name, (got.get(name) ?? 0) + entries.length);
    }
    client.close();
    await honest.exchange();
  }, 60_000);
});
