/**
 * KeyPackages as signed-in devices put, claim and count them (RFC 9420 §10).
 *
 * Invariants: what is handed out once was deleted durably before; who claims is counted in memory only; an account that
 * does not exist answers like one without KeyPackages. Whoever claims more of one account than a person needs gets its last
 * resorts, so that nobody can use up what others need.
 * @see spec/PROTOCOL.md "KeyPackages"
 */
import { create } from "@bufbuild/protobuf";
import {
  CodecError,
  KeyPackageCountSchema,
  KeyPackagesClaimedSchema,
  LIMITS,
  ValidationError,
  accountId,
  deviceId,
  equalBytes,
  toHex,
  type ClaimKeyPackages,
  type CountKeyPackages,
  type KeyPackageCount,
  type KeyPackagesClaimed,
  type PutKeyPackages,
} from "@sotto/protocol";
import type { FrontEvents } from "../events.ts";
import { RateLimiter, takeAll, type RateLimit } from "../rate-limit.ts";
import type { Asker, KeyPackagePort } from "../session/ports.ts";
import type { HandedOut, KeyPackageClaim, KeyPackageStore } from "./store.ts";

/** How often KeyPackages may be claimed. */
interface KeyPackageLimits {
  readonly claimsPerAccount: RateLimit;
  readonly claimsPerAddress: RateLimit;
  /** Claims that get KeyPackages which are handed out once, by one account from one other. */
  readonly oneTimePerPair: RateLimit;
  /** The same by everybody from one account. */
  readonly oneTimePerTarget: RateLimit;
}

/** What the desk works with. */
export interface KeyPackageDeps {
  readonly store: KeyPackageStore;
  readonly events: FrontEvents;
  readonly nowMs: () => number;
  readonly limits: KeyPackageLimits;
}

interface WaitingClaim {
  readonly claim: KeyPackageClaim;
  readonly answer: (handedOut: readonly HandedOut[]) => void;
  readonly fail: (error: unknown) => void;
}

const maxCiphersuite = 0xffff;
/** What a claim of the own account's devices counts, next to 1 for anybody else's. */
const ownCost = 0.1;

/** The desk for KeyPackages. */
export class KeyPackages implements KeyPackagePort {
  readonly #deps: KeyPackageDeps;
  readonly #perAccount: RateLimiter;
  readonly #perAddress: RateLimiter;
  readonly #perPair: RateLimiter;
  readonly #perTarget: RateLimiter;
  #waiting: WaitingClaim[] = [];

  constructor(deps: KeyPackageDeps) {
    this.#deps = deps;
    this.#perAccount = new RateLimiter(deps.limits.claimsPerAccount);
    this.#perAddress = new RateLimiter(deps.limits.claimsPerAddress);
    this.#perPair = new RateLimiter(deps.limits.oneTimePerPair);
    this.#perTarget = new RateLimiter(deps.limits.oneTimePerTarget);
  }

  /**
   * Stores KeyPackages of the asker's device.
   * @throws SottoError `malformed`, `too_large`, `quota_exceeded`, `sign_in_refused` when the device is gone.
   */
  async put(asker: Asker, put: PutKeyPackages): Promise<void> {
    const ciphersuite = checkCiphersuite(put.ciphersuite);
    const hasLastResort = put.lastResort.length > 0;
    for (const bytes of hasLastResort ? [...put.keyPackages, put.lastResort] : put.keyPackages) {
      checkKeyPackage(bytes);
    }
    const outcome = await this.#deps.store.putKeyPackages({
      account: asker.account,
      device: asker.device,
      ciphersuite,
      keyPackages: put.keyPackages,
      lastResort: hasLastResort ? put.lastResort : undefined,
      replace: put.replace,
    });
    if (outcome === "device_gone") throw new ValidationError("sign_in_refused", "the device is gone");
    if (outcome === "full") {
      throw new ValidationError("quota_exceeded", "the server keeps no more KeyPackages of this device");
    }
  }

  /**
   * Hands out one KeyPackage of each device.
   * @throws SottoError `malformed`, `rate_limited`, `unavailable`.
   */
  async claim(asker: Asker, { request, ...asked }: ClaimKeyPackages): Promise<KeyPackagesClaimed> {
    const account = accountId(Uint8Array.from(asked.accountId));
    const ciphersuite = checkCiphersuite(asked.ciphersuite);
    if (asked.deviceIds.length > LIMITS.maxDevices) {
      throw new CodecError("malformed", `an account has ${LIMITS.maxDevices} devices at most`);
    }
    const devices = asked.deviceIds.map((bytes) => deviceId(Uint8Array.from(bytes)));
    const isOwn = equalBytes(account, asker.account);
    this.#count(asker, isOwn);
    const handedOut = await this.#claimSoon({
      account,
      ciphersuite,
      devices: devices.length === 0 ? undefined : devices,
      oneTime: isOwn || this.#mayHaveOneTime(asker, account),
      maxBytes: LIMITS.maxClaimedBytes,
    });
    const lastResorts = handedOut.filter(({ isLastResort }) => isLastResort).length;
    this.#deps.events.keyPackagesClaimed(handedOut.length - lastResorts, lastResorts);
    return create(KeyPackagesClaimedSchema, {
      request,
      keyPackages: handedOut.map(({ device, keyPackage }) => ({ deviceId: device, keyPackage })),
    });
  }

  /**
   * Counts what is left of the asker's device.
   * @throws SottoError `malformed`, `unavailable`.
   */
  async count(asker: Asker, { request, ciphersuite }: CountKeyPackages): Promise<KeyPackageCount> {
    const { account, device } = asker;
    const left = await this.#deps.store.countKeyPackages(account, device, checkCiphersuite(ciphersuite));
    return create(KeyPackageCountSchema, { request, ...left });
  }

  #count({ account, address }: Asker, isOwn: boolean): void {
    const limiters = [[this.#perAccount, toHex(account)] as const, [this.#perAddress, address] as const];
    const retryAfterMs = takeAll(limiters, this.#deps.nowMs(), isOwn ? ownCost : 1);
    if (retryAfterMs > 0) {
      throw new ValidationError("rate_limited", "too many KeyPackages were claimed", { retryAfterMs });
    }
  }

  #mayHaveOneTime(asker: Asker, target: Uint8Array): boolean {
    const name = toHex(target);
    const limiters = [
      [this.#perPair, toHex(asker.account) + name] as const,
      [this.#perTarget, name] as const,
    ];
    return takeAll(limiters, this.#deps.nowMs()) === 0;
  }

  /** Claims that come in one message share a transaction, and so one fsync. */
  #claimSoon(claim: KeyPackageClaim): Promise<readonly HandedOut[]> {
    return new Promise((answer, fail) => {
      this.#waiting.push({ claim, answer, fail });
      if (this.#waiting.length === 1) void Promise.resolve().then(() => this.#claimAll());
    });
  }

  async #claimAll(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const results = await this.#deps.store.claimKeyPackages(waiting.map(({ claim }) => claim));
      for (const [index, { answer }] of waiting.entries()) answer(results[index] ?? []);
    } catch (error) {
      for (const { fail } of waiting) fail(error);
    }
  }
}

function checkCiphersuite(ciphersuite: number): number {
  if (ciphersuite === 0 || ciphersuite > maxCiphersuite) {
    throw new CodecError("malformed", "a ciphersuite is a number from 1 to 65535");
  }
  return ciphersuite;
}

function checkKeyPackage(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new CodecError("malformed", "a KeyPackage is empty");
  if (bytes.length > LIMITS.maxKeyPackageBytes) {
    throw new CodecError("too_large", `a KeyPackage may have ${LIMITS.maxKeyPackageBytes} bytes at most`);
  }
}
