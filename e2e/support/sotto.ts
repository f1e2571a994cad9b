/** Real processes for tests: a server, and people who use the `sotto` command as scripts do. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PtyTerminal } from "./pty.ts";

/** The launcher that `npx sotto` starts. */
export const launcher = resolve(import.meta.dirname, "../../apps/cli/bin/sotto");

/** What a command printed and how it ended. */
export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Result>;
  stdout(): string;
  /** Resolves when standard output matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Environment without what would change the command's behaviour. */
export function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(?:SOTTO_|NODE_OPTIONS|VITEST|NO_COLOR)/.test(entry[0]),
  );
  return { ...Object.fromEntries(kept), ...extra };
}

/** Starts the launcher without standard input, with a pipe, or with a text on it. */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  stdin: "none" | "pipe" | { readonly input: string } = "none",
): Running {
  const child = spawn(launcher, [...args], {
    env: cleanEnvironment(env),
    stdio: [stdin === "none" ? "ignore" : "pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
    for (const watch of watchers) watch();
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  if (typeof stdin === "object") child.stdin?.end(stdin.input);
  const ended = new Promise<Result>((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done({ code, stdout, stderr }));
  });
  return {
    child,
    ended,
    stdout: () => stdout,
    printed: (pattern) =>
      new Promise((found, fail) => {
        const watch = (): void => {
          const match = pattern.exec(stdout);
          if (match === null) return;
          watchers.delete(watch);
          found(match);
        };
        watchers.add(watch);
        watch();
        void ended.then(({ code }) =>
          fail(new Error(`ended with ${code} before it printed ${String(pattern)}:\n${stdout}\n${stderr}`)),
        );
      }),
  };
}

/** A server with its folder, gone after stop(). */
export class TestServer {
  readonly folder: string;
  readonly args: readonly string[];
  url = "";
  fingerprint = "";
  /** The link that people get from the operator. */
  invite = "";
  /** What it printed for its operator, without the QR code. */
  greeting = "";
  #running: Running | undefined;

  private constructor(folder: string, args: readonly string[]) {
    this.folder = folder;
    this.args = args;
  }

  /** Starts a server on a free port; `args` come after the usual ones. */
  static async start(args: readonly string[] = []): Promise<TestServer> {
    const server = new TestServer(await mkdtemp(join(tmpdir(), "sotto-e2e-")), args);
    await server.up();
    return server;
  }

  /** Starts it (again), on the port that it had. */
  async up(): Promise<void> {
    const port = this.url === "" ? "0" : new URL(this.url).port;
    const options = [
      "--data",
      join(this.folder, "data"),
      "--otp",
      `file:${this.otpFile}`,
      "--log-level",
      "error",
    ];
    // People in tests register and look each other up faster than people do.
    const limits = ["--resend-after-sec", "1"];
    const running = start(["serve", "--port", port, ...options, ...limits, ...this.args], {});
    this.#running = running;
    this.url = (await running.printed(/listening on (http:\S+)/))[1] ?? "";
    this.fingerprint = (await running.printed(/fingerprint: (\S{43})/))[1] ?? "";
    this.invite = (await running.printed(/(sotto:\/\/\S+)\n/))[1] ?? "";
    const lines = running.stdout().split("\n");
    this.greeting = lines.filter((line) => /^[A-Z][\w ]+/.test(line)).join("\n");
  }

  /** Ends it as an operator would; returns how it ended. */
  async down(): Promise<Result | undefined> {
    this.#running?.child.kill("SIGTERM");
    return await this.#running?.ended;
  }

  /** Ends it at once, in the middle of whatever it does. */
  async kill(): Promise<void> {
    this.#running?.child.kill("SIGKILL");
    await this.#running?.ended;
  }

  async stop(): Promise<void> {
    await this.down();
    await rm(this.folder, { recursive: true, force: true });
  }

  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  get otpFile(): string {
    return join(this.folder, "otp.jsonl");
  }

  /** The newest code sent to somebody. */
  code(identifier: string): string | undefined {
    if (!existsSync(this.otpFile)) return undefined;
    const lines = readFileSync(this.otpFile, "utf8").trim().split("\n");
    const sent = lines.map((line) => JSON.parse(line) as { identifier: string; code: string });
    return sent.findLast((one) => one.identifier === identifier)?.code;
  }

  /** Waits for a code that is sent to somebody who had none. */
  async nextCode(identifier: string): Promise<string> {
    for (const deadline = Date.now() + 15_000; Date.now() < deadline;) {
      const code = this.code(identifier);
      if (code !== undefined) return code;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no code came for ${identifier}`);
  }

  /** A person without an account yet. */
  person(phone: string): Person {
    return new Person(this, phone);
  }

  /** A person with an account. */
  async registered(phone: string): Promise<Person> {
    const person = this.person(phone);
    await person.register();
    return person;
  }
}

/** Somebody with a folder of their own, who runs commands. */
export class Person {
  readonly server: TestServer;
  readonly phone: string;
  readonly home: string;
  passphrase = "correct horse battery staple";
  recoveryKey: string | undefined;
  /** How far this person's clock is ahead. */
  clockAheadMs = 0;

  /** @param device distinguishes the folders of one person's devices. */
  constructor(server: TestServer, phone: string, device = "") {
    this.server = server;
    this.phone = phone;
    this.home = join(server.folder, `home-${phone.replaceAll(/\W/g, "")}${device}`);
  }

  /** The same person at another device, with no account on it yet. */
  at(device: string): Person {
    return new Person(this.server, this.phone, `-${device}`);
  }

  get env(): Record<string, string> {
    return {
      SOTTO_HOME: this.home,
      SOTTO_PASSPHRASE: this.passphrase,
      SOTTO_SERVER: this.server.url,
      ...(this.recoveryKey === undefined ? {} : { SOTTO_RECOVERY_KEY: this.recoveryKey }),
      ...(this.clockAheadMs === 0 ? {} : { NODE_OPTIONS: wrongClock(this.clockAheadMs) }),
    };
  }

  start(...args: readonly string[]): Running {
    return start(args, this.env);
  }

  run(...args: readonly string[]): Promise<Result> {
    return this.start(...args).ended;
  }

  /** Runs a command that must succeed. @returns its standard output. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code !== 0) throw new Error(`sotto ${args.join(" ")} ended with ${code}:\n${stdout}\n${stderr}`);
    return stdout;
  }

  /** Runs a command with --json that must succeed. @returns the objects it printed. */
  async json<T = Record<string, unknown>>(...args: readonly string[]): Promise<T[]> {
    return parseLines<T>(await this.ok(...args, "--json"));
  }

  /** Registers in two calls, as a script does. */
  async register(): Promise<void> {
    const identity = this.phone.includes("@") ? "--email" : "--phone";
    await this.ok("register", identity, this.phone, "--request-only");
    await this.ok("register", identity, this.phone, "--code", this.server.code(this.phone) ?? "");
  }

  /** Runs a command in a terminal of this person. */
  terminal(
    args: readonly string[],
    options: {
      readonly columns?: number;
      readonly rows?: number;
      readonly env?: Record<string, string>;
    } = {},
  ): PtyTerminal {
    const { columns, rows, env } = options;
    return new PtyTerminal({
      file: launcher,
      args,
      env: cleanEnvironment({ ...this.env, ...env }),
      ...(columns === undefined ? {} : { columns }),
      ...(rows === undefined ? {} : { rows }),
    });
  }
}

/** What has a process live in another time. */
export function wrongClock(aheadMs: number): string {
  const code = `const now = Date.now; Date.now = () => now() + ${aheadMs};`;
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

/** The objects of JSON lines. */
export function parseLines<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}
