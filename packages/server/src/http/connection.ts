/**
 * One WebSocket, as the output of its session: gathers the frames of a turn into one message, and stops the session from
 * reading or sending more than the peer takes.
 */
import type { Duplex } from "node:stream";
import type { Problem } from "@sotto/protocol";
import { WebSocket } from "ws";
import { FrameBatch } from "../core/session/frame-batch.ts";
import { HIGH_WATER_BYTES } from "../core/session/log-reader.ts";
import type { ConnectionEnd, OutgoingEntry, SessionOutput } from "../core/session/ports.ts";
import type { Session } from "../core/session/session.ts";
import { beginBinaryFrame } from "./websocket-frame.ts";

/** More than this waiting for the peer, whatever it is: the connection ends. */
const mostWaitingBytes = 8 * HIGH_WATER_BYTES;

/**
 * A connection that always has something waiting must take as many bytes in as many sweeps (two minutes): a byte now and then would
 * hold its buffers for ever. The slowest link that anybody uses takes ten times as much.
 */
const mostSlowSweeps = 3;
const leastTakenBytes = 131_072;

// RFC 6455 §7.4.1 and the registry: policy violation, service restart, going away.
const closeCodes: Partial<Record<ConnectionEnd, number>> = {
  draining: 1012,
  superseded: 1000,
  revoked: 1008,
  deleted: 1008,
};
const policyViolation = 1008;

/** What a connection tells the sockets that own it. */
export interface ConnectionOwner {
  /** Frames wait: flush this connection at the end of the turn. */
  dirty(connection: Connection): void;
  /** A device has signed in. */
  signedIn(connection: Connection): void;
}

/** A WebSocket that knows its connection, so that listeners need not be made for each. */
export class SessionWebSocket extends WebSocket {
  connection: Connection | undefined;
}

/** A connection. */
export class Connection implements SessionOutput {
  readonly address: string;
  readonly openedAtMs: number;
  /** Which turn of the sweep looks after it. */
  readonly bucket: number;
  /** Why it ends, once that is known. */
  ended: ConnectionEnd | undefined;
  /** Whether anything came since the last sweep. */
  heard = true;
  isSignedIn = false;
  session: Session | undefined;
  readonly #owner: ConnectionOwner;
  readonly #socket: SessionWebSocket;
  readonly #stream: Duplex & { readonly bytesWritten?: number; readonly bytesRead?: number };
  readonly #batch = new FrameBatch();
  #isDirty = false;
  /** Pausing has two reasons; reading goes on when neither is left. */
  #pausedBySession = false;
  #pausedByOutput = false;
  /** How much was taken when it was last found to be quick enough. */
  #takenWhenQuick = 0;
  #slowSweeps = 0;

  constructor(
    owner: ConnectionOwner,
    socket: SessionWebSocket,
    stream: Duplex,
    address: string,
    openedAtMs: number,
    bucket: number,
  ) {
    this.#owner = owner;
    this.#socket = socket;
    this.#stream = stream;
    this.address = address;
    this.openedAtMs = openedAtMs;
    this.bucket = bucket;
  }

  appended(request: number, seq: number): void {
    this.#batch.appended(request, seq);
    this.#markDirty();
  }

  entries(log: Uint8Array, entries: readonly OutgoingEntry[]): void {
    this.#batch.entries(log, entries);
    this.#markDirty();
  }

  frame(bytes: Uint8Array, fields?: number): void {
    this.#batch.frame(bytes, fields);
    this.#markDirty();
    if (!this.isSignedIn && this.session?.signedIn === true) {
      this.isSignedIn = true;
      this.#owner.signedIn(this);
    }
  }

  /** What the peer has sent, in bytes, whole messages or not. */
  receivedBytes(): number {
    return this.#stream.bytesRead ?? 0;
  }

  waitingBytes(): number {
    return this.#batch.byteLength + this.#socket.bufferedAmount;
  }

  close(end: ConnectionEnd, _problem?: Problem): void {
    this.ended ??= end;
    this.flush();
    // The peer's own close frame must be read, or the end waits for its timeout. The session takes no more messages.
    this.#socket.resume();
    this.#socket.close(closeCodes[end] ?? policyViolation);
  }

  pauseInput(): void {
    this.#pausedBySession = true;
    this.#socket.pause();
  }

  resumeInput(): void {
    if (!this.#pausedBySession) return;
    this.#pausedBySession = false;
    if (!this.#pausedByOutput) this.#socket.resume();
  }

  /** Sends what waits. */
  flush(): void {
    this.#isDirty = false;
    if (this.#batch.byteLength === 0) return;
    const messages = this.#batch.take(beginBinaryFrame);
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    // Past `ws`, which writes nothing of its own between the bytes of a frame: without compression it sends each at once.
    for (const message of messages) this.#stream.write(message);
    const waiting = this.#socket.bufferedAmount;
    if (waiting > HIGH_WATER_BYTES) this.#waitForDrain(waiting);
    // What was gathered in this turn may have stalled readers, and yet the peer took all of it.
    else this.session?.outputDrained();
  }

  /** Cuts the connection. */
  cut(end: ConnectionEnd): void {
    this.ended ??= end;
    this.#socket.terminate();
  }

  /** Called now and then: ends a connection that does not answer, or takes too little of what waits for it. */
  sweep(): void {
    const taken = (this.#stream.bytesWritten ?? 0) - this.#stream.writableLength;
    const waits = this.#stream.writableLength > 0;
    if (!waits || taken - this.#takenWhenQuick >= leastTakenBytes) {
      this.#takenWhenQuick = taken;
      this.#slowSweeps = 0;
    } else {
      this.#slowSweeps += 1;
    }
    if (this.#slowSweeps > mostSlowSweeps) {
      this.session?.tooSlow();
      this.cut("too_slow");
      return;
    }
    // While input is paused, or pings wait behind other bytes, nothing can be heard.
    if (waits || this.#pausedByOutput || this.#pausedBySession) return;
    if (!this.heard) {
      this.cut("not_responding");
      return;
    }
    this.heard = false;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  #waitForDrain(waiting: number): void {
    if (waiting > mostWaitingBytes) {
      this.session?.tooSlow();
      return;
    }
    if (this.#pausedByOutput) return;
    this.#pausedByOutput = true;
    this.#socket.pause();
    this.#stream.once("drain", () => {
      this.#pausedByOutput = false;
      if (!this.#pausedBySession) this.#socket.resume();
      this.session?.outputDrained();
    });
  }

  #markDirty(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#owner.dirty(this);
  }
}
