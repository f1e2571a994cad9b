/**
 * A device whose process can be killed at any of its effects and started again on what it had stored, on an older copy of it, or on a
 * damaged one. What it stored is the only thing that survives.
 */
import {
  createMlsEngine,
  decodeSignedDeviceList,
  openVault,
  type MlsProvider,
  type Vault,
} from "@sotto/crypto";
import { nodeMlsProvider } from "@sotto/crypto/node";
import {
  startMessenger,
  type ClientEvent,
  type Env,
  type FileSource,
  type Message,
  type Messenger,
  type Notice,
  type Storage,
  type Transport,
} from "@sotto/client";
import {
  groupNames,
  link,
  markRegistered,
  memoryStorage,
  names,
  storeNewAccount,
  vaultStore,
  type GroupRecord,
  type MemoryRows,
  type VaultStore,
} from "@sotto/client/parts";
import { SottoError, StorageError, formatFingerprint, parseIdentifier } from "@sotto/protocol";
import { SimulatedNetwork } from "../network.ts";
import { SeededRandom } from "../random.ts";
import type { SimulatedWorld } from "./world.ts";

/** What becomes of an effect: the process dies before or after it, or a write fails. */
export type Fate = false | "before" | "after" | "fails";

/** What a device had stored at some moment. */
export type VaultCopy = ReadonlyMap<string, { readonly key: Uint8Array; readonly value: Uint8Array }>;

/** A device, alive or not. */
export class SimulatedDevice {
  readonly identifier: string;
  /** For people who read what went wrong: the identifier, and which of its devices this is. */
  readonly label: string;
  readonly world: SimulatedWorld;
  readonly network: SimulatedNetwork;
  vault: Vault;
  /** What is stored: other rows after each time that a copy was put back. */
  rows: MemoryRows = new Map();
  header: Uint8Array;
  account = "";
  device = "";
  messenger: Messenger | undefined;
  /** What it told in all its lives. */
  readonly events: ClientEvent[] = [];
  /** How far its clock is ahead. */
  skewMs = 0;
  /** Files outside of the vault, by the reference that they are sent under. */
  readonly files = new Map<string, FileSource>();
  /** Asked at each effect: a write, a sent batch of frames, a request about a blob. */
  fate: () => Fate = () => false;
  #life: { dead: boolean } = { dead: true };
  #cut: (() => void) | undefined;
  readonly #mlsProvider: MlsProvider;
  readonly #random: SeededRandom;

  constructor(
    world: SimulatedWorld,
    names: { readonly identifier: string; readonly label: string },
    { header, vault }: { readonly header: Uint8Array; readonly vault: Vault },
  ) {
    this.world = world;
    this.identifier = names.identifier;
    this.label = names.label;
    this.header = header;
    this.vault = vault;
    this.#random = new SeededRandom(world.random.nextUint32());
    this.network = new SimulatedNetwork(new SeededRandom(world.random.nextUint32()), world.clock);
    this.#mlsProvider = nodeMlsProvider(world.crypto);
  }

  get alive(): boolean {
    return !this.#life.dead;
  }

  /** The running messenger. @throws Error when there is none. */
  get up(): Messenger {
    if (this.messenger === undefined || !this.alive) throw new Error(`${this.label} is not running`);
    return this.messenger;
  }

  get notices(): readonly Notice[] {
    return this.events.flatMap((event) => (event.type === "notice" ? [event.notice] : []));
  }

  get received(): readonly Message[] {
    return this.events.flatMap((event) =>
      event.type === "message" && event.message.direction === "in" ? [event.message] : [],
    );
  }

  /** A look into what is stored now. */
  get stored(): VaultStore {
    return vaultStore(this.vault, memoryStorage(this.rows));
  }

  /** A look into a copy. */
  look(copy: VaultCopy): VaultStore {
    return vaultStore(this.vault, memoryStorage(new Map(copy)));
  }

  /** Every group in the vault, or in a copy. */
  async groups(stored = this.stored): Promise<readonly GroupRecord[]> {
    const ids = await stored.page(groupNames.groups);
    const records = await Promise.all(ids.map(({ value }) => stored.get(groupNames.group(value))));
    return records.filter((record) => record !== undefined);
  }

  /** Makes the account, and has the server know it. */
  async register(): Promise<void> {
    const { server } = this.world;
    const store = vaultStore(this.vault, memoryStorage(this.rows));
    const own = await storeNewAccount(this.#env({ dead: false }), store, {
      identifier: parseIdentifier(this.identifier),
      serverOrigin: server.origin,
      serverKey: server.key,
      recoveryKey: { text: "simulated", backupKey: this.world.crypto.randomBytes(32) },
      deviceName: "simulated",
    });
    const pinned = await store.get(names.directory(own.account));
    if (pinned === undefined) throw new Error("no device list was made");
    await server.addAccount(this.identifier, decodeSignedDeviceList(pinned.deviceList));
    await markRegistered(store, own);
    this.account = own.account;
    this.device = own.device;
  }

  /** Asks to be let into somebody's account, the whole way over the server. `joined`: whether it was; then start() brings the device up. */
  async askToJoin(passphrase: string): Promise<{ readonly code: string; readonly joined: Promise<boolean> }> {
    const { server, crypto } = this.world;
    const { promise: code, resolve } = Promise.withResolvers<string>();
    const place = {
      exists: false,
      header: {
        read: async () => this.header,
        write: async (header: Uint8Array) => {
          this.header = header;
        },
      },
      openStorage: () => memoryStorage(this.rows),
      discard: () => this.rows.clear(),
      release: () => undefined,
    };
    const onboarding = {
      env: this.#env({ dead: false }),
      transportTo: () => this.network.wrap(server.transport(this.label)),
      takePlace: () => place,
    };
    const linked = link(onboarding, {
      server: server.origin,
      serverKey: formatFingerprint(server.key.fingerprint),
      passphrase,
      deviceName: "simulated",
      platform: "a simulated world",
      onCode: (shown) => resolve(shown.code),
    });
    const join = async (): Promise<boolean> => {
      try {
        const own = await linked;
        this.account = own.account;
        this.device = own.device;
      } catch (cause) {
        const gaveUp = ["link_refused", "server_unreachable", "connection_lost"];
        if (cause instanceof SottoError && gaveUp.includes(cause.code)) return false;
        throw cause;
      }
      this.vault = await openVault(crypto, this.header, passphrase);
      return true;
    };
    const joined = join();
    // Keys are made in threads too: the clock stands still until they are.
    return { code: await Promise.race([code, joined.then(() => code)]), joined };
  }

  #env(life: { dead: boolean }): Env {
    const { ciphersuite, clock, crypto, witness } = this.world;
    return {
      crypto,
      mlsProvider: this.#mlsProvider,
      mls: witness.listen(createMlsEngine(this.#mlsProvider), this.device),
      ciphersuite,
      nowMs: () => clock.nowMs() + this.skewMs,
      random: this.#random.float,
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, () => life.dead || callback()),
    };
  }

  /** Starts the process. */
  async start(): Promise<Messenger> {
    const life = { dead: false };
    this.#life = life;
    const messenger = await startMessenger({
      env: this.#env(life),
      vault: this.vault,
      header: {
        read: async () => this.header,
        write: async (header) => {
          this.header = header;
        },
      },
      storage: this.#mortalStorage(life),
      transport: this.#mortalTransport(life, this.network.wrap(this.world.server.transport(this.label))),
      openFile: async (reference) => this.files.get(reference),
    });
    messenger.subscribe((event) => life.dead || this.events.push(event));
    this.messenger = messenger;
    return messenger;
  }

  /** Kills the process: from now on it writes, sends and hears nothing. */
  kill(): void {
    this.#die(this.#life);
  }

  /** A copy of what is stored now. */
  copy(): VaultCopy {
    return new Map(this.rows);
  }

  /** Puts a copy in the place of what is stored. The process must be dead. */
  restore(copy: VaultCopy): void {
    if (this.alive) throw new Error("kill it first");
    this.rows = new Map(copy);
  }

  /** Changes what is stored, as a fault of the disk would. The process must be dead. */
  async tamper(change: (draft: ReturnType<VaultStore["draft"]>) => Promise<void> | void): Promise<void> {
    if (this.alive) throw new Error("kill it first");
    const draft = vaultStore(this.vault, memoryStorage(this.rows)).draft();
    await change(draft);
    await draft.commit();
  }

  /** Writes something, and then turns a bit of it on the disk. The process must be dead. */
  async spoil(write: (draft: ReturnType<VaultStore["draft"]>) => void): Promise<void> {
    const before = this.copy();
    await this.tamper(write);
    for (const [key, row] of this.rows) {
      if (before.get(key) === row) continue;
      this.rows.set(key, { ...row, value: row.value.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) });
    }
  }

  async stop(): Promise<void> {
    await this.messenger?.close();
    this.#life.dead = true;
  }

  #die(life: { dead: boolean }): void {
    life.dead = true;
    this.#cut?.();
    this.#cut = undefined;
  }

  #mortalStorage(life: { dead: boolean }): Storage {
    const inner = memoryStorage(this.rows);
    const never = new Promise<never>(() => {});
    return {
      get: (key) => (life.dead ? never : inner.get(key)),
      range: (from, to, options) => (life.dead ? never : inner.range(from, to, options)),
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
    const never = new Promise<never>(() => {});
    const mortal = async <T>(work: () => Promise<T>): Promise<T> => {
      if (life.dead) return never;
      const fate = this.fate();
      if (fate === "before") this.#die(life);
      const answer = fate === "before" ? never : await work();
      if (fate === "after") this.#die(life);
      return life.dead ? never : answer;
    };
    return {
      ...inner,
      blobs: {
        ...inner.blobs,
        put: (part, signal) => mortal(() => inner.blobs.put(part, signal)),
        progress: (...asked) => mortal(() => inner.blobs.progress(...asked)),
        delete: (...asked) => mortal(() => inner.blobs.delete(...asked)),
      },
      connect: async (events, hello) => {
        const connection = await inner.connect(
          {
            frames: (frames) => life.dead || events.frames(frames),
            closed: (cause) => life.dead || events.closed(cause),
          },
          hello,
        );
        if (life.dead) connection.close();
        else this.#cut = () => connection.close();
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
