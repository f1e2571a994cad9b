/**
 * How much an account may write, and all accounts of a node together: generous for people and bots, an end for those who would fill the
 * disk. The node's allowance is asked last, so that whoever is over their own takes nothing of it.
 */
import { SottoError, toHex, type AccountId } from "@sotto/protocol";
import { RateLimiter, type RateLimit } from "./rate-limit.ts";
import type { AccountQuota, QuotaPort } from "./session/ports.ts";

/** The key of the one bucket that all share. */
const everybody = "";
/** Whoever is told to wait for all waits at least so long: the next token is there at once, and a thousand may want it. */
const leastNodeRetryMs = 1_000;

/** What an account may do at once and over time. */
export interface QuotaLimits {
  readonly appends: RateLimit;
  readonly appendedBytes: RateLimit;
  /** By all accounts together. */
  readonly nodeAppends: RateLimit;
  readonly nodeAppendedBytes: RateLimit;
  readonly logs: RateLimit;
  readonly slots: RateLimit;
  /** Readers attached and slots closed. */
  readonly reads: RateLimit;
  /** Requests that put KeyPackages. */
  readonly keyPackagePuts: RateLimit;
  readonly recoveryPuts: RateLimit;
  readonly pushPuts: RateLimit;
  readonly blobTickets: RateLimit;
  readonly blobBytes: RateLimit;
}

/** Quotas of all accounts that were at work lately. */
export class AccountQuotas implements QuotaPort {
  readonly #nowMs: () => number;
  readonly #appends: RateLimiter;
  readonly #bytes: RateLimiter;
  readonly #nodeAppends: RateLimiter;
  readonly #nodeBytes: RateLimiter;
  readonly #logs: RateLimiter;
  readonly #slots: RateLimiter;
  readonly #reads: RateLimiter;
  readonly #keyPackagePuts: RateLimiter;
  readonly #recoveryPuts: RateLimiter;
  readonly #pushPuts: RateLimiter;
  readonly #blobTickets: RateLimiter;
  readonly #blobBytes: RateLimiter;

  constructor(limits: QuotaLimits, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#appends = new RateLimiter(limits.appends);
    this.#bytes = new RateLimiter(limits.appendedBytes);
    this.#nodeAppends = new RateLimiter(limits.nodeAppends, 1);
    this.#nodeBytes = new RateLimiter(limits.nodeAppendedBytes, 1);
    this.#logs = new RateLimiter(limits.logs);
    this.#slots = new RateLimiter(limits.slots);
    this.#reads = new RateLimiter(limits.reads);
    this.#keyPackagePuts = new RateLimiter(limits.keyPackagePuts);
    this.#recoveryPuts = new RateLimiter(limits.recoveryPuts);
    this.#pushPuts = new RateLimiter(limits.pushPuts);
    this.#blobTickets = new RateLimiter(limits.blobTickets);
    this.#blobBytes = new RateLimiter(limits.blobBytes);
  }

  forAccount(account: AccountId): AccountQuota {
    const key = toHex(account);
    return {
      append: (bytes) => this.#append(key, bytes),
      createLog: () => allow(this.#logs.take(key, this.#nowMs())),
      openSlot: () => allow(this.#slots.take(key, this.#nowMs())),
      attachOrClose: () => allow(this.#reads.take(key, this.#nowMs())),
      putKeyPackages: (bytes) => this.#takeBytes(this.#keyPackagePuts, this.#bytes, key, bytes),
      putRecovery: (bytes) => this.#takeBytes(this.#recoveryPuts, this.#bytes, key, bytes),
      putPush: () => allow(this.#pushPuts.take(key, this.#nowMs())),
      askBlobTicket: (bytes) => this.#takeBytes(this.#blobTickets, this.#blobBytes, key, bytes),
    };
  }

  /** Counts an entry and its bytes against the account and the node, or against neither. */
  #append(key: string, bytes: number): void {
    const nowMs = this.#nowMs();
    allow(Math.max(this.#appends.peek(key, nowMs), this.#bytes.peek(key, nowMs, bytes)));
    const all = Math.max(
      this.#nodeAppends.peek(everybody, nowMs),
      this.#nodeBytes.peek(everybody, nowMs, bytes),
    );
    if (all > 0) {
      const details = { retryAfterMs: Math.max(all, leastNodeRetryMs) };
      throw new SottoError("rate_limited", "the server takes no more of everybody for now", details);
    }
    this.#appends.take(key, nowMs);
    this.#bytes.take(key, nowMs, bytes);
    this.#nodeAppends.take(everybody, nowMs);
    this.#nodeBytes.take(everybody, nowMs, bytes);
  }

  /** Counts one of something and its bytes, or neither. */
  #takeBytes(counted: RateLimiter, weighed: RateLimiter, key: string, bytes: number): void {
    const nowMs = this.#nowMs();
    allow(weighed.peek(key, nowMs, bytes));
    allow(counted.take(key, nowMs));
    weighed.take(key, nowMs, bytes);
  }
}

/** @throws SottoError `quota_exceeded` unless nobody has to wait. */
function allow(waitMs: number): void {
  if (waitMs === 0) return;
  const details = { retryAfterMs: waitMs };
  throw new SottoError("quota_exceeded", "your account's allowance for now is used up", details);
}
