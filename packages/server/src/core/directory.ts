/**
 * The directory: who may ask for whose device lists, and how often; and how an account publishes its next list.
 *
 * Invariants: identifiers are known only as keyed hashes; a lookup that finds nothing reads as much and counts as much as
 * one that does; a published list is checked against the one stored before it, and the store compares its version again.
 * @see spec/PROTOCOL.md "Lookups"
 */
import { create } from "@bufbuild/protobuf";
import {
  LABELS,
  LIMITS,
  LookupResultSchema,
  SignedDeviceListSchema,
  SottoError,
  ValidationError,
  accountId,
  decode,
  equalBytes,
  labelled,
  parseDeviceList,
  parseIdentifier,
  toHex,
  utf8,
  type AccountId,
  type Lookup,
  type LookupResult,
  type PutDeviceList,
  type SignedDeviceList,
} from "@sotto/protocol";
import type { ServerCrypto } from "./crypto.ts";
import { verifyNextList } from "./device-lists.ts";
import type { FrontEvents } from "./events.ts";
import { RateLimiter, takeAll, type RateLimit } from "./rate-limit.ts";
import type { Asker, DirectoryPort } from "./session/ports.ts";
import type { AccountRecord, Store } from "./store.ts";

/** How often people may ask and publish. */
export interface DirectoryLimits {
  readonly identifiersPerAccount: RateLimit;
  readonly identifiersPerAddress: RateLimit;
  readonly accountsPerAccount: RateLimit;
  readonly accountsPerAddress: RateLimit;
  readonly listsPerAccount: RateLimit;
}

/** What the directory works with. */
export interface DirectoryDeps {
  readonly store: Store;
  readonly crypto: ServerCrypto;
  readonly events: FrontEvents;
  readonly nowMs: () => number;
  readonly limits: DirectoryLimits;
  /** 32 bytes from the data folder. */
  readonly identifierKey: Uint8Array;
}

// Lists in one answer, in bytes: half a mebibyte, so that many answers may wait for one connection.
const maxAnswerBytes = 524_288;
const nobody: AccountRecord = { account: accountId(new Uint8Array(16)), newestVersion: 0 };

/** The directory desk. */
export class Directory implements DirectoryPort {
  readonly #deps: DirectoryDeps;
  readonly #byIdentifier: readonly [RateLimiter, RateLimiter];
  readonly #byAccount: readonly [RateLimiter, RateLimiter];
  readonly #lists: RateLimiter;

  constructor(deps: DirectoryDeps) {
    const { limits } = deps;
    this.#deps = deps;
    this.#byIdentifier = [
      new RateLimiter(limits.identifiersPerAccount),
      new RateLimiter(limits.identifiersPerAddress),
    ];
    this.#byAccount = [
      new RateLimiter(limits.accountsPerAccount),
      new RateLimiter(limits.accountsPerAddress),
    ];
    this.#lists = new RateLimiter(limits.listsPerAccount);
  }

  /** HMAC-SHA256 under the directory key, labelled: 32 bytes. @param identifier in its normal form. */
  hashIdentifier(identifier: string): Uint8Array {
    const { crypto, identifierKey } = this.#deps;
    return crypto.hmacSha256(identifierKey, labelled(LABELS.directoryIdentifier, utf8(identifier)));
  }

  /**
   * Answers a lookup.
   * @throws SottoError `malformed`, `identifier_invalid`, `rate_limited`.
   */
  async lookup(asker: Asker, lookup: Lookup): Promise<LookupResult> {
    const subject = lookup.subject.case === "accountId" ? "account" : "identifier";
    return this.#told(
      (outcome) => this.#deps.events.lookupAnswered(subject, outcome),
      async () => {
        const record = await this.#find(asker, lookup);
        const from = Math.max(1, Number(lookup.fromVersion));
        const lists = await this.readLists(record ?? nobody, from);
        return create(LookupResultSchema, {
          request: lookup.request,
          found: record !== undefined,
          ...(record !== undefined && { accountId: record.account }),
          lists,
          newestVersion: BigInt(record?.newestVersion ?? 0),
        });
      },
    );
  }

  /**
   * Publishes the next version of the asker's own list.
   * @throws SottoError `rate_limited`, `malformed`, `device_list_invalid`, `version_conflict`, `log_exists`.
   */
  async putDeviceList(asker: Asker, put: PutDeviceList): Promise<void> {
    return this.#told(
      (outcome) => this.#deps.events.listPublished(outcome),
      async () => {
        if (put.deviceList === undefined) throw new ValidationError("malformed", "device_list is missing");
        await this.publish(asker.account, put.deviceList);
      },
    );
  }

  /**
   * Publishes the next version of an account's list.
   * @throws SottoError `rate_limited`, `device_list_invalid`, `version_conflict`, `log_exists`.
   */
  async publish(account: AccountId, signed: SignedDeviceList): Promise<void> {
    this.#limit([[this.#lists, toHex(account)]]);
    await this.#put(account, signed);
  }

  async #put(account: AccountId, signed: SignedDeviceList): Promise<void> {
    const { store, crypto, nowMs } = this.#deps;
    const record = await store.accountById(account);
    const [newest] =
      record === undefined ? [] : await store.readDeviceLists(account, record.newestVersion, 1);
    if (record === undefined || newest === undefined) {
      throw new ValidationError("sign_in_refused", "the account is gone");
    }
    const { version, accountId: owner } = parseDeviceList(signed.list);
    if (!equalBytes(owner, account)) {
      throw new ValidationError("device_list_invalid", "the list is not that of the signed-in account");
    }
    if (version !== BigInt(record.newestVersion) + 1n) throw conflict(record.newestVersion);
    const change = verifyNextList(newest, signed, crypto, Math.floor(nowMs() / 1000));
    const result = await store.putDeviceList(change);
    if (result.ok) return;
    if (result.code === "version_conflict") throw conflict(result.newest);
    throw new ValidationError(
      "log_exists",
      "an inbox id in the device list is taken; choose new random ones",
    );
  }

  /** Reads the account's record. Whatever the subject, one read of the store. */
  async #find(asker: Asker, lookup: Lookup): Promise<AccountRecord | undefined> {
    const { store } = this.#deps;
    const { subject } = lookup;
    if (subject.case === undefined) throw new ValidationError("malformed", "the lookup names nobody");
    const [perAccount, perAddress] = subject.case === "identifier" ? this.#byIdentifier : this.#byAccount;
    this.#limit([
      [perAccount, toHex(asker.account)],
      [perAddress, asker.address],
    ]);
    if (subject.case === "accountId") return store.accountById(accountId(subject.value));
    return store.accountByIdentifier(this.hashIdentifier(parseIdentifier(subject.value)));
  }

  /** Lists from a version on, as many as fit in an answer. Reads the store for nobody's lists as well. */
  async readLists(record: AccountRecord, from: number): Promise<SignedDeviceList[]> {
    const lists = await this.#deps.store.readDeviceLists(record.account, from, LIMITS.maxListsPerLookup);
    let bytes = 0;
    const fitting = lists.filter((list, index) => {
      bytes += list.length;
      return index === 0 || bytes <= maxAnswerBytes;
    });
    return fitting.map((list) => decode(SignedDeviceListSchema, list));
  }

  #limit(limiters: readonly (readonly [RateLimiter, string])[]): void {
    const retryAfterMs = takeAll(limiters, this.#deps.nowMs());
    if (retryAfterMs > 0) throw new ValidationError("rate_limited", "too many requests", { retryAfterMs });
  }

  async #told<T>(tell: (outcome: string) => void, action: () => Promise<T>): Promise<T> {
    try {
      const result = await action();
      tell("ok");
      return result;
    } catch (error) {
      tell(error instanceof SottoError ? error.code : "internal");
      throw error;
    }
  }
}

function conflict(newest: number): ValidationError {
  return new ValidationError("version_conflict", "another version of the device list came first", {
    current: newest,
  });
}
