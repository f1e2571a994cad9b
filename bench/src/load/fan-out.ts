/** Scenario (d): one room, many who read it live. How long until the last of them has a message, and what is stored of it? */
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, type Connection, eachOf } from "../clients/client.ts";
import { BodyFactory, bodyId } from "./bodies.ts";
import type { FanOutJob, FanOutResult } from "./job.ts";
import { startMeter, until } from "./meter.ts";

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
  let meter = startMeter(pids);
  for (let id = 1; id <= uncounted + job.messages; id++) {
    if (id === uncounted + 1) meter = startMeter(pids);
    const startMs = performance.now();
    connections[0]!.send(0, messages.make(id));
    const wanted = id * job.readers;
    await untilTurn(() => arrived >= wanted || failure !== undefined, startMs + 10_000);
    if (id > uncounted) lastsMs.push(performance.now() - startMs);
    await sleep(job.everyMs);
  }
  const stretch = meter();
  const sent = uncounted + job.messages;
  await until(() => arrived >= sent * job.readers || failure !== undefined, 10_000);
  closing = true;
  await Promise.all(connections.map((connection) => connection.close()));
  if (failure !== undefined) throw failure;
  const sorted = lastsMs.toSorted((a, b) => a - b);
  return {
    readers: job.readers,
    p50Ms: sorted[sorted.length >> 1]!,
    maxMs: sorted.at(-1)!,
    diskBytesEach: stretch.diskBytes / job.messages,
    cpuSecPer1000: (stretch.serverCpuSec / (job.messages * job.readers)) * 1000,
    lost: sent * job.readers - arrived,
    misordered,
  };
}

/** Looks at every turn of the event loop, until it holds or the time has come. */
async function untilTurn(condition: () => boolean, deadlineMs: number): Promise<void> {
  while (!condition() && performance.now() < deadlineMs) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
