import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AckSchema,
  AppendSchema,
  ClientFrameSchema,
  ClientFramesSchema,
  EntryKind,
  InboxItemSchema,
  ServerFrameSchema,
  ServerFramesSchema,
} from "@sotto/protocol";
import {
  type ClientFrameInit,
  type ServerFrameInit,
  clientFrame,
  encodeClientFrames,
  serverFrame,
} from "@sotto/testkit";
import { describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { PacketParser } from "../src/clients/mqtt.ts";
import {
  decodeServerFrames,
  decodeSignInAnswer,
  encodeAck,
  encodeAppend,
  encodeHello,
  encodeSignIn,
} from "../src/clients/sotto-wire.ts";
import { FrameParser, WebSocketConnection } from "../src/clients/websocket.ts";
import { StanzaParser } from "../src/clients/xmpp.ts";
import { BodyFactory, bodyId } from "../src/load/bodies.ts";

const item = (text: string): Uint8Array =>
  toBinary(InboxItemSchema, create(InboxItemSchema, { item: { case: "classic", value: Buffer.from(text) } }));
const logId = Buffer.alloc(16, 7);

describe("hand-written frames are what protobuf-es writes", () => {
  test.each([
    [1, 40],
    [127, 1024],
    [128, 1120],
    [65_535, 20_000],
  ])("append, request %i with %i bytes", (request, length) => {
    const text = new BodyFactory("m", length).make(5);
    const body = toBinary(
      InboxItemSchema,
      create(InboxItemSchema, { item: { case: "classic", value: text } }),
    );
    const append = create(AppendSchema, { request, logId, kind: EntryKind.MESSAGE, body });
    const frame = create(ClientFrameSchema, { frame: { case: "append", value: append } });
    const expected = toBinary(ClientFramesSchema, create(ClientFramesSchema, { frames: [frame] }));
    expect(encodeAppend(request, logId, text)).toEqual(Buffer.from(expected));
  });

  test.each([1, 127, 128, 70_000, 2 ** 40])("ack of %i", (seq) => {
    const ack = create(AckSchema, { logId, seq: BigInt(seq) });
    const frame = create(ClientFrameSchema, { frame: { case: "ack", value: ack } });
    const expected = toBinary(ClientFramesSchema, create(ClientFramesSchema, { frames: [frame] }));
    expect(encodeAck(logId, seq)).toEqual(Buffer.from(expected));
  });

  test("server frames", () => {
    const kind = EntryKind.MESSAGE;
    const bytes = toBinary(
      ServerFramesSchema,
      create(ServerFramesSchema, {
        frames: [
          { frame: { case: "appended", value: { request: 3, seq: 9n } } },
          {
            frame: {
              case: "entries",
              value: {
                logId,
                entries: [
                  { seq: 300n, kind, body: item("first") },
                  { seq: 301n, epoch: 2n, kind, body: item("x".repeat(500)) },
                ],
              },
            },
          },
          { frame: { case: "draining", value: { reconnectAfterMs: 5n } } },
          { frame: { case: "appended", value: { request: 4, seq: 10n } } },
        ],
      }),
    );
    const seen: unknown[] = [];
    decodeServerFrames(Buffer.from(bytes), {
      appended: () => seen.push("appended"),
      entry: (seq, text) => seen.push([seq, text.toString()]),
      other: (frame) => seen.push(frame.length),
    });
    const draining = fromBinary(ServerFramesSchema, bytes).frames[2]!;
    expect(draining.frame.case).toBe("draining");
    expect(seen).toEqual(["appended", [300, "first"], [301, "x".repeat(500)], 4, "appended"]);
  });
});

const encode = (...frames: NonNullable<ClientFrameInit>[]): Uint8Array =>
  encodeClientFrames(frames.map((frame) => clientFrame(frame)));
const read = (frame: NonNullable<ServerFrameInit>) =>
  decodeSignInAnswer(Buffer.from(toBinary(ServerFrameSchema, serverFrame(frame))));

describe("a sign-in's frames by hand", () => {
  const [account, device, inbox] = [1, 2, 3].map((byte) => Buffer.alloc(16, byte)) as [
    Buffer,
    Buffer,
    Buffer,
  ];

  test("Hello, SignIn and Attach have the bytes of protobuf-es", () => {
    const clientNonce = Buffer.alloc(32, 7);
    const hello = encode({ case: "hello", value: { protocolVersion: 1, clientNonce } });
    expect(encodeHello(1, clientNonce).equals(hello)).toBe(true);
    const signature = Buffer.alloc(64, 9);
    const signIn = { case: "signIn", value: { accountId: account, deviceId: device, signature } } as const;
    expect(encodeSignIn(account, device, signature, undefined).equals(encode(signIn))).toBe(true);
    const attach = { case: "attach", value: { request: 1_000_000, logId: inbox } } as const;
    expect(encodeSignIn(account, device, signature, inbox).equals(encode(signIn, attach))).toBe(true);
  });

  test("their answers are read as protobuf-es reads them", () => {
    const serverNonce = Buffer.alloc(32, 5);
    const certificate = { body: Buffer.alloc(44, 1), signature: Buffer.alloc(256, 2) };
    const challenge = { serverNonce, certificate, signature: Buffer.alloc(64, 3), serverTimeMs: 2n ** 41n };
    const got = read({ case: "challenge", value: challenge });
    expect(got?.type === "challenge" && got.serverNonce.equals(serverNonce)).toBe(true);
    expect(read({ case: "signedIn", value: { deviceListVersion: 3n } })).toEqual({ type: "signedIn" });
    const attached = { request: 1_000_000, logId: inbox, headSeq: 700n, trimmedSeq: 300n, cursorSeq: 300n };
    expect(read({ case: "attached", value: attached })).toEqual({ type: "attached", kept: 400 });
    expect(read({ case: "attached", value: { request: 1, logId: inbox } })).toEqual({
      type: "attached",
      kept: 0,
    });
    expect(read({ case: "draining", value: {} })).toBeUndefined();
  });
});

/** Pushes bytes whole, in halves at every place, and byte by byte: the outcome must be one and the same. */
function everyWay(bytes: Buffer, parse: (chunks: readonly Buffer[]) => unknown): unknown {
  const whole = parse([bytes]);
  for (let cut = 1; cut < bytes.length; cut++) {
    expect(parse([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
  }
  expect(parse(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(whole);
  return whole;
}

describe("streams are cut alike wherever they are chopped", () => {
  test("WebSocket frames", () => {
    const bytes = Buffer.concat([
      Buffer.from([0x82, 3, 1, 2, 3]),
      Buffer.from([0x82, 126, 0, 200]),
      Buffer.alloc(200, 9),
      Buffer.from([0x82, 0]),
    ]);
    const seen = everyWay(bytes, (chunks) => {
      const frames: unknown[] = [];
      const parser = new FrameParser((opcode, payload) => frames.push([opcode, payload.toString("hex")]));
      for (const chunk of chunks) parser.push(chunk);
      return frames;
    });
    expect(seen).toEqual([
      [2, "010203"],
      [2, "09".repeat(200)],
      [2, ""],
    ]);
  });

  test("MQTT packets", () => {
    const bytes = Buffer.concat([
      Buffer.from([0x20, 2, 0, 0]),
      Buffer.from([0x32, 0x80 | 72, 1]),
      Buffer.alloc(200, 9),
      Buffer.from([0xd0, 0]),
    ]);
    const seen = everyWay(bytes, (chunks) => {
      const packets: unknown[] = [];
      const parser = new PacketParser((type, flags, packet) => packets.push([type, flags, packet.length]));
      for (const chunk of chunks) parser.push(chunk);
      return packets;
    });
    expect(seen).toEqual([
      [2, 0, 2],
      [3, 2, 200],
      [13, 0, 0],
    ]);
  });

  test("XMPP stanzas", () => {
    const bytes = Buffer.from(
      "<presence from='a' to='b'/><presence from='c'><show>away</show></presence>" +
        "<message xml:lang='en' to='u' type='chat'><body>m000</body></message><r xmlns='urn:xmpp:sm:3'/>" +
        "<message to='u'><delay xmlns='urn:xmpp:delay' stamp='x'/><body>r001</body></message><a xmlns='urn:xmpp:sm:3' h='17'/>",
    );
    const seen = everyWay(bytes, (chunks) => {
      const found: unknown[] = [];
      const parser = new StanzaParser({
        message: (body) => found.push(body.toString()),
        answer: (handled) => found.push(handled),
        error: (text) => found.push(text),
      });
      for (const chunk of chunks) parser.push(chunk);
      return found;
    });
    expect(seen).toEqual(["m000", "r001", 17]);
  });
});

test("the WebSocket client says to ws what it was told, whatever the length, and answers pings", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  let pongs = 0;
  server.on("connection", (socket) => {
    socket.on("message", (data) => socket.send(data));
    socket.on("pong", (data) => (pongs += data.length === 0 ? 1 : 0));
    socket.ping();
  });
  const lengths = [...Array.from({ length: 140 }, (_, length) => length), 65_535, 65_536, 300_001];
  const echoes: Buffer[] = [];
  const { promise: all, resolve, reject } = Promise.withResolvers<void>();
  const { port } = server.address() as AddressInfo;
  const client = await WebSocketConnection.open(port, "/", 0, {
    message(message) {
      echoes.push(Buffer.from(message));
      if (echoes.length === lengths.length) resolve();
    },
    failed: reject,
  });
  const sent = lengths.map((length) => Buffer.from(Array.from({ length }, (_, i) => (i * 7) & 255)));
  for (const bytes of sent) client.send([bytes.subarray(0, 3), bytes.subarray(3)]);
  await all;
  expect(echoes.map((echo) => echo.toString("hex"))).toEqual(sent.map((bytes) => bytes.toString("hex")));
  expect(pongs).toBe(1);
  await client.close();
  server.close();
});

test("bodies carry their number and have the wanted length", () => {
  const factory = new BodyFactory("m", 1024);
  for (const id of [0, 1, 999_999_999_999]) {
    const body = factory.make(id);
    expect(body.length).toBe(1024);
    expect(bodyId(body)).toBe(id);
    expect(body.toString("latin1", 0, 1)).toBe("m");
  }
});
