/**
 * A real PostgreSQL for tests: a private instance from the machine's own programs, on a socket in a temporary folder, or the one that
 * SOTTO_TEST_POSTGRES names (a URL whose user may create databases). Each caller gets databases of its own.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { freePort } from "./free-port.ts";

/** How the instance is to be. */
export interface TestPostgresOptions {
  /** Whether what is committed survives the machine; tests that kill it say so. */
  readonly durable?: boolean;
  /** More settings, as of postgresql.conf. A private instance is then made even where SOTTO_TEST_POSTGRES is set. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The folder that its own is made in, for tests that fill its disk; by default that of temporary files. */
  readonly under?: string;
  /** Files that are copied beside its data, by the names that its settings give them; readable by it alone. */
  readonly files?: Readonly<Record<string, string>>;
}

const user = "sotto";

/** A running PostgreSQL. */
export class TestPostgres {
  /** Of its socket and data; undefined for one that was there before. */
  readonly folder: string | undefined;
  readonly #adminUrl: string;
  readonly #settings: readonly string[];
  readonly #made: string[] = [];
  #process: ChildProcess | undefined;

  private constructor(adminUrl: string, folder: string | undefined, settings: readonly string[]) {
    this.#adminUrl = adminUrl;
    this.folder = folder;
    this.#settings = settings;
  }

  /** Starts one, or finds the one that is given. */
  static async start({
    durable = false,
    settings,
    under = tmpdir(),
    files = {},
  }: TestPostgresOptions = {}): Promise<TestPostgres> {
    const given = process.env["SOTTO_TEST_POSTGRES"];
    if (given !== undefined && given !== "" && settings === undefined && !durable) {
      return new TestPostgres(given, undefined, []);
    }
    const folder = mkdtempSync(join(under, "sotto-pg-"));
    const owner = unprivileged();
    if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
    const setUp = ["-D", join(folder, "data"), "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"];
    execFileSync(program("initdb"), setUp, {
      ...owner,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    for (const [name, from] of Object.entries(files)) {
      const copy = join(folder, "data", name);
      writeFileSync(copy, readFileSync(from), { mode: 0o600 });
      if (owner !== undefined) chownSync(copy, owner.uid, owner.gid);
    }
    const port = await freePort();
    const safe = durable ? {} : { fsync: "off", full_page_writes: "off" };
    const all = {
      port: String(port),
      listen_addresses: "127.0.0.1",
      unix_socket_directories: folder,
      max_connections: "100",
      shared_buffers: "64MB",
      ...safe,
      ...settings,
    };
    const url = `postgres://${user}@localhost:${port}/postgres?host=${encodeURIComponent(folder)}`;
    const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const instance = new TestPostgres(url, folder, flags);
    await instance.launch();
    return instance;
  }

  /** Whether the private instance's main process is there: a full disk can end it. */
  get running(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** The number of the private instance's main process. */
  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error("no private PostgreSQL runs");
    return pid;
  }

  /** Where its private instance listens, beside its socket. */
  get port(): number {
    return Number(new URL(this.#adminUrl).port);
  }

  /** Starts the private instance (again). */
  async launch(): Promise<void> {
    if (this.folder === undefined) throw new Error("SOTTO_TEST_POSTGRES is not ours to start");
    const data = join(this.folder, "data");
    const child = spawn(program("postgres"), ["-D", data, ...this.#settings], {
      ...unprivileged(),
      cwd: this.folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4_000)));
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`postgres ended:\n${said}`);
      if (said.includes("ready to accept connections")) return;
      await sleep(20);
    }
  }

  /** Ends the private instance: SIGINT as an operator does, SIGKILL as a crash does. Resolves when it is gone with its children. */
  async end(signal: "SIGINT" | "SIGQUIT" | "SIGKILL"): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      child.kill(signal);
      await gone;
    }
    // Its children find out that it is gone, and a new one waits for them: one that starts too early refuses to.
    if (signal === "SIGKILL") await sleep(500);
  }

  /** Makes an empty database. Returns its URL. @param template a database to copy, by its URL. */
  async createDatabase(template?: string): Promise<string> {
    const name = `sotto_test_${randomBytes(8).toString("hex")}`;
    const from = template === undefined ? "template0" : new URL(template).pathname.slice(1);
    await this.#admin(`CREATE DATABASE ${name} TEMPLATE ${from}`);
    this.#made.push(name);
    const url = new URL(this.#adminUrl);
    url.pathname = name;
    return url.href;
  }

  /** Ends and removes all of it. */
  async stop(): Promise<void> {
    if (this.folder === undefined) {
      for (const name of this.#made) await this.#admin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      return;
    }
    await this.end("SIGQUIT");
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #admin(sql: string): Promise<void> {
    await withClient(this.#adminUrl, (client) => client.query(sql));
  }
}

/** A connection for the time of some work. @param options of the session, as on the command line of postgres. */
export async function withClient<T>(
  url: string,
  work: (client: Client) => Promise<T>,
  options?: string,
): Promise<T> {
  const client = new Client({ connectionString: url, ...(options !== undefined && { options }) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A connection that whoever asks ends; undefined where there is none to be had. */
export async function tryClient(url: string): Promise<Client | undefined> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  // It may break whenever it likes.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return client;
  } catch {
    return undefined;
  }
}

/** The path of a program of PostgreSQL: as PATH has it, or where Debian puts it. */
export function program(name: string): string {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) {
    throw new Error(
      `${name} of PostgreSQL is missing: apt-get install postgresql, or set SOTTO_TEST_POSTGRES`,
    );
  }
  return found;
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package made. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ["-u", "-g"].map((flag) =>
    Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" })),
  );
  return { uid: uid ?? 0, gid: gid ?? 0 };
}
