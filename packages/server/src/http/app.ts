/** The HTTP side of the server: registration, blobs, health, metrics and a word to people who come by with a browser. */
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import { ConnectError, createContextValues, type ConnectRouter } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJson } from "@connectrpc/connect/protocol-connect";
import { LIMITS } from "@sotto/protocol";
import { fastify, type FastifyInstance } from "fastify";
import { addBinaryBodies } from "./binary-bodies.ts";
import type { ClientAddress } from "./client-address.ts";
import { addressKey } from "./registration-service.ts";
import type { TlsPair } from "./tls.ts";
import { addWebApp } from "./web-app.ts";

/** What the app works with. */
export interface AppOptions {
  /** PEM; undefined for plain HTTP. */
  readonly tls: TlsPair | undefined;
  readonly addressOf: ClientAddress;
  readonly routes: (router: ConnectRouter) => void;
  readonly failed: (error: unknown) => void;
  /** Absolute path of the web app's files; undefined for none. */
  readonly web: string | undefined;
  /** Told of the app before it has routes, to watch all of them. */
  readonly watch?: ((app: FastifyInstance) => void) | undefined;
}

// A connection that says nothing is closed; WebSockets have timeouts of their own.
const idleTimeoutMs = 30_000;
// For a whole request: a part of a blob over a slow link takes the longest.
const requestTimeoutMs = 60_000;

/** Makes the app without listening. */
export async function createApp({
  tls,
  addressOf,
  routes,
  failed,
  web,
  watch,
}: AppOptions): Promise<FastifyInstance> {
  const app = fastify({
    ...(tls && { https: tls }),
    bodyLimit: LIMITS.maxRequestBytes,
    connectionTimeout: idleTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
    // While it closes, idle connections are cut and requests under way are finished.
    forceCloseConnections: "idle",
  }) as unknown as FastifyInstance;
  watch?.(app);
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof ConnectError) {
      return reply
        .code(codeToHttpStatus(error.code))
        .type("application/json")
        .send(errorToJson(error, undefined));
    }
    const { statusCode = 500 } = error as { statusCode?: number };
    if (statusCode >= 500) failed(error);
    const message = statusCode >= 500 ? "the server failed" : "the request cannot be read";
    return reply.code(statusCode).send({ error: message });
  });
  addBinaryBodies(app, failed);
  await app.register(fastifyConnectPlugin, {
    routes,
    grpc: false,
    grpcWeb: false,
    // Nothing here is worth compressing, and what is compressed can be a bomb.
    acceptCompression: [],
    readMaxBytes: LIMITS.maxRequestBytes,
    contextValues: (request) => createContextValues().set(addressKey, addressOf(request.raw)),
  });
  if (web !== undefined) await addWebApp(app, web);
  else
    app.get("/", async (_request, reply) =>
      reply
        .type("text/plain; charset=utf-8")
        .send("This is a Sotto server. People reach it with: sotto register\n"),
    );
  return app;
}
