/**
 * A real server process and more than it takes at once: connections that never speak, entries by the hundred megabytes, and everybody back
 * at the same moment after it was killed. Its memory stays bounded, who is turned away is told when to come again, and others are served.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@sotto/testkit/free-port";
import { EntryKind, LIMITS, SottoError, utf8 } from "@sotto/protocol";
import { SeededRandom, clientFrame } from "@sotto/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectWebSocket } from "../packages/client/src/adapters/node/websocket.ts";
import { sessionUrl } from "../packages/client/src/core/frames.ts";
import { pauseMs } from "../packages/client/src/core/reconnect.ts";
import { KillableServer, type Reachable } from "./support/killable-server.ts";
import { WireSession, addDevices, type WireDevice } from "./support/wire-device.ts";

const people = 1_000;
/** Together 120 MiB, twice what the queue of appends may hold. */
const floodedBy = 8;
const floodEach = 60;
const mebibyte = 1_048_576;

let folder: string;
let server: KillableServer;
let reachable: Reachable;
let devices: readonly WireDevice[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sotto-crowds-"));
  server = new KillableServer(folder, [], await freePort());
  await server.start();
  await server.stop("SIGTERM");
  devices = await addDevices(server.databasePath, people);
  reachable = await server.start();
}, 60_000);

afterAll(async () => {
  await server.stop("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Resident memory of the server in bytes. */
function memory(): number {
  const { stdout } = spawnSync("ps", ["-o", "rss=", "-p", String(server.pid)], { encoding: "utf8" });
  return Number(stdout) * 1_024;
}

/** What the shell tells of files that a process may have open: ours and the server's. */
function filesLimit(): number {
  const { stdout } = spawnSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" });
  return Number(stdout) || Number.POSITIVE_INFINITY;
}

/** A WebSocket that opens and says no more, as cheaply as it can be had. */
interface Silent {
  readonly socket: Socket;
  readonly status: number;
  /** In seconds, where the answer has it. */
  readonly retryAfter: number | undefined;
}

async function openSilent(port: number, localAddress: string): Promise<Silent> {
  const socket = connect({ host: "127.0.0.1", port, localAddress });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(
    `GET /v1/session HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  const [head] = (await once(socket, "data")) as [Buffer];
  // What comes later is let go.
  socket.resume();
  const text = head.toString("latin1");
  const retry = /^retry-after: (\d+)/im.exec(text)?.[1];
  return {
    socket,
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]),
    retryAfter: retry === undefined ? undefined : Number(retry),
  };
}

/** Runs `work` for each number below `count`, so many at a time. */
async function forEach(count: number, atOnce: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

const signIn = (device: WireDevice, from?: string): Promise<WireSession> =>
  WireSession.open(reachable.url, device, reachable.fingerprint, 20_000, from);

/** One who is signed in writes to another until something is over, and looks at the server between. */
async function exchangeUntil(
  from: WireSession,
  to: WireSession,
  recipient: WireDevice,
  progress: { readonly isOver: boolean },
  look: () => void,
): Promise<{ readonly slowestMs: number; readonly exchanges: number }> {
  let slowestMs = 0;
  let exchanges = 0;
  while (!progress.isOver) {
    const startMs = performance.now();
    const arrived = new Promise<void>((resolve) => {
      to.onFrame = ({ case: kind }) => kind === "entries" && resolve();
    });
    const body = utf8(`message ${exchanges}`);
    const value = { request: 2 + exchanges, logId: recipient.inbox, kind: EntryKind.MESSAGE, body };
    await from.ask({ case: "append", value }, "appended");
    await arrived;
    exchanges++;
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    look();
    await sleep(50);
  }
  return { slowestMs, exchanges };
}

test("10,000 connections at once that never speak: bounded memory, a time to come again, and service for the rest", async () => {
  const [ann, ben, carol] = devices as [WireDevice, WireDevice, WireDevice];
  const [from, to] = [await signIn(ann), await signIn(ben)];
  await to.ask({ case: "attach", value: { request: 1, logId: ben.inbox, window: 1_000 } }, "attached");
  const limit = filesLimit();
  const count = Math.min(10_000, limit - 1_000);
  if (count < 10_000) process.stdout.write(`${count} connections instead of 10,000: ulimit -n is ${limit}\n`);
  const port = Number(new URL(reachable.url).port);

  const before = memory();
  let most = before;
  const silent: Silent[] = [];
  const progress = { isOver: false };
  // Every other one comes from an address of few, as of homes; the rest from twenty of many.
  const crowd = forEach(count, 256, async (n) => {
    const few = `127.2.${Math.floor(n / 1_500)}.${1 + (Math.floor(n / 6) % 250)}`;
    silent.push(await openSilent(port, n % 2 === 0 ? few : `127.3.0.${1 + (n % 40)}`));
  }).finally(() => (progress.isOver = true));

  const watch = (): void => void (most = Math.max(most, memory()));
  const { slowestMs, exchanges } = await exchangeUntil(from, to, ben, progress, watch);
  await crowd;
  // Whoever comes from elsewhere now gets in, and takes the place of one that never spoke.
  const newcomer = await signIn(carol, "127.4.0.1");
  most = Math.max(most, memory());

  const opened = silent.filter(({ status }) => status === 101);
  const refused = silent.filter(({ status }) => status !== 101);
  const figures = {
    count,
    opened: opened.length,
    refused: refused.length,
    before,
    most,
    slowestMs,
    exchanges,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expect(silent.length).toBe(count);
  expect(opened.length).toBeGreaterThan(count / 2);
  expect(refused.length).toBeGreaterThan(0);
  expect(new Set(refused.map(({ status, retryAfter }) => `${status} ${retryAfter}`))).toEqual(
    new Set(["503 10"]),
  );
  expect(most - before).toBeLessThan(128 * mebibyte);
  expect(exchanges).toBeGreaterThan(3);
  expect(slowestMs).toBeLessThan(5_000);

  for (const { socket } of silent) socket.destroy();
  for (const session of [from, to, newcomer]) session.close();
}, 60_000);

test("a flood of appends: each is stored or told to come again, in bounded memory, and others are served meanwhile", async () => {
  const [ann, ben, ...rest] = devices as [WireDevice, WireDevice, ...WireDevice[]];
  const [from, to] = [await signIn(ann), await signIn(ben)];
  await to.ask({ case: "attach", value: { request: 1, logId: ben.inbox, window: 1_000 } }, "attached");
  const flooders = rest.slice(0, floodedBy);
  const sessions = await Promise.all(flooders.map((device) => signIn(device)));
  const body = new Uint8Array(LIMITS.maxEntryBytes);

  const before = memory();
  let most = before;
  const answers: Record<string, number> = {};
  const hints = new Set<bigint | undefined>();
  const answered = sessions.map(
    (session, n) =>
      new Promise<void>((resolve) => {
        let left = floodEach;
        session.onFrame = ({ case: kind, value }) => {
          if (kind !== "appended" && kind !== "refused") return;
          const answer = kind === "appended" ? kind : (value.problem?.code ?? "");
          answers[answer] = (answers[answer] ?? 0) + 1;
          if (kind === "refused") hints.add(value.problem?.retryAfterMs);
          if (--left === 0) resolve();
        };
        const logId = flooders[n]?.inbox as Uint8Array;
        for (let request = 1; request <= floodEach; request++) {
          session.send({ case: "append", value: { request, logId, kind: EntryKind.MESSAGE, body } });
        }
      }),
  );
  const progress = { isOver: false };
  const flood = Promise.all(answered).finally(() => (progress.isOver = true));
  const pair = await exchangeUntil(from, to, ben, progress, () => (most = Math.max(most, memory())));
  await flood;

  process.stdout.write(`${JSON.stringify({ before, most, answers, ...pair })}\n`);
  expect(answers["appended"]).toBeGreaterThan(0);
  expect((answers["appended"] ?? 0) + (answers["unavailable"] ?? 0)).toBe(floodedBy * floodEach);
  for (const hint of hints) expect(hint).toBe(1_000n);
  expect(most - before).toBeLessThan(256 * mebibyte);
  expect(pair.slowestMs).toBeLessThan(5_000);
  for (const session of [from, to, ...sessions]) session.close();
}, 60_000);

test("our client reads at the door how long it is to stay away", async () => {
  const port = Number(new URL(reachable.url).port);
  const silent: Silent[] = [];
  await forEach(512, 128, async () => void silent.push(await openSilent(port, "127.0.0.1")));
  const hello = clientFrame({ case: "hello", value: { protocolVersion: LIMITS.protocolVersion } });
  const refused = connectWebSocket(sessionUrl(reachable.url, hello), { frames() {}, closed() {} });
  await expect(refused).rejects.toMatchObject({ code: "server_unreachable", retryAfterMs: 10_000 });
  for (const { socket } of silent) socket.destroy();
});

test("everybody comes back at once after a restart: whoever is turned away keeps the time and gets in, nobody else waits for them", async () => {
  const random = new SeededRandom(5);
  const everybody = await Promise.all(devices.map((device, n) => signIn(device, addressOf(n))));
  await server.stop("SIGKILL");
  await Promise.all(everybody.map(({ closed }) => closed));
  reachable = await server.start();
  // Somebody behind the address of every other one holds all that it may have open, for as long as it takes to turn the rest away.
  const port = Number(new URL(reachable.url).port);
  const silent: Silent[] = [];
  await forEach(512, 128, async () => void silent.push(await openSilent(port, crowded)));

  const startMs = performance.now();
  let most = memory();
  const watch = setInterval(() => (most = Math.max(most, memory())), 200);
  const hints: (number | undefined)[] = [];
  const tookMs: number[] = [];
  const comeBack = async (device: WireDevice, n: number): Promise<WireSession> => {
    for (let failures = 1; ; failures++) {
      try {
        const session = await signIn(device, addressOf(n));
        tookMs[n] = performance.now() - startMs;
        return session;
      } catch (error) {
        const hintMs = error instanceof SottoError ? error.retryAfterMs : undefined;
        hints.push(hintMs);
        if (hints.length === people / 2) for (const { socket } of silent) socket.destroy();
        await sleep(pauseMs(failures, hintMs, random.float()));
      }
    }
  };
  const back = await Promise.all(devices.map(comeBack));
  clearInterval(watch);

  const [others, turnedAway] = [0, 1].map((rest) => tookMs.filter((_, n) => n % 2 === rest)) as [
    number[],
    number[],
  ];
  const figures = {
    others: Math.max(...others),
    first: Math.min(...turnedAway),
    last: Math.max(...turnedAway),
    most,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expect(hints).toEqual(Array.from({ length: people / 2 }, () => 10_000));
  expect(figures.others).toBeLessThan(10_000);
  // Not all at one moment: the time that they were told, and up to half as much.
  expect(figures.first).toBeGreaterThan(10_000);
  expect(figures.last - figures.first).toBeGreaterThan(3_000);
  expect(figures.last).toBeLessThan(30_000);
  expect(most).toBeLessThan(300 * mebibyte);
  for (const session of back) session.close();
}, 60_000);

const crowded = "127.0.0.1";

/** Every other one comes from the same address, the rest from addresses of few. */
const addressOf = (n: number): string => (n % 2 === 1 ? crowded : `127.5.0.${1 + (n % 250)}`);
