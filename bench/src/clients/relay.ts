/**
 * Client of the floor: the bare relay of servers/relay.ts. A message is [recipient, u32][body], many of them in one
 * WebSocket message when coalescing: [recipient, u32][length, u32][body]…
 */
import { Batch, type Client, type Connection, type Handlers, type Purpose } from "./client.ts";
import { WebSocketConnection } from "./websocket.ts";

/** A client of the relay. Nothing is taken or stored: there is no one to answer for it. */
export function relayClient(port: number, coalesce: boolean): Client {
  return {
    async prepare() {},
    async connect(user: number, _purpose: Purpose, handlers: Handlers): Promise<Connection> {
      const socket = await WebSocketConnection.open(port, `/${user}`, user, {
        failed: handlers.failed,
        message(message) {
          if (!coalesce) {
            handlers.received(message);
            return;
          }
          for (let at = 0; at < message.length;) {
            const length = message.readUInt32BE(at);
            handlers.received(message.subarray(at + 4, at + 4 + length));
            at += 4 + length;
          }
        },
      });
      const batch = new Batch((parts) => {
        if (coalesce) socket.send(parts);
        else for (const part of parts) socket.send([part]);
      });
      return {
        send(to, body) {
          const head = coalesce ? 8 : 4;
          const part = Buffer.allocUnsafe(head + body.length);
          part.writeUInt32BE(to, 0);
          if (coalesce) part.writeUInt32BE(body.length, 4);
          part.set(body, head);
          batch.add(part);
        },
        close: () => socket.close(),
      };
    },
  };
}
