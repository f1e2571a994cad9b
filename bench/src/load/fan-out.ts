/** Scenario (d): one room, many who read it live. How long until the last of them has a message, and what is stored of it? */
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, type Connection, eachOf } from "../clients/client.ts";
import { BodyFactory, bodyId } from "./bodies.ts";
import type { FanOutJob, FanOutResult } from "./job.ts";
import { startMeter, until } from "./meter.ts";

/** Messages of which is counted what is stored. */
const counted = 5;

/** User 0 writes, users 0 to readers − 1 read. The first fifth of the messages is not counted. */
export async function fanOut(client: Client, pids: readonly number[], job: FanOutJob): Promise<FanOutResult> {
  const { connectRoom } = client;
  if (connectRoom === undefined) throw new Error("this system has no rooms");
  const users = Array.from({ length: job.readers }, (_, user) => user);
  await client.prepare(users, false);
  const last = new Uint32Array(job.readers);
  const lastsMs: number[] = [];
  let [arrived, misordered, closing] = [0, 0, false];
  let failure: Error | undefined;
  const connections: Connection[] = [];
  const connect = async (user: number): Promise<void> => {
    connections[user] = await connectRoom(user, {
      received(body) {
        const id = bodyId(body);
        if (id !== last[user]! + 1) misordered++;
        last[user] = id;
        arrived++;
      },
      taken() {},
      failed(error) {
        if (!closing) failure ??= error;
      },
    });
  };
  await connect(0);
  await eachOf(users.slice(1), 16, connect);

  const messages = new BodyFactory("m", job.messageBytes);
  const uncounted = Math.ceil(job.messages / 5);
  let sent = 0;
  const send = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const startMs = performance.now();
      connections[0]!.send(0, messages.make(++sent));
      await untilTurn(() => arrived >= sent * job.readers || failure !== undefined, startMs + 10_000);
      lastsMs.push(performance.now() - startMs);
      await sleep(job.everyMs);
    }
  };
  await send(uncounted);
  const meter = startMeter(pids);
  await send(job.messages);
  const stretch = meter();
  const sorted = lastsMs.slice(uncounted).toSorted((a, b) => a - b);
  const storedEach = await countStored(client, send);
  await until(() => arrived >= sent * job.readers || failure !== undefined, 10_000);
  closing = true;
  await Promise.all(connections.map((connection) => connection.close()));
  if (failure !== undefined) throw failure;
  return {
    readers: job.readers,
    p50Ms: sorted[sorted.length >> 1]!,
    maxMs: sorted.at(-1)!,
    diskBytesEach: stretch.diskBytes / job.messages,
    cpuSecPer1000: (stretch.serverCpuSec / (job.messages * job.readers)) * 1000,
    ...(storedEach !== undefined && { storedEach }),
    lost: sent * job.readers - arrived,
    misordered,
  };
}

/** How many entries the server stores of one message; undefined where it does not tell. Afterwards, since what is kept costs otherwise. */
async function countStored(
  client: Client,
  send: (count: number) => Promise<void>,
): Promise<number | undefined> {
  if (client.keepRoom === undefined || client.stored === undefined) return undefined;
  await client.keepRoom();
  // What was sent before is deleted once its last acks are stored.
  await sleep(300);
  const before = await client.stored();
  await send(counted);
  return ((await client.stored()) - before) / counted;
}

/** Looks at every turn of the event loop, until it holds or the time has come. */
async function untilTurn(condition: () => boolean, deadlineMs: number): Promise<void> {
  while (!condition() && performance.now() < deadlineMs) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
