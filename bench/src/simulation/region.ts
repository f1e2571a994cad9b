/**
 * The loss of a region: of three, each with its nodes and one of three database shards, one goes. Its clients come back elsewhere; its
 * shard is away until a standby in another region has taken over; what people write meanwhile waits in their outboxes and comes after.
 */
import { backoffMs } from "@sotto/client/reconnect";
import { comeBack, type Attaching, type Crowd } from "./clients.ts";
import { DatabaseModel } from "./database.ts";
import { Engine } from "./engine.ts";
import { P } from "./parameters.ts";
import { Samples } from "./samples.ts";
import { Station } from "./station.ts";

/** What is simulated. */
export interface RegionOptions {
  /** In all regions together; a third of them goes. */
  readonly nodes: number;
  readonly clientsEach: number;
  /** Share of the nodes' threads that messages took before. */
  readonly utilisation: number;
  /** How long the lost shard is away, in seconds. */
  readonly failoverSec: number;
  readonly attaching: Attaching;
  readonly logs: number;
  /** How long after the loss is looked at, in seconds. */
  readonly horizonSec: number;
  readonly seed: number;
}

/** What it comes to. */
export interface Region {
  /** From “send” to stored, before. */
  readonly normalP99Ms: number;
  /** In the worst window of five seconds, by when messages were written. */
  readonly worstP99Sec: number;
  /** Messages that were written and not stored yet: the most of them, and when the run ended. */
  readonly peakBacklog: number;
  readonly finalBacklog: number;
  /** When the last of those who lost their node reads again; undefined: not within the horizon. */
  readonly allBackSec: number | undefined;
  /** From when on p99 stayed under 100 ms, seconds after the loss; undefined: not within the horizon. */
  readonly recoveredSec: number | undefined;
}

/** A text between two people with its receipts: three entries, three readers each, two of them on other nodes. See docs/scale.md. */
const entries = 3;
const readers = 3;
const nodeMs =
  (entries *
    (P.frameUs + P.appendNodeUs + readers * (2 * P.frameUs + P.ackNodeUs) + (readers - 1) * P.readNodeUs)) /
  1_000;
const databaseMs =
  (entries * (P.appendDbUs + readers * P.ackDbUs + P.deleteDbUs + (readers - 1) * P.readDbUs)) / 1_000;
/** What an append costs that the database does not take: nothing is given to anybody. */
const vainMs = (P.frameUs + P.appendNodeUs) / 1_000;
const databaseCores = 8;
const regions = 3;
const beforeMs = 20_000;
const windowMs = 5_000;
const goodMs = 100;

/** Simulates it. */
export function simulateRegion(options: RegionOptions): Region {
  const { nodes, clientsEach, utilisation, horizonSec } = options;
  const engine = new Engine(options.seed);
  const shards = Array.from({ length: regions }, () => new DatabaseModel(engine, databaseCores));
  const doors = Array.from({ length: nodes }, () => ({ thread: new Station(engine, 1), isUp: true }));
  const endMs = beforeMs + horizonSec * 1_000;
  const windows = Array.from({ length: Math.ceil(endMs / windowMs) }, () => new Samples());
  const open = Array.from({ length: windows.length }, () => 0);
  let [backlog, peakBacklog, back] = [0, 0, 0];
  let allBackSec: number | undefined;
  const clients = Array.from({ length: nodes * clientsEach }, (_, i) => ({
    door: doors[i % nodes] as (typeof doors)[0] | undefined,
    outbox: [] as (() => void)[],
  }));

  const store = (client: (typeof clients)[0], shard: DatabaseModel, stored: () => void): void => {
    let failures = 0;
    const attempt = (): void => {
      const { door } = client;
      if (door === undefined) {
        client.outbox.push(attempt);
        return;
      }
      door.thread.serve(
        () => (shard.isAway ? vainMs : nodeMs),
        () => {
          if (!door.isUp) {
            client.outbox.push(attempt);
            return;
          }
          shard.commit({ cpuMs: databaseMs, hot: [] }, (isDurable) => {
            if (isDurable) stored();
            else engine.after(backoffMs(++failures, engine.random.float()), attempt);
          });
        },
      );
    };
    attempt();
  };
  engine.arrivals((utilisation * nodes * 1_000) / nodeMs, endMs, () => {
    const startMs = engine.nowMs;
    const index = Math.floor(startMs / windowMs);
    open[index]! += 1;
    peakBacklog = Math.max(peakBacklog, ++backlog);
    const client = clients[engine.random.integer(clients.length)] as (typeof clients)[0];
    store(client, shards[engine.random.integer(regions)] as DatabaseModel, () => {
      backlog -= 1;
      open[index]! -= 1;
      windows[index]?.add(engine.nowMs - startMs);
    });
  });

  engine.run(beforeMs);
  const lost = doors.slice(0, nodes / regions);
  for (const door of lost) door.isUp = false;
  shards[0]?.fail(options.failoverSec * 1_000);
  const crowd: Crowd = {
    engine,
    // Who comes back reads from all shards: one that stands for them takes the same time.
    database: shards[1] as DatabaseModel,
    doors,
    pauses: "as built",
    attaching: options.attaching,
    logs: options.logs,
    tries: 0,
    signedIn: () => undefined,
  };
  const moved = clients.filter(({ door }) => door !== undefined && !door.isUp);
  for (const client of moved) {
    client.door = undefined;
    comeBack(crowd, undefined, (door) => {
      client.door = door as (typeof doors)[0];
      for (const attempt of client.outbox.splice(0)) attempt();
      if (++back === moved.length) allBackSec = (engine.nowMs - beforeMs) / 1_000;
    });
  }
  engine.run(endMs);

  const firstAfter = beforeMs / windowMs;
  const normalP99Ms = median(windows.slice(1, firstAfter).map((window) => window.percentile(0.99)));
  const after = windows.slice(firstAfter);
  // A window of which messages still wait has no p99 yet: the last two are too young to judge.
  const judged = after.slice(0, -2).map((window, i) => {
    const waiting = open[firstAfter + i] ?? 0;
    return waiting > 0.01 * (window.count + waiting) ? Number.POSITIVE_INFINITY : window.percentile(0.99);
  });
  const lastBad = judged.findLastIndex((p99Ms) => p99Ms > goodMs);
  return {
    normalP99Ms,
    worstP99Sec: Math.max(...judged) / 1_000,
    peakBacklog,
    finalBacklog: backlog,
    allBackSec,
    recoveredSec: lastBad === judged.length - 1 ? undefined : ((lastBad + 1) * windowMs) / 1_000,
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
