/**
 * Tickets to upload, in memory, as hashes. A ticket is charged to an account when it is given out and does not remember which:
 * so nothing ties a blob to who uploads it. After a restart clients ask for new ones.
 *
 * Invariant: at most `maxTickets` are kept; the oldest goes first.
 */
import { LIMITS, toHex } from "@sotto/protocol";
import type { ServerCrypto } from "../crypto.ts";

interface Ticket {
  readonly maxBytes: number;
  readonly expiresAtMs: number;
}

const ticketBytes = 32;
const lifetimeMs = LIMITS.blobTicketSec * 1_000;

/** The tickets that are good now. */
export class BlobTickets {
  readonly #crypto: ServerCrypto;
  readonly #maxTickets: number;
  /** By hash, in the order in which they were made. */
  readonly #tickets = new Map<string, Ticket>();

  constructor(crypto: ServerCrypto, maxTickets = 100_000) {
    this.#crypto = crypto;
    this.#maxTickets = maxTickets;
  }

  /** Makes a ticket for one blob of at most that size: 32 bytes. */
  issue(maxBytes: number, nowMs: number): Uint8Array {
    const ticket = this.#crypto.randomBytes(ticketBytes);
    this.#tickets.set(this.#hash(ticket), { maxBytes, expiresAtMs: nowMs + lifetimeMs });
    for (const [hash, { expiresAtMs }] of this.#tickets) {
      if (expiresAtMs > nowMs && this.#tickets.size <= this.#maxTickets) break;
      this.#tickets.delete(hash);
    }
    return ticket;
  }

  /** Whether a ticket is good for a blob of that size. */
  isGood(ticket: Uint8Array, size: number, nowMs: number): boolean {
    const found = this.#tickets.get(this.#hash(ticket));
    return found !== undefined && found.expiresAtMs > nowMs && size <= found.maxBytes;
  }

  /** Makes a ticket worthless. False: it was already. */
  use(ticket: Uint8Array): boolean {
    return this.#tickets.delete(this.#hash(ticket));
  }

  #hash(ticket: Uint8Array): string {
    return toHex(this.#crypto.sha256(ticket));
  }
}
