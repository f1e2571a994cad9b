/** Blobs over HTTP without manners: it says exactly what it is told, and keeps what comes back. */
import { createHash, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { BLOB_PATH, blobIdTranscript, formatBlobId } from "@sotto/protocol";
import type { RawClient } from "./raw-client.ts";

/** The tokens and the id of a blob. */
export interface BlobNames {
  readonly readToken: Uint8Array;
  readonly writeToken: Uint8Array;
  readonly id: Uint8Array;
}

/** Fresh ones, as a client makes them. */
export function newBlobNames(): BlobNames {
  const [readToken, writeToken] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
  const id = new Uint8Array(createHash("sha256").update(blobIdTranscript(readToken)).digest());
  return { readToken, writeToken, id };
}

/** What the server answered. */
export interface BlobAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The code of a refusal. */
  readonly code: string | undefined;
  /** Where an upload stands. */
  readonly offset: number | undefined;
  readonly body: Uint8Array;
}

/** Asks for a ticket over a session; the code of a refusal instead. */
export async function askTicket(client: RawClient, size: number): Promise<Uint8Array | string> {
  const request = client.request();
  client.send({ case: "askBlobTicket", value: { request, size: BigInt(size) } });
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 5) {
    for (const { frame } of client.received) {
      if (frame.case === "blobTicket" && frame.value.request === request) return frame.value.ticket;
      if (frame.case === "refused" && frame.value.request === request) return frame.value.problem?.code ?? "";
    }
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
  throw new Error("the server gave no ticket");
}

/** One request about a blob. `token`: what stands behind Bearer; none when undefined. */
export async function blobRequest(
  origin: string,
  method: string,
  id: Uint8Array | string,
  token: Uint8Array | undefined,
  headers: Readonly<Record<string, string>> = {},
  body?: Uint8Array,
): Promise<BlobAnswer> {
  const path = typeof id === "string" ? id : formatBlobId(id);
  const response = await fetch(`${origin}${BLOB_PATH}/${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${formatBlobId(token)}` }),
      ...(body !== undefined && { "content-type": "application/octet-stream" }),
      ...headers,
    },
    ...(body !== undefined && { body: body as Uint8Array<ArrayBuffer> }),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  const problem =
    isJson && bytes.length > 0
      ? (JSON.parse(new TextDecoder().decode(bytes)) as { code?: string; current?: string })
      : undefined;
  const offset = problem?.current ?? response.headers.get("upload-offset");
  return {
    status: response.status,
    headers: response.headers,
    code: response.headers.get("sotto-problem") ?? problem?.code,
    offset: offset === null || offset === undefined ? undefined : Number(offset),
    body: bytes,
  };
}

/** What a part says of itself. */
export interface PartInit {
  readonly size: number;
  readonly offset: number;
  readonly ticket?: Uint8Array;
}

const partHeaders = ({ size, offset, ticket }: PartInit): Record<string, string> => ({
  "upload-length": String(size),
  "upload-offset": String(offset),
  ...(ticket !== undefined && { "sotto-blob-ticket": formatBlobId(ticket) }),
});

/** Puts a part. */
export function putPart(
  origin: string,
  { id, writeToken }: Pick<BlobNames, "id" | "writeToken">,
  init: PartInit,
  bytes: Uint8Array,
): Promise<BlobAnswer> {
  return blobRequest(origin, "PUT", id, writeToken, partHeaders(init), bytes);
}

/** Begins to put a part and sends only `bytes` of the `length` that it announces. Returns the connection, still open. */
export async function beginPart(
  origin: string,
  { id, writeToken }: BlobNames,
  init: PartInit,
  length: number,
  bytes: Uint8Array,
): Promise<Socket> {
  const { hostname, port, host } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  const headers = {
    host,
    authorization: `Bearer ${formatBlobId(writeToken)}`,
    "content-type": "application/octet-stream",
    "content-length": String(length),
    ...partHeaders(init),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`PUT ${BLOB_PATH}/${formatBlobId(id)} HTTP/1.1\r\n${lines.join("")}\r\n`);
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  return socket;
}
