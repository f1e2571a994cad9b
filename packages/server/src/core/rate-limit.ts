/**
 * Token buckets, one per key, in bounded memory. A bucket holds at most `burst` tokens and gains `burst` or fewer of them
 * evenly over time; what finds it empty is told when to come back.
 *
 * Invariant: at most `maxKeys` buckets are kept. The least recently used goes first, so that an attacker needs as many keys
 * as there are buckets to be forgotten once.
 */

/** How many may come at once, and how many over time. */
export interface RateLimit {
  /** Most tokens in the bucket; what may happen at once. */
  readonly burst: number;
  /** Tokens gained in an hour. */
  readonly perHour: number;
  /** Told each time that it refuses. */
  readonly hit?: () => void;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

const hourMs = 3_600_000;

/** Buckets of one kind, by a key that the caller chooses: an address, an account, the hash of an identifier. */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();
  readonly #limit: RateLimit;
  readonly #maxKeys: number;

  constructor(limit: RateLimit, maxKeys = 100_000) {
    this.#limit = limit;
    this.#maxKeys = maxKeys;
  }

  /** How many buckets are kept. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes tokens. Returns 0 when there were enough, otherwise the milliseconds until there are (and takes nothing).
   * @param amount more than a full bucket holds empties it.
   */
  take(key: string, nowMs: number, amount = 1): number {
    const bucket = this.#refilled(key, nowMs);
    const waitMs = this.#waitMs(bucket, amount);
    if (waitMs === 0) bucket.tokens = Math.max(0, bucket.tokens - amount);
    else this.#limit.hit?.();
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#evict();
    return waitMs;
  }

  /** What `take` would answer, without taking. Whoever asks refuses when it is not 0, so that counts as a hit too. */
  peek(key: string, nowMs: number, amount = 1): number {
    const waitMs = this.#waitMs(this.#refilled(key, nowMs), amount);
    if (waitMs > 0) this.#limit.hit?.();
    return waitMs;
  }

  #refilled(key: string, nowMs: number): Bucket {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return { tokens: this.#limit.burst, atMs: nowMs };
    const passedMs = Math.max(0, nowMs - bucket.atMs);
    const tokens = Math.min(this.#limit.burst, bucket.tokens + (passedMs * this.#limit.perHour) / hourMs);
    return { tokens, atMs: nowMs };
  }

  #waitMs(bucket: Bucket, amount: number): number {
    const missing = Math.min(amount, this.#limit.burst) - bucket.tokens;
    // Sums of fractions miss by a hair, in tokens as in milliseconds.
    if (missing <= 1e-3) return 0;
    if (this.#limit.perHour === 0) return hourMs;
    return Math.max(1, Math.ceil((missing * hourMs) / this.#limit.perHour - 1e-6));
  }

  #evict(): void {
    if (this.#buckets.size <= this.#maxKeys) return;
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key);
      return;
    }
  }
}

/** Takes tokens from each bucket, or from none: 0, or the milliseconds until all have as many. */
export function takeAll(
  limiters: readonly (readonly [RateLimiter, string])[],
  nowMs: number,
  amount = 1,
): number {
  const waitMs = Math.max(...limiters.map(([limiter, key]) => limiter.peek(key, nowMs, amount)));
  if (waitMs === 0) for (const [limiter, key] of limiters) limiter.take(key, nowMs, amount);
  return waitMs;
}
