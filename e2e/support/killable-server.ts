/** The real `sotto serve` as a process of its own that can be killed and started again on the same data. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseFingerprint } from "@sotto/protocol";
import { cleanEnvironment, launcher } from "./sotto.ts";

/** How a server is reached. */
export interface Reachable {
  readonly url: string;
  /** Of its key, 32 bytes. */
  readonly fingerprint: Uint8Array;
}

/** A server that keeps its data in `FOLDER/data`. */
export class KillableServer {
  readonly #folder: string;
  readonly #options: readonly string[];
  readonly #port: number;
  #child: ChildProcess | undefined;

  /** @param options of `sotto serve`, beside port, data, OTP and log level. @param port 0 for any, another one at each start. */
  constructor(folder: string, options: readonly string[] = [], port = 0) {
    this.#folder = folder;
    this.#port = port;
    this.#options = options;
  }

  get dataFolder(): string {
    return join(this.#folder, "data");
  }

  /** The database, for when the server does not run. */
  get databasePath(): string {
    return join(this.dataFolder, "sotto.db");
  }

  /** Resolves when it listens. @param env beside what it has anyway. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<Reachable> {
    const args = [
      "serve",
      "--port",
      String(this.#port),
      "--data",
      join(this.#folder, "data"),
      "--log-level",
      "error",
    ];
    const otp = ["--otp", `file:${join(this.#folder, "codes")}`];
    const child = spawn(launcher, [...args, ...otp, ...this.#options], {
      env: { ...cleanEnvironment(), ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child = child;
    let printed = "";
    return new Promise((found, fail) => {
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        printed += chunk;
        const url = /listening on (http:\S+)/.exec(printed)?.[1];
        const fingerprint = parseFingerprint(/fingerprint: (\S{43})/.exec(printed)?.[1] ?? "");
        if (url !== undefined && fingerprint !== undefined) found({ url, fingerprint });
      });
      child.once("exit", (code) => fail(new Error(`ended with ${code} before it listened:\n${printed}`)));
    });
  }

  /** Of its process, while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Sends it a signal that it survives. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(signal);
  }

  /** Resolves when it is gone. */
  async stop(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    this.#child = undefined;
  }
}
