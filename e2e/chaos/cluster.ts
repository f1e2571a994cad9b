/** A whole installation in real processes: three nodes over one PostgreSQL, NATS as a cluster of three, and a balancer before them. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@sotto/testkit/free-port";
import { TestPostgres } from "@sotto/testkit/postgres";
import { KillableServer } from "../support/killable-server.ts";
import { addPostgresDevices, type WireDevice } from "../support/wire-device.ts";
import { Balancer } from "./balancer.ts";
import { Cable } from "./cable.ts";
import { NatsCluster } from "./nats-cluster.ts";
import { SmallDisk, canMount } from "./small-disk.ts";

const nodeCount = 3;
const diskMebibytes = 512;

/** Few machines would have so few connections; it takes less to use them up. Three nodes take up to ten each. */
const maxConnections = 45;
const postgresSettings = {
  max_connections: String(maxConnections),
  max_wal_size: "96MB",
  min_wal_size: "32MB",
};

/** Everybody here comes from one address and writes all the time. */
const plenty = { burst: 1_000_000_000, perHour: 1_000_000_000 };
const limits = JSON.stringify({
  appendsPerAccount: plenty,
  appendedBytesPerAccount: plenty,
  logsPerAccount: plenty,
  slotsPerAccount: plenty,
  readsPerAccount: plenty,
});

/** The parts of a running installation. */
export class Cluster {
  readonly postgres: TestPostgres;
  /** undefined where this process may not mount one. */
  readonly disk: SmallDisk | undefined;
  readonly cable: Cable;
  readonly nats: NatsCluster;
  readonly nodes: readonly KillableServer[];
  readonly balancer: Balancer;
  readonly devices: readonly WireDevice[];
  /** Of the key that all nodes share. */
  readonly fingerprint: Uint8Array;
  /** How the database is reached without the cable. */
  readonly databaseUrl: string;
  readonly #folder: string;

  private constructor(parts: Omit<Cluster, "stop"> & { readonly folder: string }) {
    this.postgres = parts.postgres;
    this.disk = parts.disk;
    this.cable = parts.cable;
    this.nats = parts.nats;
    this.nodes = parts.nodes;
    this.balancer = parts.balancer;
    this.devices = parts.devices;
    this.fingerprint = parts.fingerprint;
    this.databaseUrl = parts.databaseUrl;
    this.#folder = parts.folder;
  }

  /** Starts all of it, with accounts of one device each. What is started ends again when the rest does not come up. */
  static async start(deviceCount: number): Promise<Cluster> {
    const undo: (() => unknown)[] = [];
    try {
      const folder = mkdtempSync(join(tmpdir(), "sotto-chaos-"));
      undo.push(() => rmSync(folder, { recursive: true, force: true }));
      const disk = canMount ? SmallDisk.mount(diskMebibytes) : undefined;
      undo.push(() => disk?.remove());
      const under = disk === undefined ? {} : { under: disk.folder };
      const postgres = await TestPostgres.start({ durable: true, settings: postgresSettings, ...under });
      undo.push(() => postgres.stop());
      const databaseUrl = await postgres.createDatabase();
      const cable = await Cable.lay(postgres.port);
      undo.push(() => cable.stop());
      const nats = await NatsCluster.start();
      undo.push(() => nats.kill());
      const database = `postgres://sotto@127.0.0.1:${cable.port}${new URL(databaseUrl).pathname}`;
      const options = ["--database", database, "--nats", ...nats.urls, "--limits", limits];
      const quiet = ["--log-level", "silent", "--no-web"];
      const ports = await Promise.all(Array.from({ length: nodeCount }, () => freePort()));
      const nodes = ports.map(
        (port, i) => new KillableServer(join(folder, `node-${i}`), [...options, ...quiet], port),
      );
      undo.push(() => Promise.all(nodes.map((node) => node.stop("SIGKILL"))));
      const [first, ...others] = nodes as [KillableServer, ...KillableServer[]];
      const { fingerprint } = await first.start();
      // The keys; the lock belongs to the process.
      const copy = (to: string): void => {
        cpSync(first.dataFolder, to, { recursive: true });
        rmSync(join(to, "lock"), { recursive: true, force: true });
      };
      for (const node of others) copy(node.dataFolder);
      const tools = join(folder, "tools");
      copy(tools);
      const devices = await addPostgresDevices(databaseUrl, tools, deviceCount);
      await Promise.all(others.map((node) => node.start()));
      const balancer = await Balancer.start(ports);
      return new Cluster({
        postgres,
        disk,
        cable,
        nats,
        nodes,
        balancer,
        devices,
        fingerprint,
        databaseUrl,
        folder,
      });
    } catch (error) {
      for (const one of undo.reverse()) await one();
      throw error;
    }
  }

  /** Ends and removes all of it. */
  async stop(): Promise<void> {
    this.balancer.stop();
    await Promise.all(this.nodes.map((node) => node.stop("SIGKILL")));
    this.cable.stop();
    await this.nats.kill();
    this.disk?.free();
    await this.postgres.stop();
    this.disk?.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
