/**
 * The delivery service in memory, behind the transport port: real signatures, real rules of inboxes and device lists, and no
 * network. It answers as soon as the clock moves on. Tests may look into it, and make it refuse.
 */
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  exportPublicKey,
  fingerprintOf,
  verifyServerKey,
  type CryptoProvider,
  type ServerKey,
} from "@sotto/crypto";
import {
  EntryKind,
  LABELS,
  ServerCertificateBodySchema,
  ServerFrameSchema,
  challengeTranscript,
  labelled,
  parseDeviceList,
  toHex,
  type ClientFrame,
  type Entry,
  type ServerFrame,
  type SignedDeviceList,
} from "@sotto/protocol";
import type { BlobTransport, Connection, ConnectionEvents, Transport } from "../../src/core/transport.ts";

interface Inbox {
  seq: number;
  entries: Entry[];
  cursor: number;
  reader: Session | undefined;
}

/** KeyPackages are kept and counted, so that clients are content; nobody claims one here, since MLS is played on the real server. */
interface KeptKeyPackages {
  readonly keyPackages: Uint8Array[];
  hasLastResort: boolean;
}

/** What a refusal says. */
export interface Refusal {
  readonly code: string;
  readonly retryAfterMs?: number;
}

interface Clock {
  nowMs(): number;
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** The server. */
export class FakeServer {
  readonly origin = "http://server.test";
  readonly accounts = new Map<string, SignedDeviceList[]>();
  readonly identifiers = new Map<string, string>();
  readonly inboxes = new Map<string, Inbox>();
  /** By device and ciphersuite. */
  readonly keyPackages = new Map<string, KeptKeyPackages>();
  readonly sessions = new Set<Session>();
  /** Every stored entry that was ever appended, by inbox. */
  readonly appended: { readonly inbox: string; readonly body: Uint8Array }[] = [];
  /** How many frames of each kind came in. */
  readonly counts = new Map<string, number>();
  /** Asked before a frame is carried out; a code refuses it. */
  refuse: (frame: ClientFrame["frame"], device: string) => Refusal | undefined = () => undefined;
  /** May change what a client is told. */
  twist: (frame: ServerFrame) => readonly ServerFrame[] = (frame) => [frame];
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly key: ServerKey;
  readonly #rsaPrivateKey: Uint8Array;
  #certificate:
    | { readonly body: Uint8Array; readonly signature: Uint8Array; readonly untilSec: number }
    | undefined;
  #challengeKey: Uint8Array = new Uint8Array();

  private constructor(crypto: CryptoProvider, clock: Clock, key: ServerKey, rsaPrivateKey: Uint8Array) {
    this.crypto = crypto;
    this.clock = clock;
    this.key = key;
    this.#rsaPrivateKey = rsaPrivateKey;
  }

  static async make(crypto: CryptoProvider, clock: Clock): Promise<FakeServer> {
    const rsa = await crypto.rsaGenerate();
    const key = await verifyServerKey(crypto, await fingerprintOf(crypto, rsa.publicKey), rsa.publicKey);
    return new FakeServer(crypto, clock, key, rsa.privateKey);
  }

  async #certify(): Promise<{ readonly body: Uint8Array; readonly signature: Uint8Array }> {
    const now = Math.floor(this.clock.nowMs() / 1000);
    if (this.#certificate !== undefined && this.#certificate.untilSec > now) return this.#certificate;
    const challenge = await this.crypto.ed25519Generate();
    const untilSec = now + 86_400;
    const fields = {
      challengeKey: challenge.publicKey,
      notBeforeSec: BigInt(now),
      notAfterSec: BigInt(untilSec),
    };
    const body = toBinary(ServerCertificateBodySchema, create(ServerCertificateBodySchema, fields));
    const signature = await this.crypto.rsaPssSign(
      this.#rsaPrivateKey,
      labelled(LABELS.serverCertificate, body),
    );
    this.#challengeKey = challenge.privateKey;
    this.#certificate = { body, signature, untilSec };
    return this.#certificate;
  }

  get publicKeyPem(): string {
    return exportPublicKey(this.key.publicKey);
  }

  /** Creates an account, as a registration would. */
  addAccount(identifier: string, list: SignedDeviceList): void {
    const { accountId } = parseDeviceList(list.list);
    this.identifiers.set(identifier, toHex(accountId));
    this.accounts.set(toHex(accountId), []);
    this.addList(toHex(accountId), list);
  }

  addList(account: string, list: SignedDeviceList): void {
    this.accounts.get(account)?.push(list);
    for (const device of parseDeviceList(list.list).devices) {
      const inbox = toHex(device.inboxId);
      if (device.revokedAtSec !== 0n) this.inboxes.delete(inbox);
      else if (!this.inboxes.has(inbox)) {
        this.inboxes.set(inbox, { seq: 0, entries: [], cursor: 0, reader: undefined });
      }
    }
  }

  /** Puts an entry into an inbox, as if somebody had appended it. */
  deliver(inboxId: string, body: Uint8Array, kind = EntryKind.MESSAGE): number {
    const inbox = this.inboxes.get(inboxId);
    if (inbox === undefined) throw new Error("no such inbox");
    if (kind === EntryKind.EPHEMERAL) {
      const entry = { $typeName: "sotto.v1.Entry" as const, seq: 0n, epoch: 0n, kind, body };
      inbox.reader?.tell({ case: "entries", value: entriesOf(inboxId, [entry]) });
      return 0;
    }
    inbox.seq += 1;
    const entry = { $typeName: "sotto.v1.Entry" as const, seq: BigInt(inbox.seq), epoch: 0n, kind, body };
    inbox.entries.push(entry);
    this.appended.push({ inbox: inboxId, body });
    inbox.reader?.tell({ case: "entries", value: entriesOf(inboxId, [entry]) });
    return inbox.seq;
  }

  /** Breaks every connection. */
  cutAll(): void {
    for (const session of this.sessions) session.cut();
  }

  /** Tells every connection something. */
  tellAll(frame: MessageInitShape<typeof ServerFrameSchema>["frame"]): void {
    for (const session of this.sessions) session.tell(frame);
  }

  transport(): Transport {
    return {
      connect: async (events, hello) => {
        const session = new Session(this, events);
        session.send([hello]);
        return session;
      },
      getServer: async () => ({
        publicKey: this.key.publicKey,
        version: "0",
        protocolVersion: 1,
        serverTimeMs: this.clock.nowMs(),
        registrationOpen: true,
        classicAllowed: true,
      }),
      call: async () => {
        throw new Error("registration is not played here");
      },
      // Attachments travel under MLS, which is played on the real server.
      blobs: {} as BlobTransport,
    };
  }

  async challenge(clientNonce: Uint8Array): Promise<ServerFrame["frame"]> {
    const { body, signature: certified } = await this.#certify();
    const certificate = { body, signature: certified };
    const serverNonce = this.crypto.randomBytes(32);
    const signature = await this.crypto.ed25519Sign(
      this.#challengeKey,
      challengeTranscript(clientNonce, serverNonce),
    );
    return create(ServerFrameSchema, {
      frame: { case: "challenge", value: { serverNonce, certificate, signature } },
    }).frame;
  }
}

function entriesOf(inbox: string, entries: Entry[]) {
  return {
    $typeName: "sotto.v1.Entries" as const,
    logId: Uint8Array.from(Buffer.from(inbox, "hex")),
    entries,
  };
}

/** One connection. Signatures of sign-ins are not checked here: the real server's tests do that. */
class Session implements Connection {
  readonly #server: FakeServer;
  readonly #events: ConnectionEvents;
  #open = true;
  device = "";
  #account = "";
  #attached: Inbox | undefined;

  constructor(server: FakeServer, events: ConnectionEvents) {
    this.#server = server;
    this.#events = events;
    server.sessions.add(this);
  }

  send(frames: readonly ClientFrame[]): void {
    this.#server.clock.setTimer(0, () => void this.#take(frames));
  }

  close(): void {
    this.cut();
  }

  cut(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#server.sessions.delete(this);
    if (this.#attached?.reader === this) this.#attached.reader = undefined;
    this.#server.clock.setTimer(0, () => this.#events.closed(undefined));
  }

  tell(frame: MessageInitShape<typeof ServerFrameSchema>["frame"]): void {
    const told = this.#server.twist(create(ServerFrameSchema, { frame: frame ?? { case: undefined } }));
    this.#server.clock.setTimer(0, () => {
      if (this.#open && told.length > 0) this.#events.frames(told);
    });
  }

  async #take(frames: readonly ClientFrame[]): Promise<void> {
    for (const { frame } of frames) {
      if (!this.#open) return;
      await this.#carryOut(frame);
    }
  }

  async #carryOut(frame: ClientFrame["frame"]): Promise<void> {
    const server = this.#server;
    if (frame.case === undefined) return;
    server.counts.set(frame.case, (server.counts.get(frame.case) ?? 0) + 1);
    const number = "request" in frame.value ? frame.value.request : 0;
    const refusal = server.refuse(frame, this.device);
    if (refusal !== undefined) {
      const { code, retryAfterMs = 0 } = refusal;
      const problem = { code, retryAfterMs: BigInt(retryAfterMs) };
      return this.tell({ case: "refused", value: { request: number, problem } });
    }
    switch (frame.case) {
      case "hello":
        return this.tell(await server.challenge(frame.value.clientNonce));
      case "signIn":
        return this.#signIn(toHex(frame.value.accountId), toHex(frame.value.deviceId));
      case "attach":
        return this.#attach(number, toHex(frame.value.logId), Number(frame.value.afterSeq));
      case "append":
        return this.#append(number, toHex(frame.value.logId), frame.value.kind, frame.value.body);
      case "ack": {
        const inbox = this.#attached;
        if (inbox !== undefined) {
          inbox.cursor = Math.max(inbox.cursor, Number(frame.value.seq));
          inbox.entries = inbox.entries.filter((entry) => Number(entry.seq) > inbox.cursor);
        }
        return;
      }
      case "lookup": {
        const { subject, fromVersion } = frame.value;
        const account =
          subject.case === "identifier"
            ? server.identifiers.get(subject.value)
            : subject.case === "accountId"
              ? toHex(subject.value)
              : undefined;
        const lists = account === undefined ? undefined : server.accounts.get(account);
        if (account === undefined || lists === undefined) {
          return this.tell({ case: "lookupResult", value: { request: number, found: false } });
        }
        return this.tell({
          case: "lookupResult",
          value: {
            request: number,
            found: true,
            accountId: Uint8Array.from(Buffer.from(account, "hex")),
            lists: lists.slice(Math.max(0, Number(fromVersion) - 1)).slice(0, 64),
            newestVersion: BigInt(lists.length),
          },
        });
      }
      case "putDeviceList": {
        const signed = frame.value.deviceList as SignedDeviceList;
        const { version } = parseDeviceList(signed.list);
        const newest = server.accounts.get(this.#account)?.length ?? 0;
        if (Number(version) !== newest + 1) {
          const problem = { code: "version_conflict", current: BigInt(newest) };
          return this.tell({ case: "refused", value: { request: number, problem } });
        }
        server.addList(this.#account, signed);
        return this.tell({ case: "done", value: { request: number } });
      }
      case "countKeyPackages": {
        const { keyPackages, hasLastResort } = this.#keyPackages(this.device, frame.value.ciphersuite);
        const value = { request: number, left: keyPackages.length, hasLastResort };
        return this.tell({ case: "keyPackageCount", value });
      }
      case "putKeyPackages": {
        const { ciphersuite, keyPackages, lastResort, replace } = frame.value;
        const kept = this.#keyPackages(this.device, ciphersuite);
        if (replace) kept.keyPackages.length = 0;
        kept.keyPackages.push(...keyPackages);
        kept.hasLastResort ||= lastResort.length > 0;
        return this.tell({ case: "done", value: { request: number } });
      }
      case "putRecovery":
        return this.tell({ case: "done", value: { request: number } });
      default:
        throw new Error(`the fake server does not play ${frame.case}`);
    }
  }

  #keyPackages(device: string, ciphersuite: number): KeptKeyPackages {
    const key = `${device} ${ciphersuite}`;
    const kept = this.#server.keyPackages.get(key) ?? { keyPackages: [], hasLastResort: false };
    this.#server.keyPackages.set(key, kept);
    return kept;
  }

  #signIn(account: string, device: string): void {
    const lists = this.#server.accounts.get(account);
    if (lists === undefined) {
      this.tell({ case: "refused", value: { request: 0, problem: { code: "sign_in_refused" } } });
      return void this.#server.clock.setTimer(1, () => this.cut());
    }
    this.#account = account;
    this.device = device;
    this.tell({ case: "signedIn", value: { deviceListVersion: BigInt(lists.length) } });
  }

  #attach(number: number, id: string, afterSeq: number): void {
    const inbox = this.#server.inboxes.get(id);
    if (inbox === undefined) {
      return this.tell({ case: "refused", value: { request: number, problem: { code: "log_refused" } } });
    }
    this.#attached = inbox;
    inbox.reader = this;
    this.tell({
      case: "attached",
      value: { request: number, headSeq: BigInt(inbox.seq), trimmedSeq: BigInt(inbox.cursor) },
    });
    const from = Math.max(afterSeq, inbox.cursor);
    const waiting = inbox.entries.filter((entry) => Number(entry.seq) > from);
    if (waiting.length > 0) this.tell({ case: "entries", value: entriesOf(id, waiting) });
  }

  #append(number: number, id: string, kind: EntryKind, body: Uint8Array): void {
    if (!this.#server.inboxes.has(id)) {
      return this.tell({ case: "refused", value: { request: number, problem: { code: "log_refused" } } });
    }
    const seq = this.#server.deliver(id, body, kind);
    this.tell({ case: "appended", value: { request: number, seq: BigInt(seq) } });
  }
}
