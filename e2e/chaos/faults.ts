/** What is broken under load: each fault breaks something, waits, and mends it as an operator or a supervisor of processes would. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "@sotto/testkit";
import { tryClient } from "@sotto/testkit/postgres";
import type { KillableServer } from "../support/killable-server.ts";
import { now } from "./chaos-log.ts";
import type { Cluster } from "./cluster.ts";
import { canMount } from "./small-disk.ts";

/** What can be broken. */
export const FAULT_KINDS = [
  "kill",
  "rolling",
  "pause",
  "nats",
  "database cut",
  "database killed",
  "disk full",
  "connections",
] as const;
/** One of them. */
export type ChaosKind = (typeof FAULT_KINDS)[number];

/** Those that can be played here: filling a disk takes one of its own, which only root can mount. */
export const playable: readonly ChaosKind[] = FAULT_KINDS.filter((kind) => kind !== "disk full" || canMount);

/** How long things are well before, and stay broken then. */
export interface Durations {
  /** All are served for at least that long, and at most twice. */
  readonly wellMs: number;
  /** A node stands still: longer than every patience in the server and the database. */
  readonly pauseMs: number;
  readonly cutMs: number;
  /** Everything else. */
  readonly otherMs: number;
}

/** What a fault did. */
export interface Played {
  readonly text: string;
  /** From when on everybody is to be served again: once it is mended, or from the beginning where others can take over. */
  readonly servedFromMs: number;
}

const startPatienceMs = 60_000;
const startPauseMs = 300;

type Fault = (cluster: Cluster, random: SeededRandom, durations: Durations) => Promise<Played>;

const faults: Readonly<Record<ChaosKind, Fault>> = {
  async kill({ nodes }, random) {
    const node = random.integer(nodes.length);
    const servedFromMs = now();
    await killNode(nodes[node] as KillableServer, random.integer(1_500));
    return { text: `node ${node} killed`, servedFromMs };
  },

  async rolling({ nodes }, random) {
    for (const node of random.shuffle(nodes)) {
      await node.stop("SIGTERM");
      await startNode(node);
    }
    return { text: "all nodes restarted, one by one", servedFromMs: now() };
  },

  async pause({ nodes }, random, { pauseMs }) {
    const node = random.integer(nodes.length);
    const servedFromMs = now();
    nodes[node]?.signal("SIGSTOP");
    await sleep(pauseMs);
    nodes[node]?.signal("SIGCONT");
    return { text: `node ${node} stood still`, servedFromMs };
  },

  async nats({ nats }, random, { otherMs }) {
    const which = random.chance(0.5) ? [0, 1, 2] : [random.integer(3)];
    const servedFromMs = now();
    await nats.kill(which);
    await sleep(otherMs);
    await nats.restart();
    return { text: `${which.length} of 3 NATS servers killed`, servedFromMs };
  },

  async "database cut"({ cable }, random, { cutMs }) {
    const how = random.pick(["ended", "silent"] as const);
    cable.cut(how);
    await sleep(cutMs);
    cable.mend();
    return { text: `the database cut off (${how})`, servedFromMs: now() };
  },

  async "database killed"({ postgres }) {
    await postgres.end("SIGKILL");
    await postgres.launch();
    return { text: "the database killed", servedFromMs: now() };
  },

  async "disk full"(cluster, _, { otherMs }) {
    cluster.disk?.fill();
    await sleep(otherMs);
    cluster.disk?.free();
    const ended = await databaseUp(cluster);
    return { text: `the database's disk full${ended ? ", which ended it" : ""}`, servedFromMs: now() };
  },

  async connections({ databaseUrl }, _, { otherMs }) {
    const held = await takeConnections(databaseUrl, otherMs);
    return { text: `all ${held} connections of the database taken`, servedFromMs: now() };
  },
};

/** Plays a fault. @param alsoKill a node that is killed while it lasts, and started again. */
export async function playFault(
  kind: ChaosKind,
  cluster: Cluster,
  random: SeededRandom,
  durations: Durations,
  alsoKill: number | undefined,
): Promise<Played> {
  const killed = async (): Promise<number> => {
    if (alsoKill === undefined) return 0;
    await sleep(random.integer(durations.otherMs));
    await killNode(cluster.nodes[alsoKill] as KillableServer, 0);
    return now();
  };
  const [played, againMs] = await Promise.all([faults[kind](cluster, random, durations), killed()]);
  if (alsoKill === undefined) return played;
  const text = `${played.text}; node ${alsoKill} killed meanwhile`;
  return { text, servedFromMs: Math.max(played.servedFromMs, againMs) };
}

async function killNode(node: KillableServer, downMs: number): Promise<void> {
  await node.stop("SIGKILL");
  await sleep(downMs);
  await startNode(node);
}

/** As a supervisor does: a node that finds no database ends, and is started again. */
async function startNode(node: KillableServer): Promise<void> {
  for (const untilMs = now() + startPatienceMs; ; await sleep(startPauseMs)) {
    try {
      await node.start();
      return;
    } catch (error) {
      if (now() > untilMs) throw error;
    }
  }
}

/** Waits for the database, and starts it again when it ended. Returns whether it had. */
async function databaseUp({ postgres, databaseUrl }: Cluster): Promise<boolean> {
  let ended = false;
  for (const untilMs = now() + startPatienceMs; ; await sleep(100)) {
    if (!postgres.running) {
      ended = true;
      await postgres.launch();
    }
    const client = await tryClient(databaseUrl);
    await client?.end();
    if (client !== undefined) return ended;
    if (now() > untilMs) throw new Error("the database does not come back");
  }
}

/** Ends everybody's connections and takes all that there are, for a while. Returns how many it held. */
async function takeConnections(url: string, durationMs: number): Promise<number> {
  const held: NonNullable<Awaited<ReturnType<typeof tryClient>>>[] = [];
  const untilMs = now() + durationMs;
  while (now() < untilMs) {
    const client = await tryClient(url);
    if (client === undefined) await sleep(20);
    else held.push(client);
    const [first] = held;
    const others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sotto'";
    if (client === undefined || held.length === 1) await first?.query(others);
  }
  await Promise.all(held.map((client) => client.end()));
  return held.length;
}
