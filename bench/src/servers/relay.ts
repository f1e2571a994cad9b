/**
 * The floor: a bare `ws` relay that stores nothing, acknowledges nothing and knows nobody. What any server on Node and
 * `ws` could reach at most. It runs in a process of its own.
 *
 * Two ways: one WebSocket message per message, as most relays work; or coalescing, where everything that one turn of
 * the event loop brings to a recipient leaves in one WebSocket message.
 */
import { type WebSocket, WebSocketServer } from "ws";

/** Serves until the process ends. The user's number is the path: /17. */
export async function serveRelay(port: number, coalesce: boolean): Promise<void> {
  const users = new Map<number, WebSocket>();
  const waiting = new Map<WebSocket, Buffer[]>();

  const flush = (): void => {
    for (const [socket, parts] of waiting) {
      socket.send(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
    }
    waiting.clear();
  };

  const onBatch = (data: Buffer): void => {
    for (let at = 0; at < data.length;) {
      const recipient = users.get(data.readUInt32BE(at));
      const end = at + 8 + data.readUInt32BE(at + 4);
      if (recipient !== undefined) {
        if (waiting.size === 0) setImmediate(flush);
        const parts = waiting.get(recipient);
        if (parts === undefined) waiting.set(recipient, [data.subarray(at + 4, end)]);
        else parts.push(data.subarray(at + 4, end));
      }
      at = end;
    }
  };

  const onMessage = (data: Buffer): void => {
    users.get(data.readUInt32BE(0))?.send(data.subarray(4));
  };

  const server = new WebSocketServer({ port, host: "127.0.0.1", perMessageDeflate: false, backlog: 4096 });
  server.on("connection", (socket, request) => {
    const user = Number(request.url?.slice(1));
    users.set(user, socket);
    socket.on("message", coalesce ? onBatch : onMessage);
    socket.on("error", () => socket.terminate());
    socket.on("close", () => users.delete(user));
  });
  await new Promise<void>((resolve) => server.once("listening", resolve));
  console.log(`relay listens on ${port}`);
}
