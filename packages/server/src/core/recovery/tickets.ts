/**
 * Recovery tickets, in memory: who has one has shown the account's identifier a short while ago. Kept as hashes.
 *
 * Invariants: an account has at most one, the newest; at most `maxTickets` are kept (the oldest goes first).
 */
import { LIMITS, toHex, type AccountId } from "@sotto/protocol";
import type { ServerCrypto } from "../crypto.ts";

interface Ticket {
  readonly account: AccountId;
  readonly hash: string;
  readonly expiresAtMs: number;
}

const ticketBytes = 32;

/** The tickets that are good now. */
export class Tickets {
  readonly #crypto: ServerCrypto;
  readonly #maxTickets: number;
  readonly #byHash = new Map<string, Ticket>();
  readonly #byAccount = new Map<string, Ticket>();

  constructor(crypto: ServerCrypto, maxTickets = 100_000) {
    this.#crypto = crypto;
    this.#maxTickets = maxTickets;
  }

  /** Makes a ticket, in place of the account's one before: 32 bytes. */
  issue(account: AccountId, nowMs: number): Uint8Array {
    const bytes = this.#crypto.randomBytes(ticketBytes);
    const hash = toHex(this.#crypto.sha256(bytes));
    const ticket = { account, hash, expiresAtMs: nowMs + LIMITS.recoveryTicketSec * 1000 };
    this.revoke(account);
    this.#byHash.set(hash, ticket);
    this.#byAccount.set(toHex(account), ticket);
    for (const old of this.#byHash.values()) {
      if (old.expiresAtMs > nowMs && this.#byHash.size <= this.#maxTickets) break;
      this.revoke(old.account);
    }
    return bytes;
  }

  /** Whose ticket it is; undefined when it is nobody's or too old. */
  find(bytes: Uint8Array, nowMs: number): AccountId | undefined {
    const ticket = this.#byHash.get(toHex(this.#crypto.sha256(bytes)));
    return ticket === undefined || ticket.expiresAtMs <= nowMs ? undefined : ticket.account;
  }

  /** Makes an account's ticket worthless. */
  revoke(account: AccountId): void {
    const ticket = this.#byAccount.get(toHex(account));
    if (ticket === undefined) return;
    this.#byAccount.delete(toHex(account));
    this.#byHash.delete(ticket.hash);
  }
}
