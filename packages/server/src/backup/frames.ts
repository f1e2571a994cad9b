/**
 * The frames of a backup: a kind (1 byte), a length (4 bytes, big-endian), and that many bytes. Nothing is read into memory before its length is
 * known to be small.
 */
import { StorageError } from "@sotto/protocol";

/** What a frame holds. */
export const FRAMES = {
  /** JSON: of what the backup is. Comes first. */
  head: 1,
  /** A file of the data folder that holds a key: its name, a zero byte, its content. */
  key: 2,
  /** Begins a blob: its id, 32 bytes, and its size, 8 bytes. */
  blob: 3,
  /** Bytes of the blob that was begun. */
  blobBytes: 4,
  /** Rows. */
  rows: 5,
  /** JSON: counts and hashes of all that came. Comes last. */
  end: 6,
} as const;
export type FrameKind = (typeof FRAMES)[keyof typeof FRAMES];

/** A frame. */
export interface Frame {
  readonly kind: number;
  readonly content: Buffer;
}

/** Over what any frame of ours holds: a batch of a mebibyte and the largest row. */
const maxContentBytes = 8 * 1_048_576;
const headBytes = 5;

/** A frame's bytes. */
export function encodeFrame(kind: FrameKind, content: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes);
  head[0] = kind;
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

/** Reads frames until the stream ends. @throws StorageError `backup_damaged`. */
export async function* readFrames(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let chunks: Uint8Array[] = [];
  let length = 0;
  let needed = headBytes;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    length += chunk.length;
    if (length < needed) continue;
    const all = Buffer.concat(chunks);
    let at = 0;
    for (needed = headBytes; all.length - at >= needed; needed = headBytes) {
      const size = all.readUInt32BE(at + 1);
      if (size > maxContentBytes) throw damaged("a part of it is too large");
      needed += size;
      if (all.length - at < needed) break;
      yield { kind: all[at] as number, content: all.subarray(at + headBytes, at + needed) };
      at += needed;
    }
    chunks = at === all.length ? [] : [all.subarray(at)];
    length = all.length - at;
  }
  if (length > 0) throw damaged("it is cut short");
}

/** @param why continues "the backup". */
export function damaged(why: string, cause?: unknown): StorageError {
  return new StorageError("backup_damaged", `the backup cannot be used: ${why}`, { cause });
}
