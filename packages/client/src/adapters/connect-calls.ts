/** The unary calls of the transport port over Connect, whatever carries them: Node's HTTP client or a browser's fetch. */
import { Code, ConnectError, createClient, type Transport as ConnectTransport } from "@connectrpc/connect";
import type { SealedMethod } from "@sotto/crypto";
import { ProblemSchema, RegistrationService, TransportError, type SottoError } from "@sotto/protocol";
import { refusedError } from "../core/session.ts";
import type { Transport } from "../core/transport.ts";

/** Milliseconds that a call may take, unless it says otherwise. */
export const CALL_TIMEOUT_MS = 20_000;

// What a server has reason to say outside the seal. Anybody on the way can say it too, so that it proves nothing.
const unsealedCodes: ReadonlySet<string> = new Set([
  "malformed",
  "unsealing_failed",
  "rate_limited",
  "draining",
  "unavailable",
]);

/** Both unary methods of the transport port, over a Connect transport. */
export function connectCalls(transport: ConnectTransport): Pick<Transport, "getServer" | "call"> {
  const client = createClient(RegistrationService, transport);
  return {
    async getServer() {
      const facts = await told(() => client.getServer({}));
      return {
        publicKey: facts.publicKey,
        version: facts.version,
        protocolVersion: facts.protocolVersion,
        serverTimeMs: Number(facts.serverTimeMs),
        registrationOpen: facts.registrationOpen,
        classicAllowed: facts.classicAllowed,
      };
    },
    async call(method, sealed, signal) {
      const name = `${method[0]?.toLowerCase()}${method.slice(1)}` as Uncapitalize<SealedMethod>;
      const response = await told(async (): Promise<{ answer: Uint8Array }> =>
        client[name]({ sealed }, signal === undefined ? {} : { signal }),
      );
      return response.answer;
    },
  };
}

async function told<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw failure(ConnectError.from(cause));
  }
}

function failure(error: ConnectError): SottoError {
  const problem = error.findDetails(ProblemSchema)[0];
  if (problem !== undefined && unsealedCodes.has(problem.code)) {
    const { code, message, retryAfterMs } = refusedError(problem);
    return new TransportError(code, message, {
      cause: error,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }
  const what =
    error.code === Code.Unimplemented || error.code === Code.Unknown
      ? "what answers at that address is no Sotto server"
      : "the server cannot be reached";
  return new TransportError("server_unreachable", what, { cause: error });
}
