/** Where a file's bytes come from, and how a file is made of parts of another without holding either in memory. */
import { UsageError, concatBytes } from "@sotto/protocol";
import type { FileSource } from "../../attachment-api.ts";

/** Bytes in memory as a file. */
export function bytesSource(bytes: Uint8Array): FileSource {
  return { size: bytes.length, read: async (offset, length) => bytes.slice(offset, offset + length) };
}

/** A part of a file that is made: bytes of another file from `from` up to `to`, or bytes of its own. */
export type Piece = { readonly from: number; readonly to: number } | Uint8Array;

const lengthOf = (piece: Piece): number =>
  piece instanceof Uint8Array ? piece.length : piece.to - piece.from;

/** Gathers pieces in order; ranges that follow each other become one. */
export class Pieces {
  readonly #pieces: Piece[] = [];
  #bytes = 0;

  /** Bytes of all pieces together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many pieces there are. */
  get count(): number {
    return this.#pieces.length;
  }

  range(from: number, to: number): void {
    if (from >= to) return;
    const last = this.#pieces.at(-1);
    const follows = last !== undefined && !(last instanceof Uint8Array) && last.to === from;
    if (follows) this.#pieces[this.#pieces.length - 1] = { from: last.from, to };
    else this.#pieces.push({ from, to });
    this.#bytes += to - from;
  }

  own(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
  }

  append(other: Pieces): void {
    for (const piece of other.#pieces) {
      if (piece instanceof Uint8Array) this.own(piece);
      else this.range(piece.from, piece.to);
    }
  }

  /** The file that they make of another. */
  of(source: FileSource): FileSource {
    const pieces = this.#pieces.slice();
    return { size: this.#bytes, read: (offset, length) => readPieces(source, pieces, offset, length) };
  }
}

async function readPieces(
  source: FileSource,
  pieces: readonly Piece[],
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const piece of pieces) {
    const from = Math.max(0, offset - at);
    const to = Math.min(lengthOf(piece), offset + length - at);
    if (from < to) {
      parts.push(
        piece instanceof Uint8Array
          ? piece.subarray(from, to)
          : await source.read(piece.from + from, to - from),
      );
    }
    at += lengthOf(piece);
    if (at >= offset + length) break;
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : concatBytes(...parts);
}

/** Looks at bytes of a file, which it reads a block at a time. */
export class Peek {
  readonly source: FileSource;
  #block = new Uint8Array();
  #from = 0;

  constructor(source: FileSource) {
    this.source = source;
  }

  /** Whether so many bytes lie at a place. */
  has(offset: number, length: number): boolean {
    return offset + length <= this.source.size;
  }

  /** Bytes at a place; a view that holds until the next call. @throws UsageError `picture_unreadable` beyond the end. */
  async bytes(offset: number, length: number): Promise<Uint8Array> {
    if (!this.has(offset, length)) throw unreadable("it ends too early");
    if (offset < this.#from || offset + length > this.#from + this.#block.length) {
      this.#from = offset;
      const wanted = Math.max(length, blockBytes);
      this.#block = Uint8Array.from(
        await this.source.read(offset, Math.min(wanted, this.source.size - offset)),
      );
    }
    return this.#block.subarray(offset - this.#from, offset - this.#from + length);
  }

  /** Big-endian. */
  async uint16(offset: number): Promise<number> {
    return viewOf(await this.bytes(offset, 2)).getUint16(0);
  }

  /** Big-endian. */
  async uint32(offset: number): Promise<number> {
    return viewOf(await this.bytes(offset, 4)).getUint32(0);
  }

  /** ASCII at a place; shorter at the end of the file. */
  async text(offset: number, length: number): Promise<string> {
    const there = Math.max(0, Math.min(length, this.source.size - offset));
    return String.fromCharCode(...(await this.bytes(offset, there)));
  }

  /** Where a byte lies from a place on; the file's size when nowhere. */
  async find(byte: number, offset: number): Promise<number> {
    for (let at = offset; at < this.source.size;) {
      const block = await this.bytes(at, Math.min(blockBytes, this.source.size - at));
      const found = block.indexOf(byte);
      if (found >= 0) return at + found;
      at += block.length;
    }
    return this.source.size;
  }
}

const blockBytes = 65_536;

/** A view on bytes. */
export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** What is thrown for a picture whose parts cannot be told apart: what is in it cannot be taken out. */
export function unreadable(why: string): UsageError {
  return new UsageError(
    "picture_unreadable",
    `the picture cannot be read, so that what it tells stays in it: ${why}`,
  );
}
