/** The port to push services. */
import type { PushSubscription } from "./store.ts";

/** What became of a wake-up. */
export type PushOutcome =
  | "sent"
  /** The subscription is over: 404 or 410. */
  | "gone"
  /** Refused for good, for another reason: trying again would change nothing. */
  | "refused"
  /** Given up after several tries. */
  | "failed";

/** Sends wake-ups: empty messages, encrypted for the device (RFC 8291), signed by the server (RFC 8292). */
export interface PushSender {
  /** The server's public key for RFC 8292, an uncompressed point of P-256: 65 bytes. Browsers tie subscriptions to it. */
  readonly publicKey: Uint8Array;
  /** Whether an endpoint is one that would be called: a push service's, and nothing inside of this network. */
  accepts(endpoint: string): boolean;
  /** Sends one, and tries again what may succeed later. Never rejects. */
  wake(subscription: PushSubscription): Promise<PushOutcome>;
  /** Ends what is under way. */
  close(): void;
}
