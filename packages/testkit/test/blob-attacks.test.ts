/** Blobs on a real server over real sockets: what holds for those who know the tokens, and what those who do not can do. */
import { createHash, randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeProvider } from "@sotto/crypto/node";
import { LIMITS, formatBlobId } from "@sotto/protocol";
import { checkData, readStatus, startServer } from "@sotto/server";
import { TestPostgres } from "../src/postgres.ts";
import { afterEach, describe, expect, test } from "vitest";
import {
  TestServer,
  askTicket,
  beginPart,
  blobRequest,
  newBlobNames,
  putPart,
  type BlobNames,
  type RawClient,
} from "../src/attack.ts";

const provider = nodeProvider();
const mib = 1_048_576;
const wide = { burst: 1e12, perHour: 1e12 };
let open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.reverse()) await one.close();
  open = [];
});

async function start(
  config: Parameters<typeof TestServer.start>[1] = {},
  options: Parameters<typeof TestServer.start>[2] = {},
) {
  const server = await TestServer.start(provider, config, options);
  open.push(server);
  const client = await server.connect(await server.join());
  open.push(client);
  return { server, origin: server.facts.origin, client };
}

const bytesOf = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

async function ticketOf(client: RawClient, size: number): Promise<Uint8Array> {
  const ticket = await askTicket(client, size);
  if (typeof ticket === "string") throw new Error(`no ticket: ${ticket}`);
  return ticket;
}

/** Uploads in one go, honestly. */
async function upload(origin: string, client: RawClient, bytes: Uint8Array): Promise<BlobNames> {
  const names = newBlobNames();
  const ticket = await ticketOf(client, bytes.length);
  const put = await putPart(origin, names, { size: bytes.length, offset: 0, ticket }, bytes);
  expect([put.status, put.offset]).toEqual([204, bytes.length]);
  return names;
}

describe("who knows the tokens", () => {
  test("uploads in parts, sees how far it is, reads all or a range, and deletes", async () => {
    const { origin, client } = await start();
    const bytes = bytesOf(300_000);
    const names = newBlobNames();
    const ticket = await ticketOf(client, bytes.length);
    const first = await putPart(
      origin,
      names,
      { size: 300_000, offset: 0, ticket },
      bytes.subarray(0, 100_000),
    );
    expect([first.status, first.offset]).toEqual([204, 100_000]);
    // Not whole yet: there is nothing to read.
    expect((await blobRequest(origin, "GET", names.id, names.readToken)).code).toBe("blob_unknown");
    const head = await blobRequest(origin, "HEAD", names.id, names.writeToken);
    expect([head.status, head.offset, head.headers.get("upload-length")]).toEqual([204, 100_000, "300000"]);
    const second = await putPart(origin, names, { size: 300_000, offset: 100_000 }, bytes.subarray(100_000));
    expect([second.status, second.offset]).toEqual([204, 300_000]);

    const whole = await blobRequest(origin, "GET", names.id, names.readToken);
    expect([whole.status, equal(whole.body, bytes)]).toEqual([200, true]);
    const range = await blobRequest(origin, "GET", names.id, names.readToken, { range: "bytes=10-19" });
    expect([range.status, range.headers.get("content-range")]).toEqual([206, "bytes 10-19/300000"]);
    expect(equal(range.body, bytes.subarray(10, 20))).toBe(true);
    const rest = await blobRequest(origin, "GET", names.id, names.readToken, { range: "bytes=299990-" });
    expect(equal(rest.body, bytes.subarray(299_990))).toBe(true);
    const beyond = await blobRequest(origin, "GET", names.id, names.readToken, { range: "bytes=300000-" });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */300000"]);

    expect((await blobRequest(origin, "DELETE", names.id, names.writeToken)).status).toBe(204);
    expect((await blobRequest(origin, "GET", names.id, names.readToken)).code).toBe("blob_unknown");
    expect((await blobRequest(origin, "DELETE", names.id, names.writeToken)).code).toBe("blob_unknown");
  });

  test("a request that is sent again is told where the upload stands", async () => {
    const { origin, client } = await start();
    const bytes = bytesOf(1_000);
    const names = newBlobNames();
    const ticket = await ticketOf(client, 1_000);
    await putPart(origin, names, { size: 1_000, offset: 0, ticket }, bytes.subarray(0, 600));
    const again = await putPart(origin, names, { size: 1_000, offset: 0, ticket }, bytes.subarray(0, 600));
    expect([again.status, again.code, again.offset]).toEqual([409, "blob_conflict", 600]);
    const ahead = await putPart(origin, names, { size: 1_000, offset: 700 }, bytes.subarray(700));
    expect([ahead.code, ahead.offset]).toEqual(["blob_conflict", 600]);
    await putPart(origin, names, { size: 1_000, offset: 600 }, bytes.subarray(600));
    const late = await putPart(origin, names, { size: 1_000, offset: 600 }, bytes.subarray(600));
    expect([late.code, late.offset]).toEqual(["blob_conflict", 1_000]);
    expect(equal((await blobRequest(origin, "GET", names.id, names.readToken)).body, bytes)).toBe(true);
  });

  test("a connection that breaks in the middle of a part loses nothing that came", async () => {
    const { origin, client } = await start();
    const bytes = bytesOf(2 * mib);
    const names = newBlobNames();
    const ticket = await ticketOf(client, bytes.length);
    const init = { size: bytes.length, offset: 0, ticket };
    const socket = await beginPart(origin, names, init, bytes.length, bytes.subarray(0, mib));
    await expect
      .poll(async () => (await blobRequest(origin, "HEAD", names.id, names.writeToken)).status)
      .toBe(204);
    await new Promise((resolve) => void setTimeout(resolve, 300));
    socket.destroy();
    const offset = async () => (await blobRequest(origin, "HEAD", names.id, names.writeToken)).offset ?? 0;
    await expect.poll(offset, { timeout: 5_000 }).toBeGreaterThan(0);
    const from = await offset();
    const rest = await putPart(origin, names, { size: bytes.length, offset: from }, bytes.subarray(from));
    expect(rest.offset).toBe(bytes.length);
    expect(equal((await blobRequest(origin, "GET", names.id, names.readToken)).body, bytes)).toBe(true);
  });

  test("a newer request puts an end to one that hangs", async () => {
    const { origin, client } = await start();
    const bytes = bytesOf(100_000);
    const names = newBlobNames();
    const ticket = await ticketOf(client, bytes.length);
    const init = { size: bytes.length, offset: 0, ticket };
    const socket = await beginPart(origin, names, init, bytes.length, bytes.subarray(0, 30_000));
    open.push({ close: () => socket.destroy() });
    await expect
      .poll(async () => (await blobRequest(origin, "HEAD", names.id, names.writeToken)).status)
      .toBe(204);
    await new Promise((resolve) => void setTimeout(resolve, 200));
    const asked = await putPart(origin, names, { size: bytes.length, offset: 1 }, bytes.subarray(1, 2));
    expect(asked.code).toBe("blob_conflict");
    const from = asked.offset ?? 0;
    expect(from).toBe(30_000);
    await putPart(origin, names, { size: bytes.length, offset: from }, bytes.subarray(from));
    expect(equal((await blobRequest(origin, "GET", names.id, names.readToken)).body, bytes)).toBe(true);
  });

  test("an upload goes on after the server was stopped and started", async () => {
    const { server, origin, client } = await start();
    const bytes = bytesOf(50_000);
    const names = newBlobNames();
    const ticket = await ticketOf(client, bytes.length);
    await putPart(origin, names, { size: 50_000, offset: 0, ticket }, bytes.subarray(0, 20_000));
    await server.running.close();
    const { startServer } = await import("@sotto/server");
    const again = await startServer({ data: server.dataFolder, port: 0, logLevel: "silent" });
    open.push(again);
    const at = await blobRequest(again.address, "HEAD", names.id, names.writeToken);
    expect(at.offset).toBe(20_000);
    await putPart(again.address, names, { size: 50_000, offset: 20_000 }, bytes.subarray(20_000));
    expect(equal((await blobRequest(again.address, "GET", names.id, names.readToken)).body, bytes)).toBe(
      true,
    );
  });

  test("what is given out is no page in a browser, and no other origin's", async () => {
    const { origin, client } = await start();
    const page = new TextEncoder().encode("<!doctype html><script>alert(1)</script>");
    const { id, readToken } = await upload(origin, client, page);
    const { headers } = await blobRequest(origin, "GET", id, readToken, { origin: "https://evil.example" });
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "application/octet-stream",
      "content-disposition": "attachment",
      "content-security-policy": "default-src 'none'; sandbox",
      "cross-origin-resource-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    });
    expect(headers.get("access-control-allow-origin")).toBeNull();
    const preflight = await blobRequest(origin, "OPTIONS", id, undefined, {
      origin: "https://evil.example",
      "access-control-request-method": "GET",
      "access-control-request-headers": "authorization",
    });
    expect(preflight.status).toBe(404);
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("who does not", () => {
  test("cannot tell a wrong token from a blob that is not there", async () => {
    const { origin, client } = await start();
    const { id, readToken, writeToken } = await upload(origin, client, bytesOf(100));
    const other = newBlobNames();
    const absent = await blobRequest(origin, "GET", other.id, other.readToken);
    for (const [method, token] of [
      ["GET", other.readToken],
      ["GET", writeToken],
      ["GET", id],
      ["DELETE", readToken],
      ["DELETE", other.writeToken],
    ] as const) {
      const answer = await blobRequest(origin, method, id, token);
      expect([answer.status, Buffer.from(answer.body).toString()]).toEqual([
        404,
        Buffer.from(absent.body).toString(),
      ]);
    }
    expect((await blobRequest(origin, "HEAD", id, readToken)).code).toBe("blob_unknown");
    const stolen = await putPart(
      origin,
      { id, writeToken: other.writeToken },
      { size: 100, offset: 0 },
      bytesOf(100),
    );
    expect(stolen.code).toBe("blob_unknown");
    expect((await blobRequest(origin, "GET", id, readToken)).status).toBe(200);
  });

  test("begins nothing: a ticket is needed, is good once, for its size, and for a while", async () => {
    let nowMs = Date.now();
    const { origin, client } = await start({}, { nowMs: () => nowMs });
    const put = (size: number, ticket?: Uint8Array) =>
      putPart(origin, newBlobNames(), { size, offset: 0, ...(ticket && { ticket }) }, bytesOf(size));
    expect((await put(10)).code).toBe("blob_unknown");
    expect((await put(10, bytesOf(32))).code).toBe("ticket_refused");
    const ticket = await ticketOf(client, 10);
    expect((await put(11, ticket)).code).toBe("ticket_refused");
    expect((await put(10, ticket)).status).toBe(204);
    expect((await put(10, ticket)).code).toBe("ticket_refused");
    const old = await ticketOf(client, 10);
    nowMs += LIMITS.blobTicketSec * 1_000;
    expect((await put(10, old)).code).toBe("ticket_refused");
    const twice = await ticketOf(client, 10);
    const outcomes = await Promise.all([put(10, twice), put(10, twice), put(10, twice)]);
    expect(outcomes.filter(({ status }) => status === 204)).toHaveLength(1);
  });

  test("gets what is malformed refused, and the connection goes on", async () => {
    const { origin, client } = await start();
    const names = newBlobNames();
    const { id, writeToken } = names;
    const ticket = await ticketOf(client, 10);
    const put = async (headers: Record<string, string>, length = 10) =>
      (await blobRequest(origin, "PUT", id, writeToken, headers, bytesOf(length))).code;
    const right = { "upload-length": "10", "upload-offset": "0", "sotto-blob-ticket": formatBlobId(ticket) };
    for (const wrong of [
      { "upload-length": "" },
      { "upload-length": "-1" },
      { "upload-length": "0" },
      { "upload-length": "9" },
      { "upload-length": "9999999999999999" },
      { "upload-offset": "x" },
      { "upload-offset": "1" },
      { "sotto-blob-ticket": "short" },
      { "content-type": "text/plain" },
      { authorization: "Bearer short" },
      { authorization: `Basic ${formatBlobId(writeToken)}` },
    ]) {
      expect([wrong, await put({ ...right, ...wrong })]).toEqual([wrong, "malformed"]);
    }
    for (const wrong of ["x", formatBlobId(id).slice(1), `${formatBlobId(id)}A`, "..%2f..%2fsotto.db"]) {
      const answer = await blobRequest(origin, "GET", wrong, writeToken);
      expect([wrong, answer.code]).toEqual([wrong, "malformed"]);
    }
    expect((await blobRequest(origin, "GET", id, undefined)).code).toBe("malformed");
    const tooMuch = { ...right, "upload-length": String(LIMITS.maxBlobPartBytes + 1) };
    expect(await put(tooMuch, LIMITS.maxBlobPartBytes + 1)).toBe("too_large");
    expect(await put(right)).toBeUndefined();
  });
});

describe("bounds", () => {
  test("no blob is larger than the operator allows, whatever the ticket says; 0 allows none", async () => {
    const { origin, client } = await start({ maxBlobMib: 1 });
    expect(await askTicket(client, mib + 1)).toBe("too_large");
    expect(await askTicket(client, 0)).toBe("malformed");
    const ticket = await ticketOf(client, mib);
    const larger = await putPart(origin, newBlobNames(), { size: mib + 1, offset: 0, ticket }, bytesOf(10));
    expect(larger.code).toBe("too_large");
    const none = await start({ maxBlobMib: 0 });
    expect(await askTicket(none.client, 1)).toBe("too_large");
  });

  test("an account begins so many blobs and so many bytes; others go on", async () => {
    const { server, client } = await start({
      limits: {
        blobsPerAccount: { burst: 3, perHour: 0 },
        blobBytesPerAccount: { burst: 1_000, perHour: 0 },
      },
    });
    expect(await askTicket(client, 900)).toBeInstanceOf(Uint8Array);
    expect(await askTicket(client, 200)).toBe("quota_exceeded");
    expect(await askTicket(client, 50)).toBeInstanceOf(Uint8Array);
    expect(await askTicket(client, 1)).toBeInstanceOf(Uint8Array);
    expect(await askTicket(client, 1)).toBe("quota_exceeded");
    const other = await server.connect(await server.join());
    open.push(other);
    expect(await askTicket(other, 900)).toBeInstanceOf(Uint8Array);
  });

  test("all blobs together keep within the quota, counted when they begin; deleting makes room", async () => {
    const { origin, client } = await start({ blobQuotaMib: 2, maxBlobMib: 2 });
    const first = newBlobNames();
    const ticket = await ticketOf(client, 2 * mib - 100);
    expect(
      (await putPart(origin, first, { size: 2 * mib - 100, offset: 0, ticket }, bytesOf(1))).status,
    ).toBe(204);
    const second = { size: 101, offset: 0, ticket: await ticketOf(client, 101) };
    const full = await putPart(origin, newBlobNames(), second, bytesOf(101));
    expect([full.status, full.code]).toEqual([507, "blob_space"]);
    await blobRequest(origin, "DELETE", first.id, first.writeToken);
    await upload(origin, client, bytesOf(101));
  });

  test("requests of an address are limited, and so are those under way", async () => {
    const limits = { blobRequestsPerAddress: { burst: 5, perHour: 0 } };
    const { origin } = await start({ limits });
    const names = newBlobNames();
    const ask = () => blobRequest(origin, "GET", names.id, names.readToken);
    for (let i = 0; i < 5; i++) expect((await ask()).code).toBe("blob_unknown");
    const limited = await ask();
    expect([limited.status, limited.code]).toEqual([429, "rate_limited"]);
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);

    const { origin: busy, client } = await start();
    for (let i = 0; i < 64; i++) {
      const hanging = newBlobNames();
      const ticket = await ticketOf(client, 100);
      const socket = await beginPart(busy, hanging, { size: 100, offset: 0, ticket }, 100, bytesOf(10));
      open.push({ close: () => socket.destroy() });
    }
    const refused = async () => (await blobRequest(busy, "GET", names.id, names.readToken)).code;
    await expect.poll(refused, { timeout: 5_000 }).toBe("rate_limited");
  });

  test("a server that stops waits for a part that is under way", async () => {
    const { server, origin, client } = await start();
    const names = newBlobNames();
    const bytes = bytesOf(100);
    const init = { size: 100, offset: 0, ticket: await ticketOf(client, 100) };
    const socket = await beginPart(origin, names, init, 100, bytes.subarray(0, 10));
    let answer = "";
    socket.on("data", (data) => (answer += String(data)));
    await expect
      .poll(async () => (await blobRequest(origin, "HEAD", names.id, names.writeToken)).status)
      .toBe(204);
    const closing = server.running.close();
    socket.write(bytes.subarray(10));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await closing;
    await closed;
    expect(answer).toMatch(/^HTTP\/1.1 204 [^]*upload-offset: 100\r\n/);
  });
});

describe("the disk", () => {
  test("holds the bytes as they came, and neither token, nor who uploaded", async () => {
    const { server, origin, client } = await start();
    const bytes = bytesOf(10_000);
    const { id, readToken, writeToken } = await upload(origin, client, bytes);
    const path = join(server.dataFolder, "blobs", Buffer.from(id).toString("hex").replace(/^../, "$&/"));
    expect(equal(readFileSync(path), bytes)).toBe(true);
    const stored = server.storedBytes();
    for (const secret of [readToken, writeToken]) {
      const forms = [Buffer.from(secret), formatBlobId(secret), Buffer.from(secret).toString("hex")];
      for (const text of forms) {
        expect(stored.includes(text)).toBe(false);
      }
    }
    expect(stored.includes(createHash("sha256").update(writeToken).digest())).toBe(true);
  });

  test("a blob whose file is gone is unknown from then on, and its id is free again", async () => {
    const { server, origin, client } = await start();
    const { id, readToken, writeToken } = await upload(origin, client, bytesOf(100));
    rmSync(join(server.dataFolder, "blobs"), { recursive: true });
    expect((await blobRequest(origin, "GET", id, readToken)).code).toBe("blob_unknown");
    expect((await blobRequest(origin, "HEAD", id, writeToken)).code).toBe("blob_unknown");
  });

  test("an unfinished blob whose file is gone begins anew", async () => {
    const { server, origin, client } = await start();
    const names = newBlobNames();
    const init = { size: 100, offset: 0, ticket: await ticketOf(client, 100) };
    await putPart(origin, names, init, bytesOf(60));
    rmSync(join(server.dataFolder, "blobs"), { recursive: true });
    expect((await putPart(origin, names, { size: 100, offset: 60 }, bytesOf(40))).code).toBe("blob_unknown");
    const anew = { size: 100, offset: 0, ticket: await ticketOf(client, 100) };
    expect((await putPart(origin, names, anew, bytesOf(100))).offset).toBe(100);
  });
});

test("what happens is counted, and no log line holds an id, a token or an address", async () => {
  const { server, origin, client } = await start({ logLevel: "debug", limits: { blobsPerAccount: wide } });
  const names = await upload(origin, client, bytesOf(1_000));
  await blobRequest(origin, "GET", names.id, names.readToken);
  await blobRequest(origin, "GET", names.id, names.writeToken);
  await expect
    .poll(async () => (await fetch(`${origin}/metrics`)).text())
    .toContain("sotto_blob_bytes_sent_total 1000");
  const metrics = await (await fetch(`${origin}/metrics`)).text();
  for (const line of [
    "sotto_blobs 1",
    "sotto_blob_bytes 1000",
    "sotto_blobs_stored_total 1",
    "sotto_blob_bytes_received_total 1000",
    'sotto_blob_requests_refused_total{code="blob_unknown"} 1',
  ]) {
    expect(metrics).toContain(`${line}\n`);
  }
  const logged = server.log.join("");
  expect(logged).not.toBe("");
  for (const name of [names.id, names.readToken, names.writeToken]) {
    expect(logged).not.toContain(formatBlobId(name));
    expect(metrics).not.toContain(formatBlobId(name));
  }
  expect(logged).not.toContain("127.0.0.1");
});

test("an operator sees how many there are, and is told when their files are not there", async () => {
  const { server, origin, client } = await start();
  await upload(origin, client, bytesOf(10));
  const begun = { size: 100, offset: 0, ticket: await ticketOf(client, 100) };
  await putPart(origin, newBlobNames(), begun, bytesOf(60));
  expect(await readStatus({ data: server.dataFolder })).toMatchObject({ blobs: 2, blobBytes: 110 });
  await expect(checkData({ data: server.dataFolder })).rejects.toMatchObject({ code: "data_folder_locked" });
  await server.running.close();
  await checkData({ data: server.dataFolder });
  rmSync(join(server.dataFolder, "blobs"), { recursive: true });
  await expect(checkData({ data: server.dataFolder })).rejects.toMatchObject({
    code: "data_folder_damaged",
    message: expect.stringContaining("the files of 2 blobs in blobs are missing"),
  });
});

test("with several nodes over one database an upload goes on at another, which hands it out", async () => {
  const postgres = await TestPostgres.start();
  open.push({ close: () => postgres.stop() });
  const database = await postgres.createDatabase();
  const { server, origin, client } = await start({ database });
  const data = mkdtempSync(join(tmpdir(), "sotto-node-"));
  open.push({ close: () => rmSync(data, { recursive: true }) });
  const { dataFolder } = server.running;
  cpSync(dataFolder, data, { recursive: true, filter: (path) => !path.endsWith("/lock") });
  const config = { data, database, port: 0, logLevel: "silent" } as const;
  const other = await startServer(config);
  open.push(other);
  const bytes = bytesOf(700_000);
  const names = newBlobNames();
  const size = bytes.length;
  const ticket = await ticketOf(client, size);
  const first = await putPart(origin, names, { size, offset: 0, ticket }, bytes.subarray(0, 300_001));
  expect([first.status, first.offset]).toEqual([204, 300_001]);
  const rest = await putPart(other.address, names, { size, offset: 300_001 }, bytes.subarray(300_001));
  expect([rest.status, rest.offset]).toEqual([204, size]);
  for (const node of [other.address, origin]) {
    const read = await blobRequest(node, "GET", names.id, names.readToken);
    expect([read.status, equal(read.body, bytes)]).toEqual([200, true]);
  }
  expect((await blobRequest(other.address, "DELETE", names.id, names.writeToken)).status).toBe(204);
  expect((await blobRequest(origin, "GET", names.id, names.readToken)).code).toBe("blob_unknown");
});
