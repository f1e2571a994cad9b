/**
 * Blobs over HTTP: PUT a part, HEAD how far an upload is, GET with Range, DELETE. Tokens travel in headers only, since URLs end up in
 * logs; what is given out can be no page, script or style in anybody's browser, and other origins cannot read it.
 * @see spec/PROTOCOL.md "Blobs"
 */
import { Readable } from "node:stream";
import { BLOB_PATH, CodecError, SottoError, ValidationError, parseBlobId } from "@sotto/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Blobs } from "../core/blobs/desk.ts";
import type { BlobEvents } from "../core/events.ts";
import { isRefusal, problemOf } from "../core/problem.ts";
import type { RateLimiter } from "../core/rate-limit.ts";
import type { ClientAddress } from "./client-address.ts";
import { parseByteRange } from "./byte-range.ts";
import { Transfers } from "./transfers.ts";

/** What the routes work with. */
export interface BlobRoutesDeps {
  readonly blobs: Blobs;
  readonly requestsPerAddress: RateLimiter;
  readonly addressOf: ClientAddress;
  readonly nowMs: () => number;
  readonly events: BlobEvents;
  /** Tells the operator of a failure that is no refusal. */
  readonly failed: (error: unknown) => void;
}

const octets = "application/octet-stream";
const statuses: Readonly<Record<string, number>> = {
  malformed: 400,
  ticket_refused: 403,
  blob_unknown: 404,
  blob_conflict: 409,
  too_large: 413,
  rate_limited: 429,
  unavailable: 503,
  blob_space: 507,
};
/** Who takes less than this on average is cut off. */
const leastBytesPerSec = 4_096;
const patienceMs = 60_000;

/** Adds the routes. */
export async function addBlobRoutes(app: FastifyInstance, deps: BlobRoutesDeps): Promise<void> {
  const { blobs, events } = deps;
  const transfers = new Transfers();
  const route = `${BLOB_PATH}/:id`;

  await app.register(async (scope) => {
    // The body is not read here: it flows to the disk as the disk takes it.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(octets, (_request, body, done) => done(null, body));
    scope.addHook("onRequest", async (request, reply) => {
      void reply.headers({
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; sandbox",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
      });
      const address = deps.addressOf(request.raw);
      checkRate(deps, address);
      const end = transfers.begin(address);
      reply.raw.once("close", end);
    });
    scope.setErrorHandler((error, request, reply) => {
      if (!isRefusal(error) && !isClientFault(error)) deps.failed(error);
      const problem = problemOf(
        isClientFault(error) ? new CodecError("malformed", "the request cannot be read") : error,
      );
      events.blobRefused(problem.code);
      // A body that is refused unread is drained, unless it is longer than any that is taken.
      if (problem.code === "too_large") void reply.header("connection", "close");
      else request.raw.resume();
      if (problem.retryAfterMs > 0n)
        void reply.header("retry-after", Math.ceil(Number(problem.retryAfterMs) / 1000));
      // An answer to HEAD has no body.
      return reply
        .code(statuses[problem.code] ?? 500)
        .header("sotto-problem", problem.code)
        .type("application/json")
        .send({
          code: problem.code,
          message: problem.message,
          ...(problem.retryAfterMs > 0n && { retryAfterMs: String(problem.retryAfterMs) }),
          ...(problem.code === "blob_conflict" && { current: String(problem.current) }),
        });
    });

    scope.put(route, async (request, reply) => {
      const received = await blobs.put({
        id: idOf(request),
        writeToken: bearer(request),
        ticket: tokenIn(request.headers["sotto-blob-ticket"]),
        size: numberIn(request, "upload-length"),
        offset: numberIn(request, "upload-offset"),
        length: numberIn(request, "content-length"),
        body: bodyOf(request),
      });
      return reply.code(204).header("upload-offset", received).send();
    });
    scope.head(route, async (request, reply) => {
      const { received, size } = await blobs.progress(idOf(request), bearer(request));
      return reply.code(204).headers({ "upload-offset": received, "upload-length": size }).send();
    });
    scope.get(route, { exposeHeadRoute: false }, async (request, reply) => {
      const id = idOf(request);
      const size = await blobs.sizeOf(id, bearer(request));
      const range = parseByteRange(request.headers.range, size);
      if (range === undefined) {
        void reply.code(416).header("content-range", `bytes */${size}`);
        return reply.send({ code: "malformed", message: "no such range" });
      }
      const bytes = await blobs.read(id, range.from, range.to);
      const length = range.to - range.from;
      const timer = setTimeout(() => reply.raw.destroy(), patienceMs + (length * 1000) / leastBytesPerSec);
      reply.raw.once("close", () => {
        clearTimeout(timer);
        events.blobSent(reply.raw.writableFinished ? length : 0);
      });
      void reply.headers({
        "accept-ranges": "bytes",
        "content-disposition": "attachment",
        "content-length": length,
        "content-type": octets,
        ...(range.partial && { "content-range": `bytes ${range.from}-${range.to - 1}/${size}` }),
      });
      const stream = bytes instanceof Readable ? bytes : Readable.from(bytes, { objectMode: false });
      return reply.code(range.partial ? 206 : 200).send(stream);
    });
    scope.delete(route, async (request, reply) => {
      await blobs.delete(idOf(request), bearer(request));
      return reply.code(204).send();
    });
  });
}

function checkRate(deps: BlobRoutesDeps, address: string): void {
  const retryAfterMs = deps.requestsPerAddress.take(address, deps.nowMs());
  if (retryAfterMs > 0) throw new ValidationError("rate_limited", "too many requests", { retryAfterMs });
}

/** Refused by Fastify itself: a body of another type, or where none belongs. */
function isClientFault(error: unknown): boolean {
  if (error instanceof SottoError) return false;
  const { statusCode = 500 } = error as { statusCode?: number };
  return statusCode < 500;
}

function idOf(request: FastifyRequest): Uint8Array {
  const id = parseBlobId((request.params as { id: string }).id);
  if (id === undefined) throw new CodecError("malformed", "an id of a blob is 43 characters of base64url");
  return id;
}

/** The token in `Authorization: Bearer …`. */
function bearer(request: FastifyRequest): Uint8Array {
  const token = tokenIn(/^Bearer ([\w-]+)$/.exec(request.headers.authorization ?? "")?.[1]);
  if (token === undefined) throw new CodecError("malformed", "the token is missing");
  return token;
}

function tokenIn(header: string | readonly string[] | undefined): Uint8Array | undefined {
  if (header === undefined) return undefined;
  const token = typeof header === "string" ? parseBlobId(header) : undefined;
  if (token === undefined) throw new CodecError("malformed", "a token is 43 characters of base64url");
  return token;
}

function numberIn(request: FastifyRequest, name: string): number {
  const value = request.headers[name];
  if (typeof value !== "string" || !/^\d{1,15}$/.test(value)) {
    throw new CodecError("malformed", `the header ${name} must be a number`);
  }
  return Number(value);
}

/** Leaves the connection open when it is not read to its end, so that there is somebody to answer. */
function bodyOf(request: FastifyRequest): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => request.raw.iterator({ destroyOnReturn: false }) };
}
