/**
 * One-time passwords. Six decimal digits, uniformly random; kept only as HMACs under a key of the server; 10 minutes, 5 tries,
 * used once. They may be forgotten at any time, and people ask again.
 *
 * Invariants: an identifier has at most one code, the newest; a code opens only its own identifier; a check costs the same
 * whether or not there is a code.
 */
import { LIMITS, concatBytes, utf8 } from "@sotto/protocol";
import type { ServerCrypto } from "./crypto.ts";
import type { TransientStore } from "./transient.ts";

/** As it is kept: tries left (1 byte), when it expires (8), its HMAC (32), and the hash of what it was used for (32, or none). */
interface PendingCode {
  /** HMAC of identifier hash and code. */
  readonly hash: Uint8Array;
  readonly expiresAtMs: number;
  readonly triesLeft: number;
  /** undefined while it is unused. */
  readonly usedFor: Uint8Array | undefined;
}

/** What a check found: `repeated` is the same use of the same code again, after an answer that was lost on its way. */
export type CodeCheck = "right" | "repeated" | "wrong";

const hashAt = 9;
const hashBytes = 32;
/** As many can check one code at once as it has tries; whoever comes late to all of them is wrong. */
const mostRaces = LIMITS.codeTries + 1;

/** The codes that are on their way or typed just now. */
export class OtpStore {
  readonly #store: TransientStore;
  readonly #key: Uint8Array;
  readonly #nobody: PendingCode;
  readonly #crypto: ServerCrypto;

  /** @param key of the HMACs, 32 bytes, the same on all nodes. */
  constructor(store: TransientStore, crypto: ServerCrypto, key: Uint8Array) {
    this.#store = store;
    this.#crypto = crypto;
    this.#key = key;
    this.#nobody = {
      hash: crypto.randomBytes(hashBytes),
      expiresAtMs: 0,
      triesLeft: 0,
      usedFor: undefined,
    };
  }

  /** Makes the code for an identifier, in place of the one before. @param identifierHash 32 bytes. */
  async issue(identifierHash: Uint8Array, nowMs: number): Promise<string> {
    const digits = LIMITS.codeDigits;
    const code = this.#crypto
      .randomInteger(10 ** digits)
      .toString()
      .padStart(digits, "0");
    const pending: PendingCode = {
      hash: this.#hash(identifierHash, code),
      expiresAtMs: nowMs + LIMITS.codeLifetimeSec * 1000,
      triesLeft: LIMITS.codeTries,
      usedFor: undefined,
    };
    await this.#store.put("code", identifierHash, encode(pending), pending.expiresAtMs);
    return code;
  }

  /** Forgets the code for an identifier: it could not be delivered. */
  async revoke(identifierHash: Uint8Array): Promise<void> {
    await this.#store.take("code", identifierHash);
  }

  /**
   * Compares a code; the right one is used up by this.
   * @param purpose hash of the request that it is used for, 32 bytes.
   */
  async check(
    identifierHash: Uint8Array,
    code: string,
    purpose: Uint8Array,
    nowMs: number,
  ): Promise<CodeCheck> {
    for (let race = 0; race < mostRaces; race++) {
      const found = await this.#store.read("code", identifierHash);
      const pending = found === undefined ? this.#nobody : decode(found);
      const { result, after } = this.#compare(pending, identifierHash, code, purpose, nowMs);
      // Also where nothing changes: the work says nothing of what was found.
      const swapped = await this.#store.swap(
        "code",
        identifierHash,
        found ?? encode(pending),
        encode(after),
        pending.expiresAtMs,
      );
      if (swapped === "done" || found === undefined) return result;
    }
    return "wrong";
  }

  /** @returns also what becomes of the code. */
  #compare(
    pending: PendingCode,
    identifierHash: Uint8Array,
    code: string,
    purpose: Uint8Array,
    nowMs: number,
  ): { readonly result: CodeCheck; readonly after: PendingCode } {
    const equal = this.#crypto.equalSecrets(this.#hash(identifierHash, code), pending.hash);
    const alive = pending.expiresAtMs > nowMs && pending.triesLeft > 0;
    const repeated = this.#crypto.equalSecrets(pending.usedFor ?? this.#nobody.hash, purpose);
    if (!alive || !equal) {
      return { result: "wrong", after: { ...pending, triesLeft: Math.max(0, pending.triesLeft - 1) } };
    }
    if (pending.usedFor !== undefined) {
      return { result: repeated ? "repeated" : "wrong", after: pending };
    }
    return { result: "right", after: { ...pending, usedFor: purpose } };
  }

  #hash(identifierHash: Uint8Array, code: string): Uint8Array {
    return this.#crypto.hmacSha256(this.#key, concatBytes(identifierHash, utf8(code)));
  }
}

function encode({ triesLeft, expiresAtMs, hash, usedFor }: PendingCode): Uint8Array {
  const head = new Uint8Array(hashAt);
  head[0] = triesLeft;
  new DataView(head.buffer).setBigUint64(1, BigInt(expiresAtMs));
  return concatBytes(head, hash, usedFor ?? new Uint8Array());
}

function decode(bytes: Uint8Array): PendingCode {
  const usedFor = bytes.slice(hashAt + hashBytes);
  return {
    triesLeft: bytes[0] as number,
    expiresAtMs: Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(1)),
    hash: bytes.slice(hashAt, hashAt + hashBytes),
    usedFor: usedFor.length === 0 ? undefined : usedFor,
  };
}
