/**
 * The real server's core without sockets: its sessions, desks, limits and group commit on the memory store, under a virtual clock.
 * Each connection is an array of messages; what the server says leaves it when the clock moves on.
 */
import { toBinary } from "@bufbuild/protobuf";
import { verifyServerKey, type CryptoProvider, type ServerKey as PinnedKey } from "@sotto/crypto";
import type { GroupRecord } from "@sotto/client/parts";
import type { BlobPart, Connection, ConnectionEvents, Transport } from "@sotto/client";
import {
  EntryKind,
  SignedDeviceListSchema,
  TransportError,
  accountId,
  decode,
  deviceId,
  logId,
  parseDeviceList,
  parseHex,
  toHex,
  type ClientFrame,
  type SignedDeviceList,
} from "@sotto/protocol";
import {
  Challenger,
  Delivery,
  FrameBatch,
  LocalBus,
  MemoryBlobFiles,
  MemoryTransient,
  ServerKey,
  checkConfig,
  createDesks,
  generatePrivateKeyPem,
  nodeCrypto,
  sealedAnswers,
  type Desks,
  type OutgoingEntry,
  type SealedAnswers,
  type Session,
  type SessionOutput,
} from "@sotto/server/parts";
import { simulatedBlobs } from "./blobs.ts";
import type { VirtualClock } from "../clock.ts";
import { decodeServerFrames, encodeClientFrames } from "../frames.ts";
import { RestorableStore, type Stored } from "./restorable-store.ts";

// One key for all worlds of a process: making one takes a tenth of a second.
let keyPem: Promise<string> | undefined;

/** The server. */
export class SimulatedServer {
  readonly origin = "http://server.test";
  readonly key: PinnedKey;
  /** What went wrong in it; there must be nothing. */
  readonly failures: unknown[] = [];
  /** Is told of every part of a blob that a client sends. */
  watchBlobs: (part: BlobPart) => void = () => undefined;
  readonly #kept = new RestorableStore();
  readonly #clock: VirtualClock;
  readonly #desks: Desks;
  readonly #answer: SealedAnswers;
  readonly #open: () => Delivery;
  #delivery: Delivery;
  readonly #connections = new Set<ServerEnd>();

  private constructor(clock: VirtualClock, own: ServerKey, key: PinnedKey) {
    this.key = key;
    this.#clock = clock;
    const events = new Proxy({} as never, {
      get: (_target, name) =>
        name === "sessionFailed" || name === "commitFailed"
          ? (error: unknown) => this.failures.push(error)
          : () => undefined,
    });
    const { nowMs } = clock;
    this.#desks = createDesks({
      config: checkConfig({}),
      senders: [],
      store: this.#kept.store,
      transient: new MemoryTransient(nowMs),
      blobFiles: new MemoryBlobFiles(),
      events,
      identifierKey: new Uint8Array(32),
      nowMs,
      scheduler: { after: clock.setTimer },
      watch: {
        listChanged: (account, list) => this.#delivery.listChanged(account, list),
        replaced: (account) => this.#delivery.replaced(account),
        resetChanged: (account, resetAtSec) => this.#delivery.resetChanged(account, resetAtSec),
      },
    });
    const failed = (error: unknown): void => void this.failures.push(error);
    this.#answer = sealedAnswers({ key: own, desks: this.#desks, nowMs, failed });
    const { accountEnds, blobs, directory, keyPackages, links, recovery, quota } = this.#desks;
    this.#open = () =>
      new Delivery({
        store: this.#kept.store,
        bus: new LocalBus(),
        crypto: nodeCrypto,
        directory,
        keyPackages,
        links,
        recovery,
        accountEnds,
        blobs,
        challenger: new Challenger(own, nowMs),
        quota,
        scheduler: { soon: (callback) => void clock.setTimer(0, callback), after: clock.setTimer },
        clock: { nowMs, monotonicMs: nowMs },
        events,
      });
    this.#delivery = this.#open();
  }

  static async make(crypto: CryptoProvider, clock: VirtualClock): Promise<SimulatedServer> {
    const own = await ServerKey.fromPem(await (keyPem ??= generatePrivateKeyPem()));
    return new SimulatedServer(clock, own, await verifyServerKey(crypto, own.fingerprint, own.publicKey));
  }

  /** Is told everything that becomes durable. */
  set watch(watch: (stored: Stored) => void) {
    this.#kept.watch = watch;
  }

  /** Creates an account, as a registration would. */
  async addAccount(identifier: string, signed: SignedDeviceList): Promise<void> {
    const list = parseDeviceList(signed.list);
    const outcome = await this.#kept.store.createAccount(
      this.#desks.directory.hashIdentifier(identifier as never),
      {
        account: accountId(list.accountId),
        version: 1,
        signedList: toBinary(SignedDeviceListSchema, signed),
        devices: list.devices.map((device) => ({
          device: deviceId(device.deviceId),
          signatureKey: device.signatureKey,
          inbox: logId(device.inboxId),
          revoked: false,
        })),
        nowSec: Math.floor(this.#clock.nowMs() / 1000),
      },
      undefined,
    );
    if (outcome !== "created") throw new Error(outcome);
  }

  /** The devices of an account, by its newest list: id in hexadecimal → whether it is in use. */
  async devicesOf(account: string): Promise<ReadonlyMap<string, boolean>> {
    const id = accountId(parseHex(account) ?? new Uint8Array());
    const newest = (await this.#kept.store.accountById(id))?.newestVersion ?? 0;
    const [bytes] = await this.#kept.store.readDeviceLists(id, newest, 1);
    if (bytes === undefined) throw new Error("the account does not exist");
    const { devices } = parseDeviceList(decode(SignedDeviceListSchema, bytes).list);
    return new Map(devices.map(({ deviceId: one, revokedAtSec }) => [toHex(one), revokedAtSec === 0n]));
  }

  /** How many blobs it has, unfinished ones among them. */
  async blobCount(): Promise<number> {
    return (await this.#kept.store.blobStats()).blobs;
  }

  /** Loses every blob. */
  async loseBlobs(): Promise<void> {
    await this.#desks.blobs.expire(Number.MAX_SAFE_INTEGER, 0, 0, Number.MAX_SAFE_INTEGER);
  }

  /** The process ends and starts anew on what was stored: every connection breaks, and what was not durable is gone. */
  restart(): void {
    for (const connection of this.#connections) connection.cut();
    this.#delivery = this.#open();
  }

  /** Somebody who knows the token of a log's epoch ends it with a COMMIT that is none. Every connection breaks, and whoever comes back reads it. */
  async wreck({ id, epoch, token }: Pick<GroupRecord, "id" | "epoch" | "token">): Promise<void> {
    await this.#kept.store.commit([
      {
        type: "append",
        log: logId(parseHex(id) ?? new Uint8Array()),
        tokenHash: await nodeCrypto.sha256(token),
        epoch,
        kind: EntryKind.COMMIT,
        body: new Uint8Array(400).fill(7),
        nextTokenHash: new Uint8Array(32),
        nowSec: Math.floor(this.#clock.nowMs() / 1000),
      },
    ]);
    this.restart();
  }

  /** A copy of what is stored now, for restore(). */
  copy(): number {
    return this.#kept.copy();
  }

  /** Starts anew on an older copy of its data, as after a disk broke. */
  async restore(copy: number): Promise<void> {
    for (const connection of this.#connections) connection.cut();
    await this.#kept.restore(copy);
    this.restart();
  }

  /** How a client reaches it. @param address the client's, for limits. */
  transport(address: string): Transport {
    return {
      connect: async (events, hello) => {
        const end = new ServerEnd(this.#clock, events, () => this.#connections.delete(end));
        end.session = this.#delivery.open({ address }, end);
        this.#connections.add(end);
        end.send([hello]);
        return end;
      },
      getServer: async () => ({
        publicKey: this.key.publicKey,
        version: "0",
        protocolVersion: 1,
        serverTimeMs: this.#clock.nowMs(),
        registrationOpen: true,
        classicAllowed: true,
      }),
      call: (method, { wrappedSecret, ciphertext }) => {
        const sealed = { $typeName: "sotto.v1.Sealed" as const, wrappedSecret, ciphertext };
        return this.#answer(method, sealed, address);
      },
      blobs: simulatedBlobs(this.#desks.blobs, (part) => this.watchBlobs(part)),
    };
  }
}

/** One connection, seen from the server on one side and from the client on the other. */
class ServerEnd implements SessionOutput, Connection {
  session!: Session;
  readonly #clock: VirtualClock;
  readonly #events: ConnectionEvents;
  readonly #gone: () => void;
  readonly #batch = new FrameBatch();
  #flushing = false;
  #open = true;

  constructor(clock: VirtualClock, events: ConnectionEvents, gone: () => void) {
    this.#clock = clock;
    this.#events = events;
    this.#gone = gone;
  }

  // The server's side.

  appended(request: number, seq: number): void {
    this.#batch.appended(request, seq);
    this.#flushSoon();
  }
  entries(log: Uint8Array, entries: readonly OutgoingEntry[]): void {
    this.#batch.entries(log, entries);
    this.#flushSoon();
  }
  frame(bytes: Uint8Array, fields?: number): void {
    this.#batch.frame(bytes, fields);
    this.#flushSoon();
  }
  waitingBytes(): number {
    return this.#batch.byteLength;
  }
  pauseInput(): void {
    // The session keeps what comes meanwhile; a simulated client sends little.
  }
  resumeInput(): void {}

  close(): void {
    this.#flush();
    this.cut();
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#clock.setTimer(0, () => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#open) return;
    for (const message of this.#batch.take((length) => new Uint8Array(length))) {
      this.#events.frames(decodeServerFrames(message));
    }
  }

  // The client's side.

  send(frames: readonly ClientFrame[]): void {
    if (this.#open) this.session.receive(encodeClientFrames(frames));
  }

  /** The connection ends, whoever ended it. */
  cut(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#gone();
    this.session.disconnected();
    const cause = new TransportError("connection_lost", "the server's end of the connection closed");
    this.#clock.setTimer(0, () => this.#events.closed(cause));
  }
}
