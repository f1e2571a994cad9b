/**
 * Reading a client's message. Nearly all of them hold nothing but Append and Ack in the plain form that encoders write:
 * those are read by hand, which takes a fraction of the general decoder's time. A message with anything else in it, or
 * anything unusual, goes to the general decoder as a whole, which alone decides what is malformed.
 *
 * Invariant: where both can read a message, they read the same; a test holds them against each other.
 */
import {
  ClientFramesSchema,
  CodecError,
  LIMITS,
  decode,
  type Ack,
  type Append,
  type ClientFrame,
  type EntryKind,
} from "@sotto/protocol";

/** An Append without its protobuf type. */
export type AppendFields = Omit<Append, "$typeName" | "$unknown">;
/** An Ack without its protobuf type. */
export type AckFields = Omit<Ack, "$typeName" | "$unknown">;
/** A frame of a client. */
export type SessionFrame =
  | { readonly case: "append"; readonly value: AppendFields }
  | { readonly case: "ack"; readonly value: AckFields }
  | Exclude<ClientFrame["frame"], { case: "append" } | { case: "ack" }>;

/**
 * The frames of one message; byte fields are views into it.
 * @throws CodecError `malformed`, `too_large`.
 */
export function decodeClientFrames(message: Uint8Array): SessionFrame[] {
  const plain = message.length <= LIMITS.maxMessageBytes ? readPlain(message) : undefined;
  if (plain !== undefined) return plain;
  const { frames } = decode(ClientFramesSchema, message);
  if (frames.length > LIMITS.maxFramesPerMessage) {
    throw new CodecError("too_large", `a message may have ${LIMITS.maxFramesPerMessage} frames at most`);
  }
  return frames.map(({ frame }) => frame);
}

const none = new Uint8Array(0);
const framesTag = (1 << 3) | 2;
const appendTag = (3 << 3) | 2;
const ackTag = (4 << 3) | 2;

/** undefined: not for us. */
function readPlain(message: Uint8Array): SessionFrame[] | undefined {
  const frames: SessionFrame[] = [];
  const reader = new Reader(message);
  while (reader.at < message.length) {
    if (frames.length === LIMITS.maxFramesPerMessage || message[reader.at++] !== framesTag) return undefined;
    const frameEnd = reader.end(message.length);
    const tag = message[reader.at++];
    // The frame must hold its one field and nothing else.
    if (frameEnd < 0 || reader.end(frameEnd) !== frameEnd) return undefined;
    if (tag === appendTag) {
      const value = readAppend(reader, frameEnd);
      if (value === undefined) return undefined;
      frames.push({ case: "append", value });
    } else if (tag === ackTag) {
      const value = readAck(reader, frameEnd);
      if (value === undefined) return undefined;
      frames.push({ case: "ack", value });
    } else return undefined;
  }
  return frames;
}

function readAppend(reader: Reader, end: number): AppendFields | undefined {
  const value: AppendFields = {
    request: 0,
    logId: none,
    accessToken: none,
    epoch: 0n,
    kind: 0 as EntryKind,
    body: none,
    nextTokenHash: none,
    wakes: false,
  };
  // Fields in ascending order, each at most once: what encoders write. Anything else is not for us.
  let before = 0;
  while (reader.at < end) {
    const tag = reader.bytes[reader.at++] as number;
    if (tag <= before) return undefined;
    before = tag;
    switch (tag) {
      case 1 << 3:
        value.request = reader.uint32();
        break;
      case (2 << 3) | 2:
        value.logId = reader.view(end);
        break;
      case (3 << 3) | 2:
        value.accessToken = reader.view(end);
        break;
      case 4 << 3:
        value.epoch = BigInt(reader.safeInteger());
        break;
      case 5 << 3:
        value.kind = reader.kind();
        break;
      case (6 << 3) | 2:
        value.body = reader.view(end);
        break;
      case (7 << 3) | 2:
        value.nextTokenHash = reader.view(end);
        break;
      case 8 << 3:
        value.wakes = reader.bool();
        break;
      default:
        return undefined;
    }
    if (reader.failed) return undefined;
  }
  return reader.at === end ? value : undefined;
}

function readAck(reader: Reader, end: number): AckFields | undefined {
  const value: AckFields = { logId: none, slotId: none, seq: 0n };
  let before = 0;
  while (reader.at < end) {
    const tag = reader.bytes[reader.at++] as number;
    if (tag <= before) return undefined;
    before = tag;
    switch (tag) {
      case (1 << 3) | 2:
        value.logId = reader.view(end);
        break;
      case (2 << 3) | 2:
        value.slotId = reader.view(end);
        break;
      case 3 << 3:
        value.seq = BigInt(reader.safeInteger());
        break;
      default:
        return undefined;
    }
    if (reader.failed) return undefined;
  }
  return reader.at === end ? value : undefined;
}

/** Reads varints and views, and remembers when something was not plain. */
class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  failed = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads a length; where what it counts ends, or -1 when that is not within `limit`. */
  end(limit: number): number {
    const length = this.safeInteger();
    const end = this.at + length;
    if (this.failed || end > limit) {
      this.failed = true;
      return -1;
    }
    return end;
  }

  view(limit: number): Uint8Array {
    const end = this.end(limit);
    if (end < 0) return none;
    const view = this.bytes.subarray(this.at, end);
    this.at = end;
    return view;
  }

  uint32(): number {
    const value = this.safeInteger();
    if (value > 0xffff_ffff) this.failed = true;
    return value;
  }

  bool(): boolean {
    const value = this.safeInteger();
    if (value > 1) this.failed = true;
    return value === 1;
  }

  kind(): EntryKind {
    const value = this.safeInteger();
    if (value > 3) this.failed = true;
    return value as EntryKind;
  }

  /** A varint of at most seven bytes, which is below 2^49. */
  safeInteger(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 7; i++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) break;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
    this.failed = true;
    return 0;
  }
}
