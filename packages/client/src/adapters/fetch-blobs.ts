/** Blobs over the platform's fetch, in Node as in browsers. Tokens travel in headers, never in a URL. */
import {
  BLOB_PATH,
  RefusedError,
  TransportError,
  formatBlobId,
  isErrorCode,
  type SottoError,
} from "@sotto/protocol";
import type { BlobTransport } from "../core/transport.ts";

const octets = "application/octet-stream";
// A problem is a line of JSON; more is read from nobody.
const mostProblemBytes = 4_096;
const longestHintMs = 3_600_000;

/** Reaches the blobs of the server at an origin. @param bodyOf what bytes are sent as. */
export function fetchBlobs(
  origin: string,
  bodyOf: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | Blob = (bytes) => bytes,
): BlobTransport {
  const ask = async (
    method: string,
    id: Uint8Array,
    token: Uint8Array,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
    body?: Uint8Array,
  ): Promise<Response> => {
    const response = await reach(() =>
      fetch(`${origin}${BLOB_PATH}/${formatBlobId(id)}`, {
        method,
        headers: { authorization: `Bearer ${formatBlobId(token)}`, ...headers },
        ...(body !== undefined && { body: bodyOf(body as Uint8Array<ArrayBuffer>) }),
        signal,
        // Nothing of this belongs into a cache, a cookie jar or a Referer, and no other server is to see a token.
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
      }),
    );
    if (!response.ok) throw await refusal(response);
    return response;
  };
  return {
    async put({ id, writeToken, ticket, size, offset, bytes }, signal) {
      const headers = {
        "content-type": octets,
        "upload-length": String(size),
        "upload-offset": String(offset),
        ...(ticket !== undefined && { "sotto-blob-ticket": formatBlobId(ticket) }),
      };
      return offsetOf(await ask("PUT", id, writeToken, signal, headers, bytes));
    },
    async progress(id, writeToken, signal) {
      return offsetOf(await ask("HEAD", id, writeToken, signal));
    },
    async *get(id, readToken, from, to, signal) {
      const response = await ask("GET", id, readToken, signal, { range: `bytes=${from}-${to - 1}` });
      if (response.status !== 206 || response.body === null) throw noBlobServer();
      const reader = response.body.getReader();
      try {
        for (;;) {
          const { done, value } = await reach(() => reader.read(), "connection_lost");
          if (done) return;
          yield value;
        }
      } finally {
        void reader.cancel().catch(() => undefined);
      }
    },
    async delete(id, writeToken, signal) {
      await ask("DELETE", id, writeToken, signal);
    },
  };
}

async function reach<T>(
  work: () => Promise<T>,
  code: "server_unreachable" | "connection_lost" = "server_unreachable",
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new TransportError(code, "the server cannot be reached", { cause });
  }
}

function offsetOf(response: Response): number {
  const text = response.headers.get("upload-offset") ?? "";
  if (!/^\d{1,15}$/.test(text)) throw noBlobServer();
  return Number(text);
}

/** What an answer that is no success says, as an error. Anybody on the way can say it. */
async function refusal(response: Response): Promise<SottoError> {
  const code = response.headers.get("sotto-problem") ?? "";
  const { retryAfterMs, current } = await problemOf(response);
  const waitMs = Math.min(numberOf(retryAfterMs) ?? 0, longestHintMs);
  const at = numberOf(current);
  const details = { ...(waitMs > 0 && { retryAfterMs: waitMs }), ...(at !== undefined && { current: at }) };
  if (isErrorCode(code)) return new RefusedError(code, "the server refused a request", details);
  // A proxy before the server speaks for itself: it will go over, or somebody has to look at it.
  return response.status === 429 || response.status >= 500
    ? new RefusedError("unavailable", "the server cannot serve now", details)
    : noBlobServer();
}

async function problemOf(response: Response): Promise<{ retryAfterMs?: unknown; current?: unknown }> {
  try {
    if (Number(response.headers.get("content-length") ?? 0) > mostProblemBytes) {
      await response.body?.cancel();
      return {};
    }
    const problem: unknown = JSON.parse((await response.text()).slice(0, mostProblemBytes));
    return typeof problem === "object" && problem !== null ? problem : {};
  } catch {
    return {};
  }
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function noBlobServer(): TransportError {
  return new TransportError("server_unreachable", "what answers at that address is no Sotto server");
}
