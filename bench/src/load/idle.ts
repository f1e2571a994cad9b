/** Scenario (c): users who are connected, signed in, ready to receive, and silent. What does the server keep for each? */
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, type Connection, eachOf } from "../clients/client.ts";
import { type Memory, memory } from "../host/proc.ts";
import type { IdleJob, IdleResult } from "./job.ts";
import { startMeter } from "./meter.ts";

/**
 * Connects users 0 to connections − 1. The first fifth is not counted: it fills what the process had set aside before,
 * and what it allots in great pieces; memory of each is that of the others.
 */
export async function idle(client: Client, pids: readonly number[], job: IdleJob): Promise<IdleResult> {
  const users = Array.from({ length: job.connections }, (_, user) => user);
  await client.prepare(users, false);
  let closing = false;
  let failure: Error | undefined;
  const handlers = {
    received() {},
    taken() {},
    failed(error: Error) {
      if (!closing) failure ??= error;
    },
  };

  const connections: Connection[] = [];
  const connectAll = async (all: readonly number[]): Promise<void> => {
    await eachOf(all, 64, async (user) => {
      connections[user] = await client.connect(user, "both", handlers);
    });
  };

  const first = Math.ceil(users.length / 5);
  const counted = users.length - first;
  await connectAll(users.slice(0, first));
  const before = await settled(pids, job);
  const meter = startMeter(pids);
  await connectAll(users.slice(first));
  const stretch = meter();
  const after = await settled(pids, job);
  if (failure !== undefined) throw failure;
  closing = true;
  await Promise.all(connections.map((connection) => connection.close()));
  return {
    connections: job.connections,
    rssBytesEach: (after.rss - before.rss) / counted,
    pssBytesEach: (after.pss - before.pss) / counted,
    beforeRssBytes: before.rss,
    afterRssBytes: after.rss,
    connectCpuSecPer1000: (stretch.serverCpuSec / counted) * 1000,
    connectedPerSec: counted / stretch.seconds,
    cpu: stretch.shares,
  };
}

/** Memory once garbage was collected and three looks in a row differ by less than half a percent; after 20 looks anyhow. */
async function settled(pids: readonly number[], job: IdleJob): Promise<Memory> {
  const seen: Memory[] = [];
  for (let i = 0; i < 20; i++) {
    if (job.collectsOnSignal && i % 3 === 0) process.kill(pids[0]!, "SIGUSR2");
    await sleep(job.lookEveryMs);
    seen.push(memory(pids));
    const last = seen.slice(-3).map((each) => each.rss);
    if (i >= 4 && Math.max(...last) - Math.min(...last) < 0.005 * Math.max(...last)) break;
  }
  return seen.at(-1)!;
}
