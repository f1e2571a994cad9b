/**
 * Carries wakes between nodes by NATS: one subject a log, so that a node hears only of what is read on it, and one for all
 * notices. At most once is enough, so nothing here is stored or asked for again.
 */
import { toHex, type LogId } from "@sotto/protocol";
import {
  connect,
  type ConnectionOptions,
  type Msg,
  type NatsConnection,
  type Subscription,
} from "@nats-io/transport-node";
import type { Notice, Wake } from "../../core/bus.ts";
import type { BusTransport } from "../shared-bus.ts";
import { decodeNotice, decodeWake, encodeNotice, encodeWake } from "./messages.ts";

/** A log that this node hears of. */
interface Listening {
  readonly log: LogId;
  readonly listener: (wake: Wake) => void;
  subscription: Subscription | undefined;
}

/** What the transport tells the operator. */
export interface NatsEvents {
  /** Without it nodes wake each other by looking at the store. */
  busDisconnected(): void;
  busConnected(): void;
  busFailed(error: unknown): void;
}

/** Where NATS is, and what it carries. */
export interface NatsOptions {
  /** `nats://` or `tls://` URLs, user and password included. */
  readonly servers: readonly string[];
  /** Begins every subject, so that several Sotto servers can share one NATS. */
  readonly prefix: string;
  readonly events: NatsEvents;
}

const reconnectMs = 500;

/** Carries as much as NATS takes: nothing waits for it. */
export class NatsTransport implements BusTransport {
  readonly #prefix: string;
  readonly #events: NatsEvents;
  /** There from the first time that NATS was reached. */
  #nats: NatsConnection | undefined;
  #connected = false;
  #closed = false;
  readonly #logs = new Set<Listening>();
  readonly #noticed: ((notice: Notice) => void)[] = [];

  /** Begins to look for NATS; a server starts without it. */
  constructor({ servers, prefix, events }: NatsOptions) {
    this.#prefix = prefix;
    this.#events = events;
    void this.#connect(servers);
  }

  send(log: LogId, wake: Wake): void {
    this.#publish(this.#subject(log), encodeWake(wake));
  }

  listen(log: LogId, listener: (wake: Wake) => void): () => void {
    const listening: Listening = { log, listener, subscription: undefined };
    this.#logs.add(listening);
    this.#subscribe(listening);
    return () => {
      this.#logs.delete(listening);
      listening.subscription?.unsubscribe();
    };
  }

  tell(notice: Notice): void {
    this.#publish(this.#noticeSubject(), encodeNotice(notice));
  }

  hear(listener: (notice: Notice) => void): void {
    this.#noticed.push(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#connected = false;
    // What was told last still goes out, if NATS takes it.
    await this.#nats?.drain().catch(() => this.#nats?.close());
  }

  async #connect(servers: readonly string[]): Promise<void> {
    try {
      const nats = await connect({
        servers: servers.map((server) => new URL(server).host),
        ...credentials(servers),
        name: "sotto",
        // What this node sends it has done already.
        noEcho: true,
        waitOnFirstConnect: true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: reconnectMs,
        reconnectJitter: reconnectMs,
      });
      if (this.#closed) return await nats.close();
      this.#nats = nats;
      this.#become(true);
      for (const listening of this.#logs) this.#subscribe(listening);
      nats.subscribe(this.#noticeSubject(), { callback: (error, message) => this.#heard(error, message) });
      for await (const { type } of nats.status()) {
        if (type === "disconnect") this.#become(false);
        else if (type === "reconnect") this.#become(true);
      }
    } catch (error) {
      this.#events.busFailed(error);
    }
  }

  #become(connected: boolean): void {
    if (this.#closed || this.#connected === connected) return;
    this.#connected = connected;
    if (connected) this.#events.busConnected();
    else this.#events.busDisconnected();
  }

  /** While NATS is away everything is dropped: it would fill the memory, and the store has it. */
  #publish(subject: string, bytes: Uint8Array): void {
    const nats = this.#nats;
    if (nats === undefined || !this.#connected) return;
    const most = nats.info?.max_payload ?? 0;
    if (bytes.length <= most) nats.publish(subject, bytes);
  }

  #subscribe(listening: Listening): void {
    const { log, listener } = listening;
    listening.subscription = this.#nats?.subscribe(this.#subject(log), {
      callback: (error, message) => {
        if (error !== null) return this.#events.busFailed(error);
        const wake = decodeWake(message.data);
        if (wake !== undefined) listener(wake);
      },
    });
  }

  #heard(error: Error | null, message: Msg): void {
    if (error !== null) return this.#events.busFailed(error);
    const notice = decodeNotice(message.data);
    if (notice === undefined) return;
    for (const listener of this.#noticed) listener(notice);
  }

  #subject(log: LogId): string {
    return `${this.#prefix}.log.${toHex(log)}`;
  }

  #noticeSubject(): string {
    return `${this.#prefix}.notice`;
  }
}

/** NATS takes them beside the address, and one for all servers of a cluster. */
function credentials(servers: readonly string[]): ConnectionOptions {
  const { protocol, username, password } = new URL(servers[0] as string);
  const tls = protocol === "tls:" ? { tls: {} } : {};
  if (username === "") return tls;
  if (password === "") return { ...tls, token: decodeURIComponent(username) };
  return { ...tls, user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}
