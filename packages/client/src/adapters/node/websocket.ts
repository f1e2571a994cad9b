/**
 * A session's WebSocket: frames to messages and back, within the protocol's bounds, and pings that notice when the other side is gone
 * without a word.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import { LIMITS, ServerFramesSchema, SottoError, TransportError, decode } from "@sotto/protocol";
import { WebSocket } from "ws";
import { messagesOf } from "../../core/frames.ts";
import type { Connection, ConnectionEvents } from "../../core/transport.ts";

const handshakeTimeoutMs = 10_000;
const pingMs = 25_000;
const closeTimeoutMs = 1_000;

/**
 * Connects to the session endpoint of a server. @param url with the Hello that it is asked with.
 * @throws TransportError `server_unreachable`, with `retryAfterMs` where the server says when it will take us.
 */
export function connectWebSocket(url: string, events: ConnectionEvents): Promise<Connection> {
  const socket = new WebSocket(url, {
    perMessageDeflate: false,
    maxPayload: LIMITS.maxMessageBytes,
    handshakeTimeout: handshakeTimeoutMs,
  });
  return new Promise((resolve, reject) => {
    let opened = false;
    let problem: Error | undefined;
    socket.on("error", (cause) => {
      problem ??= new TransportError(
        opened ? "connection_lost" : "server_unreachable",
        opened ? "the connection broke" : "the server cannot be reached",
        { cause },
      );
    });
    socket.on("unexpected-response", (request: ClientRequest, { statusCode, headers }: IncomingMessage) => {
      const waitSec = Number(headers["retry-after"]);
      const details = waitSec > 0 ? { retryAfterMs: waitSec * 1_000 } : {};
      const text = `the server does not take us now (${statusCode ?? "no status"})`;
      problem ??= new TransportError("server_unreachable", text, details);
      request.destroy();
      socket.terminate();
    });
    socket.on("open", () => {
      opened = true;
      keepAlive(socket);
      resolve({
        send(frames) {
          if (socket.readyState !== WebSocket.OPEN) return;
          for (const message of messagesOf(frames)) socket.send(message);
        },
        close() {
          socket.close();
          setTimeout(() => socket.terminate(), closeTimeoutMs).unref();
        },
      });
    });
    socket.on("message", (data: Buffer, isBinary) => {
      try {
        if (!isBinary) throw new TransportError("malformed", "the server sent a text message");
        // A plain view: a Buffer's slice() shares memory where an array's copies, and the frames are views into this.
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
        events.frames(decode(ServerFramesSchema, bytes).frames);
      } catch (cause) {
        problem ??=
          cause instanceof SottoError ? cause : new TransportError("malformed", "no frames", { cause });
        socket.terminate();
      }
    });
    socket.on("close", () => {
      if (opened) events.closed(problem);
      else reject(problem ?? new TransportError("server_unreachable", "the server hung up"));
    });
  });
}

function keepAlive(socket: WebSocket): void {
  let heard = true;
  const hear = (): void => {
    heard = true;
  };
  socket.on("pong", hear);
  socket.on("ping", hear);
  socket.on("message", hear);
  const timer = setInterval(() => {
    if (!heard) return socket.terminate();
    heard = false;
    socket.ping();
  }, pingMs);
  socket.on("close", () => clearInterval(timer));
}
