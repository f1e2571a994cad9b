/**
 * Scenario (a): pairs exchange messages, so many in flight each. A message counts when its recipient has it and the
 * recipient's receipt is back at the sender. Receipts travel like messages, one for each. Each sender has so many under way, or all of
 * them together keep a pace: then a message's time begins when it was due.
 */
import { type Client, type Connection, eachOf } from "../clients/client.ts";
import { BodyFactory, bodyId } from "./bodies.ts";
import type { ExchangeJob, ExchangeResult, PacedJob, PacedResult } from "./job.ts";
import { startMeter, until, untilSteady } from "./meter.ts";

/** Users 0 to pairs − 1 send, users pairs to 2 × pairs − 1 receive. */
export async function exchange(
  client: Client,
  pids: readonly number[],
  job: ExchangeJob & Partial<PacedJob>,
): Promise<ExchangeResult> {
  const users = Array.from({ length: 2 * job.pairs }, (_, user) => user);
  await client.prepare(users, false);

  const messages = new BodyFactory("m", job.bodies.messageBytes);
  const receipts = new BodyFactory("r", job.bodies.receiptBytes);
  const latencies = new Latencies();
  const connections: Connection[] = [];
  const sentAt = Array.from({ length: job.pairs }, () => new Map<number, number>());
  const sent = new Uint32Array(job.pairs);
  const received = new Uint32Array(job.pairs);
  let completed = 0;
  let misordered = 0;
  let sending = true;
  let closing = false;
  let failure: Error | undefined;

  const failed = (error: Error): void => {
    if (!closing) failure ??= error;
  };
  const sendNext = (pair: number, dueMs = performance.now()): void => {
    const id = ++sent[pair]!;
    sentAt[pair]!.set(id, dueMs);
    connections[pair]!.send(job.pairs + pair, messages.make(id));
  };
  const onReceipt = (pair: number, body: Buffer): void => {
    const id = bodyId(body);
    const startMs = sentAt[pair]!.get(id);
    if (startMs === undefined || body[0] !== 0x72) {
      misordered++;
      return;
    }
    sentAt[pair]!.delete(id);
    completed++;
    latencies.add(performance.now() - startMs);
    if (sending && job.ratePerSec === undefined) sendNext(pair);
  };
  const onMessage = (pair: number, body: Buffer): void => {
    const id = bodyId(body);
    if (id !== received[pair]! + 1) misordered++;
    received[pair] = id;
    connections[job.pairs + pair]!.send(pair, receipts.make(id));
  };

  await eachOf(users, 16, async (user) => {
    const pair = user % job.pairs;
    connections[user] = await client.connect(user, "both", {
      received: user < job.pairs ? (body) => onReceipt(pair, body) : (body) => onMessage(pair, body),
      taken() {},
      failed,
    });
  });

  const stopPace =
    job.ratePerSec === undefined
      ? undefined
      : keepPace(job.ratePerSec, (nth, dueMs) => sendNext(nth % job.pairs, dueMs));
  const first = stopPace === undefined ? job.pairs * job.inFlight : 0;
  for (let i = 0; i < first; i++) sendNext(i % job.pairs);
  const warmUpMs = await untilSteady(() => completed, job.maxWarmUpMs);
  latencies.start();
  const before = completed;
  const meter = startMeter(pids);
  await until(() => failure !== undefined, job.measureMs);
  const stretch = meter();
  const measured = completed - before;
  const [p50Ms, p99Ms] = latencies.stop();

  sending = false;
  stopPace?.();
  const outstanding = (): number => sentAt.reduce((sum, map) => sum + map.size, 0);
  await until(() => outstanding() === 0 || failure !== undefined, 20_000);
  // The last acknowledgements are on their way: they leave at the end of this turn.
  await new Promise((resolve) => setTimeout(resolve, 300));
  closing = true;
  await Promise.all(connections.map((connection) => connection.close()));
  if (failure !== undefined) throw failure;

  const leftOver = await client.leftOver?.(users);
  return {
    messagesPerSec: measured / stretch.seconds,
    p50Ms,
    p99Ms,
    cpuSecPer1000: (stretch.serverCpuSec / measured) * 1000,
    cpu: stretch.shares,
    diskBytesEach: stretch.diskBytes / measured,
    warmUpMs,
    sent: sent.reduce((sum, count) => sum + count, 0),
    lost: outstanding(),
    misordered,
    ...(leftOver !== undefined && { leftOver }),
  };
}

/** An exchange at a pace. @throws Error when no more than 95 % of it was reached: the figures would be those of another pace. */
export async function paced(client: Client, pids: readonly number[], job: PacedJob): Promise<PacedResult> {
  const result = await exchange(client, pids, job);
  if (result.messagesPerSec < 0.95 * job.ratePerSec) {
    throw new Error(`${Math.round(result.messagesPerSec)} messages/s in the place of ${job.ratePerSec}`);
  }
  return { ...result, ratePerSec: job.ratePerSec };
}

/** Calls `send` so many times a second with its number and when it was due, until the function that comes back is called. */
function keepPace(ratePerSec: number, send: (nth: number, dueMs: number) => void): () => void {
  const startMs = performance.now();
  let next = 0;
  const timer = setInterval(() => {
    for (const nowMs = performance.now(); ; next++) {
      const dueMs = startMs + (1000 * next) / ratePerSec;
      if (dueMs > nowMs) return;
      send(next, dueMs);
    }
  }, 1);
  return () => clearInterval(timer);
}

/** Latencies of a stretch of time, in milliseconds. */
class Latencies {
  #values: number[] = [];
  #on = false;

  start(): void {
    this.#on = true;
  }

  add(ms: number): void {
    if (this.#on) this.#values.push(ms);
  }

  /** Median and 99th percentile. */
  stop(): [number, number] {
    this.#on = false;
    const sorted = Float64Array.from(this.#values).sort();
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    return [at(0.5), at(0.99)];
  }
}
