import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { createHash } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { beginBinaryFrame } from "../../src/http/websocket-frame.ts";

test("messages of every form of length are what a WebSocket client reads", async () => {
  const lengths = [0, 1, 125, 126, 65_535, 65_536, 1_000_000];
  const server = createServer((socket) => {
    socket.once("data", (request) => {
      const key = /Sec-WebSocket-Key: (\S+)/i.exec(request.toString("latin1"))?.[1];
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      for (const length of lengths) {
        const frame = beginBinaryFrame(length);
        frame.fill(length % 251, frame.length - length);
        socket.write(frame);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    client.terminate();
    server.close();
  });
  const received: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    client.on("error", reject);
    client.on("message", (data: Buffer, isBinary) => {
      expect(isBinary).toBe(true);
      if (received.push(data) === lengths.length) resolve();
    });
  });
  expect(received.map(({ length }) => length)).toEqual(lengths);
  for (const data of received) expect(data.every((byte) => byte === data.length % 251)).toBe(true);
});
