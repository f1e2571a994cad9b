/**
 * Recovery tickets: who has one has shown the account's identifier a short while ago. Kept as hashes.
 *
 * Invariant: an account has at most one, the newest.
 */
import { LIMITS, accountId, equalBytes, type AccountId } from "@sotto/protocol";
import type { ServerCrypto } from "../crypto.ts";
import type { TransientStore } from "../transient.ts";

const ticketBytes = 32;

/** The tickets that are good now. */
export class Tickets {
  readonly #store: TransientStore;
  readonly #crypto: ServerCrypto;

  constructor(store: TransientStore, crypto: ServerCrypto) {
    this.#store = store;
    this.#crypto = crypto;
  }

  /** Makes a ticket, in place of the account's one before: 32 bytes. */
  async issue(account: AccountId, nowMs: number): Promise<Uint8Array> {
    const ticket = this.#crypto.randomBytes(ticketBytes);
    const hash = this.#crypto.sha256(ticket);
    const expiresAtMs = nowMs + LIMITS.recoveryTicketSec * 1000;
    await this.#store.put("recovery-ticket", hash, account, expiresAtMs);
    await this.#store.put("recovery-account", account, hash, expiresAtMs);
    return ticket;
  }

  /** Whose ticket it is; undefined when it is nobody's, too old, or not the newest. */
  async find(ticket: Uint8Array): Promise<AccountId | undefined> {
    const hash = this.#crypto.sha256(ticket);
    const account = await this.#store.read("recovery-ticket", hash);
    const newest = account && (await this.#store.read("recovery-account", account));
    return account && newest && equalBytes(newest, hash) ? accountId(account) : undefined;
  }

  /** Makes an account's ticket worthless. */
  async revoke(account: AccountId): Promise<void> {
    await this.#store.take("recovery-account", account);
  }
}
