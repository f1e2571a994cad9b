/**
 * A world in memory for the classic suite: a clock that stands still until it is told to move, seeded chance, one server, and people whose process can be
 * killed at any of its effects and started again on what it had stored.
 */
import {
  createMlsEngine,
  createVault,
  decodeSignedDeviceList,
  type CryptoProvider,
  type Vault,
} from "@sotto/crypto";
import { nodeMlsProvider, nodeProvider } from "@sotto/crypto/node";
import { StorageError, parseIdentifier } from "@sotto/protocol";
import { SeededRandom, SimulatedNetwork, VirtualClock } from "@sotto/testkit";
import { memoryStorage, type MemoryRows } from "../../src/adapters/memory-storage.ts";
import type { ClientEvent, Message, Messenger, Notice } from "../../src/api.ts";
import type { Env } from "../../src/core/env.ts";
import { names } from "../../src/core/records.ts";
import { markRegistered, storeNewAccount } from "../../src/core/registration.ts";
import { startMessenger } from "../../src/core/start.ts";
import type { Storage } from "../../src/core/storage.ts";
import type { Transport } from "../../src/core/transport.ts";
import { vaultStore } from "../../src/core/vault-store.ts";
import { FakeServer } from "./fake-server.ts";

const crypto = nodeProvider();
const mlsProvider = nodeMlsProvider(crypto);
const mls = createMlsEngine(mlsProvider);
let sharedVault: Promise<{ header: Uint8Array; vault: Vault }> | undefined;
export const PASSPHRASE = "correct horse battery staple";

/** One vault key for all tests of a file: opening one costs a third of a second. */
const vaultForTests = () => (sharedVault ??= createVault(crypto, PASSPHRASE));

/** Everything that a test needs. */
export class World {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly server: FakeServer;
  readonly network: SimulatedNetwork;
  readonly crypto: CryptoProvider = crypto;

  private constructor(clock: VirtualClock, random: SeededRandom, server: FakeServer) {
    this.clock = clock;
    this.random = random;
    this.server = server;
    this.network = new SimulatedNetwork(random, clock);
  }

  static async make(seed = 1): Promise<World> {
    const clock = new VirtualClock();
    return new World(clock, new SeededRandom(seed), await FakeServer.make(crypto, clock));
  }

  /** Registers somebody; start() brings them up. */
  async person(identifier: string): Promise<TestPerson> {
    const { header, vault } = await vaultForTests();
    const person = new TestPerson(this, identifier, header, vault);
    await person.register();
    return person;
  }

  /** Lets everything happen that is due within so many seconds. */
  settle(seconds = 5): Promise<void> {
    return this.clock.advance(seconds * 1000);
  }

  /** Moves on in small steps until a condition holds. Real work in the background, such as making a key, gets its time. */
  async until(condition: () => boolean | Promise<boolean>, withinSec = 120): Promise<void> {
    const stepMs = 50;
    for (let waited = 0; waited < (withinSec * 1000) / stepMs; waited++) {
      if (await condition()) return;
      await this.clock.advance(stepMs);
      await new Promise((resolve) => void setTimeout(resolve, 2));
    }
    throw new Error(`the condition did not come true within ${withinSec} s; seed ${this.random.seed}`);
  }

  /** Moves on until some work is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const settled = work.then(
      () => (done = true),
      () => (done = true),
    );
    await this.until(() => done);
    await settled;
    return work;
  }
}

/** Somebody, alive or not. */
export class TestPerson {
  readonly identifier: string;
  readonly rows: MemoryRows = new Map();
  readonly world: World;
  readonly vault: Vault;
  header: Uint8Array;
  account = "";
  device = "";
  inbox = "";
  messenger: Messenger | undefined;
  /** Rows that the storage handed out, for tests that count. */
  rowsRead = 0;
  /** What the present life was told. */
  events: ClientEvent[] = [];
  /** Asked at each effect (a write, a sent batch of frames): the process dies before or after it, or the write fails. */
  fate: () => false | "before" | "after" | "fails" = () => false;
  #life: { dead: boolean } = { dead: true };

  constructor(world: World, identifier: string, header: Uint8Array, vault: Vault) {
    this.world = world;
    this.identifier = identifier;
    this.header = header;
    this.vault = vault;
  }

  get alive(): boolean {
    return !this.#life.dead;
  }

  /** The running messenger. */
  get up(): Messenger {
    if (this.messenger === undefined || !this.alive) throw new Error(`${this.identifier} is not running`);
    return this.messenger;
  }

  get notices(): readonly Notice[] {
    return this.events.flatMap((event) => (event.type === "notice" ? [event.notice] : []));
  }

  get received(): readonly Message[] {
    return this.events.flatMap((event) => (event.type === "message" ? [event.message] : []));
  }

  async register(): Promise<void> {
    const { server, clock } = this.world;
    const store = vaultStore(this.vault, memoryStorage(this.rows));
    const env: Env = {
      crypto,
      mlsProvider,
      mls,
      ciphersuite: "x-wing",
      nowMs: clock.nowMs,
      random: Math.random,
      setTimer: clock.setTimer,
    };
    const own = await storeNewAccount(env, store, {
      identifier: parseIdentifier(this.identifier),
      serverOrigin: server.origin,
      serverKey: server.key,
      recoveryKey: { text: "test", backupKey: env.crypto.randomBytes(32) },
      deviceName: "test",
    });
    const pinned = await store.get(names.directory(own.account));
    server.addAccount(this.identifier, decodeSignedDeviceList(pinned?.deviceList ?? new Uint8Array()));
    await markRegistered(store, own);
    this.account = own.account;
    this.device = own.device;
    this.inbox = own.inbox;
  }

  /** Starts the process. @param connect false: it stays offline. */
  async start(connect = true): Promise<Messenger> {
    const life = { dead: false };
    this.#life = life;
    this.events = [];
    const { clock, random, network, server } = this.world;
    const env: Env = {
      crypto,
      mlsProvider,
      mls,
      ciphersuite: "x-wing",
      nowMs: clock.nowMs,
      random: random.float,
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, () => life.dead || callback()),
    };
    const messenger = await startMessenger({
      env,
      vault: this.vault,
      header: {
        read: async () => this.header,
        write: async (header) => {
          this.header = header;
        },
      },
      storage: this.#mortalStorage(life),
      transport: connect ? this.#mortalTransport(life, network.wrap(server.transport())) : undefined,
    });
    messenger.subscribe((event) => life.dead || this.events.push(event));
    this.messenger = messenger;
    return messenger;
  }

  /** Kills the process: from now on it writes, sends and hears nothing. */
  kill(): void {
    this.#die(this.#life);
  }

  #die(life: { dead: boolean }): void {
    life.dead = true;
    this.#cut?.();
    this.#cut = undefined;
  }
  #cut: (() => void) | undefined;

  async stop(): Promise<void> {
    await this.messenger?.close();
    this.#life.dead = true;
  }

  #mortalStorage(life: { dead: boolean }): Storage {
    const inner = memoryStorage(this.rows);
    const never = new Promise<never>(() => {});
    return {
      get: (key) => {
        this.rowsRead++;
        return life.dead ? never : inner.get(key);
      },
      range: async (from, to, options) => {
        if (life.dead) return never;
        const rows = await inner.range(from, to, options);
        this.rowsRead += rows.length;
        return rows;
      },
      apply: async (changes) => {
        if (life.dead) return never;
        const fate = this.fate();
        if (fate === "before") {
          this.#die(life);
          return never;
        }
        if (fate === "fails") throw new StorageError("storage_failed", "the disk is full");
        await inner.apply(changes);
        if (fate === "after") {
          this.#die(life);
          return never;
        }
      },
      close: () => inner.close(),
    };
  }

  #mortalTransport(life: { dead: boolean }, inner: Transport): Transport {
    return {
      ...inner,
      connect: async (events, hello) => {
        const connection = await inner.connect(
          {
            frames: (frames) => life.dead || events.frames(frames),
            closed: (cause) => life.dead || events.closed(cause),
          },
          hello,
        );
        this.#cut = () => connection.close();
        return {
          close: () => connection.close(),
          send: (frames) => {
            if (life.dead) return;
            const fate = this.fate();
            if (fate === "before") return this.#die(life);
            connection.send(frames);
            if (fate === "after") this.#die(life);
          },
        };
      },
    };
  }
}
