/** Sealing a file part by part: a window of chunks at a time, so that memory holds no more than that of any file. */
import {
  beginDigest,
  contentBytes,
  extendDigest,
  sealChunk,
  sealedOffset,
  type AttachmentShape,
} from "@sotto/crypto";
import type { CryptoProvider } from "@sotto/crypto";
import { LIMITS, SottoError, UsageError, concatBytes } from "@sotto/protocol";
import type { FileSource } from "../../attachment-api.ts";

/** Chunks in a window: 2 MiB. */
const windowChunks = 32;

const chunkBytes = LIMITS.attachmentChunkBytes;

/** Where a window stands among a blob's bytes. */
export interface WindowPlace {
  readonly from: number;
  readonly to: number;
}

/** Chunks `first` to `end`, sealed, and the digest after them. */
export interface SealedWindow {
  readonly bytes: Uint8Array;
  readonly digest: Uint8Array;
}

/** Where the window after so many chunks ends, in chunks. */
export const windowEnd = (shape: AttachmentShape, first: number): number =>
  Math.min(shape.chunks, first + windowChunks);

/** Where chunks `first` to `end` stand in the blob. */
export const windowPlace = (shape: AttachmentShape, first: number, end: number): WindowPlace => ({
  from: sealedOffset(first),
  to: end === shape.chunks ? shape.sealedBytes : sealedOffset(end),
});

/**
 * Reads and seals chunks `first` to `end`. @param digest the one before them; empty before the first.
 * @throws UsageError `file_changed` when the file's bytes cannot be read.
 */
export async function sealWindow(
  crypto: CryptoProvider,
  { key, digest }: { readonly key: Uint8Array; readonly digest: Uint8Array },
  shape: AttachmentShape,
  source: FileSource,
  first: number,
  end: number,
): Promise<SealedWindow> {
  if (source.size !== shape.size) throw changed();
  const from = Math.min(first * chunkBytes, shape.size);
  const content = await readExactly(source, from, Math.min(end * chunkBytes, shape.size) - from);
  const sealed: Uint8Array[] = [];
  let after = digest.length === 0 ? await beginDigest(crypto, shape) : digest;
  for (let index = first; index < end; index++) {
    const at = (index - first) * chunkBytes;
    const chunk = await sealChunk(
      crypto,
      key,
      shape,
      index,
      content.subarray(at, at + contentBytes(shape, index)),
    );
    after = await extendDigest(crypto, after, chunk);
    sealed.push(chunk);
  }
  return { bytes: concatBytes(...sealed), digest: after };
}

/** @throws UsageError `file_changed` when they are not there. */
export async function readExactly(source: FileSource, offset: number, length: number): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array();
  let bytes: Uint8Array;
  try {
    bytes = await source.read(offset, length);
  } catch (cause) {
    if (cause instanceof SottoError) throw cause;
    throw changed(cause);
  }
  if (bytes.length !== length) throw changed();
  return bytes;
}

/** What is thrown for a file that is not what it was when it was sent. */
export function changed(cause?: unknown): UsageError {
  return new UsageError("file_changed", "the file cannot be read any more, or was changed", { cause });
}
