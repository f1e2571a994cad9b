/** A delivery service in memory with people on it: real store, directory and primitives; connections are arrays. */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import {
  LIMITS,
  SignedDeviceListSchema,
  SottoError,
  accountId,
  deviceId,
  logId,
  parseDeviceList,
  signInTranscript,
  type LogId,
  type ServerFrame,
} from "@sotto/protocol";
import {
  clientFrame,
  decodeServerFrames,
  encodeClientFrames,
  settle,
  type ClientFrameInit,
} from "@sotto/testkit";
import { vi } from "vitest";
import { LocalBus } from "../../../src/adapters/local-bus.ts";
import { MemoryBlobFiles } from "../../../src/adapters/memory-blobs.ts";
import { MemoryStore } from "../../../src/adapters/memory-store.ts";
import { MemoryTransient } from "../../../src/adapters/memory-transient.ts";
import { nodeCrypto } from "../../../src/adapters/node-crypto.ts";
import { nodeClock, nodeScheduler } from "../../../src/adapters/node-scheduler.ts";
import { AccountEnds } from "../../../src/core/account-deletion.ts";
import { Blobs } from "../../../src/core/blobs/desk.ts";
import { Directory } from "../../../src/core/directory.ts";
import { KeyPackages } from "../../../src/core/key-packages/desk.ts";
import { Links } from "../../../src/core/links/desk.ts";
import { Recovery } from "../../../src/core/recovery/desk.ts";
import { Registration } from "../../../src/core/registration.ts";
import type { Bus } from "../../../src/core/bus.ts";
import { Delivery } from "../../../src/core/session/delivery.ts";
import { FrameBatch } from "../../../src/core/session/frame-batch.ts";
import type {
  AccountQuota,
  ConnectionEnd,
  DeliveryEvents,
  DeliveryPorts,
  OutgoingEntry,
  SessionOutput,
} from "../../../src/core/session/ports.ts";
import type { Session } from "../../../src/core/session/session.ts";
import type { StoreOperation, StoreResult } from "../../../src/core/store.ts";
import { newAccount, type TestAccount } from "../../support/account.ts";

export type ServerFrameOf<Case extends string> = Extract<ServerFrame["frame"], { case: Case }>["value"];

/** A memory store that can fail, and tells of its commits. */
export class ProbedStore extends MemoryStore {
  failing = false;
  readonly commits: (readonly StoreOperation[])[] = [];

  override async commit(operations: readonly StoreOperation[]): Promise<readonly StoreResult[]> {
    if (this.failing) throw new Error("the disk is full");
    this.commits.push(operations);
    return super.commit(operations);
  }
}

/** A connection whose other end is a test. */
export class TestConnection implements SessionOutput {
  readonly frames: ServerFrame[] = [];
  session!: Session;
  /** What the peer has not taken yet, as the session is told. */
  waiting = 0;
  ended: ConnectionEnd | undefined;
  inputPaused = false;
  readonly #batch = new FrameBatch();

  appended(request: number, seq: number): void {
    this.#batch.appended(request, seq);
  }
  entries(log: Uint8Array, entries: readonly OutgoingEntry[]): void {
    this.#batch.entries(log, entries);
  }
  frame(bytes: Uint8Array, fields?: number): void {
    this.#batch.frame(bytes, fields);
  }
  waitingBytes(): number {
    return this.#batch.byteLength + this.waiting;
  }
  close(end: ConnectionEnd): void {
    this.ended ??= end;
  }
  pauseInput(): void {
    this.inputPaused = true;
  }
  resumeInput(): void {
    this.inputPaused = false;
  }

  send(...frames: NonNullable<ClientFrameInit>[]): void {
    this.session.receive(encodeClientFrames(frames.map((frame) => clientFrame(frame))));
  }

  /** All frames that came so far. */
  received(): readonly ServerFrame[] {
    for (const message of this.#batch.take((length) => new Uint8Array(length))) {
      this.frames.push(...decodeServerFrames(message));
    }
    return this.frames;
  }

  all<Case extends string>(wanted: Case): ServerFrameOf<Case>[] {
    return this.received().flatMap(({ frame }) =>
      frame.case === wanted ? [frame.value as ServerFrameOf<Case>] : [],
    );
  }

  /** seqs of the entries that came. */
  seqs(): number[] {
    return this.all("entries").flatMap(({ entries }) => entries.map(({ seq }) => Number(seq)));
  }

  texts(): string[] {
    return this.all("entries").flatMap(({ entries }) =>
      entries.map(({ body }) => Buffer.from(body).toString()),
    );
  }

  /** What a request was answered with: "ok" or a code. */
  outcome(request: number): string | undefined {
    for (const { frame } of this.received()) {
      if (frame.case === "refused" && frame.value.request === request) return frame.value.problem?.code;
      const done = frame.case === "appended" || frame.case === "done" || frame.case === "attached";
      if (done && frame.value.request === request) return "ok";
    }
    return undefined;
  }

  refusal(request: number) {
    return this.all("refused").find((refused) => refused.request === request)?.problem;
  }

  goodbye(): string | undefined {
    return this.all("goodbye")[0]?.problem?.code;
  }
}

/** How a node is made. */
export interface TestNodeOptions {
  readonly classicAllowed?: boolean;
  readonly shared?: {
    readonly store?: ProbedStore;
    readonly bus?: Bus;
    readonly fingerprint?: Uint8Array;
  };
}

/** One node with its people. */
export class TestNode {
  readonly store: ProbedStore;
  readonly bus: Bus;
  readonly delivery: Delivery;
  readonly ports: DeliveryPorts;
  readonly fingerprint: Uint8Array;
  quota: AccountQuota = {
    append: () => undefined,
    createLog: () => undefined,
    openSlot: () => undefined,
    attachOrClose: () => undefined,
    putKeyPackages: () => undefined,
    putRecovery: () => undefined,
    putPush: () => undefined,
    askBlobTicket: () => undefined,
  };
  readonly failures: unknown[] = [];
  readonly challengeKey = generateKeyPairSync("ed25519");

  /** @param shared store, bus and key, for nodes of one server. */
  constructor({ classicAllowed = true, shared = {} }: TestNodeOptions = {}) {
    this.store = shared.store ?? new ProbedStore();
    this.bus = shared.bus ?? new LocalBus();
    this.fingerprint = shared.fingerprint ?? nodeCrypto.randomBytes(32);
    const limit = { burst: 1_000, perHour: 1_000 };
    const transient = new MemoryTransient(Date.now);
    const directory = new Directory({
      store: this.store,
      crypto: nodeCrypto,
      events: silent(),
      nowMs: Date.now,
      identifierKey: new Uint8Array(32),
      limits: {
        identifiersPerAccount: limit,
        identifiersPerAddress: limit,
        accountsPerAccount: limit,
        accountsPerAddress: limit,
        listsPerAccount: limit,
      },
    });
    const registration = new Registration({
      store: this.store,
      transient,
      codeKey: new Uint8Array(32),
      crypto: nodeCrypto,
      senders: [],
      events: silent(),
      hashIdentifier: (identifier) => directory.hashIdentifier(identifier),
      nowMs: Date.now,
      limits: {
        resendAfterSec: 0,
        codesPerIdentifier: limit,
        codesPerAddress: limit,
        wrongCodesPerAddress: limit,
      },
      maxAccounts: undefined,
    });
    const events = silent<DeliveryEvents>({
      sessionFailed: (error) => void this.failures.push(error),
      commitFailed: (error) => void this.failures.push(error),
    });
    this.ports = {
      store: this.store,
      bus: this.bus,
      crypto: nodeCrypto,
      directory,
      keyPackages: new KeyPackages({
        store: this.store,
        events: silent(),
        nowMs: Date.now,
        limits: {
          claimsPerAccount: limit,
          claimsPerAddress: limit,
          oneTimePerPair: limit,
          oneTimePerTarget: limit,
        },
      }),
      links: new Links({
        transient,
        crypto: nodeCrypto,
        events: silent(),
        scheduler: nodeScheduler,
        nowMs: Date.now,
        limits: {
          opensPerAddress: limit,
          answersPerAccount: limit,
          missesPerAccount: limit,
          missesPerAddress: limit,
        },
      }),
      recovery: new Recovery({
        store: this.store,
        transient,
        crypto: nodeCrypto,
        events: silent(),
        directory,
        codes: registration,
        watch: {
          listChanged: (account, list) => this.delivery.listChanged(account, list),
          replaced: (account) => this.delivery.replaced(account),
          resetChanged: (account, resetAtSec) => this.delivery.resetChanged(account, resetAtSec),
        },
        nowMs: Date.now,
        resetDelaySec: 1,
      }),
      accountEnds: new AccountEnds({
        store: this.store,
        crypto: nodeCrypto,
        events: silent(),
        nowMs: Date.now,
        triesPerAccount: limit,
      }),
      blobs: new Blobs({
        store: this.store,
        transient,
        files: new MemoryBlobFiles(),
        crypto: nodeCrypto,
        events: silent(),
        nowMs: Date.now,
        maxBlobBytes: 1_000,
        quotaBytes: 10_000,
      }),
      challenger: {
        fingerprint: this.fingerprint,
        certificate: () => new Uint8Array(),
        sign: (data) => sign(null, data, this.challengeKey.privateKey),
      },
      quota: {
        forAccount: () => ({
          append: (bytes) => this.quota.append(bytes),
          createLog: () => this.quota.createLog(),
          openSlot: () => this.quota.openSlot(),
          attachOrClose: () => this.quota.attachOrClose(),
          putKeyPackages: (bytes) => this.quota.putKeyPackages(bytes),
          putRecovery: (bytes) => this.quota.putRecovery(bytes),
          putPush: () => this.quota.putPush(),
          askBlobTicket: (bytes) => this.quota.askBlobTicket(bytes),
        }),
      },
      scheduler: nodeScheduler,
      clock: nodeClock(),
      classicAllowed,
      events,
    };
    // No distance between commits: what is sent is settled after a few turns.
    this.delivery = new Delivery(this.ports, { distanceMs: 0 });
  }

  connect(): TestConnection {
    const connection = new TestConnection();
    connection.session = this.delivery.open({ address: "192.0.2.1" }, connection);
    return connection;
  }

  /** A new account with one device. */
  async person(): Promise<TestPerson> {
    const account = newAccount();
    const { devices } = parseDeviceList(account.signed.list);
    const device = devices[0]!;
    const created = await this.store.createAccount(
      randomBytes(32),
      {
        account: accountId(account.list.accountId),
        version: 1,
        signedList: toBinary(SignedDeviceListSchema, account.signed),
        devices: [
          {
            device: deviceId(device.deviceId),
            signatureKey: device.signatureKey,
            inbox: logId(device.inboxId),
            revoked: false,
          },
        ],
        nowSec: Math.floor(Date.now() / 1_000),
      },
      undefined,
    );
    if (created !== "created") throw new Error(created);
    return new TestPerson(this, account);
  }
}

/** Somebody with one device. */
export class TestPerson {
  readonly node: TestNode;
  readonly account: TestAccount;
  readonly inbox: LogId;

  constructor(node: TestNode, account: TestAccount) {
    this.node = node;
    this.account = account;
    this.inbox = logId(account.list.devices[0]!.inboxId);
  }

  /** The SignIn frame for a challenge. */
  signIn(clientNonce: Uint8Array, serverNonce: Uint8Array): NonNullable<ClientFrameInit> {
    const account = accountId(this.account.list.accountId);
    const device = deviceId(this.account.list.devices[0]!.deviceId);
    const transcript = signInTranscript(clientNonce, serverNonce, this.node.fingerprint, account, device);
    return {
      case: "signIn",
      value: {
        accountId: account,
        deviceId: device,
        signature: sign(null, transcript, this.account.device.privateKey),
      },
    };
  }

  /** A connection that is signed in. */
  async online(node = this.node): Promise<TestConnection> {
    const connection = node.connect();
    const clientNonce = new Uint8Array(randomBytes(32));
    connection.send(hello(clientNonce));
    connection.send(this.signIn(clientNonce, connection.all("challenge")[0]!.serverNonce));
    await vi.waitFor(() => {
      if (connection.all("signedIn").length === 0) throw new Error("not signed in");
    });
    return connection;
  }

  /** A connection that reads its inbox. */
  async reading(window = 0, node = this.node): Promise<TestConnection> {
    const connection = await this.online(node);
    connection.send(attachInbox(999, this.inbox, 0, window));
    await settle();
    return connection;
  }
}

export const hello = (
  clientNonce: Uint8Array,
  protocolVersion: number = LIMITS.protocolVersion,
): NonNullable<ClientFrameInit> => ({ case: "hello", value: { protocolVersion, clientNonce } });

export const attachInbox = (
  request: number,
  log: LogId,
  afterSeq = 0,
  window = 0,
): NonNullable<ClientFrameInit> => ({
  case: "attach",
  value: { request, logId: log, afterSeq: BigInt(afterSeq), window },
});

export const message = (
  request: number,
  log: LogId,
  text: string,
  kind = 1,
): NonNullable<ClientFrameInit> => ({
  case: "append",
  value: { request, logId: log, kind, body: Buffer.from(text) },
});

export const ack = (log: LogId, seq: number, slot?: Uint8Array): NonNullable<ClientFrameInit> => ({
  case: "ack",
  value: { logId: log, seq: BigInt(seq), ...(slot && { slotId: slot }) },
});

/** What an account's quota says when there is nothing left. */
export function usedUp(retryAfterMs: number): never {
  throw new SottoError("quota_exceeded", "used up", { retryAfterMs });
}

/** Answers every event but these with silence. */
function silent<Events extends object>(heard: Partial<Events> = {}): Events {
  return new Proxy(heard as Events, {
    get: (target, name) => Reflect.get(target, name) ?? (() => undefined),
  });
}
