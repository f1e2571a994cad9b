/** How the core reaches a server. Adapters: WebSocket + Connect over `ws` in Node, over the platform's own in browsers. */
import type { SealedMethod } from "@sotto/crypto";
import type { ClientFrame, ServerFrame } from "@sotto/protocol";

/** One live connection; frames in order, at most once. */
export interface Connection {
  send(frames: readonly ClientFrame[]): void;
  close(): void;
}

/** What the transport tells of a connection. */
export interface ConnectionEvents {
  frames(frames: readonly ServerFrame[]): void;
  /** Once, last: the connection is gone. */
  closed(cause: Error | undefined): void;
}

/** What GetServer answers. */
export interface ServerFacts {
  readonly publicKey: Uint8Array;
  readonly version: string;
  readonly protocolVersion: number;
  readonly serverTimeMs: number;
  readonly registrationOpen: boolean;
  readonly classicAllowed: boolean;
}

/** The transport port, bound to one server origin. Every method throws TransportError `server_unreachable` when nobody answers. */
export interface Transport {
  connect(events: ConnectionEvents): Promise<Connection>;
  getServer(): Promise<ServerFacts>;
  /**
   * Posts a sealed request; returns the sealed answer. `signal` gives up waiting.
   * @throws TransportError for refusals outside the seal: anybody on the way can make them.
   */
  call(
    method: SealedMethod,
    sealed: { readonly wrappedSecret: Uint8Array; readonly ciphertext: Uint8Array },
    signal?: AbortSignal,
  ): Promise<Uint8Array>;
}
