/** NATS as a cluster of three servers, each of which can be killed and started again. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { freePort } from "@sotto/testkit/free-port";

const members = 3;
const address = (port: number | undefined): string => `nats://127.0.0.1:${port}`;

/** A running cluster. */
export class NatsCluster {
  readonly #ports: readonly number[];
  readonly #clusterPorts: readonly number[];
  readonly #processes: (ChildProcess | undefined)[] = [];

  private constructor(ports: readonly number[]) {
    this.#ports = ports.slice(0, members);
    this.#clusterPorts = ports.slice(members);
  }

  /** Starts all. */
  static async start(): Promise<NatsCluster> {
    const ports = await Promise.all(Array.from({ length: 2 * members }, () => freePort()));
    const cluster = new NatsCluster(ports);
    await cluster.restart();
    return cluster;
  }

  /** Of each member. */
  get urls(): readonly string[] {
    return this.#ports.map(address);
  }

  /** Starts those that do not run. */
  async restart(): Promise<void> {
    await Promise.all(this.#ports.map((_, i) => this.#processes[i] ?? this.#launch(i)));
  }

  /** SIGKILL for some. */
  async kill(which: readonly number[] = [0, 1, 2]): Promise<void> {
    for (const i of which) {
      const child = this.#processes[i];
      this.#processes[i] = undefined;
      if (child === undefined) continue;
      child.removeAllListeners("exit");
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }

  async #launch(i: number): Promise<void> {
    const routes = this.#clusterPorts.filter((_, other) => other !== i);
    const child = spawn(
      "nats-server",
      `-a 127.0.0.1 -p ${this.#ports[i]} --cluster_name sotto --cluster ${address(this.#clusterPorts[i])}`
        .split(" ")
        .concat("--routes", routes.map(address).join(",")),
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#processes[i] = child;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`nats-server ended: ${said}`)));
      child.stderr.on("data", (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-4_000);
        if (said.includes("Server is ready")) resolve();
      });
    });
  }
}
