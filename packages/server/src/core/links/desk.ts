/**
 * Linking: passes the offer of a new device on to a device of the account that it is to join, and the answer back. Both are
 * opaque. They live for ten minutes and may be forgotten at any time: then people begin again.
 *
 * Invariants: the first offer under an id stays, and so does the first answer; only who knows the secret gets the answer.
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
import type { TransientStore } from "../transient.ts";
import { decodeLink, encodeLink, type Link } from "./link.ts";

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
  readonly transient: TransientStore;
  readonly crypto: ServerCrypto;
  readonly events: FrontEvents;
  readonly scheduler: Pick<SchedulerPort, "after">;
  readonly nowMs: () => number;
  readonly limits: LinkLimits;
}

const secretBytes = 32;
const hashBytes = 32;
const busyRetryMs = 10_000;
const lifetimeMs = LIMITS.linkLifetimeSec * 1000;
/** Between two looks at whether another node took the answer. */
const lookMs = 500;

/** The desk for linking devices. */
export class Links implements LinkPort {
  readonly #deps: LinkDeps;
  readonly #nobodysHash: Uint8Array;
  readonly #opens: RateLimiter;
  readonly #answers: RateLimiter;
  readonly #missesPerAccount: RateLimiter;
  readonly #missesPerAddress: RateLimiter;
  /** Tells who waits for an answer here to look again, by the link's id in hexadecimal. */
  readonly #waiting = new Map<string, () => void>();
  #closed = false;

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    this.#nobodysHash = deps.crypto.randomBytes(hashBytes);
    this.#opens = new RateLimiter(deps.limits.opensPerAddress);
    this.#answers = new RateLimiter(deps.limits.answersPerAccount);
    this.#missesPerAccount = new RateLimiter(deps.limits.missesPerAccount);
    this.#missesPerAddress = new RateLimiter(deps.limits.missesPerAddress);
  }

  /**
   * Keeps an offer. The same one with the same secret may come again, and its time does not begin anew.
   * @param address where it comes from: shown to who answers, and counted.
   * @returns for how many seconds it is kept.
   * @throws SottoError `malformed`, `too_large`, `rate_limited`, `link_refused`, `unavailable`.
   */
  open({ linkId, offer, secretHash }: OpenLinkPayload, address: string): Promise<number> {
    return this.#told("open", async () => {
      checkLength("offer", offer, LIMITS.maxLinkOfferBytes);
      exact("secret_hash", secretHash, hashBytes);
      exact("link_id", linkId, ID_BYTES);
      const { nowMs } = this.#deps;
      const known = await this.#read(linkId);
      if (known !== undefined) return this.#openAgain(known, offer, secretHash);
      this.#limit([[this.#opens, address]]);
      const link = { offer, secretHash, address, madeAtMs: nowMs() };
      const kept = await this.#keep("link", linkId, encodeLink(link), link.madeAtMs);
      if (kept) return LIMITS.linkLifetimeSec;
      // It came in between: the same one, sent twice, or another's.
      const first = await this.#read(linkId);
      if (first === undefined) throw refused();
      return this.#openAgain(first, offer, secretHash);
    });
  }

  #openAgain(known: Link, offer: Uint8Array, secretHash: Uint8Array): number {
    const { crypto, nowMs } = this.#deps;
    const isSame = equalBytes(known.offer, offer) && crypto.equalSecrets(known.secretHash, secretHash);
    if (!isSame) throw refused();
    return Math.max(1, Math.ceil((known.madeAtMs + lifetimeMs - nowMs()) / 1000));
  }

  /**
   * The answer; waits a while for it. undefined: not yet. One waits at a time: who came before is told so.
   * @throws SottoError `malformed`, `rate_limited`, `link_refused` for an unknown link and a wrong secret alike.
   */
  async await({ linkId, secret }: AwaitLinkPayload, address: string): Promise<Uint8Array | undefined> {
    exact("link_id", linkId, ID_BYTES);
    exact("secret", secret, secretBytes);
    const { crypto, transient } = this.#deps;
    const link = await this.#read(linkId);
    const isRight = crypto.equalSecrets(crypto.sha256(secret), link?.secretHash ?? this.#nobodysHash);
    if (link === undefined || !isRight) {
      this.#limit([[this.#missesPerAddress, address]]);
      throw refused();
    }
    const id = toHex(linkId);
    this.#waiting.get(id)?.();
    for (let waitedMs = 0; ; waitedMs += lookMs) {
      const answer = await transient.read("link-answer", linkId);
      if (answer !== undefined || this.#closed || waitedMs >= LIMITS.linkPollMs) return answer;
      if (!(await this.#wait(id, lookMs))) return transient.read("link-answer", linkId);
    }
  }

  /** True when the time is over; false when it was woken before. */
  #wait(id: string, delayMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isOver: boolean): void => {
        cancel();
        if (this.#waiting.get(id) === wake) this.#waiting.delete(id);
        resolve(isOver);
      };
      const wake = (): void => end(false);
      const cancel = this.#deps.scheduler.after(delayMs, () => end(true));
      this.#waiting.set(id, wake);
    });
  }

  /**
   * What asks to be linked.
   * @throws SottoError `malformed`, `rate_limited`, `link_refused` when there is none, or it was answered.
   */
  offer(asker: Asker, { request, linkId }: FetchLink): Promise<LinkFetched> {
    return this.#told("fetch", async () => {
      const { offer, address, madeAtMs } = await this.#find(asker, linkId);
      if ((await this.#deps.transient.read("link-answer", linkId)) !== undefined) throw refused();
      const madeAtSec = BigInt(Math.floor(madeAtMs / 1000));
      return create(LinkFetchedSchema, { request, offer, address, madeAtSec });
    });
  }

  /**
   * Answers a link; the same answer may come again.
   * @throws SottoError `malformed`, `too_large`, `rate_limited`, `unavailable`, `link_refused` when there is none, or it was
   *   answered otherwise.
   */
  answer(asker: Asker, { linkId, answer }: AnswerLink): Promise<void> {
    return this.#told("answer", async () => {
      checkLength("answer", answer, LIMITS.maxLinkAnswerBytes);
      const { madeAtMs } = await this.#find(asker, linkId);
      const { transient } = this.#deps;
      const known = await transient.read("link-answer", linkId);
      if (known === undefined) {
        this.#limit([[this.#answers, toHex(asker.account)]]);
        if (!(await this.#keep("link-answer", linkId, answer, madeAtMs))) throw refused();
      } else if (!equalBytes(known, answer)) throw refused();
      this.#waiting.get(toHex(linkId))?.();
    });
  }

  /** Nobody waits any longer: the server stops. */
  close(): void {
    this.#closed = true;
    for (const wake of this.#waiting.values()) wake();
  }

  /** Counts what is not there, and refuses to look when that was too often. */
  async #find({ account, address }: Asker, linkId: Uint8Array): Promise<Link> {
    exact("link_id", linkId, ID_BYTES);
    const misses = [
      [this.#missesPerAccount, toHex(account)] as const,
      [this.#missesPerAddress, address] as const,
    ];
    const { nowMs } = this.#deps;
    const waitMs = Math.max(...misses.map(([limiter, key]) => limiter.peek(key, nowMs())));
    if (waitMs > 0) throw limited(waitMs);
    const link = await this.#read(linkId);
    if (link !== undefined) return link;
    takeAll(misses, nowMs());
    throw refused();
  }

  async #read(linkId: Uint8Array): Promise<Link | undefined> {
    const bytes = await this.#deps.transient.read("link", linkId);
    return bytes && decodeLink(bytes);
  }

  /** Whether it is the first under its id. @throws SottoError `unavailable`. */
  async #keep(
    kind: "link" | "link-answer",
    linkId: Uint8Array,
    value: Uint8Array,
    madeAtMs: number,
  ): Promise<boolean> {
    const kept = await this.#deps.transient.swap(kind, linkId, undefined, value, madeAtMs + lifetimeMs);
    if (kept === "full") {
      throw new SottoError("unavailable", "too many devices are being linked", { retryAfterMs: busyRetryMs });
    }
    return kept === "done";
  }

  #limit(limiters: readonly (readonly [RateLimiter, string])[]): void {
    const waitMs = takeAll(limiters, this.#deps.nowMs());
    if (waitMs > 0) throw limited(waitMs);
  }

  async #told<T>(step: "open" | "fetch" | "answer", action: () => Promise<T>): Promise<T> {
    try {
      const result = await action();
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
