/** How a refusal is told to the other side: its code and hints when they may travel, and nothing about our own bugs. */
import { ERROR_CODES, ProblemSchema, SottoError, type Problem } from "@sotto/protocol";
import { create } from "@bufbuild/protobuf";

/** The Problem for an error. What is no refusal of ours becomes `internal`, without a word about its cause. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof SottoError) || !ERROR_CODES[error.code].travels || error.code === "internal") {
    return create(ProblemSchema, { code: "internal", message: "the server failed; it has logged why" });
  }
  return create(ProblemSchema, {
    code: error.code,
    message: error.message,
    retryAfterMs: BigInt(error.retryAfterMs ?? 0),
    winnerSeq: BigInt(error.winnerSeq ?? 0),
    current: BigInt(error.current ?? 0),
  });
}

/** Whether an error is an answer to the client rather than a failure of ours. */
export function isRefusal(error: unknown): error is SottoError {
  return error instanceof SottoError && ERROR_CODES[error.code].travels && error.code !== "internal";
}
