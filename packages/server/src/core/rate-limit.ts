/**
 * Token buckets, one per key, in bounded memory. A bucket holds at most `burst` tokens and gains `burst` or fewer of them
 * evenly over time; what finds it empty is told when to come back.
 *
 * Invariant: at most `maxKeys` buckets are kept. One that was not used lately goes first, so that an attacker needs at least half as many
 * keys as there are buckets to be forgotten once.
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
  /** Its place in the order in which buckets are given up. */
  place: number;
}

const hourMs = 3_600_000;

/** Buckets of one kind, by a key that the caller chooses: an address, an account, the hash of an identifier. */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();
  readonly #limit: RateLimit;
  /** The newest place. */
  #places = 0;
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
    const bucket = this.#used(key, nowMs);
    const waitMs = this.#waitMs(bucket.tokens, amount);
    if (waitMs === 0) bucket.tokens = Math.max(0, bucket.tokens - amount);
    else this.#limit.hit?.();
    return waitMs;
  }

  /** What `take` would answer, without taking. Whoever asks refuses when it is not 0, so that counts as a hit too. */
  peek(key: string, nowMs: number, amount = 1): number {
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) this.#refill(bucket, nowMs);
    const waitMs = this.#waitMs(bucket?.tokens ?? this.#limit.burst, amount);
    if (waitMs > 0) this.#limit.hit?.();
    return waitMs;
  }

  /** The bucket, refilled, and not among the next to be given up. */
  #used(key: string, nowMs: number): Bucket {
    const known = this.#buckets.get(key);
    if (known !== undefined) {
      this.#refill(known, nowMs);
      // Moving it each time costs as much as all the rest.
      if (this.#places - known.place > this.#maxKeys / 2) {
        this.#buckets.delete(key);
        known.place = ++this.#places;
        this.#buckets.set(key, known);
      }
      return known;
    }
    const bucket = { tokens: this.#limit.burst, atMs: nowMs, place: ++this.#places };
    this.#buckets.set(key, bucket);
    this.#evict();
    return bucket;
  }

  #refill(bucket: Bucket, nowMs: number): void {
    const passedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(this.#limit.burst, bucket.tokens + (passedMs * this.#limit.perHour) / hourMs);
    bucket.atMs = nowMs;
  }

  #waitMs(tokens: number, amount: number): number {
    const missing = Math.min(amount, this.#limit.burst) - tokens;
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
