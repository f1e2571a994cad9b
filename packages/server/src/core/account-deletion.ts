/**
 * The end of an account. Who asks proves to hold the identity key, over the nonces of the connection: a signed-in device alone is not
 * enough, and what was signed once is good for nothing else.
 *
 * Invariants: one transaction, all or nothing; it holds against the newest list, whichever change comes between.
 * @see spec/PROTOCOL.md "Deleting an account"
 */
import { toBinary } from "@bufbuild/protobuf";
import {
  AccountDeletionSchema,
  SignedDeviceListSchema,
  SottoError,
  ValidationError,
  decode,
  parseDeviceList,
  toHex,
  type AccountDeletion,
} from "@sotto/protocol";
import type { ServerCrypto } from "./crypto.ts";
import type { FrontEvents } from "./events.ts";
import { RateLimiter, type RateLimit } from "./rate-limit.ts";
import type { AccountEndPort, Asker } from "./session/ports.ts";
import type { Store } from "./store.ts";

/** What the desk works with. */
export interface AccountEndsDeps {
  readonly store: Store;
  readonly crypto: ServerCrypto;
  readonly events: FrontEvents;
  readonly nowMs: () => number;
  readonly triesPerAccount: RateLimit;
}

/** Lists that may come between before it is given up. */
const mostTries = 4;

/** The desk where accounts end. */
export class AccountEnds implements AccountEndPort {
  readonly #deps: AccountEndsDeps;
  readonly #tries: RateLimiter;

  constructor(deps: AccountEndsDeps) {
    this.#deps = deps;
    this.#tries = new RateLimiter(deps.triesPerAccount);
  }

  /** @throws SottoError `rate_limited`, `signature_invalid`, `sign_in_refused` when the account is gone, `unavailable`. */
  async delete({ account }: Asker, deletion: AccountDeletion, transcript: Uint8Array): Promise<void> {
    try {
      const retryAfterMs = this.#tries.take(toHex(account), this.#deps.nowMs());
      if (retryAfterMs > 0) throw new ValidationError("rate_limited", "too many requests", { retryAfterMs });
      await this.#delete(account, deletion, transcript);
      this.#deps.events.accountDeleted("ok");
    } catch (error) {
      this.#deps.events.accountDeleted(error instanceof SottoError ? error.code : "internal");
      throw error;
    }
  }

  async #delete(account: Asker["account"], deletion: AccountDeletion, transcript: Uint8Array): Promise<void> {
    const { store, crypto } = this.#deps;
    const farewell = toBinary(AccountDeletionSchema, deletion);
    for (let tries = 0; tries < mostTries; tries++) {
      const version = (await store.accountById(account))?.newestVersion ?? 0;
      const [newest] = await store.readDeviceLists(account, version, 1);
      if (newest === undefined) throw new ValidationError("sign_in_refused", "the account is gone");
      const { identityKey } = parseDeviceList(decode(SignedDeviceListSchema, newest).list);
      if (!crypto.verifyEd25519(identityKey, transcript, deletion.signature)) {
        throw new ValidationError("signature_invalid", "the account's identity key did not sign this");
      }
      if (await store.deleteAccount(account, version, farewell)) return;
    }
    throw new SottoError("unavailable", "the account's device list changes all the time");
  }
}
