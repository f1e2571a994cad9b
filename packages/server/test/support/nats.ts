/** A real NATS server that belongs to a test. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { freePort } from "@sotto/testkit/free-port";

/** Whether there is a nats-server to start. @throws Error in CI when there is none: the check must not be lost unseen. */
export function natsIsInstalled(): boolean {
  const found = spawnSync("nats-server", ["--version"]).status === 0;
  if (!found && process.env["CI"] !== undefined) throw new Error("nats-server is not installed");
  return found;
}

/** A NATS server that can be killed, and started again on the same port. */
export class TestNats {
  readonly port: number;
  readonly #more: readonly string[];
  #process: ChildProcess | undefined;

  /** One that does not run yet. @param more arguments for the command. */
  constructor(port: number, more: readonly string[] = []) {
    this.port = port;
    this.#more = more;
  }

  /** Starts one on a free port. */
  static async start(): Promise<TestNats> {
    const nats = new TestNats(await freePort());
    await nats.restart();
    return nats;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Starts it (again, after `kill`), unless it runs, and waits until it takes connections. */
  async restart(): Promise<void> {
    if (this.#process !== undefined) return;
    const child = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(this.port), ...this.#more], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      let said = "";
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`nats-server ended: ${said}`)));
      child.stderr.on("data", (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-4_000);
        if (said.includes("Server is ready")) resolve();
      });
    });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined) return;
    child.removeAllListeners("exit");
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}
