/**
 * Registration by one-time password: asks the identifier's holder for a code, and creates the account that shows it.
 *
 * Invariants: RequestCode never reads the directory, so that its answer and its work cannot depend on whether an account
 * exists; a right code is used for one account only; an account that exists is never touched.
 * @see spec/PROTOCOL.md "Registration"
 */
import {
  LIMITS,
  SottoError,
  UsageError,
  ValidationError,
  equalBytes,
  parseIdentifier,
  toHex,
  type SignedDeviceList,
} from "@sotto/protocol";
import type { ServerCrypto } from "./crypto.ts";
import { verifyFirstList } from "./device-lists.ts";
import type { FrontEvents } from "./events.ts";
import { OtpStore } from "./otp.ts";
import { chooseSender, type OtpSender } from "./otp-sender.ts";
import { RateLimiter, takeAll, type RateLimit } from "./rate-limit.ts";
import type { DeviceListChange, Store } from "./store.ts";
import type { TransientStore } from "./transient.ts";

/** How often people may ask and try. */
interface RegistrationLimits {
  /** Least time between two codes for one identifier, in seconds. */
  readonly resendAfterSec: number;
  readonly codesPerIdentifier: RateLimit;
  readonly codesPerAddress: RateLimit;
  /** Wrong codes, on top of the tries of each code. */
  readonly wrongCodesPerAddress: RateLimit;
}

/** What registration works with. */
export interface RegistrationDeps {
  readonly store: Store;
  readonly transient: TransientStore;
  readonly crypto: ServerCrypto;
  /** Of the codes' HMACs, 32 bytes, the same on all nodes. */
  readonly codeKey: Uint8Array;
  readonly senders: readonly OtpSender[];
  readonly events: FrontEvents;
  /** Keyed hash of an identifier, 32 bytes. */
  readonly hashIdentifier: (identifier: string) => Uint8Array;
  readonly nowMs: () => number;
  readonly limits: RegistrationLimits;
  readonly maxAccounts: number | undefined;
}

// Deliveries that may be under way at once; more are refused, so that a hanging mail server cannot fill the memory.
const maxDeliveries = 1_000;
const present = Uint8Array.of(1);

/** The registration desk. */
export class Registration {
  readonly #deps: RegistrationDeps;
  readonly #codes: OtpStore;
  readonly #perIdentifier: RateLimiter;
  readonly #perAddress: RateLimiter;
  readonly #wrongPerAddress: RateLimiter;
  readonly #resend: RateLimiter | undefined;
  readonly #deliveries = new Set<Promise<unknown>>();

  constructor(deps: RegistrationDeps) {
    const { limits } = deps;
    this.#deps = deps;
    this.#codes = new OtpStore(deps.transient, deps.crypto, deps.codeKey);
    this.#perIdentifier = new RateLimiter(limits.codesPerIdentifier);
    this.#perAddress = new RateLimiter(limits.codesPerAddress);
    this.#wrongPerAddress = new RateLimiter(limits.wrongCodesPerAddress);
    this.#resend =
      limits.resendAfterSec === 0
        ? undefined
        : new RateLimiter({ burst: 1, perHour: 3_600 / limits.resendAfterSec });
  }

  /** Whether the server takes further accounts. */
  async isOpen(): Promise<boolean> {
    const { store, maxAccounts } = this.#deps;
    return maxAccounts === undefined || (await store.countAccounts()) < maxAccounts;
  }

  /**
   * Sends a code.
   * @param address whom to count it against: the network address.
   * @param forExisting not to register with: a full server sends it too.
   * @param requestId unique to the sealed request: one that comes again is answered again and sends nothing.
   * @throws SottoError `identifier_invalid`, `rate_limited`, `server_full`, `code_delivery_failed`, `unavailable`.
   */
  async requestCode(
    text: string,
    address: string,
    requestId: Uint8Array,
    forExisting = false,
  ): Promise<{ expiresInSec: number; resendAfterSec: number }> {
    return this.#told("codeRequested", async () => {
      const { limits, nowMs } = this.#deps;
      const result = { expiresInSec: LIMITS.codeLifetimeSec, resendAfterSec: limits.resendAfterSec };
      const identifier = parseIdentifier(text);
      const { transient } = this.#deps;
      if ((await transient.read("request", requestId)) !== undefined) return result;
      const sender = chooseSender(this.#deps.senders, identifier);
      if (!forExisting && !(await this.isOpen())) throw full();
      if (this.#deliveries.size >= maxDeliveries) throw busy();
      const hash = this.#deps.hashIdentifier(identifier);
      this.#takeForCode(hash, address);
      const expiresAtMs = nowMs() + LIMITS.codeLifetimeSec * 1000;
      // Of two that come at once, one sends.
      const first = await transient.swap("request", requestId, undefined, present, expiresAtMs);
      if (first === "differs") return result;
      const code = await this.#codes.issue(hash, nowMs());
      const delivery = this.#deliver(sender, () => sender.send(identifier, code));
      if (sender.immediate && !(await delivery)) {
        await this.#codes.revoke(hash);
        throw new UsageError(
          "code_delivery_failed",
          "the code could not be delivered; the operator sees why",
        );
      }
      return result;
    });
  }

  /**
   * Creates an account with a right code. The same request may come again with the same code and list, when its answer was
   * lost: it is answered alike.
   * @throws SottoError `identifier_invalid`, `device_list_invalid`, `rate_limited`, `code_refused`, `identifier_taken`,
   * `server_full`, `log_exists`.
   */
  async register(text: string, code: string, signed: SignedDeviceList, address: string): Promise<void> {
    return this.#told("registered", async () => {
      const { crypto, nowMs } = this.#deps;
      const change = verifyFirstList(signed, crypto, Math.floor(nowMs() / 1000));
      const use = crypto.sha256(change.signedList);
      const { hash, repeated } = await this.useCode(text, code, use, address, true);
      await this.#create(hash, change, repeated);
    });
  }

  /**
   * Uses a code up: it proves that somebody has the identifier.
   * @param use hash of what it is used for, 32 bytes: for the same thing it may be used again, when an answer was lost.
   * @param needsRoom whether a full server is told of in the place of a wrong code: then it sends none.
   * @returns the identifier's keyed hash, and whether it was used for this before.
   * @throws SottoError `identifier_invalid`, `rate_limited`, `code_refused`, `server_full`.
   */
  async useCode(
    text: string,
    code: string,
    use: Uint8Array,
    address: string,
    needsRoom = false,
  ): Promise<{ hash: Uint8Array; repeated: boolean }> {
    const { nowMs, hashIdentifier } = this.#deps;
    const hash = hashIdentifier(parseIdentifier(text));
    throwIfLimited(this.#wrongPerAddress.peek(address, nowMs()), "too many wrong codes");
    const check = await this.#codes.check(hash, code, use, nowMs());
    if (check !== "wrong") return { hash, repeated: check === "repeated" };
    this.#wrongPerAddress.take(address, nowMs());
    // A full server sends no codes: whoever has none learns the true reason.
    if (needsRoom && !(await this.isOpen())) throw full();
    throw new ValidationError("code_refused", "the code is wrong, used up or expired; ask for a new one");
  }

  /** Resolves when no delivery is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#deliveries);
  }

  #takeForCode(hash: Uint8Array, address: string): void {
    const name = toHex(hash);
    const limiters = [
      [this.#perAddress, address] as const,
      [this.#perIdentifier, name] as const,
      ...(this.#resend ? [[this.#resend, name] as const] : []),
    ];
    throwIfLimited(takeAll(limiters, this.#deps.nowMs()), "too many codes were asked for");
  }

  /** Resolves to whether it was delivered; never rejects. */
  #deliver(sender: OtpSender, send: () => Promise<void>): Promise<boolean> {
    const { events, nowMs } = this.#deps;
    const startMs = nowMs();
    const delivery = (async () => {
      try {
        await send();
        events.codeDelivered(sender.channel, nowMs() - startMs);
        return true;
      } catch (error) {
        events.codeDeliveryFailed(sender.channel, error);
        return false;
      }
    })();
    this.#deliveries.add(delivery);
    const forget = async (): Promise<void> => {
      await delivery;
      this.#deliveries.delete(delivery);
    };
    void forget();
    return delivery;
  }

  async #create(hash: Uint8Array, change: DeviceListChange, repeated: boolean): Promise<void> {
    const outcome = await this.#deps.store.createAccount(hash, change, this.#deps.maxAccounts);
    if (outcome === "created") return;
    if (outcome === "server_full") throw full();
    if (repeated && (await this.#isSame(hash, change))) return;
    if (outcome === "log_exists") {
      throw new ValidationError("log_exists", "an id in the device list is taken; choose new random ones");
    }
    throw new ValidationError(
      "identifier_taken",
      "an account with this identifier exists; it stays as it is",
    );
  }

  async #isSame(hash: Uint8Array, change: DeviceListChange): Promise<boolean> {
    const { store } = this.#deps;
    const existing = await store.accountByIdentifier(hash);
    if (existing === undefined || !equalBytes(existing.account, change.account)) return false;
    const [first] = await store.readDeviceLists(existing.account, 1, 1);
    return first !== undefined && equalBytes(first, change.signedList);
  }

  async #told<T>(event: "codeRequested" | "registered", action: () => Promise<T>): Promise<T> {
    try {
      const result = await action();
      this.#deps.events[event]("ok");
      return result;
    } catch (error) {
      this.#deps.events[event](error instanceof SottoError ? error.code : "internal");
      throw error;
    }
  }
}

function throwIfLimited(waitMs: number, message: string): void {
  if (waitMs > 0) throw new ValidationError("rate_limited", message, { retryAfterMs: waitMs });
}

function full(): ValidationError {
  return new ValidationError("server_full", "this server takes no more accounts");
}

function busy(): ValidationError {
  return new ValidationError("unavailable", "the server is busy delivering codes", { retryAfterMs: 10_000 });
}
