/**
 * A client without manners, over a real socket: it says exactly what it is told, in any order, with any keys, and keeps
 * everything that comes back. Attacks on the server are played with it, and the honest traffic beside them.
 */
import { create } from "@bufbuild/protobuf";
import { type CryptoProvider, signIn, verifyChallenge, verifyServerKey } from "@sotto/crypto";
import {
  type AccountId,
  type Challenge,
  type ClientFrame,
  type DeviceId,
  EntryKind,
  type LogId,
  NONCE_BYTES,
  type ServerFrame,
  SignInSchema,
  signInTranscript,
} from "@sotto/protocol";
import { WebSocket } from "ws";
import { type ClientFrameInit, clientFrame, decodeServerFrames, encodeClientFrames } from "./frames.ts";
import type { Person } from "./person.ts";

type ServerCase = Exclude<ServerFrame["frame"]["case"], undefined>;
type ServerValue<Case extends ServerCase> = Extract<ServerFrame["frame"], { case: Case }>["value"];

/** How a connection ended. */
export interface Closed {
  readonly code: number;
  /** The code of the server's Goodbye, when it said one. */
  readonly goodbye: string | undefined;
}

const defaultTimeoutMs = 10_000;

/** One WebSocket to /v1/session. */
export class RawClient {
  /** Every frame that came, in order. */
  readonly received: ServerFrame[] = [];
  /** Resolves when the connection is gone. */
  readonly closed: Promise<Closed>;
  readonly socket: WebSocket;
  clientNonce: Uint8Array = new Uint8Array(NONCE_BYTES);
  challenge: Challenge | undefined;
  private readonly waiting = new Set<() => void>();
  private nextRequest = 1;
  private ended: Closed | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.binaryType = "nodebuffer";
    socket.on("message", (data: Buffer) => {
      this.received.push(...decodeServerFrames(new Uint8Array(data)));
      this.wake();
    });
    this.closed = new Promise((resolve) => {
      socket.on("close", (code) => {
        const last = this.received.findLast(({ frame }) => frame.case === "goodbye")?.frame;
        this.ended = { code, goodbye: last?.case === "goodbye" ? last.value.problem?.code : undefined };
        resolve(this.ended);
        this.wake();
      });
    });
    socket.on("error", () => socket.terminate());
  }

  /**
   * Connects and says nothing.
   * @param origin http://host:port
   * @param from the network address to come from, for servers that trust this machine as a proxy
   */
  static async connect(origin: string, from?: string): Promise<RawClient> {
    const socket = new WebSocket(`${origin.replace(/^http/, "ws")}/v1/session`, {
      perMessageDeflate: false,
      ...(from !== undefined && { headers: { "x-forwarded-for": from } }),
    });
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  /** Connects, checks the server's challenge and signs in as somebody. @param fingerprint of the server's key */
  static async signedIn(
    provider: CryptoProvider,
    server: { readonly origin: string; readonly fingerprint: Uint8Array; readonly publicKey: Uint8Array },
    person: Person,
  ): Promise<RawClient> {
    const client = await RawClient.connect(server.origin);
    const challenge = await client.hello(provider.randomBytes(NONCE_BYTES));
    const key = await verifyServerKey(provider, server.fingerprint, server.publicKey);
    const nowSec = Math.floor(Date.now() / 1000);
    const verified = await verifyChallenge(provider, key, client.clientNonce, challenge, nowSec);
    const value = await signIn(provider, verified, {
      accountId: person.account,
      deviceId: person.device,
      privateKey: person.deviceKey.privateKey,
    });
    client.send({ case: "signIn", value });
    await client.next("signedIn");
    return client;
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): void {
    this.socket.send(bytes);
  }

  /** Sends frames in one message. */
  send(...frames: readonly NonNullable<ClientFrameInit>[]): void {
    this.sendBytes(encodeClientFrames(frames.map((frame): ClientFrame => clientFrame(frame))));
  }

  /** Sends Hello and waits for the challenge. */
  async hello(clientNonce: Uint8Array, protocolVersion = 1): Promise<Challenge> {
    this.clientNonce = clientNonce;
    this.send({ case: "hello", value: { protocolVersion, clientNonce } });
    this.challenge = await this.next("challenge");
    return this.challenge;
  }

  /** Sends a sign-in, signed with whatever key over whatever nonces. */
  async signInAs(
    provider: CryptoProvider,
    claim: { account: AccountId; device: DeviceId; privateKey: Uint8Array; fingerprint: Uint8Array },
    serverNonce: Uint8Array = this.challenge?.serverNonce ?? new Uint8Array(NONCE_BYTES),
  ): Promise<void> {
    const { account, device, privateKey, fingerprint } = claim;
    const transcript = signInTranscript(this.clientNonce, serverNonce, fingerprint, account, device);
    const signature = await provider.ed25519Sign(privateKey, transcript);
    this.send({
      case: "signIn",
      value: create(SignInSchema, { accountId: account, deviceId: device, signature }),
    });
  }

  /** A number for the next request. */
  request(): number {
    return this.nextRequest++;
  }

  /** The first frame of a kind that has come or comes, and that fits; it is taken out of `received`. */
  async next<Case extends ServerCase>(
    kind: Case,
    fits: (value: ServerValue<Case>) => boolean = () => true,
    timeoutMs = defaultTimeoutMs,
  ): Promise<ServerValue<Case>> {
    const take = () => {
      const at = this.received.findIndex(
        ({ frame }) => frame.case === kind && fits(frame.value as ServerValue<Case>),
      );
      return at < 0
        ? undefined
        : (this.received.splice(at, 1)[0]?.frame.value as ServerValue<Case> | undefined);
    };
    const deadline = Date.now() + timeoutMs;
    for (let found = take(); ; found = take()) {
      if (found !== undefined) return found;
      if (this.ended)
        throw new Error(`no ${kind}: closed with ${JSON.stringify(this.ended)}; ${this.describe()}`);
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no ${kind} within ${timeoutMs} ms; ${this.describe()}`);
      await this.somethingHappens(left);
    }
  }

  /** What the server answers to a request: "done", "appended", … or the code of its refusal. */
  async outcome(request: number): Promise<string> {
    const isAnswer = ({ frame }: ServerFrame): boolean =>
      frame.value !== undefined && "request" in frame.value && frame.value.request === request;
    const deadline = Date.now() + defaultTimeoutMs;
    for (;;) {
      const at = this.received.findIndex(isAnswer);
      const frame = this.received[at]?.frame;
      if (frame !== undefined) {
        this.received.splice(at, 1);
        return frame.case === "refused" ? (frame.value.problem?.code ?? "") : String(frame.case);
      }
      if (this.ended) return this.ended.goodbye ?? "closed";
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no answer to request ${request}; ${this.describe()}`);
      await this.somethingHappens(left);
    }
  }

  /** Appends to an inbox; what the server answers. */
  append(logId: LogId, body: Uint8Array, kind: EntryKind = EntryKind.MESSAGE): Promise<string> {
    const request = this.request();
    this.send({ case: "append", value: { request, logId, kind, body } });
    return this.outcome(request);
  }

  /** Attaches to the own inbox from a seq on. */
  async attach(logId: LogId, afterSeq = 0, window = 0): Promise<void> {
    const request = this.request();
    this.send({ case: "attach", value: { request, logId, afterSeq: BigInt(afterSeq), window } });
    await this.next("attached", (attached) => attached.request === request);
  }

  close(): void {
    this.socket.terminate();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  private somethingHappens(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.waiting.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private describe(): string {
    return `got ${this.received.map(({ frame }) => frame.case).join(", ") || "nothing"}`;
  }
}
