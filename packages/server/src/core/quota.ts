/** How much an account may write: generous for people and bots, an end for those who would fill the disk. */
import { toHex, type AccountId } from "@sotto/protocol";
import { RateLimiter, type RateLimit } from "./rate-limit.ts";
import type { AccountQuota, QuotaPort } from "./session/ports.ts";

/** What an account may do at once and over time. */
export interface QuotaLimits {
  readonly appends: RateLimit;
  readonly appendedBytes: RateLimit;
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
      append: (bytes) => this.#takeBytes(this.#appends, this.#bytes, key, bytes),
      createLog: () => this.#logs.take(key, this.#nowMs()),
      openSlot: () => this.#slots.take(key, this.#nowMs()),
      attachOrClose: () => this.#reads.take(key, this.#nowMs()),
      putKeyPackages: (bytes) => this.#takeBytes(this.#keyPackagePuts, this.#bytes, key, bytes),
      putRecovery: (bytes) => this.#takeBytes(this.#recoveryPuts, this.#bytes, key, bytes),
      putPush: () => this.#pushPuts.take(key, this.#nowMs()),
      askBlobTicket: (bytes) => this.#takeBytes(this.#blobTickets, this.#blobBytes, key, bytes),
    };
  }

  /** Counts one of something and its bytes, or neither. */
  #takeBytes(counted: RateLimiter, weighed: RateLimiter, key: string, bytes: number): number {
    const nowMs = this.#nowMs();
    const waitMs = weighed.peek(key, nowMs, bytes);
    if (waitMs > 0) return waitMs;
    const countWaitMs = counted.take(key, nowMs);
    if (countWaitMs === 0) weighed.take(key, nowMs, bytes);
    return countWaitMs;
  }
}
