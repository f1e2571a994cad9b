/** Child processes: started with their output watched, stopped by their own id, killed when we go. */
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A server process that runs. */
export interface Running {
  readonly pid: number;
  /** Asks it to end (SIGTERM), and kills it when it has not within 20 seconds. */
  stop(): Promise<void>;
  /** SIGKILL: no chance to write anything. */
  kill(): Promise<void>;
}

const living = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

/** Starts a program and waits until `ready` answers true for what it has printed, or forever-true after start when left out. */
export async function start(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; ready?: (output: string) => boolean } = {},
): Promise<Running & { output(): string }> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  living.add(child);
  let output = "";
  let over = false;
  const ended = new Promise<void>((resolve) => {
    const done = (): void => {
      over = true;
      living.delete(child);
      resolve();
    };
    child.once("exit", done);
    child.once("error", (error) => {
      output += String(error);
      done();
    });
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString("utf8")).slice(-65_536);
    });
  }
  const deadline = Date.now() + 60_000;
  while (options.ready !== undefined && !options.ready(output)) {
    if (over) throw new Error(`${command} ended before it was ready:\n${output.slice(-4000)}`);
    if (Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`${command} was not ready within a minute:\n${output.slice(-4000)}`);
    }
    await sleep(20);
  }
  return {
    pid: child.pid ?? 0,
    output: () => output,
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await ended;
      clearTimeout(late);
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Runs a program to its end and gives what it printed; undefined when it is not there. */
export async function outputOf(command: string, args: readonly string[]): Promise<string | undefined> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
  return new Promise((resolve) => {
    child.once("error", () => resolve(undefined));
    child.once("close", () => resolve(output));
  });
}

/** Waits until something accepts connections on a loopback port. */
export async function untilListening(port: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const open = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`);
    await sleep(50);
  }
}
