/**
 * Reading a client's message. Nearly all of them hold nothing but Append and Ack, or what a sign-in consists of, in the
 * plain form that encoders write: those are read by hand, which takes a fraction of the general decoder's time. A message
 * with anything else in it, or anything unusual, goes to the general decoder as a whole, which alone decides what is malformed.
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
import {
  readAttach,
  readHello,
  readSignIn,
  type AttachFields,
  type HelloFields,
  type SignInFields,
} from "./sign-in-frames.ts";
import { PlainReader, mostUint32, noBytes } from "./wire.ts";

type Fields<Message> = Omit<Message, "$typeName" | "$unknown">;
/** An Append without its protobuf type. */
export type AppendFields = Fields<Append>;
/** An Ack without its protobuf type. */
export type AckFields = Fields<Ack>;

/** What is read by hand. */
type PlainFrame =
  | { readonly case: "append"; readonly value: AppendFields }
  | { readonly case: "ack"; readonly value: AckFields }
  | { readonly case: "hello"; readonly value: HelloFields }
  | { readonly case: "signIn"; readonly value: SignInFields }
  | { readonly case: "attach"; readonly value: AttachFields };
/** A frame of a client. */
export type SessionFrame = PlainFrame | Exclude<ClientFrame["frame"], { case: PlainFrame["case"] }>;

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

const framesTag = (1 << 3) | 2;
const helloTag = (1 << 3) | 2;
const signInTag = (2 << 3) | 2;
const appendTag = (3 << 3) | 2;
const ackTag = (4 << 3) | 2;
const attachTag = (5 << 3) | 2;

/** undefined: not for us. */
function readPlain(message: Uint8Array): SessionFrame[] | undefined {
  const frames: SessionFrame[] = [];
  const reader = new PlainReader(message);
  while (reader.at < message.length) {
    if (frames.length === LIMITS.maxFramesPerMessage || message[reader.at++] !== framesTag) return undefined;
    const frameEnd = reader.end(message.length);
    const tag = message[reader.at++];
    // The frame must hold its one field and nothing else.
    if (frameEnd < 0 || reader.end(frameEnd) !== frameEnd) return undefined;
    const frame = readFrame(reader, tag, frameEnd);
    if (frame === undefined) return undefined;
    frames.push(frame);
  }
  return frames;
}

function readFrame(reader: PlainReader, tag: number | undefined, end: number): PlainFrame | undefined {
  switch (tag) {
    case appendTag: {
      const value = readAppend(reader, end);
      return value && { case: "append", value };
    }
    case ackTag: {
      const value = readAck(reader, end);
      return value && { case: "ack", value };
    }
    case helloTag: {
      const value = readHello(reader, end);
      return value && { case: "hello", value };
    }
    case signInTag: {
      const value = readSignIn(reader, end);
      return value && { case: "signIn", value };
    }
    case attachTag: {
      const value = readAttach(reader, end);
      return value && { case: "attach", value };
    }
    default:
      return undefined;
  }
}

function readAppend(reader: PlainReader, end: number): AppendFields | undefined {
  const value: AppendFields = {
    request: 0,
    logId: noBytes,
    accessToken: noBytes,
    epoch: 0n,
    kind: 0 as EntryKind,
    body: noBytes,
    nextTokenHash: noBytes,
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
        value.request = reader.upTo(mostUint32);
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
        value.kind = reader.upTo(3) as EntryKind;
        break;
      case (6 << 3) | 2:
        value.body = reader.view(end);
        break;
      case (7 << 3) | 2:
        value.nextTokenHash = reader.view(end);
        break;
      case 8 << 3:
        value.wakes = reader.upTo(1) === 1;
        break;
      default:
        return undefined;
    }
    if (reader.failed) return undefined;
  }
  return reader.at === end ? value : undefined;
}

function readAck(reader: PlainReader, end: number): AckFields | undefined {
  const value: AckFields = { logId: noBytes, slotId: noBytes, seq: 0n };
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
