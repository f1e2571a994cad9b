/**
 * Requests that only the holder of the server's RSA key can read, and answers that only the asker can read.
 * @see spec/proto/sotto/v1/registration.proto, Sealed
 */
import {
  AnswerSchema,
  CryptoError,
  InternalError,
  LABELS,
  type Problem,
  RefusedError,
  decode,
  isErrorCode,
  utf8,
} from "@sotto/protocol";
import type { CryptoProvider } from "./provider.ts";
import type { ServerKey } from "./server-trust.ts";

/** The methods whose requests are sealed. */
export type SealedMethod =
  | "RequestCode"
  | "Register"
  | "OpenLink"
  | "AwaitLink"
  | "Recover"
  | "ReadLists"
  | "FinishRecovery"
  | "Reset";

/** A request on its way, with what opens its answer. */
export interface SealedRequest {
  readonly sealed: { readonly wrappedSecret: Uint8Array; readonly ciphertext: Uint8Array };
  /**
   * The serialized result message.
   * @throws RefusedError with the server's code (`internal` for one that this version does not know); CryptoError
   *   `server_key_mismatch` when the answer was not made by the holder of the server's key; CodecError.
   */
  openAnswer(answer: Uint8Array): Promise<Uint8Array>;
}

const saltBytes = 32;

// Each key seals one message only, so the fixed nonce never repeats: the request's secret is fresh, and so is the salt
// that the server puts in front of each answer.
const zeroNonce = new Uint8Array(12);

/**
 * Seals a serialized payload to the server.
 * @param serverKey as `verifyServerKey` returned it.
 */
export async function sealRequest(
  provider: CryptoProvider,
  serverKey: ServerKey,
  method: SealedMethod,
  payload: Uint8Array,
): Promise<SealedRequest> {
  const none = new Uint8Array();
  const aad = utf8(method);
  const secret = provider.randomBytes(32);
  const requestKey = await provider.hkdfSha256(secret, none, utf8(LABELS.registrationRequest), 32);
  const wrappedSecret = await provider.rsaOaepSeal(serverKey.publicKey, secret);
  const ciphertext = await provider.aesGcmSeal(requestKey, zeroNonce, payload, aad);
  requestKey.fill(0);
  return {
    sealed: { wrappedSecret, ciphertext },
    async openAnswer(answer) {
      let plaintext: Uint8Array;
      const salt = answer.subarray(0, saltBytes);
      const responseKey = await provider.hkdfSha256(secret, salt, utf8(LABELS.registrationResponse), 32);
      try {
        plaintext = await provider.aesGcmOpen(responseKey, zeroNonce, answer.subarray(saltBytes), aad);
      } catch (cause) {
        throw new CryptoError(
          "server_key_mismatch",
          "the answer was not made by the server whose key is known",
          {
            cause,
          },
        );
      }
      const { outcome } = decode(AnswerSchema, plaintext);
      if (outcome.case === "ok") return outcome.value;
      if (outcome.case === "problem") throw refused(outcome.value);
      throw new InternalError("internal", "the server answered neither a result nor a problem");
    },
  };
}

/** No hint of a server makes a client wait longer, or overflows its timers. */
const longestHintMs = 3_600_000;

/** The server's own words go no further than a code that we know: they are not ours to vouch for. */
function refused(problem: Problem): RefusedError {
  const code = isErrorCode(problem.code) ? problem.code : "internal";
  const message =
    code === problem.code ? problem.message.slice(0, 300) : "the server refused, in a way unknown here";
  return new RefusedError(code, message, {
    ...(problem.retryAfterMs > 0n && { retryAfterMs: Math.min(Number(problem.retryAfterMs), longestHintMs) }),
    ...(problem.current > 0n && { current: Number(problem.current) }),
  });
}
