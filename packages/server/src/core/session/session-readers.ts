/**
 * The logs that one connection reads: attaching and detaching, acks, and how many readers may read from the store at once.
 */
import { LIMITS, SottoError, equalBytes, logId, slotId, type Detach, type LogId } from "@sotto/protocol";
import type { GroupCommitter } from "../group-commit.ts";
import { checkToken } from "../logs/decide.ts";
import type { LogState } from "../store.ts";
import type { AckFields } from "./client-frames.ts";
import { HIGH_WATER_BYTES, LogReader, type ReaderHost } from "./log-reader.ts";
import type { DeliveryPorts, SessionOutput } from "./ports.ts";
import { attachedFrame, type AttachFields } from "./sign-in-frames.ts";
import { refusal } from "./refusals.ts";
import type { SharedReads } from "./shared-reads.ts";
import { optionalSlot, optionalTokenHash, readWindow, readerKey, safeNumber } from "./requests.ts";

/** Most readers of one connection that read from the store at once: each may come back with a quarter of a megabyte. */
const maxReads = 4;

/** What the readers of a connection work with. */
export interface SessionReadersDeps {
  readonly ports: DeliveryPorts;
  readonly committer: GroupCommitter;
  readonly reads: SharedReads;
  readonly output: SessionOutput;
  /** The inbox of the device that signed in: the only one that it may read. */
  readonly inbox: LogId;
  /** The store failed. */
  readonly failed: (error: unknown) => void;
}

/** Where an Attach may begin, as the store has it. */
interface Permission {
  readonly state: LogState;
  readonly cursor: number;
  /** undefined for inboxes. */
  readonly epoch: number | undefined;
  readonly startSeq: number;
  readonly endedBySeq: number | undefined;
}

/** The readers of one connection. */
export class SessionReaders implements ReaderHost {
  readonly #deps: SessionReadersDeps;
  readonly #readers = new Map<string, LogReader>();
  /** Readers that wait for room, in the order in which they came to need it. */
  readonly #stalled = new Set<LogReader>();
  #reads = 0;
  #closed = false;

  constructor(deps: SessionReadersDeps) {
    this.#deps = deps;
  }

  get store() {
    return this.#deps.ports.store;
  }
  get reads() {
    return this.#deps.reads;
  }
  get bus() {
    return this.#deps.ports.bus;
  }
  get events() {
    return this.#deps.ports.events;
  }
  get output() {
    return this.#deps.output;
  }

  /**
   * Begins to read, in place of what was attached for the slot.
   * @throws SottoError `log_refused`, `slot_unknown`, `slot_limit`, `malformed`.
   */
  async attach(attach: AttachFields): Promise<void> {
    // Copies: the reader lives longer than the message that these are views into.
    const log = logId(Uint8Array.from(attach.logId));
    const slot = attach.slotId.length === 0 ? undefined : slotId(Uint8Array.from(attach.slotId));
    const window = readWindow(attach.window);
    const wanted = safeNumber(attach.afterSeq);
    const key = readerKey(log, slot);
    if (!this.#readers.has(key) && this.#readers.size >= LIMITS.maxAttachedLogs) {
      throw new SottoError("slot_limit", "the connection has its most attached logs");
    }
    // It listens before anything is looked up, so that nothing falls between.
    const reader = new LogReader(this, log, slot);
    let attached = false;
    try {
      const allowed = await this.#permit(attach, log);
      if (this.#closed) return;
      attached = true;
      this.close(key);
      this.#readers.set(key, reader);
      this.#begin(reader, attach.request, allowed, wanted, window);
    } finally {
      if (!attached) reader.close();
    }
  }

  async #permit(attach: AttachFields, log: LogId): Promise<Permission> {
    const { ports, inbox } = this.#deps;
    const state = await ports.store.readLog(log);
    const slot = optionalSlot(attach.slotId);
    if (slot === undefined) {
      if (!equalBytes(log, inbox) || attach.accessToken.length > 0) throw refusal("log_refused");
      const cursor = await ports.store.readCursor(log, undefined);
      if (cursor === undefined || state === undefined) throw refusal("log_refused");
      return { state, cursor, epoch: undefined, startSeq: 0, endedBySeq: undefined };
    }
    const epoch = safeNumber(attach.epoch);
    const tokenHash = optionalTokenHash(attach.accessToken, (data) => ports.crypto.sha256(data));
    const named = await ports.store.readEpoch(log, epoch);
    const wrong = checkToken(state, named, { epoch, tokenHash }, ports.crypto.equalSecrets);
    if (wrong !== undefined || named === undefined || state === undefined) throw refusal("log_refused");
    const cursor = await ports.store.readCursor(log, slot);
    if (cursor === undefined) throw refusal("slot_unknown");
    return { state, cursor, epoch, startSeq: named.startSeq, endedBySeq: named.endedBySeq };
  }

  #begin(reader: LogReader, request: number, allowed: Permission, wanted: number, window: number): void {
    const { state, cursor, epoch, startSeq, endedBySeq } = allowed;
    const { headSeq, trimmedSeq } = state;
    this.output.frame(
      attachedFrame({
        request,
        logId: reader.log,
        headSeq,
        trimmedSeq,
        epoch: state.epoch,
        cursorSeq: cursor,
      }),
    );
    // Never beyond the head: what comes next is for this reader too.
    const afterSeq = Math.max(Math.min(wanted, headSeq), cursor, startSeq, trimmedSeq);
    if (epoch !== undefined && endedBySeq !== undefined && afterSeq >= endedBySeq) {
      reader.startEnded(epoch, afterSeq, cursor, endedBySeq);
    } else {
      reader.start({ epoch, afterSeq, cursor, headSeq, window });
    }
    // Using a slot keeps it from expiring; for inboxes there is nothing to note.
    if (reader.slot !== undefined) this.#deps.committer.submitAck(reader);
  }

  /** @throws SottoError `not_attached`, `malformed`. */
  ack(ack: AckFields): void {
    const reader = this.#readers.get(readerKey(logId(ack.logId), optionalSlot(ack.slotId)));
    if (reader === undefined) throw notAttached();
    const moved = reader.ack(safeNumber(ack.seq));
    if (moved === undefined) throw new SottoError("malformed", "an ack of what was not sent");
    if (!moved) return;
    this.#deps.committer.submitAck(reader);
    reader.pump();
  }

  /** @throws SottoError `malformed`. */
  detach(detach: Detach): void {
    this.close(readerKey(logId(detach.logId), optionalSlot(detach.slotId)));
  }

  /** Ends a reader, if there is one. */
  close(key: string): void {
    const reader = this.#readers.get(key);
    if (reader === undefined) return;
    reader.close();
    this.#readers.delete(key);
    this.#stalled.delete(reader);
  }

  /** The logs that are read. */
  logs(): readonly LogId[] {
    return [...this.#readers.values()].map(({ log }) => log);
  }

  /** Ends all readers for good. */
  closeAll(): void {
    this.#closed = true;
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
    this.#stalled.clear();
  }

  /** Lets readers go on, as many as there is room for: all at once they would fill the memory. */
  pumpStalled(): void {
    for (const reader of this.#stalled) {
      if (this.#reads >= maxReads || this.output.waitingBytes() > HIGH_WATER_BYTES) return;
      this.#stalled.delete(reader);
      reader.pump();
    }
  }

  /** From a reader. */
  beginRead(): boolean {
    if (this.#reads >= maxReads) return false;
    this.#reads++;
    return true;
  }

  /** From a reader. */
  endRead(): void {
    this.#reads--;
    this.pumpStalled();
  }

  /** From a reader: the connection is full, or others are reading. */
  stalled(reader: LogReader): void {
    this.#stalled.add(reader);
  }

  /** From a reader: the store failed. */
  failed(error: unknown): void {
    this.#deps.failed(error);
  }
}

/** The refusal of an Ack for what is not attached. */
export function notAttached(): SottoError {
  return new SottoError("not_attached", "this log and slot are not attached");
}
