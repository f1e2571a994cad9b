/**
 * A network that misbehaves, as a Transport around another one: it delays, drops connections, cuts them in the middle
 * of what is sent, partitions, and (which TCP would not) duplicates and reorders frames. Everything it does comes from
 * its seed and its clock.
 */
import type { ClientFrame } from "@sotto/protocol";
import { TransportError } from "@sotto/protocol";
import type { SeededRandom } from "./random.ts";
import type { Connection, ConnectionEvents, ServerFacts, Transport } from "@sotto/client";

/** How badly it behaves. Probabilities are per frame, or per call where there are no frames. */
export interface Weather {
  /** Smallest and largest delay of a frame in milliseconds, each way. */
  readonly delayMs: readonly [number, number];
  /** The connection breaks instead of carrying the frame. */
  readonly breakChance: number;
  /** The frame comes a second time. */
  readonly duplicateChance: number;
  /** The frame may overtake those before it. */
  readonly reorderChance: number;
  /** Nobody answers the attempt to connect or to call. */
  readonly unreachableChance: number;
}

/** No faults at all. */
export const CALM: Weather = {
  delayMs: [0, 0],
  breakChance: 0,
  duplicateChance: 0,
  reorderChance: 0,
  unreachableChance: 0,
};

/** What the network needs of the world; a VirtualClock has it. */
interface Timers {
  nowMs(): number;
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** A network between any number of clients and their servers. */
export class SimulatedNetwork {
  weather: Weather;
  /** Frames that were carried, broken connections, duplicates and overtakings so far. */
  readonly counts = { carried: 0, broken: 0, duplicated: 0, reordered: 0, unreachable: 0 };
  private partitioned = false;
  private readonly links = new Set<Link>();
  private readonly random: SeededRandom;
  private readonly clock: Timers;

  constructor(random: SeededRandom, clock: Timers, weather: Partial<Weather> = {}) {
    this.random = random;
    this.clock = clock;
    this.weather = { ...CALM, ...weather };
  }

  /** Puts this network in front of a transport. */
  wrap(inner: Transport): Transport {
    return {
      connect: async (events, hello) => {
        await this.reach();
        const link = new Link(this, events, () => this.links.delete(link));
        this.links.add(link);
        try {
          link.open(await inner.connect(link.inner, hello));
        } catch (error) {
          this.links.delete(link);
          throw error;
        }
        return link;
      },
      getServer: (): Promise<ServerFacts> => this.called(() => inner.getServer()),
      call: (method, sealed) => this.called(() => inner.call(method, sealed)),
      blobs: {
        put: (part, signal) => this.called(() => inner.blobs.put(part, signal)),
        progress: (...asked) => this.called(() => inner.blobs.progress(...asked)),
        get: (...asked) => this.carried(inner.blobs.get(...asked)),
        delete: (...asked) => this.called(() => inner.blobs.delete(...asked)),
      },
    };
  }

  /** Breaks every connection; nothing gets through until `heal`. */
  partition(): void {
    this.partitioned = true;
    this.breakAll();
  }

  heal(): void {
    this.partitioned = false;
  }

  /** Breaks every connection that is up. */
  breakAll(): void {
    for (const link of this.links) link.break();
  }

  /** Decides what becomes of one frame: how often it comes, and after how long. Undefined: the connection breaks. */
  fate(): { readonly delaysMs: readonly number[]; readonly overtakes: boolean } | undefined {
    const { random, weather } = this;
    if (this.partitioned || random.chance(weather.breakChance)) return undefined;
    this.counts.carried++;
    const delay = (): number =>
      weather.delayMs[0] + random.integer(weather.delayMs[1] - weather.delayMs[0] + 1);
    const overtakes = random.chance(weather.reorderChance);
    if (overtakes) this.counts.reordered++;
    const delaysMs = [delay()];
    if (random.chance(weather.duplicateChance)) {
      this.counts.duplicated++;
      delaysMs.push(delay());
    }
    return { delaysMs, overtakes };
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  later(delayMs: number, callback: () => void): void {
    this.clock.setTimer(delayMs, callback);
  }

  private async reach(): Promise<void> {
    if (!this.partitioned && !this.random.chance(this.weather.unreachableChance)) return;
    this.counts.unreachable++;
    throw new TransportError("server_unreachable", "the simulated network lost the way to the server");
  }

  /** A call may get lost on its way there, or its answer on its way back: then it happened all the same. */
  private async called<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    await this.reach();
    const answer = await call();
    await this.reach();
    return answer;
  }

  /** What comes piece by piece may break off between two of them. */
  private async *carried(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    await this.reach();
    for await (const piece of pieces) {
      if (this.partitioned || this.random.chance(this.weather.breakChance)) {
        this.counts.broken++;
        throw new TransportError("connection_lost", "the simulated network broke the connection");
      }
      yield piece;
    }
  }
}

/** One way of one connection: frames keep their order unless one overtakes. */
export class Lane {
  private readonly network: SimulatedNetwork;
  /** When the last frame that keeps its place arrives. */
  private busyUntilMs = 0;
  /** Frames that keep their place: timers of a real clock may fire out of turn. */
  private readonly queue: (() => void)[] = [];

  constructor(network: SimulatedNetwork) {
    this.network = network;
  }

  /** Milliseconds until everything that is under way has arrived. */
  get restMs(): number {
    return Math.max(0, this.busyUntilMs - this.network.nowMs());
  }

  /** Carries a frame, once or twice, after a while. False: the connection breaks instead. */
  carry(arrive: () => void): boolean {
    const fate = this.network.fate();
    if (fate === undefined) return false;
    for (const delayMs of fate.delaysMs) {
      const now = this.network.nowMs();
      const at = fate.overtakes ? now + delayMs : Math.max(now + delayMs, this.busyUntilMs);
      if (fate.overtakes) {
        this.network.later(at - now, arrive);
        continue;
      }
      this.busyUntilMs = at;
      this.queue.push(arrive);
      this.network.later(at - now, () => this.queue.shift()?.());
    }
    return true;
  }
}

/** One connection through the network. */
class Link implements Connection {
  private readonly network: SimulatedNetwork;
  private readonly events: ConnectionEvents;
  private readonly gone: () => void;
  private readonly up: Lane;
  private readonly down: Lane;
  private connection: Connection | undefined;
  private closed = false;

  constructor(network: SimulatedNetwork, events: ConnectionEvents, gone: () => void) {
    this.network = network;
    this.events = events;
    this.gone = gone;
    this.up = new Lane(network);
    this.down = new Lane(network);
  }

  /** What the transport behind us talks to. */
  readonly inner: ConnectionEvents = {
    frames: (frames) => {
      for (const frame of frames) {
        const arrive = (): void => {
          if (!this.closed) this.events.frames([frame]);
        };
        if (!this.carry(this.down, arrive)) return;
      }
    },
    closed: (cause) => this.end(cause),
  };

  open(connection: Connection): void {
    this.connection = connection;
    if (this.closed) connection.close();
  }

  send(frames: readonly ClientFrame[]): void {
    for (const frame of frames) {
      if (!this.carry(this.up, () => this.connection?.send([frame]))) return;
    }
  }

  close(): void {
    this.connection?.close();
    this.end(undefined);
  }

  /** The cable is pulled. The client hears nothing more; what it sent before still arrives, as it may with TCP. */
  break(): void {
    if (this.closed) return;
    this.network.counts.broken++;
    this.end(new TransportError("connection_lost", "the simulated network broke the connection"));
    this.network.later(this.up.restMs, () => this.connection?.close());
  }

  private carry(lane: Lane, arrive: () => void): boolean {
    if (this.closed) return false;
    if (lane.carry(arrive)) return true;
    this.break();
    return false;
  }

  private end(cause: Error | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.gone();
    this.events.closed(cause);
  }
}
