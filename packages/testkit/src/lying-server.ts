/**
 * A server that lies: a proxy in front of a real one that reads every frame and every answer, and may change, drop,
 * repeat, hold back or make up any of them. Clients reach it as they would reach the real server. What it cannot do is
 * what an operator cannot do either: sign with keys that it does not hold.
 */
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type DescMessage,
  type MessageShape,
  fromBinary,
  fromJsonString,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import {
  type ClientFrame,
  type GetServerResponse,
  GetServerResponseSchema,
  RegisterResponseSchema,
  RequestCodeResponseSchema,
  type ServerFrame,
  parseBase64Url,
} from "@sotto/protocol";
import { WebSocket, WebSocketServer } from "ws";
import { decodeClientFrames, decodeServerFrames, encodeClientFrames, encodeServerFrames } from "./frames.ts";
import { Lane, type SimulatedNetwork } from "./network.ts";

/** One client's connection through the liar. */
export interface Link {
  /** Everything that the client said on this connection, in order. */
  readonly said: readonly ClientFrame[];
  /** Everything that the real server said on this connection, in order. */
  readonly heard: readonly ServerFrame[];
  /** Says something to the client on its own account. */
  toClient(...frames: readonly ServerFrame[]): void;
  /** Sends bytes to the client, as they are. */
  rawToClient(bytes: Uint8Array): void;
  /** Says something to the real server in the client's name. */
  toServer(...frames: readonly ClientFrame[]): void;
  /** Cuts the connection. */
  cut(): void;
}

/** What it does with what passes by. What is left out passes unchanged. */
export interface Lies {
  /** What to tell the real server in place of a client's frame; nothing: the frame is swallowed. */
  readonly up?: (frame: ClientFrame, link: Link) => readonly ClientFrame[];
  /** What to tell the client in place of a server's frame; nothing: the frame is swallowed. */
  readonly down?: (frame: ServerFrame, link: Link) => readonly ServerFrame[];
  /** What GetServer answers. */
  readonly getServer?: (answer: GetServerResponse) => GetServerResponse;
  /** What a sealed call answers. */
  readonly sealedAnswer?: (method: string, answer: Uint8Array) => Uint8Array;
}

/** The proxy. */
export class LyingServer {
  /** Where clients reach it: http://127.0.0.1:port */
  readonly origin: string;
  /** Connections that are up. */
  readonly links = new Set<Link>();
  private lies: Lies = {};
  private readonly target: string;
  private readonly http: ReturnType<typeof createServer>;

  private constructor(target: string, http: ReturnType<typeof createServer>) {
    this.target = target;
    this.http = http;
    this.origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    http.on("request", (request, response) => void this.forward(request, response));
    const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
    sockets.on("connection", (client, request) => this.connect(client, request.url ?? "/"));
  }

  /** Stands in front of a real server. @param target its origin */
  static async start(target: string): Promise<LyingServer> {
    const http = createServer();
    await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
    return new LyingServer(target, http);
  }

  /** Tells these lies from now on, and no others. */
  lie(lies: Lies): void {
    this.lies = lies;
  }

  /** Is honest from now on. */
  behave(): void {
    this.lies = {};
  }

  /** Cuts every connection, so that clients connect again. */
  cutAll(): void {
    for (const link of this.links) link.cut();
  }

  async close(): Promise<void> {
    this.cutAll();
    this.http.closeAllConnections();
    await new Promise((resolve) => void this.http.close(resolve));
  }

  private connect(client: WebSocket, path: string): void {
    const { pathname, searchParams } = new URL(path, this.target);
    const server = new WebSocket(this.target.replace(/^http/, "ws") + pathname, { perMessageDeflate: false });
    const waiting: Uint8Array[] = [];
    const toServer = (bytes: Uint8Array): void => {
      if (server.readyState === WebSocket.OPEN) server.send(bytes);
      else if (server.readyState === WebSocket.CONNECTING) waiting.push(bytes);
    };
    const said: ClientFrame[] = [];
    const heard: ServerFrame[] = [];
    const link: Link = {
      said,
      heard,
      toClient: (...frames) => link.rawToClient(encodeServerFrames(frames)),
      rawToClient: (bytes) => {
        if (client.readyState === WebSocket.OPEN) client.send(bytes);
      },
      toServer: (...frames) => toServer(encodeClientFrames(frames)),
      cut: () => {
        client.terminate();
        server.terminate();
        this.links.delete(link);
      },
    };
    this.links.add(link);
    const onMessage = (message: Uint8Array): void => {
      const frames = decodeClientFrames(message);
      said.push(...frames);
      const told = frames.flatMap((frame) => this.lies.up?.(frame, link) ?? [frame]);
      if (told.length > 0) link.toServer(...told);
    };
    // The first message may have come with the request.
    const hello = parseBase64Url(searchParams.get("hello") ?? "");
    if (hello !== undefined && hello.length > 0) onMessage(hello);
    client.on("message", (data: Buffer) => onMessage(new Uint8Array(data)));
    server.on("message", (data: Buffer) => {
      const frames = decodeServerFrames(new Uint8Array(data));
      heard.push(...frames);
      const told = frames.flatMap((frame) => this.lies.down?.(frame, link) ?? [frame]);
      if (told.length > 0) link.toClient(...told);
    });
    server.on("open", () => {
      for (const bytes of waiting.splice(0)) server.send(bytes);
    });
    for (const socket of [client, server]) {
      socket.on("close", () => link.cut());
      socket.on("error", () => link.cut());
    }
  }

  private async forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body: Buffer[] = [];
      for await (const chunk of request) body.push(chunk as Buffer);
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(request.headers)) {
        if (/^(?:content-type|connect-|accept$)/.test(name)) headers[name] = String(value);
      }
      const hasBody = request.method !== "GET" && request.method !== "HEAD";
      const answer = await fetch(this.target + (request.url ?? "/"), {
        method: request.method ?? "GET",
        headers,
        ...(hasBody && { body: Buffer.concat(body) }),
      });
      const type = answer.headers.get("content-type") ?? "";
      const bytes = new Uint8Array(await answer.arrayBuffer());
      const told = answer.ok ? this.twist(request.url ?? "", type, bytes) : bytes;
      response.writeHead(answer.status, { "content-type": type }).end(told);
    } catch {
      response.writeHead(502).end();
    }
  }

  private twist(path: string, type: string, bytes: Uint8Array): Uint8Array {
    const { getServer, sealedAnswer } = this.lies;
    const method = path.split("/").at(-1) ?? "";
    if (method === "GetServer" && getServer) return rewrite(GetServerResponseSchema, type, bytes, getServer);
    if (sealedAnswer === undefined) return bytes;
    const change = <Message extends { answer: Uint8Array }>(message: Message): Message => ({
      ...message,
      answer: sealedAnswer(method, message.answer),
    });
    if (method === "RequestCode") return rewrite(RequestCodeResponseSchema, type, bytes, change);
    if (method === "Register") return rewrite(RegisterResponseSchema, type, bytes, change);
    return bytes;
  }
}

/** Changes a message in the form in which it travels: JSON or binary. */
function rewrite<Schema extends DescMessage>(
  schema: Schema,
  type: string,
  bytes: Uint8Array,
  change: (message: MessageShape<Schema>) => MessageShape<Schema>,
): Uint8Array {
  if (type.startsWith("application/json")) {
    const message = fromJsonString(schema, new TextDecoder().decode(bytes));
    return new TextEncoder().encode(toJsonString(schema, change(message)));
  }
  return toBinary(schema, change(fromBinary(schema, bytes)));
}

/** A misbehaving network as lies: the proxy delays, breaks, doubles and turns around what passes by. */
export function badWeather(network: SimulatedNetwork): Lies {
  const lanes = new WeakMap<Link, { readonly up: Lane; readonly down: Lane }>();
  const lanesOf = (link: Link) => {
    const found = lanes.get(link) ?? { up: new Lane(network), down: new Lane(network) };
    lanes.set(link, found);
    return found;
  };
  const broken = (link: Link): void => {
    network.counts.broken++;
    link.cut();
  };
  return {
    up: (frame, link) => {
      if (!lanesOf(link).up.carry(() => link.toServer(frame))) broken(link);
      return [];
    },
    down: (frame, link) => {
      if (!lanesOf(link).down.carry(() => link.toClient(frame))) broken(link);
      return [];
    },
  };
}
