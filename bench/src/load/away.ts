/**
 * Scenario (b): senders leave messages for recipients who are away, then the recipients come and take them.
 * Sender i writes to recipient i only, and servers answer in order: so an answer to n bodies is for the first n.
 */
import { type Client, type Connection, eachOf } from "../clients/client.ts";
import { BodyFactory, bodyId } from "./bodies.ts";
import type { AwayJob, AwayResult, DrainResult, StoreResult } from "./job.ts";
import { startMeter, until, untilSteady } from "./meter.ts";

/** Stores, then drains. */
export async function away(client: Client, pids: readonly number[], job: AwayJob): Promise<AwayResult> {
  const stored = await store(client, pids, job, false);
  const drained = await drain(client, pids, job, stored.taken);
  return { ...stored, ...drained };
}

/**
 * Users 0 to recipients − 1 send to users recipients to 2 × recipients − 1.
 * @param killed kill the server at the end, with messages in flight.
 */
export async function store(
  client: Client,
  pids: readonly number[],
  job: AwayJob,
  killed: boolean,
): Promise<StoreResult> {
  const senders = Array.from({ length: job.recipients }, (_, user) => user);
  const recipients = senders.map((user) => user + job.recipients);
  await client.prepare(senders, false);
  await client.prepare(recipients, true);

  const messages = new BodyFactory("m", job.bodies.messageBytes);
  const connections: Connection[] = [];
  const sent = new Uint32Array(job.recipients);
  const taken = new Uint32Array(job.recipients);
  let total = 0;
  let sending = true;
  let closing = false;
  let failure: Error | undefined;

  const send = (user: number, count: number): void => {
    for (let i = 0; i < count; i++)
      connections[user]!.send(user + job.recipients, messages.make(++sent[user]!));
  };
  await eachOf(senders, 16, async (user) => {
    connections[user] = await client.connect(user, "send", {
      received() {},
      taken(count) {
        taken[user]! += count;
        total += count;
        if (sending) send(user, count);
      },
      failed(error) {
        if (!closing) failure ??= error;
      },
    });
  });

  for (const user of senders) send(user, job.inFlight);
  await untilSteady(() => total, job.warmUpMs);
  const before = total;
  const meter = startMeter(pids);
  await until(() => failure !== undefined, job.measureMs);
  const stretch = meter();
  const measured = total - before;
  if (failure !== undefined) throw failure;

  if (killed) {
    closing = true;
    process.kill(pids[0]!, "SIGKILL");
    // What it had answered before is still under way to us.
    await new Promise((resolve) => setTimeout(resolve, 500));
    sending = false;
  } else {
    sending = false;
    const inFlight = (): number => sent.reduce((sum, count, user) => sum + count - taken[user]!, 0);
    const answered = await until(() => inFlight() === 0 || failure !== undefined, 60_000);
    if (!answered || failure !== undefined) throw failure ?? new Error("the server did not take everything");
    closing = true;
  }
  await Promise.all(connections.map((connection) => connection.close()));
  return {
    takenPerSec: measured / stretch.seconds,
    storeCpuSecPer1000: (stretch.serverCpuSec / measured) * 1000,
    storeCpu: stretch.shares,
    storeDiskBytesEach: stretch.diskBytes / measured,
    taken: [...taken],
  };
}

/** The recipients come, take what waits, and acknowledge it. Done when all is there, or nothing came for five seconds. */
export async function drain(
  client: Client,
  pids: readonly number[],
  job: AwayJob,
  taken: readonly number[],
): Promise<DrainResult> {
  const users = Array.from({ length: job.recipients }, (_, i) => i);
  const seen = users.map(() => new Set<number>());
  const last = new Uint32Array(job.recipients);
  const connections: Connection[] = [];
  const acknowledged = taken.reduce((sum, count) => sum + count, 0);
  let misordered = 0;
  let wanted = 0;
  let arrived = 0;
  let arrivedMs = performance.now();
  let closing = false;
  let failure: Error | undefined;

  // Accounts that a killed server forgot are made anew: what counts here is messages.
  await client.prepare(
    users.map((user) => user + job.recipients),
    false,
  );
  const meter = startMeter(pids);
  await eachOf(users, 16, async (user) => {
    connections[user] = await client.connect(user + job.recipients, "receive", {
      received(body) {
        const id = bodyId(body);
        arrived++;
        arrivedMs = performance.now();
        if (seen[user]!.has(id) || id < last[user]!) misordered++;
        else if (id <= taken[user]!) wanted++;
        seen[user]!.add(id);
        last[user] = Math.max(last[user]!, id);
      },
      taken() {},
      failed(error) {
        if (!closing) failure ??= error;
      },
    });
  });
  arrivedMs = Math.max(arrivedMs, performance.now());
  await until(
    () => wanted === acknowledged || failure !== undefined || performance.now() - arrivedMs > 5000,
    600_000,
  );
  const stretch = meter();
  // When some never came, the time that was spent waiting for them does not count.
  const waitedSec = wanted === acknowledged ? 0 : (performance.now() - arrivedMs) / 1000;
  await new Promise((resolve) => setTimeout(resolve, 300));
  closing = true;
  await Promise.all(connections.map((connection) => connection.close()));
  if (failure !== undefined) throw failure;
  const leftOver = await client.leftOver?.(users.map((user) => user + job.recipients));
  return {
    drainedPerSec: arrived / Math.max(0.001, stretch.seconds - waitedSec),
    drainCpuSecPer1000: (stretch.serverCpuSec / Math.max(1, arrived)) * 1000,
    drainCpu: stretch.shares,
    acknowledged,
    lost: acknowledged - wanted,
    misordered,
    ...(leftOver !== undefined && { leftOver }),
  };
}
