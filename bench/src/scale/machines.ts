/** What the load needs: threads of nodes, cores of databases, money, and what gives first. From the measured costs. */
import { P } from "../simulation/parameters.ts";
import { PEOPLE, PRICES, SIZES } from "./assumptions.ts";
import { loadOf, storageOf, type Design, type Load } from "./load.ts";

/** Machines, at the peak. */
export interface Machines {
  /** Processes of the server, one busy thread each. */
  readonly nodes: number;
  readonly databaseCores: number;
  readonly shards: number;
  /** Where the work goes, as shares. */
  readonly nodeShares: Readonly<Record<Work, number>>;
  readonly databaseShares: Readonly<Record<Work, number>>;
}

/** Kinds of work. */
type Work = "appends" | "reads" | "acks" | "frames" | "looks" | "sign-ins" | "commits";

type Costs = Readonly<Record<Work, number>>;

const seconds = (us: number): number => us / 1e6;
const logs = PEOPLE.conversations.value + 1;

/** CPU seconds a second of nodes, without their commits, and of databases. */
function work(load: Load, design: Design): { readonly node: Costs; readonly database: Costs } {
  const changed = design === "changed";
  const late = (load.deliveries - load.live) / PEOPLE.catchUp.value;
  const reads = changed ? late : load.live + late;
  const attach = changed
    ? {
        node: P.readNodeUs + logs * (3 * P.headNodeUs + P.frameUs),
        database: P.readDbUs + logs * 3 * P.headDbUs,
      }
    : { node: logs * (P.attachNodeUs + P.ackNodeUs), database: logs * (P.attachDbUs + P.ackDbUs) };
  return {
    node: {
      appends: seconds(load.appends * P.appendNodeUs),
      reads: seconds(reads * P.readNodeUs),
      acks: seconds(load.acks * P.ackNodeUs),
      frames: seconds((2 * load.appends + 2 * load.live + 2 * late) * P.frameUs),
      looks: seconds(load.looks * P.headNodeUs),
      "sign-ins": seconds(load.signIns * (P.signInMs * 1_000 + attach.node)),
      commits: 0,
    },
    database: {
      appends: seconds(load.appends * (P.appendDbUs + P.deleteDbUs)),
      reads: seconds(reads * P.readDbUs),
      acks: seconds(load.acks * P.ackDbUs),
      frames: 0,
      looks: seconds(load.looks * P.headDbUs),
      "sign-ins": seconds(load.signIns * (P.attachDbUs + attach.database)),
      commits: 0,
    },
  };
}

const sum = (costs: Costs): number => Object.values(costs).reduce((total, cost) => total + cost, 0);
const shares = (costs: Costs): Costs => {
  const total = sum(costs);
  return Object.fromEntries(Object.entries(costs).map(([name, cost]) => [name, cost / total])) as Costs;
};

/** The machines for so many people. */
export function machinesOf(people: number, design: Design): Machines {
  const { node, database } = work(loadOf(people, design), design);
  // A busy node's commits take a share of its thread, and of a database's core, however little is in them.
  const commitNode = (SIZES.commitsPerSec.value * P.commitNodeUs) / 1e6;
  const commitDatabase = (SIZES.commitsPerSec.value * P.commitDbUs) / 1e6;
  const nodes = Math.max(3, Math.ceil(sum(node) / (SIZES.utilisation.value - commitNode)));
  const nodeWork = { ...node, commits: nodes * commitNode };
  const databaseWork = { ...database, commits: nodes * commitDatabase };
  const databaseCores = Math.max(2, Math.ceil(sum(databaseWork) / SIZES.utilisation.value));
  return {
    nodes,
    databaseCores,
    shards: Math.ceil(databaseCores / SIZES.shardCores.value),
    nodeShares: shares(nodeWork),
    databaseShares: shares(databaseWork),
  };
}

/** US dollars a month. */
export interface Money {
  readonly nodes: number;
  readonly databases: number;
  readonly storage: number;
  readonly traffic: number;
  readonly attachments: number;
  readonly codes: number;
  readonly total: number;
  readonly perPersonAndYear: number;
}

const monthSec = (365.25 / 12) * 86_400;

/** What it costs. */
export function moneyOf(people: number, design: Design): Money {
  const { nodes, databaseCores } = machinesOf(people, design);
  const stored = storageOf(people, design);
  const averageOut = loadOf(people, design).bytesOut / PEOPLE.peakFactor.value;
  const attached =
    people * PEOPLE.attachmentsPerDay.value * PEOPLE.attachmentBytes.value * (monthSec / 86_400);
  const parts = {
    nodes: nodes * PRICES.nodeCore.value,
    databases: databaseCores * PRICES.databaseCore.value,
    storage: ((stored.entries + stored.devices) / 1e9) * PRICES.storageGb.value,
    traffic: ((averageOut * monthSec) / 1e9) * PRICES.egressGb.value,
    attachments:
      (stored.attachments / 1e9) * PRICES.objectGb.value + (2 * attached * PRICES.egressGb.value) / 1e9,
    codes: (people * PEOPLE.codesPerYear.value * PRICES.code.value) / 12,
  };
  const total = Object.values(parts).reduce((all, part) => all + part, 0);
  return { ...parts, total, perPersonAndYear: (total * 12) / people };
}

/** A limit, and how many people it bears. */
export interface Limit {
  readonly name: string;
  readonly people: number;
}

/** What gives first, the first first: each by itself, as if nothing else were in the way. */
export function limitsOf(design: Design): Limit[] {
  const probe = 10_000_000;
  const load = loadOf(probe, design);
  const { nodes, databaseCores } = machinesOf(probe, design);
  const stored = storageOf(probe, design);
  const at = (name: string, limit: number, used: number): Limit => ({ name, people: (limit / used) * probe });
  return [
    at("one node on PostgreSQL", 1, nodes),
    at(`one primary of ${SIZES.primaryCores.value} cores`, SIZES.primaryCores.value, databaseCores),
    at(
      `${SIZES.databaseConnections.value.toLocaleString("en-US")} connections of one database, 10 a node`,
      SIZES.databaseConnections.value,
      10 * nodes,
    ),
    at("one NATS cluster", SIZES.busPerSec.value, load.wakes),
    at("10 TB in one database", 1e13, stored.entries + stored.devices),
  ].toSorted((a, b) => a.people - b.people);
}
