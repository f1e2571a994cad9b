/**
 * What the delivery service needs of the world and of the rest of the server. Whoever composes a server gives one
 * `DeliveryPorts` to `createDelivery` (delivery.ts), opens a Session for each connection and feeds it messages.
 * Sessions do no I/O, own no timer and read no clock of their own.
 */
import type {
  AccountDeletion,
  AccountId,
  AnswerLink,
  AskBlobTicket,
  BlobTicket,
  ClaimKeyPackages,
  CountKeyPackages,
  DeviceId,
  FetchLink,
  KeyPackageCount,
  KeyPackagesClaimed,
  LinkFetched,
  LogId,
  Lookup,
  LookupResult,
  Problem,
  PutDeviceList,
  PutKeyPackages,
  PutPush,
  PutRecovery,
} from "@sotto/protocol";
import type { Bus } from "../bus.ts";
import type { ServerCrypto } from "../crypto.ts";
import type { Store } from "../store.ts";

/** Who asks the directory: limits count per account and per network address. */
export interface Asker {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly address: string;
}

/** The part of the directory that signed-in devices use. Both throw SottoError with a code that travels. */
export interface DirectoryPort {
  lookup(asker: Asker, lookup: Lookup): Promise<LookupResult>;
  putDeviceList(asker: Asker, put: PutDeviceList): Promise<void>;
}

/** KeyPackages as signed-in devices use them. All throw SottoError with a code that travels. */
export interface KeyPackagePort {
  put(asker: Asker, put: PutKeyPackages): Promise<void>;
  claim(asker: Asker, claim: ClaimKeyPackages): Promise<KeyPackagesClaimed>;
  count(asker: Asker, count: CountKeyPackages): Promise<KeyPackageCount>;
}

/** Linking, from the side of a device that has an account. Both throw SottoError with a code that travels. */
export interface LinkPort {
  offer(asker: Asker, fetch: FetchLink): Promise<LinkFetched>;
  answer(asker: Asker, answer: AnswerLink): Promise<void>;
}

/** Recovery and reset, from the side of a device that is there. All throw SottoError with a code that travels. */
export interface RecoveryPort {
  put(asker: Asker, put: PutRecovery): Promise<void>;
  /** Seconds since 1970; 0 when no reset is pending. */
  resetAtSec(account: AccountId): Promise<number>;
  /** The same of what the store has noted. */
  pendingAtSec(notedSec: number | undefined): number;
  cancelReset(asker: Asker): Promise<void>;
}

/** Waking devices that are not connected. */
export interface PushPort {
  /** The server's key for push services, 65 bytes; empty when it wakes nobody. */
  readonly publicKey: Uint8Array;
  /** @throws SottoError with a code that travels. */
  put(asker: Asker, put: PutPush): Promise<void>;
  /** A connection of the device signed in. */
  awake(account: AccountId, device: DeviceId): void;
  /** It signed in on another node. */
  awakeElsewhere(account: AccountId, device: DeviceId): void;
  /** It ended. @param logs that it read. */
  asleep(account: AccountId, device: DeviceId, logs: readonly LogId[]): void;
  /** Something that wakes is stored. @param by whose it is. */
  appended(log: LogId, by: AccountId): void;
}

/** The end of accounts. Throws SottoError with a code that travels. */
export interface AccountEndPort {
  /** @param transcript what `deletion.signature` is to be over. */
  delete(asker: Asker, deletion: AccountDeletion, transcript: Uint8Array): Promise<void>;
}

/** An AskBlobTicket, and its answer, without their protobuf type. */
export type AskBlobTicketFields = Pick<AskBlobTicket, "request" | "size">;
export type BlobTicketFields = Pick<BlobTicket, "request" | "ticket" | "expiresInSec">;

/** Blobs, from the side of a session: it knows who asks, and the blobs do not. */
export interface BlobTicketPort {
  /** Size of the largest blob that is taken; 0 takes none. */
  readonly maxBlobBytes: number;
  /** @throws SottoError `malformed`, `too_large`. */
  checkSize(size: number): void;
  /** @throws SottoError `malformed`, `too_large`. */
  ticket(ask: AskBlobTicketFields): Promise<BlobTicketFields>;
}

/** How the server proves to be itself. */
export interface ChallengerPort {
  /** SHA-256 of the server's public key, 32 bytes. */
  readonly fingerprint: Uint8Array;
  /** Certifies the key that `sign` uses at this moment: a serialized ServerCertificate. */
  certificate(): Uint8Array;
  /** Ed25519 by the certified key, 64 bytes. */
  sign(data: Uint8Array): Uint8Array;
}

/**
 * Counts what an account does. Each throws SottoError with `retryAfterMs`, and counts nothing, when there is no more to be had: `quota_exceeded`
 * of the account's own, `rate_limited` of what the node takes from all accounts together.
 */
export interface AccountQuota {
  append(bodyBytes: number): void;
  createLog(): void;
  openSlot(): void;
  attachOrClose(): void;
  /** @param bytes of all KeyPackages together: they count like appended ones. */
  putKeyPackages(bytes: number): void;
  /** @param bytes of the backup: they count likewise. */
  putRecovery(bytes: number): void;
  putPush(): void;
  /** @param bytes of the blob: they count by themselves. */
  askBlobTicket(bytes: number): void;
}

/** Finds the quota of an account, once for each sign-in. */
export interface QuotaPort {
  forAccount(account: AccountId): AccountQuota;
}

/** Runs callbacks later. One-shot; what `after` returns cancels. */
export interface SchedulerPort {
  /** When the input that is at hand now has been read. */
  soon(callback: () => void): void;
  after(delayMs: number, callback: () => void): () => void;
}

/** The time. */
export interface ClockPort {
  /** Milliseconds since 1970-01-01 UTC. */
  nowMs(): number;
  /** Milliseconds that only go forward, for measuring. */
  monotonicMs(): number;
}

/** Why a connection is gone. */
export type ConnectionEnd =
  | "closed_by_peer"
  | "lost"
  | "not_responding"
  | "too_slow"
  | "sign_in_timeout"
  | "refused"
  | "superseded"
  | "revoked"
  | "deleted"
  | "draining";

/** Why a connection was turned away at the door: an address, or the whole node, has too many that have not signed in; it is full; it stops. */
export type ConnectionRefusal = "too_many_unsigned" | "storm" | "full" | "draining";

/** One function for each thing that happens; the implementation logs and counts. None of them may throw. */
export interface DeliveryEvents {
  connectionOpened(): void;
  connectionClosed(end: ConnectionEnd, wasSignedIn: boolean): void;
  /** Refused before a session began: too many connections of this address that have not signed in, or draining. */
  connectionRefused(reason: ConnectionRefusal): void;
  /** @param tookMs to check it. */
  signedIn(tookMs: number): void;
  signInRefused(): void;
  /** A request (or a frame without a number) was refused with this code. */
  requestRefused(code: string): void;
  /** A group commit is durable. */
  committed(batch: CommittedBatch): void;
  /** A group commit failed as a whole: everybody in it got `unavailable`. */
  commitFailed(error: unknown): void;
  /** Entries handed to a reader; `live` when they did not have to be read back from the store. */
  delivered(entries: number, live: boolean): void;
  ephemeral(readers: number): void;
  lookedUp(): void;
  deviceListPut(): void;
  /** A bug of ours, or a failing store, met while serving a session. */
  sessionFailed(error: unknown): void;
}

/** Figures of one group commit. */
export interface CommittedBatch {
  readonly operations: number;
  /** For each append that was stored: how long after it came. */
  readonly appendMs: readonly number[];
  readonly appendedBytes: number;
  readonly acks: number;
  readonly durationMs: number;
}

/** Everything that the delivery service is given. */
export interface DeliveryPorts {
  readonly store: Store;
  readonly bus: Bus;
  readonly crypto: ServerCrypto;
  /** `crypto.verifyEd25519` in another thread, so that everybody's signing in at once does not hold up messages. Left out: in this one. */
  readonly verifyElsewhere?: (...of: Parameters<ServerCrypto["verifyEd25519"]>) => Promise<boolean>;
  readonly directory: DirectoryPort;
  readonly keyPackages: KeyPackagePort;
  readonly links: LinkPort;
  readonly recovery: RecoveryPort;
  readonly accountEnds: AccountEndPort;
  readonly blobs: BlobTicketPort;
  /** Left out: nobody is woken. */
  readonly push?: PushPort;
  readonly challenger: ChallengerPort;
  readonly quota: QuotaPort;
  readonly scheduler: SchedulerPort;
  readonly clock: ClockPort;
  readonly events: DeliveryEvents;
  /** False when the operator switched the classic suite off. */
  readonly classicAllowed?: boolean;
}

/** An entry as a reader gets it. */
export interface OutgoingEntry {
  readonly seq: number;
  readonly epoch: number;
  readonly kind: number;
  readonly body: Uint8Array;
}

/** Where a session's frames go. Whoever implements it gathers what comes in one turn into one message. */
export interface SessionOutput {
  /** Appended. */
  appended(request: number, seq: number): void;
  /** Entries. The bodies are not changed and not kept after the frame is serialized. */
  entries(log: Uint8Array, entries: readonly OutgoingEntry[]): void;
  /** Any other frame, serialized as a ServerFrame. @param fields that it has at most; few when not given. */
  frame(bytes: Uint8Array, fields?: number): void;
  /** Bytes that wait to be taken by the peer, for back-pressure. */
  waitingBytes(): number;
  /** Sends what waits, then ends the connection. `problem` has been sent as Goodbye when there is one. */
  close(end: ConnectionEnd, problem: Problem | undefined): void;
  /** Stop or go on reading from the peer. */
  pauseInput(): void;
  resumeInput(): void;
}
