/**
 * Nothing that a server acknowledged is ever lost: what the durability tests of every kind of store have in common. The server is loaded
 * over many connections and broken off at random moments on the same data. Then every acknowledged entry is there: under the seq that was
 * told, in the order of its sender, once; and what a reader was given before a break is what it finds after.
 */
import { expect, vi } from "vitest";
import { toHex, type LogId } from "@sotto/protocol";
import { SeededRandom, type ClientFrameInit } from "@sotto/testkit";
import type { KillableServer } from "./killable-server.ts";
import { WireSession, sha256, type WireDevice } from "./wire-device.ts";

const writers = 16;
const readers = 8;
const inFlight = 12;

/** What is loaded, and how it is broken off. */
export interface DurabilityOptions {
  readonly server: KillableServer;
  /** Adds accounts with a device each to what the server stores. It does not run meanwhile. */
  readonly addDevices: (count: number) => Promise<readonly WireDevice[]>;
  /** One a round: what is broken off, before the server is killed. */
  readonly breaks: readonly (() => Promise<void>)[];
  readonly seed: number;
}

/** How many entries, when none was lost. */
export interface Survived {
  readonly acknowledged: number;
  readonly stored: number;
  readonly refusals: number;
}

/** A log that is written to: an inbox, or the conversation that all writers know the token of. */
interface WrittenLog {
  readonly id: LogId;
  readonly token: Uint8Array | undefined;
  /** What the server acknowledged: seq → text. */
  readonly acknowledged: Map<number, string>;
  /** What live readers were given: seq → text. */
  readonly delivered: Map<number, string>;
  /** Up to here an acking reader said that it has it: may be gone. */
  acked: number;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

function note(known: Map<number, string>, seq: number, text: string): void {
  const before = known.get(seq);
  if (before !== undefined && before !== text) {
    throw new Error(`seq ${seq} was ${before.slice(0, 40)}, and is ${text.slice(0, 40)}`);
  }
  known.set(seq, text);
}

/** Loads a server, breaks it off again and again, and holds what it said against what is there. @throws what is lost, doubled or out of order. */
export async function surviveBreaks({
  server,
  addDevices,
  breaks,
  seed,
}: DurabilityOptions): Promise<Survived> {
  const random = new SeededRandom(seed);
  await server.start();
  await server.stop("SIGTERM");
  const devices = await addDevices(writers + readers);
  const owners = devices.slice(writers);
  const token = random.bytes(32);
  const talk: WrittenLog = {
    id: random.bytes(16) as unknown as LogId,
    token,
    acknowledged: new Map(),
    delivered: new Map(),
    acked: 0,
  };
  const inboxes = owners.map(({ inbox }): WrittenLog => ({
    id: inbox,
    token: undefined,
    acknowledged: new Map(),
    delivered: new Map(),
    acked: 0,
  }));
  const logs = [...inboxes, talk];
  const byId = new Map(logs.map((log) => [toHex(log.id), log]));
  const counters = Array.from({ length: writers }, () => 0);
  let refusals = 0;

  /** Keeps some appends under way until the connection breaks. */
  const write = async (writer: number, session: WireSession): Promise<void> => {
    const underWay = new Map<number, { log: WrittenLog; text: string }>();
    const next = (): void => {
      const n = ++counters[writer]!;
      const log = random.pick(logs);
      const text = `${writer}:${n}:${"x".repeat(random.integer(2_000))}`;
      underWay.set(n, { log, text });
      const accessToken = log.token ?? new Uint8Array();
      session.send({
        case: "append",
        value: { request: n, logId: log.id, accessToken, kind: 1, body: Buffer.from(text) },
      });
    };
    session.onFrame = (frame) => {
      if (frame.case === "refused") refusals++;
      if (frame.case !== "appended") return;
      const { request, seq } = frame.value;
      const sent = underWay.get(request);
      if (sent === undefined) throw new Error("an answer to nothing");
      underWay.delete(request);
      note(sent.log.acknowledged, Number(seq), sent.text);
      next();
    };
    for (let i = 0; i < inFlight; i++) next();
  };

  /** Reads an inbox; every second reader acks what it has. */
  const read = (reader: number, session: WireSession): void => {
    const log = inboxes[reader]!;
    const from = Math.max(log.acked, 0);
    session.onFrame = (frame) => {
      if (frame.case !== "entries") return;
      for (const { seq, body } of frame.value.entries) {
        note(byId.get(toHex(frame.value.logId))!.delivered, Number(seq), Buffer.from(body).toString());
      }
      const newest = Number(frame.value.entries.at(-1)?.seq ?? 0);
      if (reader % 2 === 1) {
        log.acked = Math.max(log.acked, newest);
        session.send({ case: "ack", value: { logId: log.id, seq: BigInt(newest) } });
      }
    };
    session.send({
      case: "attach",
      value: { request: 1, logId: log.id, afterSeq: BigInt(from), window: 1_024 },
    });
  };

  const startedMs = performance.now();
  for (const [round, breakOff] of breaks.entries()) {
    const { url, fingerprint } = await server.start();
    const sessions = await Promise.all(
      devices.map((device: WireDevice) => WireSession.open(url, device, fingerprint)),
    );
    if (round === 0) {
      await sessions[0]!.ask(
        { case: "createLog", value: { request: 1_000_000, logId: talk.id, tokenHash: sha256(token) } },
        "done",
      );
    }
    for (let reader = 0; reader < readers; reader++) read(reader, sessions[writers + reader]!);
    for (let writer = 0; writer < writers; writer++) await write(writer, sessions[writer]!);
    await pause(20 + random.integer(280));
    await breakOff();
    await server.stop("SIGKILL");
    for (const session of sessions) session.close();
  }

  const { url, fingerprint } = await server.start();
  let acknowledged = 0;
  let stored = 0;
  const seen = new Set<string>();
  for (const [index, log] of logs.entries()) {
    const session = await WireSession.open(url, owners[index % readers]!, fingerprint);
    const found = await readAll(session, log, random.bytes(16));
    session.close();
    const seqs = [...found.entries.keys()];
    const first = found.trimmed + 1;
    expect(found.trimmed, "nothing is gone that no reader acked").toBeLessThanOrEqual(log.acked);
    expect(seqs, "seqs have no gaps").toEqual(seqs.map((_, i) => first + i));
    expect(seqs.at(-1) ?? found.trimmed).toBe(found.head);
    // A reader that acked has what is gone.
    const all = new Map([...log.delivered, ...found.entries].sort(([a], [b]) => a - b));
    for (const [seq, text] of [...log.acknowledged, ...log.delivered]) {
      if (all.get(seq) !== text) throw new Error(`log ${index}: seq ${seq} is lost or changed`);
    }
    for (const [seq, text] of found.entries) {
      if (log.delivered.has(seq) && log.delivered.get(seq) !== text) throw new Error(`seq ${seq} changed`);
    }
    const newest = Array.from({ length: writers }, () => 0);
    for (const text of all.values()) {
      const [writer = 0, n = 0] = text.split(":", 2).map(Number);
      if (n <= newest[writer]!) throw new Error(`log ${index}: writer ${writer} is out of order`);
      newest[writer] = n;
      const id = `${writer}:${n}`;
      if (seen.has(id)) throw new Error(`${id} is there twice`);
      seen.add(id);
    }
    acknowledged += log.acknowledged.size;
    stored += all.size;
  }
  await server.stop("SIGTERM");
  const sent = counters.reduce((sum, n) => sum + n, 0);
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  console.log(
    `durability: seed ${seed}, ${breaks.length} breaks in ${seconds} s; ${writers} writers, ${readers} readers; ` +
      `${sent} sent, ${acknowledged} acknowledged, ${stored} stored, ${refusals} refused, 0 lost`,
  );
  return { acknowledged, stored, refusals };
}

/** Everything that a log holds, read without acking. */
async function readAll(session: WireSession, log: WrittenLog, slotId: Uint8Array) {
  const entries = new Map<number, string>();
  let newest = 0;
  session.onFrame = (frame) => {
    if (frame.case !== "entries") return;
    for (const { seq, body } of frame.value.entries) {
      if (Number(seq) !== newest + 1 && entries.size > 0) throw new Error(`${seq} came after ${newest}`);
      newest = Number(seq);
      note(entries, newest, Buffer.from(body).toString());
    }
  };
  const slot = log.token === undefined ? {} : { slotId, accessToken: log.token };
  if (log.token !== undefined) {
    const open = { request: 1, logId: log.id, slotId, accessToken: log.token, afterSeq: 0n };
    await session.ask({ case: "openSlot", value: open }, "done");
  }
  for (;;) {
    // Its entries may come in one message with the answer.
    const before = newest;
    const attach = { request: 2, logId: log.id, afterSeq: BigInt(before), window: 1_024, ...slot };
    const frame: NonNullable<ClientFrameInit> = { case: "attach", value: attach };
    const answer = await session.ask(frame, "attached");
    if (answer.case !== "attached") throw new Error("not attached");
    const head = Number(answer.value.headSeq);
    const trimmed = Number(answer.value.trimmedSeq);
    const until = Math.min(head, Math.max(before, trimmed) + 1_024);
    if (head === trimmed) return { entries, head, trimmed };
    await vi.waitFor(() => expect(newest).toBe(until), { timeout: 20_000, interval: 2 });
    if (newest >= head) return { entries, head, trimmed };
  }
}
