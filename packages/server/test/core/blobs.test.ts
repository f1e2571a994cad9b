/** The desk for blobs in memory: what time, a failing storage and bodies that lie about their length do. */
import { expect, test } from "vitest";
import { BLOB_ID_BYTES, blobIdTranscript } from "@sotto/protocol";
import { MemoryBlobFiles } from "../../src/adapters/memory-blobs.ts";
import { MemoryStore } from "../../src/adapters/memory-store.ts";
import { MemoryTransient } from "../../src/adapters/memory-transient.ts";
import { nodeCrypto } from "../../src/adapters/node-crypto.ts";
import { Blobs, type BlobPart } from "../../src/core/blobs/desk.ts";
import { BlobTickets } from "../../src/core/blobs/tickets.ts";

const daySec = 86_400;
const size = 100;

class ProbedFiles extends MemoryBlobFiles {
  free = Number.POSITIVE_INFINITY;
  override async freeBytes(): Promise<number> {
    return this.free;
  }
}

function newNames() {
  const [readToken, writeToken] = [nodeCrypto.randomBytes(32), nodeCrypto.randomBytes(32)];
  return { readToken, writeToken, id: nodeCrypto.sha256(blobIdTranscript(readToken)) };
}

function setUp() {
  const store = new MemoryStore();
  const files = new ProbedFiles();
  const clock = { nowMs: 1_000 * daySec * 1_000 };
  const transient = new MemoryTransient(() => clock.nowMs);
  const received: [number, boolean][] = [];
  const desk = () =>
    new Blobs({
      store,
      transient,
      files,
      crypto: nodeCrypto,
      events: {
        blobReceived: (bytes, whole) => received.push([bytes, whole]),
        blobSent: () => {},
        blobRefused: () => {},
      },
      nowMs: () => clock.nowMs,
      maxBlobBytes: 1_000,
      quotaBytes: 10_000,
    });
  const blobs = desk();
  const ticket = async () => (await blobs.ticket({ request: 1, size: BigInt(size) })).ticket;
  const put = (part: Partial<BlobPart> & Pick<BlobPart, "id" | "writeToken">, ...bodies: Uint8Array[]) =>
    blobs.put({
      size,
      offset: 0,
      ticket: undefined,
      length: bodies.reduce((sum, { length }) => sum + length, 0),
      body: stream(bodies),
      ...part,
    });
  return { store, files, clock, received, blobs, desk, ticket, put };
}

async function* stream(bodies: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* bodies;
}
async function* breaking(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body;
  throw new Error("the connection broke");
}
/** Ten times what it should be. */
async function* tooLong(length: number): AsyncGenerator<Uint8Array> {
  for (let given = 0; given < 10 * length; given += 30) yield new Uint8Array(30);
}
const code = (wanted: string) => expect.objectContaining({ code: wanted });

test("whole blobs go by their retention, unfinished ones sooner, and not a day too early", async () => {
  const { blobs, clock, ticket, put, store } = setUp();
  const [whole, begun] = [newNames(), newNames()];
  await put({ ...whole, ticket: await ticket() }, new Uint8Array(size));
  await put({ ...begun, ticket: await ticket() }, new Uint8Array(10));
  const expire = async (days: number) => {
    const nowSec = clock.nowMs / 1_000 + days * daySec;
    return blobs.expire(nowSec - 90 * daySec, nowSec - 2 * daySec, 0, 100);
  };
  expect(await expire(2)).toBe(0);
  expect(await expire(3.5)).toBe(1);
  await expect(blobs.progress(begun.id, begun.writeToken)).rejects.toEqual(code("blob_unknown"));
  expect(await expire(90)).toBe(0);
  expect(await blobs.sizeOf(whole.id, whole.readToken)).toBe(size);
  expect(await expire(91.5)).toBe(1);
  await expect(blobs.sizeOf(whole.id, whole.readToken)).rejects.toEqual(code("blob_unknown"));
  expect(await store.blobStats()).toEqual({ blobs: 0, bytes: 0 });
});

test("what lies in the storage without a record is found and removed, nothing else", async () => {
  const { blobs, files, ticket, put } = setUp();
  const kept = newNames();
  await put({ ...kept, ticket: await ticket() }, new Uint8Array(size));
  const orphan = new Uint8Array(BLOB_ID_BYTES).fill(9);
  await files.write(orphan, 0, stream([new Uint8Array(5)]));
  for (let sweep = 0; sweep < 256; sweep++) await blobs.expire(0, 0, sweep, 100);
  expect(await files.list(9)).toEqual([]);
  expect(await blobs.sizeOf(kept.id, kept.readToken)).toBe(size);
  expect(await blobs.read(kept.id, 0, size)).toBeDefined();
});

test("a body that breaks counts as far as it came; one that is too long is cut where it should end", async () => {
  const { blobs, received, ticket, put } = setUp();
  const names = newNames();
  expect(
    await put({ ...names, ticket: await ticket(), length: 60, body: breaking(new Uint8Array(25)) }),
  ).toBe(25);
  expect(await blobs.progress(names.id, names.writeToken)).toEqual({ received: 25, size });
  expect(received).toEqual([[25, false]]);
  expect(await put({ ...names, offset: 25, length: 75, body: tooLong(75) })).toBe(100);
  expect(received.at(-1)).toEqual([75, true]);
});

test("a disk that is nearly full takes no more, before it is full for the database", async () => {
  const { files, ticket, put } = setUp();
  files.free = 268_435_456 + size - 1;
  const good = await ticket();
  await expect(put({ ...newNames(), ticket: good }, new Uint8Array(size))).rejects.toEqual(
    code("blob_space"),
  );
  files.free += 1;
  expect(await put({ ...newNames(), ticket: good }, new Uint8Array(size))).toBe(size);
});

test("a blob that is deleted while it is written to is gone for good", async () => {
  const { blobs, files, ticket, put } = setUp();
  const names = newNames();
  const { promise: hanging, resolve } = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(10);
    await hanging;
    yield new Uint8Array(90);
  }
  const putting = put({ ...names, ticket: await ticket(), length: 100, body: slow() });
  await new Promise((later) => void setTimeout(later, 10));
  await blobs.delete(names.id, names.writeToken);
  resolve();
  expect(await putting).toBe(10);
  await expect(blobs.progress(names.id, names.writeToken)).rejects.toEqual(code("blob_unknown"));
  expect(await files.list(names.id[0]!)).toEqual([]);
});

test("of three that write at once the last goes on, and the bytes stay in order", async () => {
  const { blobs, ticket, put } = setUp();
  const names = newNames();
  await put({ ...names, ticket: await ticket() });
  const never = new Promise<never>(() => {});
  async function* hangs(first: Uint8Array): AsyncGenerator<Uint8Array> {
    yield first;
    await never;
  }
  const first = put({ ...names, length: 100, body: hangs(new Uint8Array(10).fill(1)) });
  await new Promise((later) => void setTimeout(later, 10));
  const later = [2, 3].map((n) =>
    put({ ...names, offset: 10, length: 90, body: stream([new Uint8Array(90).fill(n)]) }),
  );
  expect(await first).toBe(10);
  // The second was put an end to by the third before anything of it was written.
  expect(await Promise.all(later)).toEqual([10, 100]);
  const bytes: number[] = [];
  for await (const part of await blobs.read(names.id, 0, size)) bytes.push(...part);
  expect(bytes).toEqual([...Array.from({ length: 10 }, () => 1), ...Array.from({ length: 90 }, () => 3)]);
});

test("a part that hangs at one node takes nothing back of what was finished at another", async () => {
  const { blobs, desk, ticket, put } = setUp();
  const names = newNames();
  await put({ ...names, ticket: await ticket() });
  const { promise: hanging, reject } = Promise.withResolvers<never>();
  async function* hangs(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(10).fill(1);
    await hanging;
  }
  const slow = put({ ...names, length: size, body: hangs() });
  await new Promise((later) => void setTimeout(later, 10));
  const whole = { ...names, size, offset: 0, ticket: undefined, length: size };
  expect(await desk().put({ ...whole, body: stream([new Uint8Array(size).fill(1)]) })).toBe(size);
  reject(new Error("the connection broke"));
  expect(await slow).toBe(10);
  expect(await blobs.progress(names.id, names.writeToken)).toEqual({ received: size, size });
  expect(await blobs.sizeOf(names.id, names.readToken)).toBe(size);
});

test("an upload that was cut off before its last step is whole once its sender asks, or in time", async () => {
  for (const ask of ["progress", "put", "nobody"] as const) {
    const { blobs, files, store, ticket, put } = setUp();
    const names = newNames();
    await put({ ...names, ticket: await ticket() });
    // As a crash between noting the last byte and saying that all is there leaves it.
    await files.write(names.id, 0, stream([new Uint8Array(size)]));
    await store.advanceBlob(names.id, size);
    expect(await files.read(names.id, 0, size)).toBeUndefined();
    if (ask === "progress") await blobs.progress(names.id, names.writeToken);
    else if (ask === "put") await put({ ...names, offset: size });
    else await blobs.expire(0, 0, names.id[0]!, 100);
    expect(await files.read(names.id, 0, size)).toBeDefined();
  }
});

test("a ticket is good once, for its size, and for its time", async () => {
  const clock = { nowMs: 0 };
  const tickets = new BlobTickets(new MemoryTransient(() => clock.nowMs), nodeCrypto);
  const [first, second] = [await tickets.issue(10, 0), await tickets.issue(10, 0)];
  expect([await tickets.isGood(first, 10), await tickets.isGood(first, 11)]).toEqual([true, false]);
  expect([await tickets.use(first), await tickets.use(first)]).toEqual([true, false]);
  clock.nowMs = 900_000;
  expect([await tickets.isGood(second, 10), await tickets.use(second)]).toEqual([false, false]);
});
