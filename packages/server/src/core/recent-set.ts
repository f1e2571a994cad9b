/** Remembers byte strings for a while, in bounded memory: so that what comes twice is known as such. */
import { toHex } from "@sotto/protocol";

/** A set whose members leave after `lifetimeMs`, the oldest earlier when there are more than `maxMembers`. */
export class RecentSet {
  readonly #expiry = new Map<string, number>();
  readonly #lifetimeMs: number;
  readonly #maxMembers: number;

  constructor(lifetimeMs: number, maxMembers = 100_000) {
    this.#lifetimeMs = lifetimeMs;
    this.#maxMembers = maxMembers;
  }

  /** How many members are kept. */
  get size(): number {
    return this.#expiry.size;
  }

  has(member: Uint8Array, nowMs: number): boolean {
    return (this.#expiry.get(toHex(member)) ?? 0) > nowMs;
  }

  add(member: Uint8Array, nowMs: number): void {
    const name = toHex(member);
    this.#expiry.delete(name);
    this.#expiry.set(name, nowMs + this.#lifetimeMs);
    for (const [oldest, expiresAtMs] of this.#expiry) {
      if (expiresAtMs > nowMs && this.#expiry.size <= this.#maxMembers) return;
      this.#expiry.delete(oldest);
    }
  }
}
