/** Opens what is sealed, asks the desk that it is for, seals the answer. Refusals travel inside the seal. */
import type { Answer, Sealed } from "@sotto/protocol";
import { openSealed, sealAnswer, type SealedMethod } from "../adapters/sealing.ts";
import type { ServerKey } from "../adapters/server-key.ts";
import { isRefusal, problemOf } from "../core/problem.ts";
import { sealedHandlers, type SealedDesks } from "./sealed-methods.ts";

/** What answering takes. */
export interface SealedAnswersDeps {
  readonly key: ServerKey;
  readonly desks: SealedDesks;
  readonly nowMs: () => number;
  /** Tells the operator of a failure that is no refusal. */
  readonly failed: (error: unknown) => void;
}

/** Answers a sealed request with a sealed answer. @throws SottoError when there is no seal to answer under. */
export type SealedAnswers = (
  method: SealedMethod,
  sealed: Sealed | undefined,
  address: string,
) => Promise<Uint8Array>;

/** Makes it. */
export function sealedAnswers({ key, desks, nowMs, failed }: SealedAnswersDeps): SealedAnswers {
  const handlers = sealedHandlers(desks, nowMs);
  return async (method, sealed, address) => {
    const { payload, secret } = await openSealed(key, method, sealed);
    const outcome = await outcomeOf(handlers[method]({ payload, secret, address }), failed);
    return sealAnswer(secret, method, outcome);
  };
}

async function outcomeOf(
  result: Promise<Uint8Array>,
  failed: (error: unknown) => void,
): Promise<Answer["outcome"]> {
  try {
    return { case: "ok", value: await result };
  } catch (error) {
    if (!isRefusal(error)) failed(error);
    return { case: "problem", value: problemOf(error) };
  }
}
