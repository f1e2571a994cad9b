/**
 * RegistrationService over Connect: opens what is sealed, asks the registration desk, seals its answer. Refusals travel
 * inside the seal; only what has no seal to travel in is a Connect error, with a Problem as its detail.
 */
import {
  Code,
  ConnectError,
  createContextKey,
  type ConnectRouter,
  type HandlerContext,
} from "@connectrpc/connect";
import { LIMITS, ProblemSchema, RegistrationService, ValidationError, type Sealed } from "@sotto/protocol";
import type { SealedMethod } from "../adapters/sealing.ts";
import { isRefusal, problemOf } from "../core/problem.ts";
import type { RateLimiter } from "../core/rate-limit.ts";
import { sealedAnswers, type SealedAnswersDeps } from "./answer-sealed.ts";

/** What the service works with. */
export interface RegistrationServiceDeps extends SealedAnswersDeps {
  readonly requestsPerAddress: RateLimiter;
  readonly version: string;
  readonly classicAllowed: boolean;
  readonly isDraining: () => boolean;
}

/** The client's address, put into Connect's context by the HTTP layer. */
export const addressKey = createContextKey("", { description: "client address" });

/** The routes of RegistrationService. */
export function registrationRoutes(deps: RegistrationServiceDeps): (router: ConnectRouter) => void {
  const { key, desks, nowMs, failed } = deps;
  const answer = sealedAnswers(deps);

  const answers =
    (method: SealedMethod) =>
    async (
      { sealed }: { readonly sealed?: Sealed | undefined },
      context: HandlerContext,
    ): Promise<{ answer: Uint8Array }> => {
      try {
        const address = context.values.get(addressKey);
        checkOpen(deps, address);
        return { answer: await answer(method, sealed, address) };
      } catch (error) {
        throw connectError(error, failed);
      }
    };

  return (router) =>
    router.service(RegistrationService, {
      getServer: async () => ({
        publicKey: key.publicKey,
        version: deps.version,
        protocolVersion: LIMITS.protocolVersion,
        serverTimeMs: BigInt(nowMs()),
        registrationOpen: await desks.registration.isOpen(),
        classicAllowed: deps.classicAllowed,
      }),
      requestCode: answers("RequestCode"),
      register: answers("Register"),
      openLink: answers("OpenLink"),
      awaitLink: answers("AwaitLink"),
      recover: answers("Recover"),
      readLists: answers("ReadLists"),
      finishRecovery: answers("FinishRecovery"),
      reset: answers("Reset"),
    });
}

function checkOpen(deps: RegistrationServiceDeps, address: string): void {
  if (deps.isDraining()) throw new ValidationError("draining", "the server is stopping; try again soon");
  const retryAfterMs = deps.requestsPerAddress.take(address, deps.nowMs());
  if (retryAfterMs > 0) throw new ValidationError("rate_limited", "too many requests", { retryAfterMs });
}

const connectCodes: Readonly<Record<string, Code>> = {
  malformed: Code.InvalidArgument,
  too_large: Code.InvalidArgument,
  unsealing_failed: Code.InvalidArgument,
  rate_limited: Code.ResourceExhausted,
  draining: Code.Unavailable,
  unavailable: Code.Unavailable,
};

/** An error as it travels outside a seal: a Connect error with a Problem in it. @param failed told of what is no refusal. */
export function connectError(error: unknown, failed: (error: unknown) => void): ConnectError {
  if (!isRefusal(error)) failed(error);
  const problem = problemOf(error);
  const code = connectCodes[problem.code] ?? Code.Internal;
  return new ConnectError(problem.message, code, undefined, [{ desc: ProblemSchema, value: problem }]);
}
