import { describe, expect, test } from "vitest";
import {
  CodecError,
  CryptoError,
  ERROR_CODES,
  InternalError,
  RefusedError,
  SottoError,
  StorageError,
  TransportError,
  UsageError,
  ValidationError,
  isErrorCode,
} from "../src/index.ts";

const families = {
  CodecError,
  CryptoError,
  InternalError,
  RefusedError,
  StorageError,
  TransportError,
  UsageError,
  ValidationError,
};

describe.each(Object.entries(families))("%s", (name, Family) => {
  test("is a SottoError with its own name, code, message and hints", () => {
    const cause = new Error("below");
    const error = new Family("epoch_ended", "the epoch has ended", {
      cause,
      winnerSeq: 4,
      current: 2,
      retryAfterMs: 9,
    });
    expect(error).toBeInstanceOf(SottoError);
    expect(error).toMatchObject({ name, code: "epoch_ended", message: "the epoch has ended", cause });
    expect(error).toMatchObject({ winnerSeq: 4, current: 2, retryAfterMs: 9 });
  });

  test("without details carries none", () => {
    const error = new Family("internal", "oh");
    expect("cause" in error).toBe(false);
    expect([error.winnerSeq, error.current, error.retryAfterMs]).toEqual([undefined, undefined, undefined]);
  });
});

test("codes are snake_case, and only they are codes", () => {
  for (const code of Object.keys(ERROR_CODES)) {
    expect(code).toMatch(/^[a-z]+(?:_[a-z]+)*$/);
    expect(isErrorCode(code)).toBe(true);
  }
  for (const other of ["", "Internal", "constructor", "__proto__", "hasOwnProperty"]) {
    expect(isErrorCode(other)).toBe(false);
  }
});
