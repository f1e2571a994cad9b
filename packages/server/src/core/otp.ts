/**
 * One-time passwords, in memory: a restart forgets them, and people ask again. Six decimal digits, uniformly random; kept
 * only as HMACs under a key of this process; 10 minutes, 5 tries, used once.
 *
 * Invariants: an identifier has at most one code, the newest; a code opens only its own identifier; a check costs the same
 * whether or not there is a code; at most `maxCodes` codes are kept (the oldest goes first).
 */
import { LIMITS, concatBytes, toHex, utf8 } from "@sotto/protocol";
import type { ServerCrypto } from "./crypto.ts";

interface PendingCode {
  /** HMAC of identifier hash and code. */
  readonly hash: Uint8Array;
  readonly expiresAtMs: number;
  triesLeft: number;
  /** Hash of what the code was used for; undefined while it is unused. */
  usedFor: Uint8Array | undefined;
}

/** What a check found: `repeated` is the same use of the same code again, after an answer that was lost on its way. */
export type CodeCheck = "right" | "repeated" | "wrong";

/** The codes that are on their way or typed just now. */
export class OtpStore {
  readonly #codes = new Map<string, PendingCode>();
  readonly #key: Uint8Array;
  readonly #nobody: PendingCode;
  readonly #crypto: ServerCrypto;
  readonly #maxCodes: number;

  constructor(crypto: ServerCrypto, maxCodes = 100_000) {
    this.#crypto = crypto;
    this.#maxCodes = maxCodes;
    this.#key = crypto.randomBytes(32);
    this.#nobody = { hash: crypto.randomBytes(32), expiresAtMs: 0, triesLeft: 0, usedFor: undefined };
  }

  /** How many codes are kept. */
  get size(): number {
    return this.#codes.size;
  }

  /** Makes the code for an identifier, in place of the one before. @param identifierHash 32 bytes. */
  issue(identifierHash: Uint8Array, nowMs: number): string {
    const digits = LIMITS.codeDigits;
    const code = this.#crypto
      .randomInteger(10 ** digits)
      .toString()
      .padStart(digits, "0");
    const name = toHex(identifierHash);
    this.#codes.delete(name);
    this.#codes.set(name, {
      hash: this.#hash(identifierHash, code),
      expiresAtMs: nowMs + LIMITS.codeLifetimeSec * 1000,
      triesLeft: LIMITS.codeTries,
      usedFor: undefined,
    });
    this.#evict(nowMs);
    return code;
  }

  /** Forgets the code for an identifier: it could not be delivered. */
  revoke(identifierHash: Uint8Array): void {
    this.#codes.delete(toHex(identifierHash));
  }

  /**
   * Compares a code; the right one is used up by this.
   * @param purpose hash of the request that it is used for, 32 bytes.
   */
  check(identifierHash: Uint8Array, code: string, purpose: Uint8Array, nowMs: number): CodeCheck {
    const pending = this.#codes.get(toHex(identifierHash)) ?? this.#nobody;
    const equal = this.#crypto.equalSecrets(this.#hash(identifierHash, code), pending.hash);
    const alive = pending.expiresAtMs > nowMs && pending.triesLeft > 0;
    const repeated = this.#crypto.equalSecrets(pending.usedFor ?? this.#nobody.hash, purpose);
    if (!alive || !equal) {
      pending.triesLeft = Math.max(0, pending.triesLeft - 1);
      return "wrong";
    }
    if (pending.usedFor !== undefined) return repeated ? "repeated" : "wrong";
    pending.usedFor = purpose;
    return "right";
  }

  #hash(identifierHash: Uint8Array, code: string): Uint8Array {
    return this.#crypto.hmacSha256(this.#key, concatBytes(identifierHash, utf8(code)));
  }

  /** Codes are in order of issue, so the expired ones come first. */
  #evict(nowMs: number): void {
    for (const [name, code] of this.#codes) {
      if (code.expiresAtMs > nowMs && this.#codes.size <= this.#maxCodes) return;
      this.#codes.delete(name);
    }
  }
}
