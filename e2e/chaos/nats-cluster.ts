/** NATS as a cluster of three servers, each of which can be killed and started again. */
import { freePort } from "@sotto/testkit/free-port";
import { TestNats } from "../../packages/server/test/support/nats.ts";

const size = 3;

/** A running cluster. */
export class NatsCluster {
  readonly #members: readonly TestNats[];

  private constructor(members: readonly TestNats[]) {
    this.#members = members;
  }

  /** Starts all. */
  static async start(): Promise<NatsCluster> {
    const ports = await Promise.all(Array.from({ length: 2 * size }, () => freePort()));
    const routes = ports.splice(size).map((port) => `nats://127.0.0.1:${port}`);
    const members = ports.map((port, i) => {
      const others = routes.filter((_, other) => other !== i).join(",");
      return new TestNats(port, [
        "--cluster_name",
        "sotto",
        "--cluster",
        routes[i] ?? "",
        "--routes",
        others,
      ]);
    });
    const cluster = new NatsCluster(members);
    await cluster.restart();
    return cluster;
  }

  /** Of each member. */
  get urls(): readonly string[] {
    return this.#members.map(({ url }) => url);
  }

  /** Starts those that do not run. */
  async restart(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.restart()));
  }

  /** SIGKILL for some. */
  async kill(which: readonly number[] = [0, 1, 2]): Promise<void> {
    for (const i of which) await this.#members[i]?.kill();
  }
}
