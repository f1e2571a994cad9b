/**
 * The error families of Sotto. Every error that crosses a public function has a `code` from error-codes.ts;
 * messages are for people and hold neither user data nor secrets, since logs may print them.
 */
import type { ErrorCode } from "./error-codes.ts";

/** What an error may carry beside its code. */
export interface ErrorDetails {
  readonly cause?: unknown;
  /** With rate limits: when to try again. */
  readonly retryAfterMs?: number;
  /** With epoch_ended: seq of the Commit that ended the epoch. */
  readonly winnerSeq?: number;
  /** With epoch_ended: the log's epoch now. With version_conflict: the newest version. */
  readonly current?: number;
}

/** Base of every error that Sotto throws on purpose. */
export class SottoError extends Error {
  override name = "SottoError";
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly winnerSeq: number | undefined;
  readonly current: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryAfterMs = details.retryAfterMs;
    this.winnerSeq = details.winnerSeq;
    this.current = details.current;
  }
}

/** Bytes from outside that are not what they should be. */
export class CodecError extends SottoError {
  override name = "CodecError";
}
/** Well-formed input that breaks a rule: a list that does not follow, a message that is stale. */
export class ValidationError extends SottoError {
  override name = "ValidationError";
}
/** A signature, decryption or key that fails; says no more than that. */
export class CryptoError extends SottoError {
  override name = "CryptoError";
}
/** The caller did something wrong and can do it right. */
export class UsageError extends SottoError {
  override name = "UsageError";
}
/** Local storage is damaged, locked, full or foreign. */
export class StorageError extends SottoError {
  override name = "StorageError";
}
/** The other side cannot be reached, or broke off. */
export class TransportError extends SottoError {
  override name = "TransportError";
}
/** The server refused a request, with the code and hints that it gave. */
export class RefusedError extends SottoError {
  override name = "RefusedError";
}
/** A bug of ours. */
export class InternalError extends SottoError {
  override name = "InternalError";
}
