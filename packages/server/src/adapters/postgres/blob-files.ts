/**
 * Bytes of blobs in PostgreSQL, where all nodes find them: pieces of one size, each stored in a transaction of its own as it comes, so that an
 * upload takes no more memory than a piece, holds no connection while it waits, and goes on at another node after a break.
 */
import { StorageError } from "@sotto/protocol";
import type { BlobFiles } from "../../core/blobs/files.ts";
import { named, type Connections, type Transaction } from "./connections.ts";

/** Bytes of a piece; never changed, since stored ones are counted by it. */
const pieceBytes = 262_144;

const SQL = named({
  makeBlobFile: `INSERT INTO blob_files (id, length, finished) VALUES ($1, 0, false) ON CONFLICT DO NOTHING`,
  lockBlobFile: "SELECT length FROM blob_files WHERE id = $1 FOR UPDATE",
  readPiece: "SELECT body FROM blob_pieces WHERE id = $1 AND piece = $2::bigint",
  putPiece: `INSERT INTO blob_pieces (id, piece, body) VALUES ($1, $2::bigint, $3)
    ON CONFLICT (id, piece) DO UPDATE SET body = excluded.body`,
  growBlobFile: "UPDATE blob_files SET length = greatest(length, $2::bigint) WHERE id = $1",
  finishBlobFile: "UPDATE blob_files SET finished = true WHERE id = $1 AND NOT finished",
  readBlobFile: "SELECT length FROM blob_files WHERE id = $1 AND finished",
  removeBlobFile: "DELETE FROM blob_files WHERE id = $1",
  listBlobFiles: "SELECT id FROM blob_files WHERE id >= $1 AND ($2::bytea IS NULL OR id < $2::bytea)",
});

/** The blobs of one database. */
export class PostgresBlobFiles implements BlobFiles {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  async write(id: Uint8Array, offset: number, body: AsyncIterable<Uint8Array>): Promise<number | undefined> {
    if (offset === 0) await this.#connections.rows(SQL.makeBlobFile, id);
    const length = await this.#length(id);
    if (length === undefined || length < offset) return undefined;
    let at = offset;
    for await (const bytes of inPieces(body, offset)) {
      // Removed meanwhile: nothing of it is to come back.
      if (!(await this.#put(id, at, bytes))) break;
      at += bytes.length;
    }
    return at - offset;
  }

  async finish(id: Uint8Array): Promise<void> {
    await this.#connections.rows(SQL.finishBlobFile, id);
  }

  async read(id: Uint8Array, from: number, to: number): Promise<AsyncIterable<Uint8Array> | undefined> {
    const [file] = await this.#connections.rows(SQL.readBlobFile, id);
    if (file === undefined || (file["length"] as number) < to) return undefined;
    // One that is gone is told before anything of it is.
    let first = from < to ? await this.#piece(id, Math.floor(from / pieceBytes)) : undefined;
    return joinPieces(from, to, async (piece) => {
      const body = first ?? (await this.#piece(id, piece));
      first = undefined;
      return body;
    });
  }

  async remove(id: Uint8Array): Promise<void> {
    await this.#connections.rows(SQL.removeBlobFile, id);
  }

  async list(firstByte: number): Promise<readonly Uint8Array[]> {
    const next = firstByte === 255 ? undefined : Uint8Array.of(firstByte + 1);
    const rows = await this.#connections.rows(SQL.listBlobFiles, Uint8Array.of(firstByte), next);
    return rows.map((row) => row["id"] as Uint8Array);
  }

  /** A database does not tell how much room its disk has: the quota of all blobs is what keeps them within bounds. */
  async freeBytes(): Promise<number> {
    return Number.POSITIVE_INFINITY;
  }

  /** @throws StorageError `unavailable` when it is removed. */
  async #piece(id: Uint8Array, piece: number): Promise<Uint8Array> {
    const [row] = await this.#connections.rows(SQL.readPiece, id, piece);
    if (row === undefined) throw new StorageError("unavailable", "the blob was removed while it was read");
    return row["body"] as Uint8Array;
  }

  async #length(id: Uint8Array): Promise<number | undefined> {
    return this.#connections.transaction((transaction) => lock(transaction, id));
  }

  /** Stores bytes that lie within one piece. False: the blob was removed. */
  #put(id: Uint8Array, at: number, bytes: Uint8Array): Promise<boolean> {
    const piece = Math.floor(at / pieceBytes);
    const start = at % pieceBytes;
    return this.#connections.transaction(async (transaction) => {
      if ((await lock(transaction, id)) === undefined) return false;
      const [row] = bytes.length < pieceBytes ? await transaction.rows(SQL.readPiece, id, piece) : [];
      transaction.write(
        SQL.putPiece,
        id,
        piece,
        laidOver(row?.["body"] as Uint8Array | undefined, start, bytes),
      );
      transaction.write(SQL.growBlobFile, id, at + bytes.length);
      return true;
    });
  }
}

/** Bytes of a blob from pieces that come one after another. */
export async function* joinPieces(
  from: number,
  to: number,
  pieceOf: (piece: number) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to;) {
    const body = await pieceOf(Math.floor(at / pieceBytes));
    const start = at % pieceBytes;
    const bytes = body.subarray(start, start + to - at);
    at += bytes.length;
    yield bytes;
  }
}

async function lock(transaction: Transaction, id: Uint8Array): Promise<number | undefined> {
  const [row] = await transaction.rows(SQL.lockBlobFile, id);
  return row?.["length"] as number | undefined;
}

/** What lay there, with other bytes in it from a place on. */
function laidOver(before: Uint8Array = new Uint8Array(), start: number, bytes: Uint8Array): Uint8Array {
  if (start === 0 && bytes.length >= before.length) return bytes;
  const after = new Uint8Array(Math.max(before.length, start + bytes.length));
  after.set(before);
  after.set(bytes, start);
  return after;
}

/** What comes, cut where pieces end. Whatever came before it breaks is passed on. */
async function* inPieces(body: AsyncIterable<Uint8Array>, offset: number): AsyncGenerator<Uint8Array> {
  const held = new Uint8Array(pieceBytes);
  let room = pieceBytes - (offset % pieceBytes);
  let length = 0;
  for await (const bytes of body) {
    for (let from = 0; from < bytes.length;) {
      const part = bytes.subarray(from, from + room - length);
      held.set(part, length);
      from += part.length;
      length += part.length;
      if (length < room) continue;
      yield held.slice(0, length);
      [length, room] = [0, pieceBytes];
    }
  }
  if (length > 0) yield held.slice(0, length);
}
