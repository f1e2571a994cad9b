/**
 * A WebSocket client (RFC 6455) for load: binary messages, no extensions, one write per message. Half the cost of a
 * full client, so that the generator leaves the machine to the server. It masks with random keys, as the RFC asks.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type Socket, connect } from "node:net";

const BINARY_FRAME = 0x82;
const CLOSE = 0x8;
const PING = 0x9;
const PONG_FRAME = 0x8a;
const CLOSE_FRAME = 0x88;

const nothing = Buffer.alloc(0);

/** What a connection tells. */
export interface WebSocketEvents {
  message(message: Buffer): void;
  failed(error: Error): void;
}

/** An open WebSocket. */
export class WebSocketConnection {
  readonly #socket: Socket;
  readonly #parser: FrameParser;
  readonly #on: WebSocketEvents;
  /** What came of the answer to the upgrade; undefined once it is there. */
  #head: Buffer | undefined = nothing;
  #opened: (() => void) | undefined;
  #closing = false;

  /**
   * Connects to ws://127.0.0.1:port/path. Source addresses spread over 127.0.0.0/8 by `user`, as users of many hosts would.
   * @param opened is called when it stands, before any message.
   */
  constructor(port: number, path: string, user: number, on: WebSocketEvents, opened?: () => void) {
    this.#on = on;
    this.#opened = opened;
    this.#parser = new FrameParser((opcode, payload) => {
      if (opcode === PING) this.#write(frame(PONG_FRAME, [payload]));
      else if (opcode === CLOSE) this.#socket.end();
      else this.#on.message(payload);
    });
    this.#socket = connect({ port, host: "127.0.0.1", localAddress: sourceAddress(user), noDelay: true });
    // It leaves as soon as there is a connection.
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${random(16).toString("base64")}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      "latin1",
    );
    this.#socket.on("data", (data: Buffer) => this.#read(data));
    this.#socket.on("error", on.failed);
    this.#socket.on("close", () => {
      if (!this.#closing) on.failed(new Error("the server closed the connection"));
    });
  }

  /** Connects, and waits until the connection stands. */
  static open(port: number, path: string, user: number, on: WebSocketEvents): Promise<WebSocketConnection> {
    return new Promise((resolve, reject) => {
      const events: WebSocketEvents = {
        message: on.message,
        failed(error) {
          reject(error);
          on.failed(error);
        },
      };
      const connection = new WebSocketConnection(port, path, user, events, () => resolve(connection));
    });
  }

  #read(data: Buffer): void {
    if (this.#head === undefined) {
      this.#parser.push(data);
      return;
    }
    const head = this.#head.length === 0 ? data : Buffer.concat([this.#head, data]);
    this.#head = head;
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const status = head.toString("latin1", 0, head.indexOf("\r\n"));
    if (!status.includes(" 101 ")) {
      this.#socket.destroy(new Error(`no WebSocket: ${status}`));
      return;
    }
    this.#head = undefined;
    this.#opened?.();
    this.#opened = undefined;
    if (head.length > end + 4) this.#parser.push(head.subarray(end + 4));
  }

  /** Sends one binary message made of parts. */
  send(parts: readonly Buffer[]): void {
    this.#write(frame(BINARY_FRAME, parts));
  }

  #write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#socket.destroyed) return;
    const closed = once(this.#socket, "close");
    this.#socket.end(frame(CLOSE_FRAME, [Buffer.from([0x03, 0xe8])]));
    const late = setTimeout(() => this.#socket.destroy(), 1000);
    await closed;
    clearTimeout(late);
  }
}

/** A loopback address that differs every 200 users: 127.0.N.1. */
export function sourceAddress(user: number): string {
  return `127.0.${1 + (Math.floor(user / 200) % 250)}.1`;
}

let pool = randomBytes(4096);
let used = 0;

/** Random bytes, drawn many at once. */
export function random(length: number): Buffer {
  if (used + length > pool.length) {
    pool = randomBytes(pool.length);
    used = 0;
  }
  used += length;
  return pool.subarray(used - length, used);
}

/** One masked frame with its header, in one buffer. */
function frame(first: number, parts: readonly Buffer[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const headLength = length < 126 ? 6 : length < 65_536 ? 8 : 14;
  const bytes = Buffer.allocUnsafe(headLength + length);
  bytes[0] = first;
  if (length < 126) bytes[1] = 0x80 | length;
  else if (length < 65_536) {
    bytes[1] = 0x80 | 126;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 0x80 | 127;
    bytes.writeUInt32BE(0, 2);
    bytes.writeUInt32BE(length, 6);
  }
  const mask = random(4);
  bytes.set(mask, headLength - 4);
  let at = headLength;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  maskFrom(bytes, headLength, mask);
  return bytes;
}

/** XORs everything from `start` on with the mask, word by word where the memory is aligned. */
function maskFrom(bytes: Buffer, start: number, mask: Buffer): void {
  const end = bytes.length;
  let at = start;
  while (at < end && (bytes.byteOffset + at) % 4 !== 0) {
    bytes[at]! ^= mask[(at - start) & 3]!;
    at++;
  }
  const turn = (at - start) & 3;
  const word =
    mask[turn]! |
    (mask[(turn + 1) & 3]! << 8) |
    (mask[(turn + 2) & 3]! << 16) |
    (mask[(turn + 3) & 3]! << 24);
  const count = (end - at) >>> 2;
  if (count > 0) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, count);
    for (let i = 0; i < count; i++) words[i]! ^= word;
  }
  for (at += count * 4; at < end; at++) bytes[at]! ^= mask[(at - start) & 3]!;
}

/** Cuts the server's stream into frames. Frames are views of what came in. */
export class FrameParser {
  #rest: Buffer = nothing;
  readonly #onFrame: (opcode: number, payload: Buffer) => void;

  constructor(onFrame: (opcode: number, payload: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (data.length - at >= 2) {
      if ((data[at]! & 0x80) === 0 || (data[at + 1]! & 0x80) !== 0)
        throw new Error("not a whole server frame");
      let length = data[at + 1]! & 0x7f;
      let start = at + 2;
      if (length === 126) {
        if (data.length - at < 4) break;
        length = data.readUInt16BE(start);
        start += 2;
      } else if (length === 127) {
        if (data.length - at < 10) break;
        length = data.readUInt32BE(start + 4);
        start += 8;
      }
      if (data.length < start + length) break;
      this.#onFrame(data[at]! & 0x0f, data.subarray(start, start + length));
      at = start + length;
    }
    this.#rest = at === data.length ? nothing : data.subarray(at);
  }
}
