/** A reconnect storm: one node of several is gone, or all of them for a while, and everybody who was there comes back. */
import { comeBack, type Attaching, type Crowd, type Door, type Pauses } from "./clients.ts";
import { DatabaseModel } from "./database.ts";
import { Engine } from "./engine.ts";
import { Samples } from "./samples.ts";
import { Station } from "./station.ts";

/** What is simulated. */
export interface ReconnectOptions {
  readonly nodes: number;
  readonly clientsEach: number;
  readonly databaseCores: number;
  /** Which nodes go, and for how long, in milliseconds. */
  readonly gone: "one" | "all";
  readonly downMs: number;
  /** What a server that drains tells its clients; undefined: it was killed. */
  readonly hintMs: number | undefined;
  readonly pauses: Pauses;
  readonly attaching: Attaching;
  readonly logs: number;
  readonly seed: number;
}

/** What it comes to. Times are seconds from the loss on. */
export interface Reconnect {
  readonly clients: number;
  readonly signedInHalfSec: number;
  readonly signedInAllSec: number;
  readonly readingHalfSec: number;
  readonly readingAllSec: number;
  readonly triesEach: number;
  /** The most that waited for a node's thread at once. */
  readonly peakQueue: number;
  readonly allAreIn: boolean;
}

const longestMs = 1_800_000;

/** Simulates it. */
export function simulateReconnect(options: ReconnectOptions): Reconnect {
  const engine = new Engine(options.seed);
  const database = new DatabaseModel(engine, options.databaseCores);
  const [signedIn, reading] = [new Samples(), new Samples()];
  const doors = Array.from({ length: options.nodes }, () => ({ thread: new Station(engine, 1), isUp: true }));
  const crowd: Crowd = {
    engine,
    database,
    doors,
    pauses: options.pauses,
    attaching: options.attaching,
    logs: options.logs,
    tries: 0,
    signedIn: () => signedIn.add(engine.nowMs / 1_000),
  };
  const lost = options.gone === "all" ? doors : doors.slice(0, 1);
  for (const door of lost) lose(door, options.downMs, engine);
  const clients = lost.length * options.clientsEach;
  for (let i = 0; i < clients; i++) comeBack(crowd, options.hintMs, () => reading.add(engine.nowMs / 1_000));
  while (reading.count < clients && engine.nowMs < longestMs) engine.run(engine.nowMs + 1_000);
  return {
    clients,
    signedInHalfSec: signedIn.percentile(0.5),
    signedInAllSec: signedIn.percentile(1),
    readingHalfSec: reading.percentile(0.5),
    readingAllSec: reading.percentile(1),
    triesEach: crowd.tries / clients,
    peakQueue: Math.max(...doors.map(({ thread }) => thread.peak)),
    allAreIn: reading.count === clients,
  };
}

function lose(door: Door, downMs: number, engine: Engine): void {
  door.isUp = false;
  engine.after(downMs, () => (door.isUp = true));
}
