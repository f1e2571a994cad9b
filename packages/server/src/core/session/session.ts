/**
 * One connection's conversation with the server: sign-in, then requests. It takes whole WebSocket messages and answers
 * through its output; it owns no socket, timer or clock.
 *
 * Frames are handled in order. Appends, acks and the like go to the group commit and are answered when they are durable.
 * A frame that must see what came before it (Attach, EPHEMERAL, SignIn) waits for that, and those behind it wait too.
 */
import {
  DeviceListSchema,
  EntryKind,
  LIMITS,
  SottoError,
  accountId,
  decode,
  deviceId,
  equalBytes,
  logId,
  slotId,
  type Attach,
  type Detach,
  type ErrorCode,
  type Lookup,
  type PutDeviceList,
  type SignIn,
} from "@sotto/protocol";
import type { CommitSink, GroupCommitter } from "../group-commit.ts";
import { checkAppend, checkToken } from "../logs/decide.ts";
import { isRefusal, problemOf } from "../problem.ts";
import type { DeviceRecord, StoreOperation, StoreResult } from "../store.ts";
import { decodeClientFrames, type AckFields, type AppendFields, type SessionFrame } from "./client-frames.ts";
import { encodeFrame, goodbyeFrame, refusedFrame } from "./frames.ts";
import { HIGH_WATER_BYTES, LogReader, type ReaderHost } from "./log-reader.ts";
import type { AccountQuota, Asker, ConnectionEnd, DeliveryPorts, SessionOutput } from "./ports.ts";
import type { Endable, SessionRegistry } from "./registry.ts";
import {
  isClassicItem,
  optionalSlot,
  optionalTokenHash,
  readAppend,
  readCloseSlot,
  readCreateLog,
  readOpenSlot,
  readWindow,
  readerKey,
  requestNumber,
  safeNumber,
} from "./requests.ts";
import { challenge, verifySignIn, type Challenge } from "./sign-in.ts";

/** Most directory requests of one connection under way. */
const maxLookups = 32;
/** Most readers of one connection that read from the store at once: each may come back with a quarter of a megabyte. */
const maxReads = 4;
const busyRetryMs = 1_000;

/** What all sessions of a node share. */
export interface SessionContext {
  readonly ports: DeliveryPorts;
  readonly committer: GroupCommitter;
  readonly registry: SessionRegistry;
}

/** Where a connection comes from. */
export interface Peer {
  /** The client's network address, for limits. */
  readonly address: string;
}

/** A session. Feed it with `receive`; tell it `outputDrained` and `disconnected`. */
export class Session implements CommitSink, Endable, ReaderHost {
  readonly output: SessionOutput;
  readonly #context: SessionContext;
  readonly #peer: Peer;
  #phase: "new" | "challenged" | "signing_in" | "open" | "closed" = "new";
  #challenge: Challenge | undefined;
  #device: DeviceRecord | undefined;
  #quota: AccountQuota | undefined;
  #draining = false;
  /** Operations that are not settled yet. */
  #pending = 0;
  #lookups = 0;
  #whenSettled: (() => void) | undefined;
  /** Frames that wait for the one before them. */
  #backlog: SessionFrame[] | undefined;
  #readers: Map<string, LogReader> | undefined;
  /** Readers that wait for room, in the order in which they came to need it. */
  #stalled: Set<LogReader> | undefined;
  #reads = 0;

  constructor(context: SessionContext, peer: Peer, output: SessionOutput) {
    this.#context = context;
    this.#peer = peer;
    this.output = output;
  }

  get store() {
    return this.#context.ports.store;
  }
  get bus() {
    return this.#context.ports.bus;
  }
  get events() {
    return this.#context.ports.events;
  }
  /** Whether a device has signed in. */
  get signedIn(): boolean {
    return this.#device !== undefined;
  }

  /** Takes one message. Byte fields of its frames stay views into `message`: it must not change afterwards. */
  receive(message: Uint8Array): void {
    if (this.#phase === "closed") return;
    let frames: SessionFrame[];
    try {
      frames = decodeClientFrames(message);
    } catch (error) {
      this.#goodbye(error);
      return;
    }
    if (this.#backlog === undefined) this.#run(frames, 0);
    else this.#backlog.push(...frames);
  }

  /** The connection can take more. */
  outputDrained(): void {
    this.#pumpStalled();
  }

  /** Lets readers go on, as many as there is room for: all at once they would fill the memory. */
  #pumpStalled(): void {
    for (const reader of this.#stalled ?? []) {
      if (this.#reads >= maxReads || this.output.waitingBytes() > HIGH_WATER_BYTES) return;
      this.#stalled?.delete(reader);
      reader.pump();
    }
  }

  /** The connection did not sign in within its time. */
  signInTimedOut(): void {
    if (this.signedIn) return;
    this.#finish(new SottoError("sign_in_timeout", "no device signed in within the time"), "sign_in_timeout");
  }

  /** The peer does not take what it asked for. */
  tooSlow(): void {
    this.#finish(new SottoError("too_slow", "the connection does not take what it is sent"), "too_slow");
  }

  /** The server stops soon: takes no further requests. */
  drain(reconnectAfterMs: number): void {
    if (this.#phase === "closed" || this.#draining) return;
    this.#draining = true;
    if (this.#phase !== "open") {
      this.#finish(
        new SottoError("draining", "the server stops soon", { retryAfterMs: reconnectAfterMs }),
        "draining",
      );
      return;
    }
    this.output.frame(
      encodeFrame({ case: "draining", value: { reconnectAfterMs: BigInt(reconnectAfterMs) } }),
    );
  }

  /** Ends the session with a Goodbye. */
  end(code: ErrorCode, end: ConnectionEnd, message: string): void {
    this.#finish(new SottoError(code, message), end);
  }

  /** The connection is gone. */
  disconnected(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    for (const reader of this.#readers?.values() ?? []) reader.close();
    this.#readers = undefined;
    this.#stalled = undefined;
    this.#backlog = undefined;
    if (this.#device !== undefined) {
      this.#context.registry.remove(this.#device.account, this.#device.device, this);
    }
  }

  /** From a reader. */
  beginRead(): boolean {
    if (this.#reads >= maxReads) return false;
    this.#reads++;
    return true;
  }

  /** From a reader. */
  endRead(): void {
    this.#reads--;
    this.#pumpStalled();
  }

  /** From a reader: the connection is full, or others are reading. */
  stalled(reader: LogReader): void {
    this.#stalled ??= new Set();
    this.#stalled.add(reader);
  }

  /** From a reader: the store failed. */
  failed(error: unknown): void {
    if (this.#phase === "closed") return;
    this.events.sessionFailed(error);
    this.#goodbye(error);
  }

  /** From the group commit. */
  settled(request: number, operation: StoreOperation, result: StoreResult | undefined): void {
    this.#pending--;
    if (this.#phase !== "closed") this.#answer(request, operation, result);
    if (this.#pending === 0) {
      this.#whenSettled?.();
      this.#whenSettled = undefined;
    }
  }

  #answer(request: number, operation: StoreOperation, result: StoreResult | undefined): void {
    if (result === undefined) {
      this.#refuse(request, new SottoError("unavailable", "the server cannot store it now"));
    } else if (!result.ok) {
      const { code, winnerSeq = 0, current = 0 } = result;
      this.#refuse(request, new SottoError(code, refusalText[code], { winnerSeq, current }));
    } else if (operation.type === "append") {
      this.output.appended(request, result.seq);
    } else {
      this.output.frame(encodeFrame({ case: "done", value: { request } }));
    }
  }

  #run(frames: readonly SessionFrame[], from: number): void {
    for (let i = from; i < frames.length; i++) {
      if (this.#phase === "closed") return;
      const waiting = this.#handle(frames[i] as SessionFrame);
      if (waiting === undefined) continue;
      this.#backlog = frames.slice(i + 1);
      this.output.pauseInput();
      void waiting.then(() => this.#resume());
      return;
    }
  }

  #resume(): void {
    const frames = this.#backlog;
    if (this.#phase === "closed" || frames === undefined) return;
    this.#backlog = undefined;
    this.#run(frames, 0);
    if (this.#backlog === undefined) this.output.resumeInput();
  }

  /** Handles a frame. Returns a promise, which never rejects, when those behind it must wait. */
  #handle(frame: SessionFrame): Promise<void> | undefined {
    if (this.#phase !== "open") return this.#handleUnsigned(frame);
    switch (frame.case) {
      case "append":
        return this.#append(frame.value);
      case "ack":
        return this.#guard(0, () => this.#ack(frame.value));
      case "attach":
        return this.#later(frame.value.request, () => this.#attach(frame.value));
      case "detach":
        return this.#guard(0, () => this.#detach(frame.value));
      case "createLog":
        return this.#guard(frame.value.request, () => {
          this.#allow(this.#quota?.createLog());
          this.#submit(frame.value.request, readCreateLog(frame.value, this.#nowSec()));
        });
      case "openSlot":
        return this.#guard(frame.value.request, () => {
          this.#allow(this.#quota?.openSlot());
          this.#submit(frame.value.request, readOpenSlot(frame.value, this.#sha256, this.#nowSec()));
        });
      case "closeSlot":
        return this.#guard(frame.value.request, () => {
          const operation = readCloseSlot(frame.value);
          this.#submit(frame.value.request, operation);
          this.#closeReader(readerKey(operation.log, operation.slot));
        });
      case "lookup":
        return this.#guard(frame.value.request, () => this.#lookup(frame.value));
      case "putDeviceList":
        return this.#later(frame.value.request, () => this.#putDeviceList(frame.value));
      default:
        this.#goodbye(new SottoError("unexpected_frame", "this frame has no place here"));
        return undefined;
    }
  }

  #handleUnsigned(frame: SessionFrame): Promise<void> | undefined {
    try {
      if (this.#draining) throw new SottoError("draining", "the server stops soon");
      if (frame.case === "hello" && this.#phase === "new") {
        const answer = challenge(this.#context.ports, frame.value);
        this.#challenge = answer.challenge;
        this.#phase = "challenged";
        this.output.frame(answer.frame);
        return undefined;
      }
      if (frame.case === "signIn" && this.#phase === "challenged" && this.#challenge !== undefined) {
        this.#phase = "signing_in";
        return this.#signIn(this.#challenge, frame.value);
      }
      const known = frame.case !== undefined && frame.case !== "hello" && frame.case !== "signIn";
      throw known
        ? new SottoError("not_signed_in", "sign in first")
        : new SottoError("unexpected_frame", "this frame has no place here");
    } catch (error) {
      this.#goodbye(error);
      return undefined;
    }
  }

  async #signIn(answered: Challenge, signIn: SignIn): Promise<void> {
    const { ports, registry } = this.#context;
    try {
      const device = await verifySignIn(ports, answered, signIn);
      if (this.#phase !== "signing_in") return;
      this.#challenge = undefined;
      this.#device = device;
      this.#quota = ports.quota.forAccount(device.account);
      this.#phase = "open";
      registry.add(device.account, device.device, this);
      // A revocation between the check and the registration would not have found this session.
      const now = await ports.store.readDevice(device.account, device.device);
      if (now === undefined || now.revoked) throw new SottoError("sign_in_refused", "the device was revoked");
      if (this.#isClosed()) return;
      ports.events.signedIn();
      const deviceListVersion = BigInt(now.newestListVersion);
      this.output.frame(encodeFrame({ case: "signedIn", value: { deviceListVersion } }));
    } catch (error) {
      if (this.#isClosed()) return;
      if (isRefusal(error)) ports.events.signInRefused();
      this.#goodbye(error);
    }
  }

  #append(append: AppendFields): Promise<void> | undefined {
    const { request, kind } = append;
    if (kind === EntryKind.EPHEMERAL) return this.#later(request, () => this.#ephemeral(append));
    return this.#guard(request, () => {
      const operation = this.#readAppend(append);
      this.#allow(this.#quota?.append(append.body.length));
      this.#submit(request, operation);
    });
  }

  #readAppend(append: AppendFields): ReturnType<typeof readAppend> {
    if (this.#context.ports.classicAllowed === false && isClassicItem(append)) {
      throw new SottoError("classic_switched_off", "this server takes no messages of the classic suite");
    }
    return readAppend(append, this.#sha256, this.#nowSec());
  }

  async #ephemeral(append: AppendFields): Promise<void> {
    const operation = this.#readAppend(append);
    this.#allow(this.#quota?.append(append.body.length));
    const { log, epoch, body } = operation;
    const state = await this.store.readLog(log);
    const named = await this.store.readEpoch(log, epoch);
    const refusal = checkAppend(state, named, operation, this.#context.ports.crypto.equalSecrets);
    if (refusal !== undefined) {
      this.#answer(append.request, operation, refusal);
      return;
    }
    this.bus.publish(log, { type: "ephemeral", epoch, body });
    this.output.appended(append.request, 0);
  }

  #submit(request: number, operation: StoreOperation): void {
    requestNumber(request);
    this.#pending++;
    this.#context.committer.submit(operation, this, request);
  }

  #ack(ack: AckFields): void {
    const reader = this.#readers?.get(readerKey(logId(ack.logId), optionalSlot(ack.slotId)));
    if (reader === undefined) throw new SottoError("not_attached", "this log and slot are not attached");
    const moved = reader.ack(safeNumber(ack.seq));
    if (moved === undefined) throw new SottoError("malformed", "an ack of what was not sent");
    if (!moved) return;
    this.#context.committer.submitAck(reader);
    reader.pump();
  }

  async #attach(attach: Attach): Promise<void> {
    const { request } = attach;
    // Copies: the reader lives longer than the message that these are views into.
    const log = logId(Uint8Array.from(attach.logId));
    const slot = attach.slotId.length === 0 ? undefined : slotId(Uint8Array.from(attach.slotId));
    const window = readWindow(attach.window);
    const wanted = safeNumber(attach.afterSeq);
    const key = readerKey(log, slot);
    this.#readers ??= new Map();
    if (!this.#readers.has(key) && this.#readers.size >= LIMITS.maxAttachedLogs) {
      throw new SottoError("slot_limit", "the connection has its most attached logs");
    }
    const reader = new LogReader(this, log, slot);
    let attached = false;
    try {
      const { ports } = this.#context;
      const state = await ports.store.readLog(log);
      let epoch: number | undefined;
      let startSeq = 0;
      let endedBySeq: number | undefined;
      if (slot === undefined) {
        if (!equalBytes(log, this.#device?.inbox ?? log.subarray(1)) || attach.accessToken.length > 0) {
          throw new SottoError("log_refused", refusalText.log_refused);
        }
      } else {
        epoch = safeNumber(attach.epoch);
        const tokenHash = optionalTokenHash(attach.accessToken, this.#sha256);
        const named = await ports.store.readEpoch(log, epoch);
        const refusal = checkToken(state, named, { epoch, tokenHash }, ports.crypto.equalSecrets);
        if (refusal !== undefined) throw new SottoError("log_refused", refusalText.log_refused);
        ({ startSeq = 0, endedBySeq } = named ?? {});
      }
      const cursor = await ports.store.readCursor(log, slot);
      if (cursor === undefined || state === undefined) {
        throw slot === undefined
          ? new SottoError("log_refused", refusalText.log_refused)
          : new SottoError("slot_unknown", refusalText.slot_unknown);
      }
      if (this.#isClosed()) return;
      attached = true;
      this.#closeReader(key);
      this.#readers.set(key, reader);
      const { headSeq, trimmedSeq } = state;
      this.output.frame(
        encodeFrame({
          case: "attached",
          value: {
            request,
            logId: log,
            headSeq: BigInt(headSeq),
            trimmedSeq: BigInt(trimmedSeq),
            epoch: BigInt(state.epoch),
          },
        }),
      );
      const afterSeq = Math.max(wanted, cursor, startSeq, trimmedSeq);
      if (epoch !== undefined && endedBySeq !== undefined && afterSeq >= endedBySeq) {
        reader.startEnded(epoch, afterSeq, cursor, endedBySeq);
      } else {
        reader.start({ epoch, afterSeq, cursor, headSeq, window });
      }
      // Using a slot keeps it from expiring; for inboxes there is nothing to note.
      if (slot !== undefined) this.#context.committer.submitAck(reader);
    } finally {
      if (!attached) reader.close();
    }
  }

  #detach(detach: Detach): void {
    this.#closeReader(readerKey(logId(detach.logId), optionalSlot(detach.slotId)));
  }

  #closeReader(key: string): void {
    const reader = this.#readers?.get(key);
    if (reader === undefined) return;
    reader.close();
    this.#readers?.delete(key);
    this.#stalled?.delete(reader);
  }

  #lookup(lookup: Lookup): void {
    requestNumber(lookup.request);
    if (this.#lookups >= maxLookups) {
      throw new SottoError("rate_limited", "too many lookups at once", { retryAfterMs: busyRetryMs });
    }
    this.#lookups++;
    void this.#answerLookup(lookup).finally(() => this.#lookups--);
  }

  async #answerLookup(lookup: Lookup): Promise<void> {
    try {
      const value = await this.#context.ports.directory.lookup(this.#asker(), lookup);
      this.events.lookedUp();
      if (!this.#isClosed()) this.output.frame(encodeFrame({ case: "lookupResult", value }));
    } catch (error) {
      this.#refuse(lookup.request, error);
    }
  }

  async #putDeviceList(put: PutDeviceList): Promise<void> {
    const { directory } = this.#context.ports;
    const asker = this.#asker();
    await directory.putDeviceList(asker, put);
    this.events.deviceListPut();
    if (!this.#isClosed()) {
      this.output.frame(encodeFrame({ case: "done", value: { request: put.request } }));
    }
    const list = decode(DeviceListSchema, put.deviceList?.list ?? new Uint8Array());
    for (const device of list.devices) {
      if (device.revokedAtSec > 0n) {
        this.#context.registry.revoke(accountId(asker.account), deviceId(device.deviceId));
      }
    }
  }

  /** Runs what cannot wait; refusals are answered. */
  #guard(request: number, work: () => void): undefined {
    try {
      this.#checkOpen();
      work();
    } catch (error) {
      this.#refuse(request, error);
    }
    return undefined;
  }

  /** Runs what must see all that came before it. */
  async #later(request: number, work: () => Promise<void>): Promise<void> {
    try {
      requestNumber(request);
      this.#checkOpen();
      if (this.#pending > 0) await new Promise<void>((resolve) => (this.#whenSettled = resolve));
      if (!this.#isClosed()) await work();
    } catch (error) {
      this.#refuse(request, error);
    }
  }

  #checkOpen(): void {
    if (this.#draining) throw new SottoError("draining", "the server stops soon");
  }

  #allow(waitMs: number | undefined): void {
    if (waitMs === undefined || waitMs === 0) return;
    throw new SottoError("quota_exceeded", "your account's allowance for now is used up", {
      retryAfterMs: waitMs,
    });
  }

  #refuse(request: number, error: unknown): void {
    if (this.#phase === "closed") return;
    const problem = problemOf(error);
    if (!isRefusal(error)) this.events.sessionFailed(error);
    this.events.requestRefused(problem.code);
    this.output.frame(refusedFrame(request, problem));
  }

  #goodbye(error: unknown): void {
    if (!isRefusal(error)) this.events.sessionFailed(error);
    this.#finish(error, "refused");
  }

  #finish(error: unknown, end: ConnectionEnd): void {
    if (this.#phase === "closed") return;
    const problem = problemOf(error);
    this.output.frame(goodbyeFrame(problem));
    this.disconnected();
    this.output.close(end, problem);
  }

  #asker(): Asker {
    const { account, device } = this.#device ?? {};
    if (account === undefined || device === undefined) throw new SottoError("not_signed_in", "sign in first");
    return { account, device, address: this.#peer.address };
  }

  // A method, since what was checked before an await says nothing about after it.
  #isClosed(): boolean {
    return this.#phase === "closed";
  }

  #nowSec(): number {
    return Math.floor(this.#context.ports.clock.nowMs() / 1_000);
  }

  readonly #sha256 = (data: Uint8Array): Uint8Array => this.#context.ports.crypto.sha256(data);
}

const refusalText: Record<Extract<StoreResult, { ok: false }>["code"], string> = {
  log_refused: "there is no such log, or it is not yours",
  log_exists: "the id of the log is taken",
  epoch_ended: "a Commit ended this epoch",
  slot_unknown: "the log has no such slot",
  slot_limit: "the log has its most slots",
  quota_exceeded: "the log is full",
};
