/**
 * Linking: passes the offer of a new device on to a device of the account that it is to join, and the answer back. Both are
 * opaque. They live in memory for ten minutes; after a restart people begin again.
 *
 * Invariants: the first offer under an id stays, and so does the first answer; only who knows the secret gets the answer; what is
 * held is bounded in bytes.
 * @see spec/PROTOCOL.md "Linking a device"
 */
import { create } from "@bufbuild/protobuf";
import {
  CodecError,
  ID_BYTES,
  LIMITS,
  LinkFetchedSchema,
  SottoError,
  ValidationError,
  equalBytes,
  toHex,
  type AnswerLink,
  type AwaitLinkPayload,
  type FetchLink,
  type LinkFetched,
  type OpenLinkPayload,
} from "@sotto/protocol";
import type { ServerCrypto } from "../crypto.ts";
import type { FrontEvents } from "../events.ts";
import { RateLimiter, takeAll, type RateLimit } from "../rate-limit.ts";
import type { Asker, LinkPort, SchedulerPort } from "../session/ports.ts";

/** How often people may link, and guess. */
interface LinkLimits {
  readonly opensPerAddress: RateLimit;
  readonly answersPerAccount: RateLimit;
  /** Links asked for that are not there, by a signed-in account, and by an address with or without one. */
  readonly missesPerAccount: RateLimit;
  readonly missesPerAddress: RateLimit;
}

/** What the desk works with. */
export interface LinkDeps {
  readonly crypto: ServerCrypto;
  readonly events: FrontEvents;
  readonly scheduler: Pick<SchedulerPort, "after">;
  readonly nowMs: () => number;
  readonly limits: LinkLimits;
  /** Bytes of all offers and answers that are held, with what goes with each. */
  readonly maxHeldBytes?: number;
}

interface Link {
  readonly offer: Uint8Array;
  readonly secretHash: Uint8Array;
  readonly address: string;
  readonly madeAtMs: number;
  answer: Uint8Array | undefined;
  /** Tells who waits for the answer to look again. */
  wake: (() => void) | undefined;
}

const secretBytes = 32;
const hashBytes = 32;
const overheadBytes = 512;
const defaultHeldBytes = 67_108_864;
const busyRetryMs = 10_000;
const lifetimeMs = LIMITS.linkLifetimeSec * 1000;

/** The desk for linking devices. */
export class Links implements LinkPort {
  readonly #deps: LinkDeps;
  readonly #maxHeldBytes: number;
  readonly #nobodysHash: Uint8Array;
  readonly #opens: RateLimiter;
  readonly #answers: RateLimiter;
  readonly #missesPerAccount: RateLimiter;
  readonly #missesPerAddress: RateLimiter;
  /** By id in hexadecimal, in the order in which they were made. */
  readonly #links = new Map<string, Link>();
  #heldBytes = 0;
  #closed = false;

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    this.#maxHeldBytes = deps.maxHeldBytes ?? defaultHeldBytes;
    this.#nobodysHash = deps.crypto.randomBytes(hashBytes);
    this.#opens = new RateLimiter(deps.limits.opensPerAddress);
    this.#answers = new RateLimiter(deps.limits.answersPerAccount);
    this.#missesPerAccount = new RateLimiter(deps.limits.missesPerAccount);
    this.#missesPerAddress = new RateLimiter(deps.limits.missesPerAddress);
  }

  /** How many links are held. */
  get size(): number {
    return this.#links.size;
  }

  /**
   * Keeps an offer. The same one with the same secret may come again, and its time does not begin anew.
   * @param address where it comes from: shown to who answers, and counted.
   * @returns for how many seconds it is kept.
   * @throws SottoError `malformed`, `too_large`, `rate_limited`, `link_refused`, `unavailable`.
   */
  open({ linkId, offer, secretHash }: OpenLinkPayload, address: string): number {
    return this.#told("open", () => {
      checkLength("offer", offer, LIMITS.maxLinkOfferBytes);
      exact("secret_hash", secretHash, hashBytes);
      exact("link_id", linkId, ID_BYTES);
      const { crypto, nowMs } = this.#deps;
      this.#expire();
      const known = this.#links.get(toHex(linkId));
      if (known !== undefined) {
        const isSame = equalBytes(known.offer, offer) && crypto.equalSecrets(known.secretHash, secretHash);
        if (!isSame) throw refused();
        return Math.max(1, Math.ceil((known.madeAtMs + lifetimeMs - nowMs()) / 1000));
      }
      this.#limit([[this.#opens, address]]);
      this.#hold(offer.length + overheadBytes);
      this.#links.set(toHex(linkId), {
        offer: Uint8Array.from(offer),
        secretHash: Uint8Array.from(secretHash),
        address,
        madeAtMs: nowMs(),
        answer: undefined,
        wake: undefined,
      });
      return LIMITS.linkLifetimeSec;
    });
  }

  /**
   * The answer; waits a while for it. undefined: not yet. One waits at a time: who came before is told so.
   * @throws SottoError `malformed`, `rate_limited`, `link_refused` for an unknown link and a wrong secret alike.
   */
  async await({ linkId, secret }: AwaitLinkPayload, address: string): Promise<Uint8Array | undefined> {
    exact("link_id", linkId, ID_BYTES);
    exact("secret", secret, secretBytes);
    const { crypto, scheduler } = this.#deps;
    this.#expire();
    const link = this.#links.get(toHex(linkId));
    const isRight = crypto.equalSecrets(crypto.sha256(secret), link?.secretHash ?? this.#nobodysHash);
    if (link === undefined || !isRight) {
      this.#limit([[this.#missesPerAddress, address]]);
      throw refused();
    }
    link.wake?.();
    if (link.answer !== undefined || this.#closed) return link.answer;
    await new Promise<void>((resolve) => {
      const cancel = scheduler.after(LIMITS.linkPollMs, resolve);
      link.wake = () => {
        cancel();
        link.wake = undefined;
        resolve();
      };
    });
    return link.answer;
  }

  /**
   * What asks to be linked.
   * @throws SottoError `malformed`, `rate_limited`, `link_refused` when there is none, or it was answered.
   */
  offer(asker: Asker, { request, linkId }: FetchLink): LinkFetched {
    return this.#told("fetch", () => {
      const link = this.#find(asker, linkId);
      if (link.answer !== undefined) throw refused();
      const { offer, address, madeAtMs } = link;
      const madeAtSec = BigInt(Math.floor(madeAtMs / 1000));
      return create(LinkFetchedSchema, { request, offer, address, madeAtSec });
    });
  }

  /**
   * Answers a link; the same answer may come again.
   * @throws SottoError `malformed`, `too_large`, `rate_limited`, `unavailable`, `link_refused` when there is none, or it was
   *   answered otherwise.
   */
  answer(asker: Asker, { linkId, answer }: AnswerLink): void {
    this.#told("answer", () => {
      checkLength("answer", answer, LIMITS.maxLinkAnswerBytes);
      const link = this.#find(asker, linkId);
      if (link.answer !== undefined) {
        if (!equalBytes(link.answer, answer)) throw refused();
        return;
      }
      this.#limit([[this.#answers, toHex(asker.account)]]);
      this.#hold(answer.length);
      link.answer = Uint8Array.from(answer);
      link.wake?.();
    });
  }

  /** Nobody waits any longer: the server stops. */
  close(): void {
    this.#closed = true;
    for (const { wake } of this.#links.values()) wake?.();
  }

  /** Counts what is not there, and refuses to look when that was too often. */
  #find({ account, address }: Asker, linkId: Uint8Array): Link {
    exact("link_id", linkId, ID_BYTES);
    this.#expire();
    const misses = [
      [this.#missesPerAccount, toHex(account)] as const,
      [this.#missesPerAddress, address] as const,
    ];
    const nowMs = this.#deps.nowMs();
    const waitMs = Math.max(...misses.map(([limiter, key]) => limiter.peek(key, nowMs)));
    if (waitMs > 0) throw limited(waitMs);
    const link = this.#links.get(toHex(linkId));
    if (link !== undefined) return link;
    takeAll(misses, nowMs);
    throw refused();
  }

  #hold(bytes: number): void {
    if (this.#heldBytes + bytes > this.#maxHeldBytes) {
      throw new SottoError("unavailable", "too many devices are being linked", { retryAfterMs: busyRetryMs });
    }
    this.#heldBytes += bytes;
  }

  /** The oldest come first. */
  #expire(): void {
    const before = this.#deps.nowMs() - lifetimeMs;
    for (const [id, { madeAtMs, offer, answer, wake }] of this.#links) {
      if (madeAtMs > before) return;
      this.#links.delete(id);
      this.#heldBytes -= offer.length + overheadBytes + (answer?.length ?? 0);
      wake?.();
    }
  }

  #limit(limiters: readonly (readonly [RateLimiter, string])[]): void {
    const waitMs = takeAll(limiters, this.#deps.nowMs());
    if (waitMs > 0) throw limited(waitMs);
  }

  #told<T>(step: "open" | "fetch" | "answer", action: () => T): T {
    try {
      const result = action();
      this.#deps.events.linkUsed(step, "ok");
      return result;
    } catch (error) {
      this.#deps.events.linkUsed(step, error instanceof SottoError ? error.code : "internal");
      throw error;
    }
  }
}

function exact(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new CodecError("malformed", `${what} must have ${length} bytes`);
}

function checkLength(what: string, bytes: Uint8Array, most: number): void {
  if (bytes.length === 0) throw new CodecError("malformed", `the ${what} is empty`);
  if (bytes.length > most) throw new CodecError("too_large", `the ${what} may have ${most} bytes at most`);
}

function refused(): ValidationError {
  return new ValidationError("link_refused", "there is no such link: it expired, was answered, or never was");
}

function limited(retryAfterMs: number): ValidationError {
  return new ValidationError("rate_limited", "too many links", { retryAfterMs });
}
