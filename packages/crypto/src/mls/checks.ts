/**
 * The semantic checks of the MLS engine: each has an id, which stands in spec/VALIDATION.md, at the place in the code that makes it, and
 * in the title of a test; a test holds the three together. Errors name the id and no data.
 */
import { CodecError, CryptoError, SottoError, ValidationError } from "@sotto/protocol";
import * as library from "ts-mls/mlsError.js";

/** @throws ValidationError `mls_invalid` unless it holds. */
export function check(holds: boolean, id: string, rule: string): asserts holds {
  if (!holds) throw mlsInvalid(id, rule);
}

/** The error for a check that failed. */
export function mlsInvalid(id: string, rule: string): ValidationError {
  return new ValidationError("mls_invalid", `${id}: ${rule}`);
}

/** Runs the library and turns its errors, and whatever else bad input makes it throw, into ours. `id` names the check it makes. */
export async function guarded<T>(id: string, rule: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw translated(id, rule, cause);
  }
}

/** The same for what answers at once. */
export function guardedSync<T>(id: string, rule: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw translated(id, rule, cause);
  }
}

function translated(id: string, rule: string, cause: unknown): SottoError {
  if (cause instanceof SottoError) return cause;
  if (cause instanceof library.CryptoVerificationError) {
    return new CryptoError("signature_invalid", `${id}: ${rule}`, { cause });
  }
  if (cause instanceof library.CodecError) return new CodecError("malformed", `${id}: ${rule}`, { cause });
  return new ValidationError("mls_invalid", `${id}: ${rule}`, { cause });
}
