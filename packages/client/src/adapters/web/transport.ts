/** The transport port in browsers: registration over Connect by fetch, loaded when it is needed; the session over a WebSocket. */
import { TransportError } from "@sotto/protocol";
import type { Transport } from "../../core/transport.ts";
import { fetchBlobs } from "../fetch-blobs.ts";
import { sessionUrl } from "../../core/frames.ts";
import { connectWebSocket } from "./websocket.ts";

/** Reaches the server at an origin like `https://chat.example.org`. */
export function webTransport(origin: string): Transport {
  const calls = async (): Promise<Pick<Transport, "getServer" | "call">> => {
    try {
      return (await import("./calls.ts")).webCalls(origin);
    } catch (cause) {
      // The rest of the program is fetched like anything else.
      throw new TransportError("server_unreachable", "the server cannot be reached", { cause });
    }
  };
  return {
    connect: (events, hello) => connectWebSocket(sessionUrl(origin, hello), events),
    // Chromium holds bytes that were sent until it next collects garbage, which it does not hurry with for those: a Blob's are not the page's.
    blobs: fetchBlobs(origin, (bytes) => new Blob([bytes])),
    getServer: async () => (await calls()).getServer(),
    call: async (method, sealed, signal) => (await calls()).call(method, sealed, signal),
  };
}
