/** What the store refuses, as it is told to clients. */
import { SottoError } from "@sotto/protocol";
import type { Refusal } from "../logs/decide.ts";

const texts: Record<Refusal["code"], string> = {
  log_refused: "there is no such log, or it is not yours",
  log_exists: "the id of the log is taken",
  epoch_ended: "a Commit ended this epoch",
  slot_unknown: "the log has no such slot",
  slot_limit: "the log has its most slots",
  quota_exceeded: "the log is full",
};

/** The error for a refusal. */
export function refusal(
  code: Refusal["code"],
  { winnerSeq = 0, current = 0 }: Pick<Refusal, "winnerSeq" | "current"> = {},
): SottoError {
  return new SottoError(code, texts[code], { winnerSeq, current });
}
