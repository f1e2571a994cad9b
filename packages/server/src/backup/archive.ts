/**
 * A backup: one file that holds a server. A line says what it is and how it is encrypted; then, encrypted or not, come frames: head, keys, blobs in the
 * order of their ids, all rows in their order, and an end with counts and hashes of everything before it.
 *
 * Written and read as a stream; what is in memory is one frame. Reading checks all of it: order, counts, hashes, and that blobs and their
 * rows are the same.
 */
import { createHash, type Hash } from "node:crypto";
import { CodecError, StorageError, equalBytes } from "@sotto/protocol";
import * as z from "zod";
import { nodeCrypto } from "../adapters/node-crypto.ts";
import { VERSION } from "../version.ts";
import { Consistency } from "./consistency.ts";
import { FRAMES, damaged, encodeFrame, readFrames, type Frame } from "./frames.ts";
import { blobOf, decodeRows, encodeRow, type Row, type Rows } from "./rows.ts";
import { MAX_ITERATIONS, newSeal, sealed, unsealed } from "./seal.ts";
import { TABLES_VERSION } from "./tables.ts";
import { Tally, type Counts, type DataSummary } from "./tally.ts";

/** Files of the data folder that are in every backup, by their names. */
type KeyFiles = ReadonlyMap<string, Uint8Array>;
/** A blob and its bytes, which come once. */
export interface ArchivedBlob {
  /** 32 bytes. */
  readonly id: Uint8Array;
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}
/** What is put into a backup. */
export interface ArchiveContent {
  readonly keys: KeyFiles;
  readonly blobs: AsyncIterable<ArchivedBlob>;
  /** Asked for once the blobs are through: rows of those that were gone are left out of it. */
  rows(): Rows;
}
/** What a backup says of itself. */
interface ArchiveHead {
  /** ISO 8601, UTC: what was acknowledged before is in it. */
  readonly madeAt: string;
  readonly madeBy: string;
}
/** What was found in a backup, or put into it. */
export interface ArchiveSummary extends ArchiveHead, DataSummary {
  readonly encrypted: boolean;
}
/** What a backup is believed for. */
export interface ArchiveTrust {
  /** Asked for when it is encrypted: only who knows it can have written the file. */
  readonly askPassphrase: () => Promise<string>;
  /** Whether one that is not will do. Whoever could put the file there decides what is in it. */
  readonly allowUnencrypted?: boolean;
}
/** Takes what is read. Each call is waited for. */
export interface ArchiveSink {
  keys?(keys: KeyFiles): Promise<void>;
  blob?(blob: ArchivedBlob): Promise<void>;
  rows?(rows: readonly Row[]): Promise<void>;
}

const magic = "sotto-server-backup";
const maxLineBytes = 1_024;
const maxKeys = 16;
const rowsFrameBytes = 1_048_576;

const lineSchema = z.object({
  format: z.literal(magic),
  version: z.number().int(),
  seal: z
    .object({
      salt: z.string().regex(/^[0-9a-f]{32}$/),
      iterations: z.number().int().min(1).max(MAX_ITERATIONS),
    })
    .optional(),
});
const headSchema = z.object({ tables: z.number().int(), made_at: z.iso.datetime(), made_by: z.string() });
const countSchema = z.object({ rows: z.number().int(), sha256: z.string() });
const endSchema = z.object({
  tables: z.record(z.string(), countSchema),
  blobs: z.object({ count: z.number().int(), bytes: z.number().int(), sha256: z.string() }),
  sha256: z.string(),
});

/** Writes a backup. @param passphrase undefined: not encrypted. @param write each call is waited for. */
export async function writeArchive(
  content: ArchiveContent,
  madeAt: string,
  passphrase: string | undefined,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<ArchiveSummary> {
  const seal = passphrase === undefined ? undefined : newSeal();
  const line = Buffer.from(`${JSON.stringify({ format: magic, version: 1, ...(seal && { seal }) })}\n`);
  await write(line);
  const totals = new Totals();
  const frames = contentFrames(content, { madeAt, madeBy: VERSION }, totals);
  const bytes = seal === undefined ? frames : sealed(frames, passphrase as string, seal, line);
  for await (const chunk of bytes) await write(chunk);
  return { madeAt, madeBy: VERSION, encrypted: seal !== undefined, ...totals.summary() };
}

async function* contentFrames(
  { keys, blobs, rows }: ArchiveContent,
  { madeAt, madeBy }: ArchiveHead,
  totals: Totals,
): AsyncGenerator<Uint8Array> {
  const head = { tables: TABLES_VERSION, made_at: madeAt, made_by: madeBy };
  yield totals.frame(FRAMES.head, Buffer.from(JSON.stringify(head)));
  for (const [name, file] of keys) {
    yield totals.frame(FRAMES.key, Buffer.concat([Buffer.from(`${name}\0`), file]));
  }
  for await (const { id, size, bytes } of blobs) {
    yield totals.frame(FRAMES.blob, blobHead(id, size));
    totals.beginBlob(id, size);
    for await (const part of bytes) {
      totals.addBlobBytes(part);
      yield totals.frame(FRAMES.blobBytes, part);
    }
  }
  let batch: Buffer[] = [];
  let length = 0;
  const flush = (): Uint8Array => {
    const frame = totals.frame(FRAMES.rows, Buffer.concat(batch));
    batch = [];
    length = 0;
    return frame;
  };
  for await (const some of rows()) {
    for (const row of some) {
      totals.addRow(row);
      const bytes = encodeRow(row);
      if (length > 0 && length + bytes.length > rowsFrameBytes) yield flush();
      batch.push(bytes);
      length += bytes.length;
    }
  }
  if (length > 0) yield flush();
  yield encodeFrame(FRAMES.end, Buffer.from(JSON.stringify(totals.end())));
}

/**
 * Reads a backup, all of it, and hands it to a sink as it comes: nothing is known to be whole before this has resolved.
 * @param bytes of the file.
 * @throws StorageError `backup_damaged`, `backup_foreign`, `backup_unencrypted`; CryptoError `passphrase_wrong`; and whatever the sink throws.
 */
export async function readArchive(
  bytes: AsyncIterable<Uint8Array>,
  { askPassphrase, allowUnencrypted = false }: ArchiveTrust,
  sink: ArchiveSink = {},
): Promise<ArchiveSummary> {
  const { line, rest } = await readLine(bytes);
  const { seal } = parseLine(line);
  if (seal === undefined && !allowUnencrypted) {
    throw new StorageError("backup_unencrypted", "the backup is not encrypted: anybody may have written it");
  }
  const plain = seal === undefined ? rest : unsealed(rest, await askPassphrase(), seal, line);
  const reader = new Reader(sink);
  const frames = readFrames(plain);
  try {
    let frame = await frames.next();
    const head = reader.head(frame.value as Frame | undefined);
    frame = await frames.next();
    while (frame.done !== true) {
      const { kind, content } = frame.value;
      if (kind === FRAMES.blob) {
        // A blob's frames belong to whoever stores it; what they leave unread is read all the same.
        const blob = await reader.beginBlob(content, frames);
        await sink.blob?.(blob);
        for await (const part of blob.bytes) void part;
      } else await reader.take(kind, content);
      frame = await frames.next();
    }
    return { ...head, encrypted: seal !== undefined, ...reader.end() };
  } catch (error) {
    if (error instanceof CodecError) throw damaged(error.message, error);
    throw error;
  }
}

/** Follows a backup from its head to its end. */
class Reader {
  readonly #sink: ArchiveSink;
  readonly #totals = new Totals();
  readonly #consistency = new Consistency(nodeCrypto);
  readonly #keys = new Map<string, Uint8Array>();
  /** How far it has come: kinds of frames only go up. */
  #stage: number = FRAMES.head;
  #lastBlob: Uint8Array | undefined;
  #counts: Counts | undefined;

  constructor(sink: ArchiveSink) {
    this.#sink = sink;
  }

  head(frame: Frame | undefined): ArchiveHead {
    if (frame?.kind !== FRAMES.head) throw damaged("it does not begin as backups do");
    this.#totals.frame(FRAMES.head, frame.content);
    const head = parseJson(headSchema, frame.content);
    if (head.tables !== TABLES_VERSION)
      throw foreign("another version of Sotto made it; use that version to restore it");
    return { madeAt: head.made_at, madeBy: head.made_by };
  }

  async take(kind: number, content: Buffer): Promise<void> {
    await this.#advance(kind);
    if (kind === FRAMES.end) return this.#end(content);
    if (kind === FRAMES.key) {
      this.#totals.frame(kind, content);
      const at = content.indexOf(0);
      if (at <= 0 || this.#keys.size >= maxKeys) throw damaged("a key is not as it should be");
      this.#keys.set(content.toString("utf8", 0, at), Uint8Array.from(content.subarray(at + 1)));
      return;
    }
    if (kind !== FRAMES.rows) throw damaged("a part of it is of no known kind");
    this.#totals.frame(kind, content);
    const rows = decodeRows(content);
    for (const row of rows) {
      const wrong = this.#consistency.add(row);
      if (wrong !== undefined) throw damaged(wrong);
      this.#totals.addRow(row);
    }
    await this.#sink.rows?.(rows);
  }

  /** The blob that a frame begins. Its bytes are the frames that follow. */
  async beginBlob(content: Buffer, frames: AsyncIterator<Frame>): Promise<ArchivedBlob> {
    await this.#advance(FRAMES.blob);
    if (content.length !== 40) throw damaged("a blob is not as it should be");
    const id = Uint8Array.from(content.subarray(0, 32));
    if (this.#lastBlob !== undefined && Buffer.compare(this.#lastBlob, id) >= 0)
      throw damaged("blobs are out of order");
    this.#lastBlob = id;
    const size = Number(content.readBigUInt64BE(32));
    this.#totals.frame(FRAMES.blob, content);
    this.#totals.beginBlob(id, size);
    return { id, size, bytes: this.#blobBytes(size, frames) };
  }

  async *#blobBytes(size: number, frames: AsyncIterator<Frame>): AsyncGenerator<Uint8Array> {
    for (let left = size; left > 0;) {
      const next = await frames.next();
      const frame = next.done === true ? undefined : next.value;
      if (frame?.kind !== FRAMES.blobBytes || frame.content.length === 0 || frame.content.length > left) {
        throw damaged("a blob is cut short");
      }
      this.#totals.frame(FRAMES.blobBytes, frame.content);
      this.#totals.addBlobBytes(frame.content);
      left -= frame.content.length;
      yield frame.content;
    }
  }

  end(): DataSummary {
    if (this.#counts === undefined) throw damaged("it is cut short");
    return this.#totals.summary();
  }

  async #advance(kind: number): Promise<void> {
    if (kind < this.#stage || this.#stage === FRAMES.end) throw damaged("its parts are out of order");
    const isPastKeys = this.#stage <= FRAMES.key && kind > FRAMES.key;
    this.#stage = kind;
    if (!isPastKeys) return;
    if (this.#keys.size === 0) throw damaged("it holds no keys");
    await this.#sink.keys?.(this.#keys);
  }

  #end(content: Buffer): void {
    const wrong = this.#consistency.end();
    if (wrong !== undefined) throw damaged(wrong);
    const said = parseJson(endSchema, content);
    const found = this.#totals.end();
    if (JSON.stringify(said) !== JSON.stringify(found))
      throw damaged("counts or hashes are not what they should be");
    this.#counts = found.tables;
  }
}

/** Counts and hashes of all that goes by. */
class Totals {
  readonly #all: Hash = createHash("sha256");
  readonly #tally = new Tally();
  readonly #blobHash: Hash = createHash("sha256");
  /** Ids and sizes of blobs, and of rows that tell of blobs: the same, in the same order. */
  readonly #stored: Hash = createHash("sha256");
  readonly #told: Hash = createHash("sha256");
  #blobs = 0;
  #blobBytes = 0;
  #counts: Counts | undefined;

  /** A frame's bytes, counted. */
  frame(kind: (typeof FRAMES)[keyof typeof FRAMES], content: Uint8Array): Buffer {
    const frame = encodeFrame(kind, content);
    this.#all.update(frame);
    return frame;
  }

  beginBlob(id: Uint8Array, size: number): void {
    this.#stored.update(blobHead(id, size));
    this.#blobHash.update(blobHead(id, size));
    this.#blobs++;
    this.#blobBytes += size;
  }

  addBlobBytes(bytes: Uint8Array): void {
    this.#blobHash.update(bytes);
  }

  addRow(row: Row): void {
    this.#tally.add(row);
    const blob = blobOf(row);
    if (blob === undefined) return;
    if (!blob.isWhole) throw damaged("it tells of a blob that is not whole");
    this.#told.update(blobHead(blob.id, blob.size));
  }

  end(): z.output<typeof endSchema> & { readonly tables: Counts } {
    this.#counts = this.#tally.end();
    if (!equalBytes(this.#stored.digest(), this.#told.digest()))
      throw damaged("it holds other blobs than it tells of");
    const blobs = { count: this.#blobs, bytes: this.#blobBytes, sha256: this.#blobHash.digest("hex") };
    return { tables: this.#counts, blobs, sha256: this.#all.digest("hex") };
  }

  summary(): DataSummary {
    return { blobs: this.#blobs, blobBytes: this.#blobBytes, counts: this.#counts as Counts };
  }
}

function blobHead(id: Uint8Array, size: number): Buffer {
  const head = Buffer.alloc(40);
  head.set(id);
  head.writeBigUInt64BE(BigInt(size), 32);
  return head;
}

async function readLine(
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ line: Buffer; rest: AsyncIterable<Uint8Array> }> {
  const iterator = bytes[Symbol.asyncIterator]();
  let begun = Buffer.alloc(0);
  while (!begun.includes(10)) {
    const next = await iterator.next();
    if (next.done === true || begun.length > maxLineBytes) throw foreign("it is no backup of a Sotto server");
    begun = Buffer.concat([begun, next.value]);
  }
  const end = begun.indexOf(10) + 1;
  async function* rest(): AsyncGenerator<Uint8Array> {
    try {
      yield begun.subarray(end);
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { line: begun.subarray(0, end), rest: rest() };
}

function parseLine(line: Buffer): z.output<typeof lineSchema> {
  let parsed: z.output<typeof lineSchema>;
  try {
    parsed = lineSchema.parse(JSON.parse(line.toString("utf8")));
  } catch (cause) {
    throw foreign("it is no backup of a Sotto server", cause);
  }
  if (parsed.version !== 1) throw foreign("a newer version of Sotto made it; update Sotto");
  return parsed;
}

function parseJson<T>(schema: z.ZodType<T>, content: Buffer): T {
  try {
    return schema.parse(JSON.parse(content.toString("utf8")));
  } catch (cause) {
    throw damaged("a part of it cannot be read", cause);
  }
}

function foreign(why: string, cause?: unknown): StorageError {
  return new StorageError("backup_foreign", `the backup cannot be used: ${why}`, { cause });
}
