/** Downloads from a server that lies, over real sockets: nothing that it gives is taken for the file, and nothing it does hangs. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { attachmentShape, beginDigest, extendDigest, sealChunk, sealedOffset } from "@sotto/crypto";
import { BLOB_PATH, concatBytes, equalBytes, formatBlobId, utf8 } from "@sotto/protocol";
import { SeededRandom } from "@sotto/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { create, toBinary } from "@bufbuild/protobuf";
import { AttachmentsSchema, ContentSchema } from "@sotto/protocol";
import { fetchBlobs } from "../src/adapters/fetch-blobs.ts";
import { nodeEnv } from "../src/adapters/node/env.ts";
import type { FileSink } from "../src/api.ts";
import { download } from "../src/core/attachments/download.ts";
import { isThumbnail } from "../src/core/attachments/thumbnails.ts";
import type { AttachmentRecord } from "../src/core/attachments/records.ts";
import { blobIdOf } from "../src/core/attachments/tokens.ts";
import { parseContent } from "../src/core/groups/content.ts";
import { JPEG, PNG, WEBP } from "./support/pictures.ts";

const { crypto, ...world } = nodeEnv();
// Pauses are short here: what is tested is that they end.
const env = {
  ...world,
  crypto,
  setTimer: (delayMs: number, callback: () => void) => world.setTimer(Math.min(delayMs, 300), callback),
};
const random = new SeededRandom(7);
const chunk = 65_536;

async function sealFile(
  key: Uint8Array,
  file: Uint8Array,
): Promise<{ chunks: Uint8Array[]; digest: Uint8Array }> {
  const shape = attachmentShape(file.length);
  const chunks: Uint8Array[] = [];
  let digest = await beginDigest(crypto, shape);
  for (let index = 0; index < shape.chunks; index++) {
    const sealed = await sealChunk(
      crypto,
      key,
      shape,
      index,
      file.subarray(index * chunk, (index + 1) * chunk),
    );
    chunks.push(sealed);
    digest = await extendDigest(crypto, digest, sealed);
  }
  return { chunks, digest };
}

const size = 3 * chunk + 5_000;
const file = random.bytes(size);
const key = random.bytes(32);
const honest = await sealFile(key, file);
const whole = concatBytes(...honest.chunks);
const attachment: AttachmentRecord = {
  readToken: random.bytes(32),
  key,
  size,
  digest: honest.digest,
  mediaType: "application/octet-stream",
  name: "file",
};

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: { readonly method: string; readonly url: string; readonly range: string }[];
beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    asked.push({ method, url, range: headers.range ?? "" });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const rangeOf = (request: IncomingMessage): number =>
  Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1]);
/** Serves bytes as an honest server would, by their range. */
const serve =
  (bytes: Uint8Array) =>
  (request: IncomingMessage, response: ServerResponse): void =>
    void response.writeHead(206).end(bytes.subarray(rangeOf(request)));

async function fetchIt(record = attachment, signal?: AbortSignal) {
  const parts: Uint8Array[] = [];
  let end: "open" | "closed" | "aborted" = "open";
  const sink: FileSink = {
    write: async (bytes) => void parts.push(bytes),
    close: async () => void (end = "closed"),
    abort: async () => void (end = "aborted"),
  };
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = signal === undefined ? {} : { signal };
  const failure = await download(env, fetchBlobs(origin), record, sink, options).then(
    () => undefined,
    (error: unknown) => error as { code?: unknown; name: string },
  );
  const code = typeof failure?.code === "string" ? failure.code : failure?.name;
  return { code, end, bytes: concatBytes(...parts) };
}

test("an honest one is believed; the URL tells no token, and the range is what is needed", async () => {
  answer = serve(whole);
  const got = await fetchIt();
  expect([got.code, got.end, equalBytes(got.bytes, file)]).toEqual([undefined, "closed", true]);
  const id = await blobIdOf(crypto, attachment.readToken);
  expect(asked).toEqual([
    { method: "GET", url: `${BLOB_PATH}/${formatBlobId(id)}`, range: `bytes=0-${whole.length - 1}` },
  ]);
});

const flip = (at: number): Uint8Array => whole.with(at, (whole[at] ?? 0) ^ 1);

describe("SOTTO-FILE-2", () => {
  const swapped = concatBytes(honest.chunks[1]!, honest.chunks[0]!, ...honest.chunks.slice(2));
  const other = sealFile(key, random.bytes(size));

  test("SOTTO-FILE-2: what is altered, swapped, of another file or another key is damaged, and the sink is told to throw it away", async () => {
    const lies: Record<string, Uint8Array> = {
      "altered in the first chunk": flip(5),
      "altered in the last byte": flip(whole.length - 1),
      "chunks in another order": swapped,
      "the first chunk again": concatBytes(honest.chunks[0]!, honest.chunks[0]!, ...honest.chunks.slice(2)),
      zeros: new Uint8Array(whole.length),
      "another file under the same key": concatBytes(...(await other).chunks),
      "of another key": concatBytes(...(await sealFile(random.bytes(32), file)).chunks),
    };
    for (const [lie, bytes] of Object.entries(lies)) {
      answer = serve(bytes);
      const { code, end } = await fetchIt();
      expect([lie, code, end]).toEqual([lie, "attachment_damaged", "aborted"]);
    }
  });

  test("SOTTO-FILE-2: one that is longer, or has no end, is cut off at once", async () => {
    answer = serve(concatBytes(whole, new Uint8Array(1)));
    expect(await fetchIt()).toMatchObject({ code: "attachment_damaged", end: "aborted" });
    let sent = 0;
    answer = (_, response) => {
      response.writeHead(206);
      response.write(whole);
      const flood = (): void => {
        while (!response.destroyed && response.write(new Uint8Array(chunk))) sent += chunk;
      };
      response.on("drain", flood);
      flood();
    };
    expect(await fetchIt()).toMatchObject({ code: "attachment_damaged", end: "aborted" });
    expect(sent).toBeLessThan(50_000_000);
  });
});

test("one that is cut short, again and again, is a broken connection after a while, and never a file", async () => {
  answer = serve(whole.subarray(0, whole.length - 1));
  const { code, end, bytes } = await fetchIt();
  expect([code, end]).toEqual(["connection_lost", "aborted"]);
  expect(bytes.length).toBeLessThan(size);
  expect(asked.length).toBeGreaterThan(3);
  expect(asked.length).toBeLessThan(20);
});

test("after a break it goes on from the last whole chunk, and not from the beginning", async () => {
  let breaks = 0;
  answer = (request, response) => {
    const from = rangeOf(request);
    response.writeHead(206, { "content-length": whole.length - from });
    // A chunk and a half each time.
    response.write(whole.subarray(from, from + 100_000), () => {
      if (from + 100_000 < whole.length) response.destroy();
      else response.end(whole.subarray(from + 100_000));
    });
    breaks += 1;
  };
  const got = await fetchIt();
  expect([got.code, got.end, equalBytes(got.bytes, file)]).toEqual([undefined, "closed", true]);
  expect(breaks).toBe(3);
  expect(asked.map(({ range }) => range)).toEqual(
    [0, 1, 2].map((index) => `bytes=${sealedOffset(index)}-${whole.length - 1}`),
  );
});

test("one that says nothing, or a byte now and then, is given up", async () => {
  answer = () => undefined;
  expect(await fetchIt()).toMatchObject({ code: "connection_lost", end: "aborted" });
  answer = (request, response) => {
    response.writeHead(206);
    let at = rangeOf(request);
    const drip = setInterval(() => response.write(whole.subarray(at, ++at)), 20);
    response.on("close", () => clearInterval(drip));
  };
  expect(await fetchIt()).toMatchObject({ code: "connection_lost", end: "aborted" });
});

/** Refuses as a server of ours would, or a proxy before it. */
const refuse =
  (status: number, code?: string, body = "{}") =>
  (_: IncomingMessage, response: ServerResponse): void =>
    void response.writeHead(status, code === undefined ? {} : { "sotto-problem": code }).end(body);

test("refusals: gone is gone, busy is tried again, and what no server of ours would say is unreachable", async () => {
  answer = refuse(404, "blob_unknown");
  expect(await fetchIt()).toMatchObject({ code: "blob_unknown", end: "aborted" });
  expect(asked).toHaveLength(1);
  let tries = 0;
  answer = (request, response) => {
    tries += 1;
    if (tries === 1) return refuse(429, "rate_limited", '{"retryAfterMs":"5"}')(request, response);
    if (tries === 2) return refuse(502, undefined, "<html>proxy</html>")(request, response);
    return serve(whole)(request, response);
  };
  expect(await fetchIt()).toMatchObject({ code: undefined, end: "closed" });
  answer = (_, response) => void response.writeHead(200).end(whole);
  expect(await fetchIt()).toMatchObject({ code: "server_unreachable", end: "aborted" });
  answer = (_, response) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
  expect(await fetchIt()).toMatchObject({ code: "server_unreachable", end: "aborted" });
  answer = refuse(500, "x".repeat(5_000), "y".repeat(1_000_000));
  expect((await fetchIt()).end).toBe("aborted");
});

test("who changes their mind ends it at once, also while it waits", async () => {
  answer = () => undefined;
  const controller = new AbortController();
  const fetching = fetchIt(attachment, controller.signal);
  setTimeout(() => controller.abort(), 20);
  expect(await fetching).toMatchObject({ code: "AbortError", end: "aborted" });
});

/** Which check refuses content. */
function refusal(content: Uint8Array): string | undefined {
  try {
    parseContent(content);
    return undefined;
  } catch (error) {
    return String(error).match(/SOTTO-\w+-\d+/)?.[0];
  }
}

describe("SOTTO-FILE-1", () => {
  const item = {
    readToken: new Uint8Array(32),
    key: new Uint8Array(32),
    digest: new Uint8Array(32),
    size: 5n,
    mediaType: "image/png",
    name: "a.png",
  };
  const contentOf = (...items: object[]): Uint8Array =>
    toBinary(
      ContentSchema,
      create(ContentSchema, {
        id: new Uint8Array(16),
        body: { case: "attachments", value: create(AttachmentsSchema, { items: items as (typeof item)[] }) },
      }),
    );

  test("SOTTO-FILE-1: attachments that break a limit are refused as a whole, and right ones are read", () => {
    expect(parseContent(contentOf(item, item)).body).toMatchObject({
      type: "text",
      text: "",
      attachments: [{ size: 5, mediaType: "image/png" }, { name: "a.png" }],
    });
    const wrong: Record<string, object> = {
      "a short token": { readToken: new Uint8Array(31) },
      "a long key": { key: new Uint8Array(33) },
      "no digest": { digest: new Uint8Array() },
      "a size that nothing has": { size: 2n ** 63n },
      "a type that is none": { mediaType: "image/png; charset=x" },
      "a type in upper case": { mediaType: "Image/PNG" },
      "no type": { mediaType: "" },
      "a type that is long": { mediaType: `a/${"b".repeat(200)}` },
      "a name that is long": { name: "é".repeat(128) },
      "a large preview": { preview: new Uint8Array(65) },
      "a long waveform": { waveform: new Uint8Array(129) },
      "a large thumbnail": { thumbnail: new Uint8Array(16_385) },
    };
    for (const [what, change] of Object.entries(wrong)) {
      expect([what, refusal(contentOf(item, { ...item, ...change }))]).toEqual([what, "SOTTO-FILE-1"]);
    }
    expect(refusal(contentOf())).toBe("SOTTO-FILE-1");
    expect(refusal(contentOf(...Array.from({ length: 11 }, () => item)))).toBe("SOTTO-FILE-1");
  });

  test("a small picture that is none, or would fill a memory, is left out", async () => {
    expect(await isThumbnail(WEBP)).toBe(true);
    expect(await isThumbnail(JPEG)).toBe(true);
    expect(await isThumbnail(PNG)).toBe(false);
    expect(await isThumbnail(utf8("<svg/>"))).toBe(false);
    // A JPEG of as few bytes that says it is 65,535 pixels wide.
    const frame = Buffer.from(JPEG).indexOf(Buffer.from([0xff, 0xc0]));
    expect(await isThumbnail(JPEG.with(frame + 7, 0xff).with(frame + 8, 0xff))).toBe(false);
    expect(await isThumbnail(JPEG.subarray(0, 100))).toBe(false);
  });
});
