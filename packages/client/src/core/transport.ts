/** How the core reaches a server. Adapters: WebSocket, Connect and fetch, in Node and in browsers. */
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

/** A part of a blob, to be stored. Ids and tokens have 32 bytes. */
export interface BlobPart {
  readonly id: Uint8Array;
  readonly writeToken: Uint8Array;
  /** Needed by the first part. */
  readonly ticket: Uint8Array | undefined;
  /** Of the whole blob, in bytes. */
  readonly size: number;
  /** Where the part begins. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Blobs over HTTP. Every method throws RefusedError with the server's code (`current` says where an upload stands), TransportError
 * `server_unreachable` when nobody answers, or `connection_lost` when the connection breaks; with an aborted signal whatever it likes.
 */
export interface BlobTransport {
  /** Resolves with how many bytes of the blob the server has. */
  put(part: BlobPart, signal: AbortSignal): Promise<number>;
  /** The same, without a part. */
  progress(id: Uint8Array, writeToken: Uint8Array, signal: AbortSignal): Promise<number>;
  /** Bytes from `from` up to `to`, as they come, which may be more or less: whoever sends them may lie. */
  get(
    id: Uint8Array,
    readToken: Uint8Array,
    from: number,
    to: number,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  delete(id: Uint8Array, writeToken: Uint8Array, signal: AbortSignal): Promise<void>;
}

/** The transport port, bound to one server origin. Every method throws TransportError `server_unreachable` when nobody answers. */
export interface Transport {
  /**
   * Connects, and says hello with the very request to connect: that spares a round trip. Events come once this has returned.
   * @param hello a Hello; its nonce is seen by whoever sees addresses of requests.
   */
  connect(events: ConnectionEvents, hello: ClientFrame): Promise<Connection>;
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
  readonly blobs: BlobTransport;
}
