/** The transport port in Node: registration over Connect, the session over a WebSocket by `ws`. */
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Transport } from "../../core/transport.ts";
import { CALL_TIMEOUT_MS, connectCalls } from "../connect-calls.ts";
import { fetchBlobs } from "../fetch-blobs.ts";
import { sessionUrl } from "../../core/frames.ts";
import { connectWebSocket } from "./websocket.ts";

/** Reaches the server at an origin like `https://chat.example.org`. */
export function nodeTransport(origin: string): Transport {
  return {
    connect: (events, hello) => connectWebSocket(sessionUrl(origin, hello), events),
    blobs: fetchBlobs(origin),
    ...connectCalls(
      createConnectTransport({ baseUrl: origin, httpVersion: "1.1", defaultTimeoutMs: CALL_TIMEOUT_MS }),
    ),
  };
}
