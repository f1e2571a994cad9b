/**
 * What the load generator needs of every system under test: users that connect, leave bodies for one another,
 * and hear when the system has taken what they left. The clients are written by hand over sockets, as small as their
 * protocols allow, so that what is measured is the server.
 */
import type { Socket } from "node:net";

/** How to reach a server: made by its starter, understood by the client of the same kind. */
export type Endpoint =
  | { readonly kind: "relay"; readonly port: number; readonly coalesce: boolean }
  | { readonly kind: "mqtt"; readonly port: number }
  | { readonly kind: "xmpp"; readonly port: number; readonly apiPort: number }
  | { readonly kind: "sotto"; readonly ports: readonly number[]; readonly accountsFile: string };

/** What a user hears. */
export interface Handlers {
  /** A body arrived for good; the client acknowledges it by itself. The bytes are a view: copy what must stay. */
  received(body: Buffer): void;
  /** The server answers for the next `count` bodies of those that were sent, in the order of sending. */
  taken(count: number): void;
  /** The server refused something, or the connection broke. */
  failed(error: Error): void;
}

/** One user's connection. */
export interface Connection {
  /** Leaves a body for another user. Copies it; everything of one turn of the event loop leaves in one write. */
  send(to: number, body: Buffer): void;
  close(): Promise<void>;
}

/** What a user connects for. */
export type Purpose =
  /** Sends and receives. */
  | "both"
  /** Only leaves bodies for others, and hears what is taken. */
  | "send"
  /** Only receives what waits. */
  | "receive";

/** A client of one kind of server. */
export interface Client {
  /** Readies users before anything is measured: accounts, subscriptions of those who will be away. */
  prepare(users: readonly number[], away: boolean): Promise<void>;
  connect(user: number, purpose: Purpose, handlers: Handlers): Promise<Connection>;
  /**
   * A room that many read: user 0 opens it, before the others come. What is sent there reaches everybody in it; whom `send` names does not
   * matter. Absent where there is none.
   */
  connectRoom?(user: number, handlers: Handlers): Promise<Connection>;
  /** Gives the room a reader who never comes, for whom the server keeps what is sent from now on. Absent where there is none. */
  keepRoom?(): Promise<void>;
  /** How many entries the server stores now, for whomever, where it tells. */
  stored?(): Promise<number>;
  /** How many entries the server still keeps for these users, where it can be asked. */
  leftOver?(users: readonly number[]): Promise<number>;
}

/** Runs `task` for each item, so many at a time. */
export async function eachOf<T>(
  items: readonly T[],
  atOnce: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await task(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}

const dirty = new Set<Batch>();

/** Collects what a connection has to say within one turn of the event loop, and hands it over at the turn's end. */
export class Batch {
  readonly #parts: Buffer[] = [];
  readonly #flush: (parts: readonly Buffer[]) => void;

  constructor(flush: (parts: readonly Buffer[]) => void) {
    this.#flush = flush;
  }

  /** Adds bytes that nobody changes any more. */
  add(part: Buffer): void {
    if (this.#parts.length === 0) {
      if (dirty.size === 0) setImmediate(flushAll);
      dirty.add(this);
    }
    this.#parts.push(part);
  }

  flush(): void {
    if (this.#parts.length === 0) return;
    this.#flush(this.#parts);
    this.#parts.length = 0;
  }
}

function flushAll(): void {
  for (const batch of dirty) batch.flush();
  dirty.clear();
}

/** Writes parts as one chunk. */
export function writeJoined(socket: Socket, parts: readonly Buffer[]): void {
  if (!socket.writable) return;
  socket.write(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
}
