/** How a session's WebSocket begins, over a real socket. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { ServerFrameSchema, parseBase64Url } from "@sotto/protocol";
import { create } from "@bufbuild/protobuf";
import { clientFrame, decodeClientFrames, encodeServerFrames } from "@sotto/testkit";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { nodeTransport } from "../src/adapters/node/transport.ts";

test("Hello travels with the request to connect, and what is answered at once is not lost", async () => {
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => sockets.close());
  await once(sockets, "listening");
  const urls: string[] = [];
  sockets.on("connection", (socket, request) => {
    urls.push(request.url ?? "");
    const frame = create(ServerFrameSchema, { frame: { case: "draining", value: {} } });
    // In the same turn as the answer to the upgrade.
    socket.send(encodeServerFrames([frame]));
  });
  const { port } = sockets.address() as AddressInfo;
  const heard: unknown[] = [];
  const hello = clientFrame({
    case: "hello",
    value: { protocolVersion: 1, clientNonce: new Uint8Array(32).fill(0xfb) },
  });
  const connection = await nodeTransport(`http://127.0.0.1:${port}`).connect(
    { frames: (frames) => heard.push(...frames.map(({ frame }) => frame.case)), closed: () => undefined },
    hello,
  );
  onTestFinished(() => connection.close());
  await vi.waitFor(() => expect(heard).toEqual(["draining"]));
  const url = new URL(urls[0]!, "http://server.test");
  expect(url.pathname).toBe("/v1/session");
  expect(decodeClientFrames(parseBase64Url(url.searchParams.get("hello")!)!)).toEqual([hello]);
});
