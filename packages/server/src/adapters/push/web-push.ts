/**
 * Calls push services (RFC 8030): one POST for each wake-up, with a topic, so that the service keeps only the newest one for a device that
 * is away. What may succeed later is tried again with growing pauses.
 */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { PushOutcome, PushSender } from "../../core/push/sender.ts";
import { isPushEndpoint, lookUpPublic } from "./addresses.ts";
import { encryptPush } from "./encryption.ts";
import type { VapidKey } from "./vapid.ts";

/** How push services are called. */
export interface WebPushOptions {
  readonly key: VapidKey;
  /** Who runs the server, for the services: an https or mailto URL. */
  readonly subject: string;
  readonly nowMs: () => number;
  /** For tests: endpoints may be plain HTTP, and inside of this network. */
  readonly anywhere: boolean;
  readonly pausesMs?: readonly number[];
}

/** How long a service keeps a wake-up for a browser that does not run: two days. */
const ttlSec = 172_800;
/** Of a device there is one wake-up at a time. */
const topic = "sotto";
const timeoutMs = 10_000;
const defaultPausesMs = [2_000, 10_000, 60_000, 300_000];
const mostPauseMs = 3_600_000;
/** Most calls under way at once. */
const mostCalls = 64;

interface Reply {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
}

/** A sender over the network. */
export function webPushSender(options: WebPushOptions): PushSender {
  const { key, subject, nowMs, anywhere, pausesMs = defaultPausesMs } = options;
  const closed = new AbortController();
  const turns = new Turns(mostCalls);

  const call = (endpoint: string, body: Uint8Array): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const make = endpoint.startsWith("https:") ? httpsRequest : httpRequest;
      const sent = make(
        endpoint,
        {
          method: "POST",
          headers: {
            ttl: ttlSec,
            urgency: "high",
            topic,
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "content-length": body.length,
            authorization: key.authorization(endpoint, subject, Math.floor(nowMs() / 1000)),
          },
          agent: false,
          signal: AbortSignal.any([closed.signal, AbortSignal.timeout(timeoutMs)]),
          ...(!anywhere && { lookup: lookUpPublic }),
        },
        (response) => {
          const { statusCode: status = 0, headers } = response;
          // What it says beside that is of no use, and not read.
          response.destroy();
          const seconds = Number(headers["retry-after"]);
          resolve({ status, retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined });
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });

  const attempt = async (endpoint: string, body: Uint8Array): Promise<Reply | undefined> => {
    try {
      return await turns.take(() => call(endpoint, body));
    } catch {
      return undefined;
    }
  };

  return {
    publicKey: key.publicKey,
    accepts: (endpoint) => isPushEndpoint(endpoint, anywhere),
    async wake({ endpoint, p256dh, auth }) {
      let body: Uint8Array;
      try {
        body = encryptPush({ p256dh, auth }, new Uint8Array());
      } catch {
        // Its key is none: nobody can be woken by it.
        return "gone";
      }
      for (const pauseMs of [...pausesMs, undefined]) {
        const reply = await attempt(endpoint, body);
        const outcome = reply === undefined ? undefined : outcomeOf(reply.status);
        if (outcome !== undefined) return outcome;
        if (pauseMs === undefined || closed.signal.aborted) break;
        const waitMs = Math.min(Math.max(pauseMs, reply?.retryAfterMs ?? 0), mostPauseMs);
        const jitteredMs = waitMs * (1 + Math.random() / 5);
        await sleep(jitteredMs, undefined, { signal: closed.signal, ref: false }).catch(() => undefined);
      }
      return "failed";
    },
    close: () => closed.abort(),
  };
}

/** undefined: it may be otherwise later. */
function outcomeOf(status: number): PushOutcome | undefined {
  if (status >= 200 && status < 300) return "sent";
  if (status === 404 || status === 410) return "gone";
  return status === 429 || status >= 500 ? undefined : "refused";
}

/** So many at once, the others in turn. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(most: number) {
    this.#free = most;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
