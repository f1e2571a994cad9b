/**
 * One connection's conversation with the server: sign-in, then requests. It takes whole WebSocket messages and answers
 * through its output; it owns no socket, timer or clock.
 *
 * Frames are handled in order. Appends, acks and the like go to the group commit and are answered when they are durable.
 * A frame that must see what came before it (Attach, EPHEMERAL, SignIn) waits for that, and those behind it wait too.
 */
import {
  EntryKind,
  SottoError,
  StorageError,
  type AccountDeletion,
  type AccountId,
  type ErrorCode,
} from "@sotto/protocol";
import type { CommitSink, GroupCommitter } from "../group-commit.ts";
import { endOfDaySec } from "../logs/day.ts";
import { checkAppend } from "../logs/decide.ts";
import { isRefusal, problemOf } from "../problem.ts";
import type { DeviceRecord, StoreOperation, StoreResult } from "../store.ts";
import { decodeClientFrames, type AckFields, type AppendFields, type SessionFrame } from "./client-frames.ts";
import { DeskRequests } from "./desk-requests.ts";
import { encodeFrame, goodbyeFrame, refusedFrame } from "./frames.ts";
import type { AccountQuota, Asker, ConnectionEnd, DeliveryPorts, SessionOutput } from "./ports.ts";
import { refusal } from "./refusals.ts";
import type { AccountChanges } from "./account-changes.ts";
import type { ListChanges } from "./list-changes.ts";
import type { Endable, SessionRegistry } from "./registry.ts";
import {
  isClassicItem,
  keyPackageBytes,
  readAppend,
  readCloseSlot,
  readCreateLog,
  readOpenSlot,
  readerKey,
  requestNumber,
} from "./requests.ts";
import { SessionReaders, notAttached } from "./session-readers.ts";
import type { SharedReads } from "./shared-reads.ts";
import { AccountDeletedError, challenge, verifySignIn, type Challenge } from "./sign-in.ts";
import { signedInFrame, type AttachFields, type SignInFields } from "./sign-in-frames.ts";
import { noBytes } from "./wire.ts";

/** When what could not be stored, or found too much waiting, may come again: a queue at its bound is written within about as long. */
const storeRetryMs = 1_000;

/** What all sessions of a node share. */
export interface SessionContext {
  readonly ports: DeliveryPorts;
  readonly committer: GroupCommitter;
  readonly reads: SharedReads;
  readonly registry: SessionRegistry;
  readonly lists: ListChanges;
  readonly accounts: AccountChanges;
}

/** Where a connection comes from. */
export interface Peer {
  /** The client's network address, for limits. */
  readonly address: string;
}

/** A session. Feed it with `receive`; tell it `outputDrained` and `disconnected`. */
export class Session implements CommitSink, Endable {
  readonly output: SessionOutput;
  readonly #context: SessionContext;
  readonly #peer: Peer;
  #phase: "new" | "challenged" | "signing_in" | "open" | "closed" = "new";
  /** The nonces of the sign-in. */
  #challenge: Challenge | undefined;
  #device: DeviceRecord | undefined;
  #quota: AccountQuota | undefined;
  #draining = false;
  /** Whether SignedIn went out. */
  #announced = false;
  /** What changed about a reset of the account since sign-in began. */
  #resetAtSec: number | undefined;
  /** Operations that are not settled yet. */
  #pending = 0;
  #whenSettled: (() => void) | undefined;
  /** Frames that wait for the one before them. */
  #backlog: SessionFrame[] | undefined;
  #readers: SessionReaders | undefined;
  #desks: DeskRequests | undefined;

  constructor(context: SessionContext, peer: Peer, output: SessionOutput) {
    this.#context = context;
    this.#peer = peer;
    this.output = output;
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
    if (this.#backlog === undefined) {
      this.#run(frames, 0);
      return;
    }
    this.#backlog.push(...frames);
    // Only now: most of what is waited for is there before anything else comes, and pausing a socket costs more.
    this.output.pauseInput();
  }

  /** The connection can take more. */
  outputDrained(): void {
    this.#readers?.pumpStalled();
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

  /** From the registry. */
  resetChanged(resetAtSec: number): void {
    this.#resetAtSec = resetAtSec;
    if (!this.#announced || this.#isClosed()) return;
    this.output.frame(encodeFrame({ case: "resetChanged", value: { resetAtSec: BigInt(resetAtSec) } }));
  }

  /** From the registry. */
  accountDeleted(deletion: AccountDeletion): void {
    this.#finish(new AccountDeletedError(deletion), "deleted");
  }

  /** A list that was looked up here, or the own account's, has a newer version. @param newestVersion 0: the account is gone. */
  listChanged(account: AccountId, newestVersion: number): void {
    if (!this.#announced || this.#isClosed()) return;
    const value = { accountId: account, newestVersion: BigInt(newestVersion) };
    this.output.frame(encodeFrame({ case: "deviceListChanged", value }));
  }

  /** The connection is gone. */
  disconnected(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#context.lists.forget(this);
    if (this.#device !== undefined) {
      const { account, device } = this.#device;
      this.#context.ports.push?.asleep(account, device, this.#readers?.logs() ?? []);
    }
    this.#readers?.closeAll();
    this.#readers = undefined;
    this.#backlog = undefined;
    if (this.#device !== undefined) {
      this.#context.registry.remove(this.#device.account, this.#device.device, this);
    }
  }

  /** A reader met a store that fails. */
  #failed(error: unknown): void {
    if (this.#phase !== "closed") this.#goodbye(error);
  }

  /** From the group commit. */
  settled(request: number, operation: StoreOperation, result: StoreResult | undefined): void {
    this.#pending--;
    if (result?.ok === true && operation.type === "append" && operation.wakes === true) {
      this.#context.ports.push?.appended(operation.log, this.#signedInDevice().account);
    }
    if (this.#phase !== "closed") this.#answer(request, operation, result);
    if (this.#pending === 0) {
      this.#whenSettled?.();
      this.#whenSettled = undefined;
    }
  }

  #answer(request: number, operation: StoreOperation, result: StoreResult | undefined): void {
    if (result === undefined) {
      const details = { retryAfterMs: storeRetryMs };
      this.#refuse(request, new SottoError("unavailable", "the server cannot store it now", details));
    } else if (!result.ok) {
      this.#refuse(request, refusal(result.code, result));
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
        return this.#later(frame.value.request, async () => {
          this.#quota?.attachOrClose();
          await this.#attach(frame.value);
        });
      case "detach":
        return this.#guard(0, () => this.#readers?.detach(frame.value));
      case "createLog":
        return this.#guard(frame.value.request, () => {
          this.#quota?.createLog();
          this.#submit(frame.value.request, readCreateLog(frame.value, this.#nowSec()));
        });
      case "openSlot":
        return this.#guard(frame.value.request, () => {
          this.#quota?.openSlot();
          this.#submit(frame.value.request, readOpenSlot(frame.value, this.#sha256, this.#nowSec()));
        });
      case "closeSlot":
        return this.#guard(frame.value.request, () => {
          const operation = readCloseSlot(frame.value);
          this.#quota?.attachOrClose();
          this.#submit(frame.value.request, operation);
          this.#readers?.close(readerKey(operation.log, operation.slot));
        });
      case "lookup":
        return this.#guard(frame.value.request, () => this.#ask().lookup(frame.value));
      case "putDeviceList":
        return this.#later(frame.value.request, () => this.#ask().putDeviceList(frame.value));
      case "putKeyPackages":
        return this.#later(frame.value.request, async () => {
          this.#quota?.putKeyPackages(keyPackageBytes(frame.value));
          await this.#ask().putKeyPackages(frame.value);
        });
      case "claimKeyPackages":
        return this.#guard(frame.value.request, () => this.#ask().claimKeyPackages(frame.value));
      case "fetchLink":
        return this.#guard(frame.value.request, () => this.#ask().fetchLink(frame.value));
      case "answerLink":
        return this.#later(frame.value.request, () => this.#ask().answerLink(frame.value));
      case "putRecovery":
        return this.#later(frame.value.request, async () => {
          this.#quota?.putRecovery(frame.value.sealed.length);
          await this.#ask().putRecovery(frame.value);
        });
      case "putPush":
        return this.#later(frame.value.request, async () => {
          this.#quota?.putPush();
          await this.#ask().putPush(frame.value);
        });
      case "cancelReset":
        return this.#later(frame.value.request, () => this.#ask().cancelReset(frame.value));
      case "deleteAccount":
        return this.#later(frame.value.request, () => this.#ask().deleteAccount(frame.value));
      case "countKeyPackages":
        return this.#guard(frame.value.request, () => this.#ask().countKeyPackages(frame.value));
      case "askBlobTicket":
        return this.#guard(frame.value.request, () => {
          const size = Number(frame.value.size);
          this.#context.ports.blobs.checkSize(size);
          this.#quota?.askBlobTicket(size);
          this.#ask().askBlobTicket(frame.value);
        });
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

  async #signIn(answered: Challenge, signIn: SignInFields): Promise<void> {
    const { ports, accounts } = this.#context;
    const startMs = ports.clock.monotonicMs();
    try {
      const device = await verifySignIn(ports, answered, signIn);
      if (this.#phase !== "signing_in") return;
      this.#device = device;
      this.#quota = ports.quota.forAccount(device.account);
      this.#phase = "open";
      // Before the connection that this one takes the place of ends: the device never slept.
      ports.push?.awake(device.account, device.device);
      accounts.signedIn(device.account, device.device, this);
      // A revocation between the check and the registration would not have found this session.
      const now = await ports.store.readDevice(device.account, device.device);
      if (now === undefined || now.revoked) throw new SottoError("sign_in_refused", "the device was revoked");
      if (this.#isClosed()) return;
      ports.events.signedIn(ports.clock.monotonicMs() - startMs);
      this.#announced = true;
      this.output.frame(
        signedInFrame({
          deviceListVersion: now.newestListVersion,
          resetAtSec: this.#resetAtSec ?? ports.recovery.pendingAtSec(now.resetAtSec),
          maxBlobBytes: ports.blobs.maxBlobBytes,
          pushKey: ports.push?.publicKey ?? noBytes,
        }),
      );
    } catch (error) {
      if (this.#isClosed()) return;
      if (isRefusal(error) && !(error instanceof StorageError)) ports.events.signInRefused();
      this.#goodbye(error);
    }
  }

  #append(append: AppendFields): Promise<void> | undefined {
    const { request, kind } = append;
    if (kind === EntryKind.EPHEMERAL) return this.#later(request, () => this.#ephemeral(append));
    return this.#guard(request, () => {
      const operation = this.#readAppend(append);
      this.#quota?.append(append.body.length);
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
    this.#quota?.append(append.body.length);
    const { log, epoch, body } = operation;
    const state = await this.#context.ports.store.readLog(log);
    const named = await this.#context.ports.store.readEpoch(log, epoch);
    const wrong = checkAppend(state, named, operation, this.#context.ports.crypto.equalSecrets);
    if (wrong !== undefined) {
      this.#answer(append.request, operation, wrong);
      return;
    }
    this.#context.ports.bus.publish(log, { type: "ephemeral", epoch, body });
    this.output.appended(append.request, 0);
  }

  #submit(request: number, operation: StoreOperation): void {
    requestNumber(request);
    this.#pending++;
    this.#context.committer.submit(operation, this, request);
  }

  #ack(ack: AckFields): void {
    if (this.#readers === undefined) throw notAttached();
    this.#readers.ack(ack);
  }

  #attach(attach: AttachFields): Promise<void> {
    const { ports, committer, reads } = this.#context;
    const { inbox } = this.#signedInDevice();
    this.#readers ??= new SessionReaders({
      ports,
      committer,
      reads,
      output: this.output,
      inbox,
      failed: (error) => this.#failed(error),
    });
    return this.#readers.attach(attach);
  }

  #ask(): DeskRequests {
    const { ports, lists, accounts } = this.#context;
    this.#desks ??= new DeskRequests({
      ports,
      lists,
      watcher: this,
      accounts,
      nonces: this.#nonces(),
      output: this.output,
      asker: this.#asker(),
      isClosed: () => this.#isClosed(),
      refuse: (request, error) => this.#refuse(request, error),
    });
    return this.#desks;
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

  /** What is our own fault is told to the operator, even where the client gets a word for it. */
  #report(error: unknown): void {
    if (!isRefusal(error) || error instanceof StorageError) this.#context.ports.events.sessionFailed(error);
  }

  #refuse(request: number, error: unknown): void {
    if (this.#phase === "closed") return;
    const problem = problemOf(error);
    this.#report(error);
    this.#context.ports.events.requestRefused(problem.code);
    this.output.frame(refusedFrame(request, problem));
  }

  #goodbye(error: unknown): void {
    this.#report(error);
    this.#finish(error, "refused");
  }

  #finish(error: unknown, end: ConnectionEnd): void {
    if (this.#phase === "closed") return;
    const problem = problemOf(error);
    const deletion = error instanceof AccountDeletedError ? error.deletion : undefined;
    this.output.frame(goodbyeFrame(problem, deletion));
    this.disconnected();
    this.output.close(end, problem);
  }

  #signedInDevice(): DeviceRecord {
    if (this.#device === undefined) throw new SottoError("not_signed_in", "sign in first");
    return this.#device;
  }

  #nonces(): Challenge {
    if (this.#challenge === undefined) throw new SottoError("not_signed_in", "sign in first");
    return this.#challenge;
  }

  #asker(): Asker {
    const { account, device } = this.#signedInDevice();
    return { account, device, address: this.#peer.address };
  }

  // A method, since what was checked before an await says nothing about after it.
  #isClosed(): boolean {
    return this.#phase === "closed";
  }

  #nowSec(): number {
    return endOfDaySec(this.#context.ports.clock.nowMs());
  }

  readonly #sha256 = (data: Uint8Array): Uint8Array => this.#context.ports.crypto.sha256(data);
}
