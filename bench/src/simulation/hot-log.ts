/**
 * One log that everybody reads, on many nodes over one database: messages come ever faster, readers are spread over all nodes. Each node
 * also takes appends to other logs, which have nothing to do with it: what it does to them is told as well.
 *
 * As built: a wake-up says only that there is something, so each node reads the entry from the database, once for all its readers; each ack moves
 * its own slot, under the lock of the log's row, and looks at all other slots for the lowest cursor.
 */
import { DatabaseModel } from "./database.ts";
import { Engine } from "./engine.ts";
import { GroupCommitModel } from "./group-commit.ts";
import { P } from "./parameters.ts";
import { Samples } from "./samples.ts";
import { Station } from "./station.ts";

/** What is simulated. */
export interface HotLogOptions {
  readonly readers: number;
  readonly messagesPerSec: number;
  readonly nodes: number;
  readonly databaseCores: number;
  /** Appends to other logs, over all nodes. */
  readonly otherAppendsPerSec: number;
  /** As built, or with two changes: wake-ups bring the entries, and a node moves one cursor for all its readers, every second. */
  readonly design: "as built" | "changed";
  readonly measureMs: number;
  readonly seed: number;
}

/** What it comes to. */
export interface HotLog {
  /** Of the messages that were sent, the share that every reader had when the run ended. */
  readonly reachedAll: number;
  /** From an append to "Appended", and to the last reader, in milliseconds. */
  readonly appendP50Ms: number;
  readonly appendP99Ms: number;
  readonly lastReaderP50Ms: number;
  readonly lastReaderP99Ms: number;
  /** Of appends to other logs, and of the same without the hot one. */
  readonly otherP99Ms: number;
  /** Share of the database's cores that was used. */
  readonly databaseBusy: number;
  readonly isSaturated: boolean;
}

/** Connections to the database that a node has: `connections` of the adapter. */
const poolSize = 10;
const deliveryParts = 10;
const hotLog = "hot";
const gatheredAckMs = 1_000;

interface Append {
  readonly hot: boolean;
  readonly stored: (seq: number) => void;
}

/** Simulates it. */
export function simulateHotLog(options: HotLogOptions): HotLog {
  const { messagesPerSec, nodes, measureMs } = options;
  const engine = new Engine(options.seed);
  const database = new DatabaseModel(engine, options.databaseCores);
  const [appended, others, last] = [new Samples(), new Samples(), new Samples()];
  /** By seq: when it was sent, and how many nodes have given it to all their readers. */
  const sentAtMs: number[] = [];
  const nodesDone: number[] = [];
  let [head, reached, sent] = [0, 0, 0];

  const all = Array.from({ length: nodes }, () => {
    const node = new HotLogNode(engine, database, options, {
      store: () => ++head,
      stored: (seq) => {
        for (const other of all)
          engine.after(other === node ? 0 : P.busMs, () => other.wake(seq, other === node));
      },
      delivered: (fromSeq, throughSeq) => {
        for (let seq = fromSeq; seq <= throughSeq; seq++) {
          nodesDone[seq] = (nodesDone[seq] ?? 0) + 1;
          if (nodesDone[seq] !== nodes) continue;
          reached += 1;
          last.add(engine.nowMs - (sentAtMs[seq] as number));
        }
      },
    });
    return node;
  });
  const anyNode = (): HotLogNode => all[engine.random.integer(nodes)] as HotLogNode;
  engine.arrivals(messagesPerSec, measureMs, () => {
    const startMs = engine.nowMs;
    sent += 1;
    anyNode().append({
      hot: true,
      stored: (seq) => {
        sentAtMs[seq] = startMs;
        appended.add(engine.nowMs - startMs);
      },
    });
  });
  engine.arrivals(options.otherAppendsPerSec, measureMs, () => {
    const startMs = engine.nowMs;
    anyNode().append({ hot: false, stored: () => others.add(engine.nowMs - startMs) });
  });
  engine.run(measureMs + 2_000);
  const reachedAll = sent === 0 ? 1 : reached / sent;
  return {
    reachedAll,
    appendP50Ms: appended.percentile(0.5),
    appendP99Ms: appended.percentile(0.99),
    lastReaderP50Ms: last.percentile(0.5),
    lastReaderP99Ms: last.percentile(0.99),
    otherP99Ms: others.percentile(0.99),
    databaseBusy: Math.min(1, database.cores.busyMs / options.databaseCores / (measureMs + 2_000)),
    isSaturated: reachedAll < 0.95,
  };
}

interface NodeEvents {
  /** Gives out the next seq of the hot log. */
  readonly store: () => number;
  readonly stored: (seq: number) => void;
  readonly delivered: (fromSeq: number, throughSeq: number) => void;
}

class HotLogNode {
  readonly #engine: Engine;
  readonly #database: DatabaseModel;
  readonly #options: HotLogOptions;
  readonly #events: NodeEvents;
  readonly #thread: Station;
  readonly #pool: Station;
  readonly #committer: GroupCommitModel<Append>;
  readonly #readers: number;
  #head = 0;
  #given = 0;
  #giving = false;
  #lastAckMs = Number.NEGATIVE_INFINITY;

  constructor(engine: Engine, database: DatabaseModel, options: HotLogOptions, events: NodeEvents) {
    this.#engine = engine;
    this.#database = database;
    this.#options = options;
    this.#events = events;
    this.#thread = new Station(engine, 1);
    this.#pool = new Station(engine, poolSize);
    this.#readers = Math.max(1, Math.round(options.readers / options.nodes));
    this.#committer = new GroupCommitModel(
      engine,
      (appends, acks, done) => this.#commit(appends, acks, done),
      this.#readers,
    );
  }

  append(append: Append): void {
    this.#thread.serve(P.frameUs / 1_000, () => this.#committer.submit(append));
  }

  /** @param isOwn it was stored by this node, which has the entry in memory. */
  wake(seq: number, isOwn: boolean): void {
    this.#head = Math.max(this.#head, seq);
    if (!this.#giving) this.#give(isOwn);
  }

  #commit(appends: readonly Append[], acks: number, done: () => void): void {
    const { design, readers } = this.#options;
    const cursors = design === "changed" ? Math.min(1, acks) : acks;
    const slots = design === "changed" ? this.#options.nodes : readers;
    const scanUs = cursors === 0 ? 0 : slots * (P.scanSlotUs + cursors * P.scanSlotAckUs);
    const cpuMs = (P.commitDbUs + appends.length * P.appendDbUs + cursors * P.ackDbUs + scanUs) / 1_000;
    const nodeMs = (P.commitNodeUs + appends.length * P.appendNodeUs + cursors * P.ackNodeUs) / 1_000;
    const isHot = cursors > 0 || appends.some(({ hot }) => hot);
    this.#pool.hold((release) =>
      this.#thread.serve(nodeMs, () =>
        this.#database.commit({ cpuMs, hot: isHot ? [hotLog] : [] }, () => {
          release();
          let newest = 0;
          for (const { hot, stored } of appends) {
            const seq = hot ? this.#events.store() : 0;
            newest = Math.max(newest, seq);
            stored(seq);
          }
          if (newest > 0) this.#events.stored(newest);
          done();
        }),
      ),
    );
  }

  /** Gives all readers what is new, a tenth of them at a time: so much does the thread before it looks at others. */
  #give(isOwn: boolean): void {
    if (this.#given >= this.#head) return;
    this.#giving = true;
    const [from, through] = [this.#given + 1, this.#head];
    const entries = through - from + 1;
    const inMemory = this.#options.design === "changed" || (isOwn && entries === 1);
    const parts = Math.min(deliveryParts, this.#readers);
    const share = this.#readers / parts;
    let left = parts;
    const send = (): void =>
      this.#thread.serve((share * entries * P.frameUs) / 1_000, () => {
        this.#engine.after(P.clientRoundTripMs, () => this.#acked(share));
        if (--left > 0) return;
        this.#given = through;
        this.#giving = false;
        this.#events.delivered(from, through);
        this.#give(false);
      });
    const deliver = (): void => {
      for (let i = 0; i < parts; i++) send();
    };
    if (inMemory) {
      deliver();
      return;
    }
    this.#pool.hold((release) =>
      this.#database.read(P.readDbUs / 1_000, () => {
        release();
        this.#thread.serve(P.readNodeUs / 1_000, deliver);
      }),
    );
  }

  #acked(readers: number): void {
    this.#thread.serve((readers * P.frameUs) / 1_000, () => {
      if (this.#options.design === "as built") {
        this.#committer.submitAcks(readers);
      } else if (this.#engine.nowMs - this.#lastAckMs >= gatheredAckMs) {
        this.#lastAckMs = this.#engine.nowMs;
        this.#committer.submitAcks(1);
      }
    });
  }
}
