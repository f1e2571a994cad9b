/**
 * Delivery through an SMS gateway: POST {"to","text","code"} as JSON to a URL of the operator's. 2xx means taken; network
 * failures, timeouts, 429 and 5xx are tried again; anything else is final. All tries of a delivery share an
 * Idempotency-Key, so that a gateway can tell a repetition.
 */
import { randomUUID } from "node:crypto";
import type { OtpSender } from "../core/otp-sender.ts";
import { codeText } from "./otp-text.ts";
import { DELIVERY_PAUSES_MS, FinalFailure, retrying } from "./retry.ts";

/** How a webhook is called. */
export interface WebhookOptions {
  readonly url: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly token: string | undefined;
  /** Of the server, for the text of the message. */
  readonly serverName: string;
  readonly timeoutMs?: number;
  readonly pausesMs?: readonly number[];
}

/** A sender for phone numbers. */
export function webhookSender(options: WebhookOptions): OtpSender {
  const { url, token, serverName, timeoutMs = 10_000, pausesMs = DELIVERY_PAUSES_MS } = options;
  const closed = new AbortController();
  return {
    channel: "webhook",
    kinds: ["phone"],
    immediate: false,
    async send(identifier, code) {
      const body = JSON.stringify({ to: identifier, text: codeText(serverName, code), code });
      const headers = {
        "content-type": "application/json",
        "idempotency-key": randomUUID(),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      };
      await retrying(
        async () => {
          const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(timeoutMs)]);
          const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
          await response.body?.cancel();
          if (response.ok) return;
          const again = response.status === 429 || response.status >= 500;
          const message = `the webhook answered ${response.status}`;
          throw again ? new Error(message) : new FinalFailure(message);
        },
        pausesMs,
        closed.signal,
      );
    },
    close: () => closed.abort(),
  };
}
