/**
 * One attached reader of a log: sends what is new, as far as its window and its connection allow, and keeps no bodies.
 * A reader that has everything gets what was just stored straight from the commit; one that is behind reads from the
 * store, a bounded piece at a time. So a slow reader costs no memory.
 *
 * Invariants: entries go out in order of seq, each once; nothing of a later epoch goes out, EpochEnded does instead.
 */
import { EntryKind, type LogId, type SlotId } from "@sotto/protocol";
import type { Bus, Wake } from "../bus.ts";
import type { PendingAck } from "../group-commit.ts";
import type { Store, StoredEntry } from "../store.ts";
import { encodeFrame } from "./frames.ts";
import type { DeliveryEvents, OutgoingEntry, SessionOutput } from "./ports.ts";
import type { SharedReads } from "./shared-reads.ts";

/** A reader sends nothing more while this many bytes wait for its connection. */
export const HIGH_WATER_BYTES = 1_048_576;
/** Bodies read from the store at once, at most, beside the one that goes over it. */
const readBytes = 262_144;

/** What a reader works with; its session is one. */
export interface ReaderHost {
  readonly store: Pick<Store, "readEpoch">;
  readonly reads: SharedReads;
  readonly bus: Bus;
  readonly events: DeliveryEvents;
  readonly output: SessionOutput;
  /** Whether a reader may read from the store now; if so, it tells when it has by `endRead`. */
  beginRead(): boolean;
  endRead(): void;
  /** The connection is full, or others are reading: call `pump` when there is room. */
  stalled(reader: LogReader): void;
  /** The store failed. */
  failed(error: unknown): void;
}

/** Where a reader begins, as found when it attached. */
export interface ReaderStart {
  /** undefined for inboxes. */
  readonly epoch: number | undefined;
  /** Entries after this seq are sent. */
  readonly afterSeq: number;
  /** What the slot has acked. */
  readonly cursor: number;
  readonly headSeq: number;
  readonly window: number;
}

/** A reader of one log through one slot. Attach with `listen`, then `start`. */
export class LogReader implements PendingAck {
  readonly log: LogId;
  readonly slot: SlotId | undefined;
  acked = 0;
  ackQueued = false;
  readonly #host: ReaderHost;
  #unsubscribe: (() => void) | undefined;
  #epoch: number | undefined;
  #window = 0;
  /** The newest seq that was sent, or where sending began. */
  #sent = 0;
  /** Where sending began: what was acked before does not count for the window. */
  #base = 0;
  #head = 0;
  #state: "opening" | "open" | "reading" | "ended" | "closed" = "opening";

  constructor(host: ReaderHost, log: LogId, slot: SlotId | undefined) {
    this.#host = host;
    this.log = log;
    this.slot = slot;
    this.#unsubscribe = host.bus.subscribe(log, this.#wake);
  }

  /** Begins to send. The reader has listened since before `start` was read, so nothing falls between. */
  start({ epoch, afterSeq, cursor, headSeq, window }: ReaderStart): void {
    this.#epoch = epoch;
    this.#window = window;
    this.#base = this.#sent = afterSeq;
    this.acked = cursor;
    this.#head = Math.max(this.#head, headSeq);
    this.#state = "open";
    this.pump();
  }

  /** Ends without having anything to send: its epoch was over already. */
  startEnded(epoch: number, afterSeq: number, cursor: number, commitSeq: number): void {
    this.#epoch = epoch;
    this.#base = this.#sent = afterSeq;
    this.acked = cursor;
    this.#end(commitSeq);
  }

  /** Takes an ack. Returns whether it was ahead of the cursor; undefined when it is beyond what was sent. */
  ack(seq: number): boolean | undefined {
    if (seq > this.#sent) return undefined;
    if (seq <= this.acked) return false;
    this.acked = seq;
    return true;
  }

  /** Stops for good. */
  close(): void {
    this.#state = "closed";
    this.#stopListening();
  }

  /** Sends as much as may be sent now. */
  pump(): void {
    if (this.#state !== "open" || this.#sent >= this.#head) return;
    const room = this.#room();
    if (room <= 0) return;
    if (this.#host.output.waitingBytes() > HIGH_WATER_BYTES || !this.#host.beginRead()) {
      this.#host.stalled(this);
      return;
    }
    this.#state = "reading";
    void this.#readOnce(room);
  }

  #room(): number {
    return this.#window - (this.#sent - Math.max(this.acked, this.#base));
  }

  async #readOnce(room: number): Promise<void> {
    try {
      await this.#read(this.#head, room);
    } catch (error) {
      this.#host.failed(error);
    } finally {
      this.#host.endRead();
    }
    this.pump();
  }

  async #read(throughSeq: number, maxEntries: number): Promise<void> {
    const { reads } = this.#host;
    const entries = await reads.readEntries(this.log, this.#sent, throughSeq, maxEntries, readBytes);
    if (this.#state !== "reading") return;
    if (entries.length > 0) {
      this.#state = "open";
      this.#send(entries, false);
    } else {
      // All of it expired meanwhile. A Commit may have been among it.
      const ended = await this.#endOfEpoch();
      if (this.#state !== "reading") return;
      this.#state = "open";
      if (ended !== undefined && ended <= throughSeq) this.#end(ended);
      else this.#sent = throughSeq;
    }
  }

  readonly #wake = (wake: Wake): void => {
    if (wake.type === "ephemeral") {
      this.#sendEphemeral(wake.epoch, wake.body);
      return;
    }
    if (wake.headSeq <= this.#head) return;
    this.#head = wake.headSeq;
    if (this.#state !== "open") return;
    const { entries } = wake;
    if (
      entries !== undefined &&
      entries[0]?.seq === this.#sent + 1 &&
      entries.length <= this.#room() &&
      this.#host.output.waitingBytes() <= HIGH_WATER_BYTES
    ) {
      this.#send(entries, true);
    } else {
      this.pump();
    }
  };

  #sendEphemeral(epoch: number, body: Uint8Array): void {
    const attached = this.#state === "open" || this.#state === "reading";
    if (!attached || (this.#epoch !== undefined && this.#epoch !== epoch)) return;
    if (this.#host.output.waitingBytes() > HIGH_WATER_BYTES) return;
    this.#host.output.entries(this.log, [{ seq: 0, epoch, kind: EntryKind.EPHEMERAL, body }]);
    this.#host.events.ephemeral(1);
  }

  /** Sends entries that follow what was sent, up to the end of the epoch. */
  #send(entries: readonly StoredEntry[], live: boolean): void {
    const end = this.#epoch === undefined ? -1 : this.#indexAfterEpoch(entries);
    const own: readonly OutgoingEntry[] = end === -1 ? entries : entries.slice(0, end);
    const last = own.at(-1);
    if (last !== undefined) {
      this.#sent = last.seq;
      this.#host.output.entries(this.log, own);
      this.#host.events.delivered(own.length, live);
    }
    if (end === -1) return;
    const commit = entries[end - 1];
    if (commit !== undefined) {
      this.#end(commit.seq);
      return;
    }
    this.#state = "reading";
    this.#endUnseen().catch((error: unknown) => this.#host.failed(error));
  }

  /** The Commit expired before it could be sent. */
  async #endUnseen(): Promise<void> {
    const ended = await this.#endOfEpoch();
    if (this.#state === "reading") this.#end(ended ?? this.#sent);
  }

  /** Index of the first entry that is no longer of this epoch's; -1 when all are and the epoch goes on. */
  #indexAfterEpoch(entries: readonly StoredEntry[]): number {
    for (let i = 0; i < entries.length; i++) {
      const { epoch, kind } = entries[i] as StoredEntry;
      if (epoch !== this.#epoch) return i;
      if (kind === EntryKind.COMMIT) return i + 1;
    }
    return -1;
  }

  async #endOfEpoch(): Promise<number | undefined> {
    if (this.#epoch === undefined) return undefined;
    return (await this.#host.store.readEpoch(this.log, this.#epoch))?.endedBySeq;
  }

  #end(commitSeq: number): void {
    this.#state = "ended";
    this.#stopListening();
    if (this.#epoch === undefined || this.slot === undefined) return;
    this.#host.output.frame(
      encodeFrame({
        case: "epochEnded",
        value: {
          logId: this.log,
          slotId: this.slot,
          epoch: BigInt(this.#epoch),
          commitSeq: BigInt(commitSeq),
        },
      }),
    );
  }

  #stopListening(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }
}
