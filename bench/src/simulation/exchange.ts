/**
 * The bench's exchange, predicted: pairs with so many messages in flight, each answered by a receipt, on one node with SQLite. It holds the
 * model against what was measured: its service times come from the profile, what it says of throughput and waiting is its own.
 */
import { Engine } from "./engine.ts";
import { GroupCommitModel } from "./group-commit.ts";
import { P } from "./parameters.ts";
import { Samples } from "./samples.ts";
import { Station } from "./station.ts";

/** What the bench measures of it. */
export interface Exchange {
  readonly messagesPerSec: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

// A message is two entries: its own and the receipt's.
const entryUs = P.exchangeMessageUs / 2;
const insertMs = (entryUs * P.sqliteInsertShare) / 1_000;
const deleteMs = (entryUs * P.sqliteDeleteShare) / 1_000;
/** The rest of SQLite's share is COMMIT: an fsync, and what it costs for each entry. */
const commitMs = (entryUs * (P.sqliteShare - P.sqliteInsertShare - P.sqliteDeleteShare)) / 1_000;
const otherMs = (entryUs * (1 - P.sqliteShare)) / 1_000;
/** Both were reasoned out after the bench had measured it: this explains the figure, and predicts none. Entries that one ack answers: 16 are under way for each reader, and a commit takes what waits. */
const entriesPerAck = 8;
/** Operations of a commit when 1,600 messages are under way. */
const operationsPerCommit = 1_600;

/** What the same should cost on PostgreSQL, by the costs of its parts: CPU seconds of node and database for 1,000 messages. */
export function exchangeOnPostgres(): number {
  const commitUs = (P.commitDbUs + P.commitNodeUs) / operationsPerCommit;
  const appendUs = P.appendDbUs + P.appendNodeUs + commitUs;
  const ackUs = P.ackDbUs + P.deleteDbUs + P.ackNodeUs + commitUs;
  const networkUs = entryUs * (1 - P.sqliteShare);
  return (2 * (appendUs + ackUs / entriesPerAck + networkUs)) / 1_000;
}

const clientEntryMs = P.clientMessageUs / 4_000;

/** @param measureMs virtual time that counts, after a quarter of it that does not. */
export function simulateExchange(pairs: number, inFlight: number, measureMs: number, seed: number): Exchange {
  const engine = new Engine(seed);
  const thread = new Station(engine, 1);
  const generator = new Station(engine, 1);
  const latencies = new Samples();
  const warmUpMs = measureMs / 4;
  // What an fsync costs beside the entries: all of COMMIT was taken at about 800 entries a commit.
  const perEntryMs = Math.max(0, commitMs - P.fsyncMs / 800);
  let unacked = 0;

  interface Entry {
    readonly arrived: () => void;
  }
  const committer = new GroupCommitModel<Entry>(
    engine,
    (entries, acks, done) => {
      const deletions = acks === 0 ? 0 : unacked;
      unacked -= deletions;
      const serviceMs = P.fsyncMs + entries.length * (insertMs + perEntryMs) + deletions * deleteMs;
      // SQLite works in the node's only thread: nothing else happens meanwhile.
      thread.serve(serviceMs, () => {
        for (const entry of entries) thread.serve(otherMs / 2, () => delivered(entry));
        done();
      });
    },
    2 * pairs,
  );
  const delivered = (entry: Entry): void => {
    unacked += 1;
    committer.submitAcks(1);
    generator.serve(clientEntryMs * 2, entry.arrived);
  };
  const append = (arrived: () => void): void => {
    generator.serve(clientEntryMs, () => thread.serve(otherMs / 2, () => committer.submit({ arrived })));
  };
  const send = (): void => {
    const sentAtMs = engine.nowMs;
    append(() =>
      append(() => {
        if (engine.nowMs > warmUpMs) latencies.add(engine.nowMs - sentAtMs);
        send();
      }),
    );
  };
  for (let i = 0; i < pairs * inFlight; i++) engine.after(engine.random.float() * 5, send);
  engine.run(warmUpMs + measureMs);
  return {
    messagesPerSec: (latencies.count * 1_000) / measureMs,
    p50Ms: latencies.percentile(0.5),
    p99Ms: latencies.percentile(0.99),
  };
}
