/**
 * The few frames that a sign-in and a load of messages consist of, encoded and decoded by hand: protobuf-es costs the generator more
 * than the server's whole work on a message. A test holds these against protobuf-es. Everything else goes through it.
 * @see spec/proto/sotto/v1/session.proto, log.proto
 */

/** ClientFrames.frames[] = Append{request, log_id, MESSAGE, InboxItem{classic: text}}, in one buffer. */
export function encodeAppend(request: number, logId: Uint8Array, text: Uint8Array): Buffer {
  const item = 1 + varintLength(text.length) + text.length;
  const append = 1 + varintLength(request) + 18 + 2 + 1 + varintLength(item) + item;
  const frame = 1 + varintLength(append) + append;
  const bytes = Buffer.allocUnsafe(1 + varintLength(frame) + frame);
  let at = 0;
  const field = (tag: number, value: number): void => {
    bytes[at++] = tag;
    at = writeVarint(bytes, at, value);
  };
  field(0x0a, frame);
  field(0x1a, append);
  field(0x08, request);
  field(0x12, 16);
  bytes.set(logId, at);
  at += 16;
  field(0x28, 1);
  field(0x32, item);
  field(0x0a, text.length);
  bytes.set(text, at);
  return bytes;
}

/** ClientFrames.frames[] = Ack{log_id, seq} of the own inbox. */
export function encodeAck(logId: Uint8Array, seq: number): Buffer {
  const ack = 18 + 1 + varintLength(seq);
  const bytes = Buffer.allocUnsafe(4 + ack);
  bytes[0] = 0x0a;
  bytes[1] = ack + 2;
  bytes[2] = 0x22;
  bytes[3] = ack;
  bytes[4] = 0x0a;
  bytes[5] = 16;
  bytes.set(logId, 6);
  bytes[22] = 0x18;
  writeVarint(bytes, 23, seq);
  return bytes;
}

/** ClientFrames.frames[] = Hello{protocol_version, client_nonce}. @param version less than 128. */
export function encodeHello(version: number, clientNonce: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(40);
  bytes.set([0x0a, 38, 0x0a, 36, 0x08, version, 0x12, 32]);
  bytes.set(clientNonce, 8);
  return bytes;
}

const signInBytes = 106;
const attachBytes = 26;
/** The number of the Attach. */
const attachRequest = 1_000_000;

/** ClientFrames.frames[] = SignIn{account_id, device_id, signature}, and Attach{request, log_id} unless there is no log. */
export function encodeSignIn(
  account: Uint8Array,
  device: Uint8Array,
  signature: Uint8Array,
  attachTo: Uint8Array | undefined,
): Buffer {
  const bytes = Buffer.allocUnsafe(signInBytes + (attachTo === undefined ? 0 : attachBytes));
  bytes.set([0x0a, 104, 0x12, 102, 0x0a, 16]);
  bytes.set(account, 6);
  bytes.set([0x12, 16], 22);
  bytes.set(device, 24);
  bytes.set([0x1a, 64], 40);
  bytes.set(signature, 42);
  if (attachTo === undefined) return bytes;
  bytes.set([0x0a, 24, 0x2a, 22, 0x08], signInBytes);
  const at = writeVarint(bytes, signInBytes + 5, attachRequest);
  bytes.set([0x12, 16], at);
  bytes.set(attachTo, at + 2);
  return bytes;
}

/** What a sign-in is answered with. */
export type SignInAnswer =
  | { readonly type: "challenge"; readonly serverNonce: Buffer }
  | { readonly type: "signedIn" }
  /** `kept`: how many entries the log holds. */
  | { readonly type: "attached"; readonly kept: number };

/** Reads a serialized ServerFrame; undefined for any other. The nonce is a view. */
export function decodeSignInAnswer(frame: Buffer): SignInAnswer | undefined {
  const reader = new Reader(frame);
  const tag = reader.varint();
  if (tag === 0x12) return { type: "signedIn" };
  if (tag !== 0x0a && tag !== 0x2a) return undefined;
  reader.varint();
  let nonce = frame.subarray(0, 0);
  let kept = 0;
  while (reader.at < frame.length) {
    const field = reader.varint();
    const value = reader.varint();
    // Attached has head_seq and trimmed_seq; what has a length is bytes.
    if (field === 0x18) kept += value;
    else if (field === 0x20 && tag === 0x2a) kept -= value;
    if ((field & 7) !== 2) continue;
    if (field === 0x0a && tag === 0x0a) nonce = frame.subarray(reader.at, reader.at + value);
    reader.at += value;
  }
  return tag === 0x0a ? { type: "challenge", serverNonce: nonce } : { type: "attached", kept };
}

/** What a load of messages brings back. */
export interface ServerEvents {
  appended(): void;
  /** The text of an InboxItem, a view. */
  entry(seq: number, text: Buffer): void;
  /** Any other frame: its serialized ServerFrame. */
  other(frame: Buffer): void;
}

/** Reads one ServerFrames message. */
export function decodeServerFrames(message: Buffer, on: ServerEvents): void {
  const reader = new Reader(message);
  while (reader.at < message.length) {
    expectTag(reader.varint(), 0x0a);
    const length = reader.varint();
    const end = reader.at + length;
    const start = reader.at;
    const tag = reader.varint();
    if (tag === 0x1a) on.appended();
    else if (tag === 0x22) {
      reader.varint();
      entries(reader, end, on);
    } else on.other(message.subarray(start, end));
    reader.at = end;
  }
}

function entries(reader: Reader, end: number, on: ServerEvents): void {
  while (reader.at < end) {
    const tag = reader.varint();
    const length = reader.varint();
    const next = reader.at + length;
    if (tag === 0x12) entry(reader, next, on);
    reader.at = next;
  }
}

function entry(reader: Reader, end: number, on: ServerEvents): void {
  let seq = 0;
  while (reader.at < end) {
    const tag = reader.varint();
    const value = reader.varint();
    if (tag === 0x08) seq = value;
    else if (tag === 0x22) {
      const bodyEnd = reader.at + value;
      expectTag(reader.varint(), 0x0a);
      reader.varint();
      on.entry(seq, reader.bytes.subarray(reader.at, bodyEnd));
      reader.at = bodyEnd;
    }
  }
}

class Reader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
}

function expectTag(found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`field ${found} where ${wanted} was expected`);
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

function writeVarint(bytes: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128;
  bytes[at++] = rest;
  return at;
}
