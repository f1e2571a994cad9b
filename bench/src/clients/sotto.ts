/**
 * Sotto client for load: signs in for real, leaves InboxItems in inboxes, acknowledges what it reads. It signs in as
 * @sotto/client does, with Hello in the request to connect and Attach beside SignIn, and frames of one turn of the event loop travel
 * in one WebSocket message. The bodies are as long as classic
 * messages but random: the server cannot tell.
 */
import { createHash, randomBytes, sign } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AckSchema,
  AppendSchema,
  AttachSchema,
  ClientFrameSchema,
  ClientFramesSchema,
  CreateLogSchema,
  EntryKind,
  ID_BYTES,
  InboxItemSchema,
  LIMITS,
  NONCE_BYTES,
  OpenSlotSchema,
  type ServerFrame,
  ServerFrameSchema,
  accountId,
  deviceId,
  signInTranscript,
} from "@sotto/protocol";
import { Batch, type Client, type Connection, type Handlers, type Purpose, eachOf } from "./client.ts";
import { type BenchAccount, type BenchAccounts, readAccounts } from "./sotto-accounts.ts";
import {
  type SignInAnswer,
  decodeServerFrames,
  decodeSignInAnswer,
  encodeAck,
  encodeAppend,
  encodeHello,
  encodeSignIn,
} from "./sotto-wire.ts";
import { WebSocketConnection, random } from "./websocket.ts";

type Frame = ServerFrame["frame"];
type Answer = Extract<Frame, { case: "attached" | "done" }>;
type AnswerOf<Case> = Extract<Answer, { case: Case }>;
type ClientFrameInit = Parameters<typeof create<typeof ClientFrameSchema>>[1];

const nothing = Buffer.alloc(0);

/**
 * A client of a Sotto server on loopback whose accounts were registered before (see sotto-accounts.ts). Users spread over the ports of its
 * nodes.
 */
export function sottoClient(ports: readonly number[], accountsFile: string): Client {
  const accounts = readAccounts(accountsFile);
  const inboxes = accounts.accounts.map((account) => account.inbox);
  const portOf = (user: number): number => ports[user % ports.length]!;
  const room: Room = { log: randomBytes(ID_BYTES), token: randomBytes(32) };
  let maker: Session | undefined;
  return {
    async prepare(users) {
      if (Math.max(...users) >= inboxes.length) throw new Error("too few accounts were registered");
    },
    async connect(user, purpose, handlers) {
      const session = await Session.open(portOf(user), user, accounts, purpose, handlers, inboxes);
      return session;
    },
    async connectRoom(user, handlers) {
      const session = await Session.open(portOf(user), user, accounts, "send", handlers, inboxes);
      await session.enter(room, user === 0);
      if (user === 0) maker = session;
      return session;
    },
    async keepRoom() {
      await maker?.openSlot(room, randomBytes(ID_BYTES));
    },
    async stored() {
      const metrics = await (await fetch(`http://127.0.0.1:${ports[0]}/metrics`)).text();
      const entries = /^sotto_entries (\S+)$/m.exec(metrics)?.[1];
      if (entries === undefined) throw new Error("the server does not tell how many entries it stores");
      return Number(entries);
    },
    async leftOver(users) {
      let left = 0;
      const idle: Handlers = { received() {}, taken() {}, failed() {} };
      await eachOf(users, 16, async (user) => {
        const session = await Session.open(portOf(user), user, accounts, "receive", idle, inboxes);
        left += session.kept;
        await session.close();
      });
      return left;
    },
  };
}

/** A conversation log in its first epoch. */
interface Room {
  readonly log: Buffer;
  readonly token: Buffer;
}

class Session implements Connection {
  readonly #inboxes: readonly Buffer[];
  readonly #handlers: Handlers;
  readonly #batch: Batch;
  /** What it reads and acknowledges: the inbox, or a room. */
  #ackOf: (seq: number) => Buffer;
  #appendTo: ((request: number, body: Buffer) => Buffer) | undefined;
  #socket!: WebSocketConnection;
  #waiting: ((frame: Frame) => void) | undefined;
  #signingIn: ((answer: SignInAnswer) => void) | undefined;
  #request = 0;
  #ackUpTo = 0;
  /** How many entries the inbox held when it was attached. */
  kept = 0;

  private constructor(account: BenchAccount, handlers: Handlers, inboxes: readonly Buffer[]) {
    this.#handlers = handlers;
    this.#inboxes = inboxes;
    this.#ackOf = (seq) => encodeAck(account.inbox, seq);
    this.#batch = new Batch((parts) => {
      if (this.#ackUpTo === 0) this.#socket.send(parts);
      else this.#socket.send([...parts, this.#ackOf(this.#ackUpTo)]);
      this.#ackUpTo = 0;
    });
  }

  static open(
    port: number,
    user: number,
    { accounts, serverFingerprint }: BenchAccounts,
    purpose: Purpose,
    handlers: Handlers,
    inboxes: readonly Buffer[],
  ): Promise<Session> {
    const account = accounts[user]!;
    const session = new Session(account, handlers, inboxes);
    const clientNonce = random(NONCE_BYTES);
    const hello = encodeHello(LIMITS.protocolVersion, clientNonce).toString("base64url");
    const attachTo = purpose === "send" ? undefined : account.inbox;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => failed(new Error("not signed in within 30 seconds")), 30_000);
      const failed = (error: Error): void => {
        clearTimeout(late);
        reject(error);
        handlers.failed(error);
      };
      const done = (): void => {
        clearTimeout(late);
        session.#waiting = undefined;
        session.#signingIn = undefined;
        resolve(session);
      };
      session.#waiting = (frame) => failed(new Error(`${frame.case} while signing in`));
      session.#signingIn = (answer) => {
        if (answer.type === "challenge") {
          // The generator trusts the server that it started: it does not check the certificate, which costs the server nothing.
          const transcript = signInTranscript(
            clientNonce,
            answer.serverNonce,
            serverFingerprint,
            accountId(account.account),
            deviceId(account.device),
          );
          const signature = sign(null, transcript, account.privateKey);
          session.#socket.send([encodeSignIn(account.account, account.device, signature, attachTo)]);
        } else if (answer.type === "signedIn") {
          if (attachTo === undefined) done();
        } else {
          session.kept = answer.kept;
          done();
        }
      };
      const events = { failed, message: (message: Buffer) => session.#read(message) };
      session.#socket = new WebSocketConnection(port, `/v1/session?hello=${hello}`, user, events);
    });
  }

  send(to: number, body: Buffer): void {
    this.#request = this.#request === 65_535 ? 1 : this.#request + 1;
    this.#batch.add(
      this.#appendTo?.(this.#request, body) ?? encodeAppend(this.#request, this.#inboxes[to]!, body),
    );
  }

  /** Opens a slot in a room. */
  async openSlot({ log: logId, token: accessToken }: Room, slotId: Buffer): Promise<void> {
    const openSlot = create(OpenSlotSchema, { request: 1_000_002, logId, slotId, accessToken });
    await this.#ask({ frame: { case: "openSlot", value: openSlot } }, "done");
  }

  /** Opens a slot in a room and reads there; the first one makes the room. */
  async enter(room: Room, makesIt: boolean): Promise<void> {
    const { log: logId, token: accessToken } = room;
    const slotId = randomBytes(ID_BYTES);
    if (makesIt) {
      const tokenHash = createHash("sha256").update(accessToken).digest();
      const createLog = create(CreateLogSchema, { request: 1_000_001, logId, tokenHash });
      await this.#ask({ frame: { case: "createLog", value: createLog } }, "done");
    }
    await this.openSlot(room, slotId);
    const attach = create(AttachSchema, { request: 1_000_003, logId, slotId, accessToken });
    await this.#ask({ frame: { case: "attach", value: attach } }, "attached");
    this.#ackOf = (seq) =>
      framed({ frame: { case: "ack", value: create(AckSchema, { logId, slotId, seq: BigInt(seq) }) } });
    this.#appendTo = (request, text) => {
      const item = create(InboxItemSchema, { item: { case: "classic", value: text } });
      const body = toBinary(InboxItemSchema, item);
      const append = create(AppendSchema, { request, logId, accessToken, kind: EntryKind.MESSAGE, body });
      return framed({ frame: { case: "append", value: append } });
    };
  }

  close(): Promise<void> {
    return this.#socket.close();
  }

  #read(message: Buffer): void {
    let taken = 0;
    decodeServerFrames(message, {
      appended: () => taken++,
      entry: (seq, text) => {
        this.#handlers.received(text);
        // One Ack a turn: the newest says it all.
        if (this.#ackUpTo === 0) this.#batch.add(nothing);
        this.#ackUpTo = seq;
      },
      other: (frame) => {
        const answer = this.#signingIn && decodeSignInAnswer(frame);
        if (answer === undefined) this.#other(fromBinary(ServerFrameSchema, frame).frame);
        else this.#signingIn?.(answer);
      },
    });
    if (taken > 0) this.#handlers.taken(taken);
  }

  #other(frame: Frame): void {
    if (frame.case === "refused" || frame.case === "goodbye") {
      const { code, message } = frame.value.problem ?? { code: "unknown", message: "" };
      this.#handlers.failed(new Error(`${frame.case}: ${code} ${message}`));
    }
    this.#waiting?.(frame);
  }

  /** Sends a frame and waits for its answer, which must be of one kind. */
  async #ask<Case extends Answer["case"]>(frame: ClientFrameInit, wanted: Case): Promise<AnswerOf<Case>> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${wanted} within 30 seconds`)), 30_000);
      this.#waiting = (got) => {
        clearTimeout(late);
        this.#waiting = undefined;
        if (isAnswer(got, wanted)) resolve(got);
        else reject(new Error(`${got.case} instead of ${wanted}`));
      };
      this.#socket.send([framed(frame)]);
    });
  }
}

function framed(frame: ClientFrameInit): Buffer {
  const frames = create(ClientFramesSchema, { frames: [create(ClientFrameSchema, frame)] });
  return Buffer.from(toBinary(ClientFramesSchema, frames));
}

function isAnswer<Case extends Answer["case"]>(frame: Frame, wanted: Case): frame is AnswerOf<Case> {
  return frame.case === wanted;
}
