/**
 * The WebSocket endpoint: binds sessions to `ws`, without compression and with bounded messages. Nothing here has a timer
 * of its own: one sweep a second looks after sign-in times, pings and slow peers, a slice of all connections at a time.
 */
import { STATUS_CODES, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { LIMITS, parseBase64Url } from "@sotto/protocol";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import type { Delivery } from "../core/session/delivery.ts";
import type { ConnectionRefusal, DeliveryEvents } from "../core/session/ports.ts";
import { Connection, SessionWebSocket, type ConnectionOwner } from "./connection.ts";

/** Where sessions are, on every server. */
export const SESSION_PATH = "/v1/session";

const defaultSweepMs = 1_000;
/** A connection is looked after once in as many sweeps; two without an answer end it. */
const buckets = 30;
const closeTimeoutMs = 5_000;
const drainGraceMs = 2_000;

/** What the endpoint works with. */
export interface SessionSocketsOptions {
  readonly delivery: Delivery;
  readonly events: DeliveryEvents;
  /** The client's network address, by which connections that have not signed in are limited. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** Most connections of one address that have not signed in. */
  readonly maxUnsignedPerAddress?: number;
  /**
   * Most connections that have not signed in. When everybody comes back at once, an address with many of them waits, and any other takes the
   * place of the oldest: signing in takes a moment, and whoever holds connections open to keep others out has the oldest ones.
   */
  readonly maxUnsigned?: number;
  /** Most connections altogether: each keeps memory, and who is connected shall go on being served. */
  readonly maxConnections?: number;
  readonly signInTimeoutMs?: number;
  /** How often a slice of the connections is looked after. */
  readonly sweepMs?: number;
}

const defaultMaxUnsignedPerAddress = 512;
const defaultMaxUnsigned = 4_096;
/** When there are so many, an address that has fewer than these takes the place of whoever has been signing in for longest. */
const fairShare = 8;
/** When whoever was turned away may come again. */
const retryAfterSec = 10;
/** Most bytes that a connection sends before it has signed in: its request, Hello and SignIn take less than a twentieth. */
const mostUnsignedBytes = 65_536;

/** All WebSockets of a node. */
export class SessionSockets implements ConnectionOwner {
  readonly #options: SessionSocketsOptions;
  readonly #maxUnsignedPerAddress: number;
  readonly #maxUnsigned: number;
  readonly #maxConnections: number;
  readonly #signInTimeoutMs: number;
  readonly #sockets: WebSocketServer;
  readonly #connections: Set<Connection>[] = Array.from({ length: buckets }, () => new Set());
  /** In the order in which they were opened. */
  readonly #unsigned = new Set<Connection>();
  readonly #unsignedByAddress = new Map<string, number>();
  readonly #sweeper: NodeJS.Timeout;
  #dirty: Connection[] = [];
  /** Is flushed by itself. */
  #greeting: Connection | undefined;
  #opened = 0;
  #size = 0;
  #swept = 0;
  #draining = false;

  constructor(options: SessionSocketsOptions) {
    this.#options = options;
    this.#maxUnsignedPerAddress = options.maxUnsignedPerAddress ?? defaultMaxUnsignedPerAddress;
    this.#maxUnsigned = options.maxUnsigned ?? defaultMaxUnsigned;
    this.#maxConnections = options.maxConnections ?? Number.POSITIVE_INFINITY;
    this.#signInTimeoutMs = options.signInTimeoutMs ?? LIMITS.signInTimeoutMs;
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: LIMITS.maxMessageBytes,
      WebSocket: SessionWebSocket,
      closeTimeout: closeTimeoutMs,
    } as ConstructorParameters<typeof WebSocketServer>[0] & { closeTimeout: number });
    this.#sweeper = setInterval(() => this.#sweep(), options.sweepMs ?? defaultSweepMs).unref();
  }

  /** How many connections there are. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that wait for slow peers, over all connections. */
  get waitingBytes(): number {
    return this.#all().reduce((sum, connection) => sum + connection.waitingBytes(), 0);
  }

  /** Serves the WebSockets of an HTTP server; upgrades to other paths are refused. */
  attachTo(server: Server): void {
    server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      stream.on("error", ignore);
      const path = request.url?.split("?", 1)[0];
      if (path === SESSION_PATH) this.handleUpgrade(request, stream, head);
      else refuse(stream, 404);
    });
  }

  /** Makes a session of an HTTP request to upgrade. */
  handleUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const address = this.#options.addressOf(request);
    const refusal = this.#refusalFor(address);
    if (refusal !== undefined) {
      this.#options.events.connectionRefused(refusal);
      refuse(stream, refusal === "too_many_unsigned" ? 429 : 503);
      return;
    }
    if (this.#unsigned.size >= this.#maxUnsigned) this.#endOldestUnsigned();
    // What the first message is answered with leaves in one write with the answer to the upgrade.
    stream.cork();
    this.#sockets.handleUpgrade(request, stream, head, (socket) => {
      stream.removeListener("error", ignore);
      const connection = this.#open(socket as SessionWebSocket, stream, address);
      this.#greet(connection, request.url ?? "");
    });
    stream.uncork();
  }

  #refusalFor(address: string): ConnectionRefusal | undefined {
    if (this.#draining) return "draining";
    const unsigned = this.#unsignedByAddress.get(address) ?? 0;
    if (unsigned >= this.#maxUnsignedPerAddress) return "too_many_unsigned";
    if (unsigned >= fairShare && this.#unsigned.size >= this.#maxUnsigned) return "storm";
    return this.#size >= this.#maxConnections ? "full" : undefined;
  }

  #endOldestUnsigned(): void {
    const [oldest] = this.#unsigned;
    if (oldest === undefined) return;
    this.#noLongerUnsigned(oldest);
    oldest.session?.signInTimedOut();
  }

  #open(socket: SessionWebSocket, stream: Duplex, address: string): Connection {
    const bucket = this.#opened++ % buckets;
    const connection = new Connection(this, socket, stream, address, performance.now(), bucket);
    connection.session = this.#options.delivery.open({ address }, connection);
    socket.connection = connection;
    socket.on("message", onMessage);
    socket.on("pong", onPong);
    socket.on("error", onError);
    socket.on("close", this.#onClose);
    this.#connections[bucket]?.add(connection);
    this.#size++;
    this.#unsigned.add(connection);
    this.#unsignedByAddress.set(address, (this.#unsignedByAddress.get(address) ?? 0) + 1);
    this.#options.events.connectionOpened();
    return connection;
  }

  /** Hands over the first message, where it came with the request. */
  #greet(connection: Connection, url: string): void {
    const at = url.indexOf("?");
    const hello = at === -1 ? null : new URLSearchParams(url.slice(at)).get("hello");
    if (hello === null) return;
    const message = parseBase64Url(hello);
    this.#greeting = connection;
    if (message === undefined) connection.session?.end("malformed", "refused", "hello is not base64url");
    else connection.session?.receive(message);
    this.#greeting = undefined;
    connection.flush();
  }

  readonly #onClose = closeListener((connection) => this.#closed(connection));

  #closed(connection: Connection): void {
    connection.session?.disconnected();
    if (this.#connections[connection.bucket]?.delete(connection)) this.#size--;
    this.#noLongerUnsigned(connection);
    this.#options.events.connectionClosed(connection.ended ?? "closed_by_peer", connection.isSignedIn);
  }

  /** From a connection. */
  dirty(connection: Connection): void {
    if (connection === this.#greeting) return;
    if (this.#dirty.push(connection) === 1) queueMicrotask(this.#flushSoon);
  }

  /** From a connection. */
  signedIn(connection: Connection): void {
    this.#noLongerUnsigned(connection);
  }

  /** When all that follows by itself has been said as well: a tick that microtasks ask for comes after all of them. */
  readonly #flushSoon = (): void => process.nextTick(this.#flush);

  readonly #flush = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) connection.flush();
  };

  #noLongerUnsigned(connection: Connection): void {
    if (!this.#unsigned.delete(connection)) return;
    const left = (this.#unsignedByAddress.get(connection.address) ?? 0) - 1;
    if (left > 0) this.#unsignedByAddress.set(connection.address, left);
    else this.#unsignedByAddress.delete(connection.address);
  }

  #sweep(): void {
    const openedBefore = performance.now() - this.#signInTimeoutMs;
    for (const connection of this.#unsigned) {
      if (connection.openedAtMs <= openedBefore) connection.session?.signInTimedOut();
      // A message that is begun and held back would be kept until then.
      else if (connection.receivedBytes() > mostUnsignedBytes) connection.cut("refused");
    }
    for (const connection of this.#connections[this.#swept++ % buckets] ?? []) connection.sweep();
  }

  /**
   * Takes no new connections, tells clients to come back, stores what was taken, and closes what is left.
   * @param reconnectAfterMs what clients are told.
   */
  async drain(reconnectAfterMs: number): Promise<void> {
    this.#draining = true;
    for (const connection of this.#all()) connection.session?.drain(reconnectAfterMs);
    await this.#options.delivery.flush();
    this.#flush();
    for (const connection of this.#all()) connection.close("draining");
    const until = performance.now() + drainGraceMs;
    while (this.size > 0 && performance.now() < until) await new Promise((done) => setTimeout(done, 10));
    for (const connection of this.#all()) connection.cut("draining");
    clearInterval(this.#sweeper);
    await this.#options.delivery.flush();
  }

  #all(): Connection[] {
    return this.#connections.flatMap((bucket) => [...bucket]);
  }
}

function closeListener(closed: (connection: Connection) => void) {
  return function onClose(this: WebSocket): void {
    const { connection } = this as SessionWebSocket;
    if (connection !== undefined) closed(connection);
  };
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  const { connection } = this as SessionWebSocket;
  if (connection?.session === undefined) return;
  connection.heard = true;
  if (isBinary) connection.session.receive(data as Buffer);
  else connection.session.end("malformed", "refused", "messages must be binary");
}

function onPong(this: WebSocket): void {
  const { connection } = this as SessionWebSocket;
  if (connection !== undefined) connection.heard = true;
}

/** `ws` closes by itself after an error: a frame that is no WebSocket frame, or too large, or a broken stream. */
function onError(this: WebSocket): void {
  const { connection } = this as SessionWebSocket;
  if (connection !== undefined) connection.ended ??= "lost";
}

function ignore(): void {
  // The stream closes after its error; nothing was promised on it yet.
}

/** Answers and closes, whether or not the peer closes its side. */
function refuse(stream: Duplex, status: number): void {
  stream.once("finish", () => stream.destroy());
  const retry = status === 404 ? "" : `Retry-After: ${retryAfterSec}\r\n`;
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${retry}Connection: close\r\nContent-Length: 0\r\n\r\n`,
  );
}
