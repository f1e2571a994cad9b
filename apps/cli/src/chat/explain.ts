/** Failures in the words of the chat. */
import { SottoError } from "@sotto/protocol";
import { sanitiseLine } from "@sotto/client/readable";
import { nextStep } from "../next-steps.ts";

/** What went wrong, and what to do, in one line. */
export function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return sanitiseLine(`${message}: ${nextStep(error instanceof SottoError ? error.code : "internal")}`);
}
