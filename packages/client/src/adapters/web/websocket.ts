/**
 * A session's WebSocket in browsers: frames to messages and back, within the protocol's bounds. A browser's program cannot send pings; the
 * server does, and the browser answers them by itself. What it tells us of the network (`offline`) ends a connection that nobody would
 * miss otherwise for minutes.
 */
import { LIMITS, ServerFramesSchema, SottoError, TransportError, decode } from "@sotto/protocol";
import { messagesOf } from "../../core/frames.ts";
import type { Connection, ConnectionEvents } from "../../core/transport.ts";

const handshakeTimeoutMs = 10_000;

/** Connects to the session endpoint of a server. @param url with the Hello that it is asked with. @throws TransportError `server_unreachable`. */
export function connectWebSocket(url: string, events: ConnectionEvents): Promise<Connection> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    let opened = false;
    let ended = false;
    let problem: Error | undefined;
    const end = (): void => {
      if (ended) return;
      ended = true;
      clearTimeout(handshake);
      removeEventListener("offline", lost);
      if (opened) events.closed(problem);
      else reject(problem ?? new TransportError("server_unreachable", "the server cannot be reached"));
    };
    const lost = (): void => {
      problem ??= new TransportError("connection_lost", "the connection broke");
      socket.close();
      // Its own event may take as long as the network stays away.
      end();
    };
    const handshake = setTimeout(lost, handshakeTimeoutMs);
    addEventListener("offline", lost);
    socket.addEventListener("open", () => {
      if (ended) return;
      opened = true;
      clearTimeout(handshake);
      resolve({
        send(frames) {
          if (ended || socket.readyState !== WebSocket.OPEN) return;
          for (const message of messagesOf(frames)) socket.send(message);
        },
        close() {
          socket.close();
          end();
        },
      });
    });
    socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (ended) return;
      try {
        if (!(data instanceof ArrayBuffer))
          throw new TransportError("malformed", "the server sent a text message");
        if (data.byteLength > LIMITS.maxMessageBytes)
          throw new TransportError("too_large", "the server sent too much");
        events.frames(decode(ServerFramesSchema, new Uint8Array(data)).frames);
      } catch (cause) {
        problem ??=
          cause instanceof SottoError ? cause : new TransportError("malformed", "no frames", { cause });
        socket.close();
        end();
      }
    });
    socket.addEventListener("close", end);
  });
}
