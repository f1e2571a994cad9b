/** A real server on a port of its own, in a folder that goes with it, and people who registered there. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CryptoProvider } from "@sotto/crypto";
import { type RunningServer, type ServerConfigInput, type ServeOptions, startServer } from "@sotto/server";
import { Person } from "./person.ts";
import { RawClient } from "./raw-client.ts";
import { type ServerFacts, learnServer, register, requestCode } from "./registration.ts";

/** Limits that do not get in the way of a test that is not about them. */
const wide = { burst: 1_000_000, perHour: 1_000_000 };
const generousLimits = {
  codesPerIdentifier: wide,
  codesPerAddress: wide,
  wrongCodesPerAddress: wide,
  requestsPerAddress: wide,
  appendsPerAccount: wide,
  logsPerAccount: wide,
  slotsPerAccount: wide,
  readsPerAccount: wide,
  appendedBytesPerAccount: { burst: 2 ** 40, perHour: 2 ** 40 },
};

/** The server under attack. */
export class TestServer {
  readonly facts: ServerFacts;
  readonly provider: CryptoProvider;
  readonly running: RunningServer;
  /** What it logged, a line each. */
  readonly log: string[];
  private readonly codes: Map<string, string>;
  private readonly folder: string;
  private nextPerson = 0;

  private constructor(
    provider: CryptoProvider,
    running: RunningServer,
    facts: ServerFacts,
    kept: { log: string[]; codes: Map<string, string>; folder: string },
  ) {
    this.provider = provider;
    this.running = running;
    this.facts = facts;
    this.log = kept.log;
    this.codes = kept.codes;
    this.folder = kept.folder;
  }

  /** Starts one. Limits of registration and of appends are wide unless `config.limits` says otherwise. */
  static async start(
    provider: CryptoProvider,
    config: ServerConfigInput = {},
    options: ServeOptions = {},
  ): Promise<TestServer> {
    const folder = mkdtempSync(join(tmpdir(), "sotto-attack-"));
    const codes = new Map<string, string>();
    const log: string[] = [];
    const running = await startServer(
      {
        port: 0,
        logLevel: "warn",
        resendAfterSec: 0,
        ...config,
        limits: { ...generousLimits, ...(config.limits as object) },
        data: join(folder, "data"),
      },
      {
        logTo: { write: (line) => void log.push(line) },
        print: (line) => {
          const [, identifier = "", code = ""] = /^OTP for (\S+): (\d+)$/.exec(line) ?? [];
          codes.set(identifier, code);
        },
        ...options,
      },
    );
    const facts = await learnServer(provider, running.address);
    return new TestServer(provider, running, facts, { log, codes, folder });
  }

  /** The code that was sent to somebody last. */
  code(identifier: string): string {
    return this.codes.get(identifier) ?? "";
  }

  /** Registers somebody new, honestly. */
  async join(identifier = `+1555124${String(this.nextPerson++).padStart(4, "0")}`): Promise<Person> {
    const person = await Person.make(this.provider, identifier, Math.floor(Date.now() / 1000));
    const asked = await requestCode(this.provider, this.facts, identifier);
    const registered = await register(this.provider, this.facts, person, this.code(identifier));
    if (asked !== "ok" || registered !== "ok")
      throw new Error(`${identifier} cannot join: ${asked}, ${registered}`);
    return person;
  }

  /** Signs somebody in. */
  connect(person: Person): Promise<RawClient> {
    return RawClient.signedIn(this.provider, this.facts, person);
  }

  /** Its data folder. */
  get dataFolder(): string {
    return join(this.folder, "data");
  }

  /** All that is in its data folder now, one file after the other. */
  storedBytes(): Buffer {
    const data = join(this.folder, "data");
    const files = readdirSync(data, { recursive: true, withFileTypes: true });
    return Buffer.concat(
      files.filter((file) => file.isFile()).map((file) => readFileSync(join(file.parentPath, file.name))),
    );
  }

  /** Stops it. @throws Error when it met a failure of its own meanwhile: refusals are warnings at most. */
  async close(): Promise<void> {
    await this.running.close();
    rmSync(this.folder, { recursive: true, force: true });
    const failures = this.log.filter((line) => /"level":"(?:error|fatal)"/.test(line));
    if (failures.length > 0) throw new Error(`the server failed: ${failures.join("")}`);
  }
}
