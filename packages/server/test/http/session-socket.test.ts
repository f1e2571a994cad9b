/** Sessions over real WebSockets, and what people without manners do to them. */
import { randomBytes, verify } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket, type ClientOptions } from "ws";
import { LIMITS, challengeTranscript, logId, toBase64Url, type ServerFrame } from "@sotto/protocol";
import { clientFrame, decodeServerFrames, encodeClientFrames, type ClientFrameInit } from "@sotto/testkit";
import { SESSION_PATH, SessionSockets, type SessionSocketsOptions } from "../../src/http/session-socket.ts";
import { HIGH_WATER_BYTES } from "../../src/core/session/log-reader.ts";
import { TestNode, ack, attachInbox, hello, message, type TestPerson } from "../core/session/node.ts";

type Options = Partial<Omit<SessionSocketsOptions, "delivery">>;

/** A node with a WebSocket endpoint; the client's address is what its header says. */
async function endpoint(options: Options = {}) {
  const node = new TestNode();
  const sockets = new SessionSockets({
    delivery: node.delivery,
    events: node.ports.events,
    addressOf: (request) => String(request.headers["x-from"] ?? "nowhere"),
    ...options,
  });
  const server = createServer();
  const streams: Socket[] = [];
  server.on("connection", (stream) => streams.push(stream));
  sockets.attachTo(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    await sockets.drain(0);
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { node, sockets, streams, url: `ws://127.0.0.1:${port}${SESSION_PATH}`, port };
}

class Client {
  readonly socket: WebSocket;
  readonly frames: ServerFrame[] = [];
  closed: number | undefined;

  constructor(url: string, from = "somewhere", options: ClientOptions = {}) {
    this.socket = new WebSocket(url, { headers: { "x-from": from }, ...options });
    this.socket.on("message", (data: Buffer) => this.frames.push(...decodeServerFrames(data)));
    this.socket.on("close", (code) => (this.closed = code));
    this.socket.on("error", () => (this.closed ??= -1));
  }

  send(...frames: NonNullable<ClientFrameInit>[]): void {
    this.socket.send(encodeClientFrames(frames.map((frame) => clientFrame(frame))));
  }

  async opened(): Promise<this> {
    await once(this.socket, "open");
    return this;
  }

  async signIn(person: TestPerson): Promise<this> {
    await this.opened();
    const nonce = new Uint8Array(randomBytes(32));
    this.send(hello(nonce));
    const { frame } = await this.next("challenge");
    if (frame.case !== "challenge") throw new Error("no challenge");
    this.send(person.signIn(nonce, frame.value.serverNonce));
    await this.next("signedIn");
    return this;
  }

  async next(wanted: ServerFrame["frame"]["case"]): Promise<ServerFrame> {
    return vi.waitFor(
      () => {
        const found = this.frames.find(({ frame }) => frame.case === wanted);
        if (found === undefined) throw new Error(`no ${wanted}`);
        return found;
      },
      { timeout: 10_000, interval: 5 },
    );
  }

  async end(): Promise<number> {
    return vi.waitFor(
      () => {
        if (this.closed === undefined) throw new Error("still open");
        return this.closed;
      },
      { timeout: 10_000, interval: 5 },
    );
  }

  goodbye(): string | undefined {
    for (const { frame } of this.frames) if (frame.case === "goodbye") return frame.value.problem?.code;
    return undefined;
  }

  seqs(): number[] {
    return this.frames.flatMap(({ frame }) =>
      frame.case === "entries" ? frame.value.entries.map(({ seq }) => Number(seq)) : [],
    );
  }
}

/** The socket below a WebSocket, to write what no client would. */
function rawStream(socket: WebSocket): Socket {
  return Reflect.get(socket, "_socket") as Socket;
}

async function status(url: string, from?: string): Promise<number | undefined> {
  return (await refusal(url, from))[0];
}

/** The status, and when to come again. */
async function refusal(url: string, from = "somewhere"): Promise<[number | undefined, string | undefined]> {
  const socket = new WebSocket(url, { headers: { "x-from": from } });
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  socket.on("error", () => undefined);
  socket.terminate();
  return [response.statusCode, response.headers["retry-after"]];
}

describe("a Hello that comes with the request to upgrade", () => {
  const nonce = new Uint8Array(randomBytes(32));
  const asked = (url: string, frame = hello(nonce)): string =>
    `${url}?hello=${toBase64Url(encodeClientFrames([clientFrame(frame)]))}`;

  test("is answered at once: the Challenge leaves in one write with the answer to the upgrade", async () => {
    const { node, url, port } = await endpoint();
    const ann = await node.person();
    const client = new Client(asked(url));
    const { frame } = await client.next("challenge");
    if (frame.case !== "challenge") throw new Error("no challenge");
    const transcript = challengeTranscript(nonce, frame.value.serverNonce);
    expect(verify(null, transcript, node.challengeKey.publicKey, frame.value.signature)).toBe(true);
    client.send(ann.signIn(nonce, frame.value.serverNonce), attachInbox(1, ann.inbox));
    await client.next("attached");

    const peer = connect({ host: "127.0.0.1", port });
    peer.write(
      `GET ${asked(url).replace(/^.*?:\d+/, "")} HTTP/1.1\r\nHost: localhost\r\n` +
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    const [answer] = (await once(peer, "data")) as [Buffer];
    peer.destroy();
    const end = answer.indexOf("\r\n\r\n") + 4;
    expect(answer.toString("latin1", 0, end)).toContain("HTTP/1.1 101 ");
    // One whole binary message of less than 126 bytes.
    expect([answer[end], answer[end + 1]]).toEqual([0x82, answer.length - end - 2]);
  });

  test("is held to what a first message may be", async () => {
    const { url } = await endpoint();
    const again = new Client(asked(url));
    await again.next("challenge");
    again.send(hello(nonce));
    const refused: [string, string][] = [
      [`${url}?hello=not+base64url`, "malformed"],
      [asked(url, hello(nonce, 2)), "unsupported_version"],
      [asked(url, hello(nonce.subarray(1))), "malformed"],
      [asked(url, message(1, logId(new Uint8Array(16)), "x")), "not_signed_in"],
    ];
    for (const [address, code] of refused) {
      const client = new Client(address);
      await client.end();
      expect([client.goodbye(), client.closed]).toEqual([code, 1008]);
    }
    await again.end();
    expect(again.goodbye()).toBe("unexpected_frame");
  });
});

test("what a message makes the server say comes back in one message", async () => {
  const { node, url } = await endpoint();
  const ann = await node.person();
  const client = await new Client(url).opened();
  const nonce = new Uint8Array(randomBytes(32));
  client.send(hello(nonce));
  const { frame } = await client.next("challenge");
  if (frame.case !== "challenge") throw new Error("no challenge");
  const answered = once(client.socket, "message");
  client.send(ann.signIn(nonce, frame.value.serverNonce), attachInbox(1, ann.inbox));
  const [data] = (await answered) as [Buffer];
  expect(decodeServerFrames(data).map((each) => each.frame.case)).toEqual(["signedIn", "attached"]);
});

test("a message goes from one device to another over two WebSockets", async () => {
  const { node, url, sockets } = await endpoint();
  const [ann, bob] = [await node.person(), await node.person()];
  const reader = await new Client(url).signIn(ann);
  const sender = await new Client(url).signIn(bob);
  reader.send(attachInbox(1, ann.inbox));
  await reader.next("attached");
  sender.send(...Array.from({ length: 100 }, (_, n) => message(n + 1, ann.inbox, `m${n}`)));
  await vi.waitFor(() => expect(reader.seqs().length).toBe(100));
  expect(sender.frames.filter(({ frame }) => frame.case === "appended").length).toBe(100);
  reader.send(ack(ann.inbox, 100));
  await vi.waitFor(async () => expect(await node.store.readCursor(ann.inbox, undefined)).toBe(100));
  expect(reader.socket.extensions).toBe("");
  expect(sockets.size).toBe(2);
  reader.socket.close();
  await vi.waitFor(() => expect(sockets.size).toBe(1));
});

describe("what is refused", () => {
  test("other paths, and nothing else of the server suffers", async () => {
    const { url } = await endpoint();
    expect(await status(url.replace("/v1/session", "/elsewhere"))).toBe(404);
  });

  test("a refused connection ends, even when the peer never closes its side", async () => {
    const { url, streams } = await endpoint();
    const { hostname, port } = new URL(url);
    const peer = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    peer.write("GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    peer.resume();
    await vi.waitFor(() => expect(streams.map((stream) => stream.destroyed)).toEqual([true]));
    peer.destroy();
  });

  test("text, oversized messages, frames that are none, and messages that are none", async () => {
    const { url, streams } = await endpoint();
    const text = await new Client(url).opened();
    text.socket.send("hello");
    expect(await text.end()).toBe(1008);
    expect(text.goodbye()).toBe("malformed");
    const large = await new Client(url).opened();
    large.socket.send(new Uint8Array(LIMITS.maxMessageBytes + 1));
    expect(await large.end()).toBe(1009);
    const garbage = await new Client(url).opened();
    garbage.socket.send(randomBytes(1_000));
    await garbage.end();
    expect(garbage.goodbye()).toBe("malformed");
    const raw = await new Client(url).opened();
    rawStream(raw.socket).write(randomBytes(4_096));
    expect([1002, 1006, 1007, 1009, -1]).toContain(await raw.end());
    const unmasked = await new Client(url).opened();
    rawStream(unmasked.socket).write(Uint8Array.of(0x82, 1, 0));
    expect([1002, 1006]).toContain(await unmasked.end());
    await vi.waitFor(() => expect(streams.every((stream) => stream.destroyed)).toBe(true));
  });

  test("more than some connections of one address that have not signed in; signing in makes room", async () => {
    const { node, url } = await endpoint({ maxUnsignedPerAddress: 3 });
    const silent = await Promise.all([1, 2, 3].map(() => new Client(url, "crowd").opened()));
    expect(await status(url, "crowd")).toBe(429);
    await new Client(url, "elsewhere").signIn(await node.person());
    silent[0]?.socket.close();
    await silent[0]?.end();
    await vi.waitFor(async () => new Client(url, "crowd").signIn(await node.person()));
    await new Client(url, "crowd").opened();
    expect(await status(url, "crowd")).toBe(429);
  });

  test("a storm: an address with many that have not signed in waits, any other takes the place of the oldest", async () => {
    const { node, url } = await endpoint({ maxUnsigned: 10 });
    const silent: Client[] = [];
    for (let i = 0; i < 10; i++) silent.push(await new Client(url, "crowd").opened());
    expect(await refusal(url, "crowd")).toEqual([503, "10"]);
    await new Client(url, "home").signIn(await node.person());
    await silent[0]?.end();
    expect(silent[0]?.goodbye()).toBe("sign_in_timeout");
    expect(silent.slice(1).map(({ closed }) => closed)).toEqual(Array.from({ length: 9 }, () => undefined));
    // Signing in made room.
    await new Client(url, "crowd").opened();
  });

  test("more than the node may have: nobody else comes in until somebody goes, and those who are there are served", async () => {
    const { node, url, sockets } = await endpoint({ maxConnections: 2 });
    const [ann, ben] = [await node.person(), await node.person()];
    const first = await new Client(url).signIn(ann);
    const second = await new Client(url).signIn(ben);
    expect(await refusal(url)).toEqual([503, "10"]);
    second.send(attachInbox(1, ben.inbox));
    await second.next("attached");
    first.send(message(1, ben.inbox, "still served"));
    await vi.waitFor(() => expect(second.seqs()).toEqual([1]));
    first.socket.close();
    await first.end();
    await vi.waitFor(async () => new Client(url).signIn(ann));
    expect(sockets.size).toBe(2);
  });

  test("1,000 connections that never speak are gone after their time, and hinder nobody", async () => {
    const { node, url, sockets } = await endpoint({
      maxUnsignedPerAddress: 2_000,
      signInTimeoutMs: 1_500,
      sweepMs: 100,
    });
    const silent = Array.from({ length: 1_000 }, () => new Client(url, "crowd"));
    await Promise.all(silent.map((client) => client.opened()));
    const ann = await node.person();
    const speaks = await new Client(url).signIn(ann);
    speaks.send(attachInbox(1, ann.inbox), message(2, ann.inbox, "I am here"));
    await vi.waitFor(() => expect(speaks.seqs()).toEqual([1]));
    await Promise.all(silent.map((client) => client.end()));
    expect(new Set(silent.map((client) => client.goodbye()))).toEqual(new Set(["sign_in_timeout"]));
    expect(speaks.closed).toBeUndefined();
    expect(sockets.size).toBe(1);
  });
});

describe("peers that do not keep up", () => {
  test("a reader that stops reading costs a bounded buffer, and gets everything when it goes on", async () => {
    const { node, url, streams } = await endpoint();
    const [ann, bob] = [await node.person(), await node.person()];
    const reader = await new Client(url).signIn(ann);
    const sender = await new Client(url).signIn(bob);
    reader.send(attachInbox(1, ann.inbox, 0, LIMITS.maxWindow));
    await reader.next("attached");
    reader.socket.pause();
    const count = 300;
    const body = "x".repeat(100_000);
    let most = 0;
    for (let n = 1; n <= count; n++) {
      sender.send(message(n, ann.inbox, body));
      await vi.waitFor(() => expect(sender.socket.bufferedAmount).toBeLessThan(1_000_000));
      most = Math.max(most, ...streams.map((stream) => stream.writableLength));
    }
    await vi.waitFor(async () => expect((await node.store.readLog(ann.inbox))?.headSeq).toBe(count), 20_000);
    most = Math.max(most, ...streams.map((stream) => stream.writableLength));
    expect(most).toBeLessThan(3 * HIGH_WATER_BYTES);
    expect(reader.seqs().length).toBeLessThan(count);
    reader.socket.resume();
    await vi.waitFor(() => expect(reader.seqs().length).toBe(count), 20_000);
    expect(reader.seqs()).toEqual(Array.from({ length: count }, (_, n) => n + 1));
  });

  test("a client that sends and never reads is not read from either", async () => {
    const { node, url, streams } = await endpoint();
    const ann = await node.person();
    const deaf = await new Client(url).signIn(ann);
    deaf.socket.pause();
    // Each costs the client 30 bytes and the server's answer as much: what is not read piles up somewhere.
    const refusedRequests = encodeClientFrames(
      Array.from({ length: 1_000 }, (_, n) =>
        clientFrame({ case: "append", value: { request: n + 1, logId: new Uint8Array(16), kind: 1 } }),
      ),
    );
    let most = 0;
    for (let n = 0; n < 400; n++) {
      deaf.socket.send(refusedRequests);
      if (n % 20 === 0) await new Promise((done) => setTimeout(done, 10));
      most = Math.max(most, ...streams.map((stream) => stream.writableLength));
    }
    await new Promise((done) => setTimeout(done, 300));
    most = Math.max(most, ...streams.map((stream) => stream.writableLength));
    expect(most).toBeLessThan(3 * HIGH_WATER_BYTES);
    expect(deaf.socket.bufferedAmount).toBeGreaterThan(0);
    deaf.socket.terminate();
  });

  test("who takes nothing for long is cut off, with a Goodbye in what it never read", async () => {
    const { node, url, sockets } = await endpoint({ sweepMs: 10 });
    const [ann, bob] = [await node.person(), await node.person()];
    const reader = await new Client(url).signIn(ann);
    const sender = await new Client(url).signIn(bob);
    reader.send(attachInbox(1, ann.inbox, 0, LIMITS.maxWindow));
    await reader.next("attached");
    reader.socket.pause();
    for (let n = 1; n <= 200; n++) sender.send(message(n, ann.inbox, "x".repeat(100_000)));
    await vi.waitFor(() => expect(sockets.size).toBe(1), 20_000);
    expect(sender.closed).toBeUndefined();
    reader.socket.terminate();
  });

  test("who does not answer pings is cut off; who does stays", async () => {
    const { node, url } = await endpoint({ sweepMs: 5 });
    const mute = await new Client(url, "a", { autoPong: false }).signIn(await node.person());
    const well = await new Client(url, "b").signIn(await node.person());
    expect(await mute.end()).toBe(1006);
    await new Promise((done) => setTimeout(done, 400));
    expect(well.closed).toBeUndefined();
  });
});

test("draining tells everybody, answers what was taken, and closes", async () => {
  const { node, url, sockets } = await endpoint();
  const ann = await node.person();
  const client = await new Client(url).signIn(ann);
  const silent = await new Client(url).opened();
  client.send(message(1, ann.inbox, "last"));
  await vi.waitFor(() => expect(client.frames.length).toBeGreaterThan(2));
  const drained = sockets.drain(1_234);
  await drained;
  expect(await client.end()).toBe(1012);
  expect(await silent.end()).toBe(1012);
  const { frame } = await client.next("draining");
  expect(frame.case === "draining" && frame.value.reconnectAfterMs).toBe(1_234n);
  expect((await node.store.readLog(ann.inbox))?.headSeq).toBe(1);
  expect(await status(url)).toBe(503);
  expect(sockets.size).toBe(0);
});

test("the newest connection of a device wins over the wire", async () => {
  const { node, url } = await endpoint();
  const ann = await node.person();
  const older = await new Client(url).signIn(ann);
  const newer = await new Client(url).signIn(ann);
  expect(await older.end()).toBe(1000);
  expect(older.goodbye()).toBe("superseded");
  expect(newer.closed).toBeUndefined();
});
