/**
 * Tickets to upload, as hashes. A ticket is charged to an account when it is given out and does not remember which: so nothing
 * ties a blob to who uploads it. They may be forgotten at any time, and clients ask for new ones.
 */
import { LIMITS } from "@sotto/protocol";
import type { ServerCrypto } from "../crypto.ts";
import type { TransientStore } from "../transient.ts";

const ticketBytes = 32;
const lifetimeMs = LIMITS.blobTicketSec * 1_000;

/** The tickets that are good now. */
export class BlobTickets {
  readonly #store: TransientStore;
  readonly #crypto: ServerCrypto;

  constructor(store: TransientStore, crypto: ServerCrypto) {
    this.#store = store;
    this.#crypto = crypto;
  }

  /** Makes a ticket for one blob of at most that size: 32 bytes. */
  async issue(maxBytes: number, nowMs: number): Promise<Uint8Array> {
    const ticket = this.#crypto.randomBytes(ticketBytes);
    const value = new Uint8Array(8);
    new DataView(value.buffer).setBigUint64(0, BigInt(maxBytes));
    await this.#store.put("blob-ticket", this.#crypto.sha256(ticket), value, nowMs + lifetimeMs);
    return ticket;
  }

  /** Whether a ticket is good for a blob of that size. */
  async isGood(ticket: Uint8Array, size: number): Promise<boolean> {
    const found = await this.#store.read("blob-ticket", this.#crypto.sha256(ticket));
    return (
      found !== undefined && size <= Number(new DataView(found.buffer, found.byteOffset).getBigUint64(0))
    );
  }

  /** Makes a ticket worthless. False: it was already. */
  async use(ticket: Uint8Array): Promise<boolean> {
    return (await this.#store.take("blob-ticket", this.#crypto.sha256(ticket))) !== undefined;
  }
}
