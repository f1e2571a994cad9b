/**
 * How a file is sealed for its way over the server: cut into chunks, each AES-256-GCM with its place and whether it is the last as
 * nonce (the STREAM construction, as age has it), under a key that seals this file and nothing else. Padded by Padmé, so that the length
 * tells little. A digest over the sealed chunks binds the one file that the sender meant: who has the key could seal another.
 *
 * Invariants: chunks are opened one by one, and none that was altered, moved, cut off or added opens; a key and an index seal one
 * content only, which callers must see to: sealing another under them would give both away.
 * @see spec/PROTOCOL.md "Attachments"
 */
import { CryptoError, LABELS, LIMITS, UsageError, concatBytes, labelled, utf8 } from "@sotto/protocol";
import { padmeLength } from "./padme.ts";
import type { CryptoProvider } from "./provider.ts";

/** Length of an attachment's key, and of its digest, in bytes. */
export const ATTACHMENT_KEY_BYTES = 32;
export const ATTACHMENT_DIGEST_BYTES = 32;

const chunkBytes = LIMITS.attachmentChunkBytes;
const tagBytes = 16;
const counterBytes = 11;
const aad = utf8(LABELS.attachment);
// Far beyond what anybody stores, and well within exact numbers.
const largestBytes = 2 ** 48;

/** The lengths that follow from a file's size. */
export interface AttachmentShape {
  /** Bytes of the file. */
  readonly size: number;
  /** With its padding. */
  readonly paddedBytes: number;
  readonly chunks: number;
  /** Bytes of all sealed chunks together. */
  readonly sealedBytes: number;
}

/** The lengths for a file of so many bytes. @throws UsageError `usage` for what is no size. */
export function attachmentShape(size: number): AttachmentShape {
  if (!Number.isSafeInteger(size) || size < 0 || size > largestBytes) {
    throw new UsageError("usage", "a file's size is a whole number of bytes");
  }
  const paddedBytes = padmeLength(Math.max(size, LIMITS.minAttachmentBytes));
  const chunks = Math.ceil(paddedBytes / chunkBytes);
  return { size, paddedBytes, chunks, sealedBytes: paddedBytes + chunks * tagBytes };
}

/** Size of the largest file whose sealed chunks have at most so many bytes; undefined when not even an empty one fits. */
export function largestAttachment(maxSealedBytes: number): number | undefined {
  let [fits, tooLarge] = [-1, Math.min(maxSealedBytes, largestBytes) + 1];
  while (tooLarge - fits > 1) {
    const size = Math.floor((fits + tooLarge) / 2);
    if (attachmentShape(size).sealedBytes <= maxSealedBytes) fits = size;
    else tooLarge = size;
  }
  return fits < 0 ? undefined : fits;
}

/** Where a chunk begins among the sealed ones, in bytes. */
export const sealedOffset = (index: number): number => index * (chunkBytes + tagBytes);

/** Bytes of the file itself that a chunk holds; 0 when it is all padding. */
export function contentBytes({ size }: AttachmentShape, index: number): number {
  return Math.min(chunkBytes, Math.max(0, size - index * chunkBytes));
}

/** Bytes of a chunk with its padding, without its tag. */
function plainBytes({ paddedBytes }: AttachmentShape, index: number): number {
  return Math.min(chunkBytes, paddedBytes - index * chunkBytes);
}

/**
 * Seals a chunk. @param content the file's bytes in it, as many as contentBytes() says.
 * @throws UsageError `usage` for another length or an index that there is not.
 */
export async function sealChunk(
  provider: CryptoProvider,
  key: Uint8Array,
  shape: AttachmentShape,
  index: number,
  content: Uint8Array,
): Promise<Uint8Array> {
  if (index < 0 || index >= shape.chunks || content.length !== contentBytes(shape, index)) {
    throw new UsageError("usage", "no such chunk of that length");
  }
  const plain = new Uint8Array(plainBytes(shape, index));
  plain.set(content);
  return provider.aesGcmSeal(key, nonceOf(shape, index), plain, aad);
}

/**
 * Opens a chunk: the file's bytes in it.
 * @throws CryptoError `decryption_failed`: it is not what was sealed at this place of this file.
 */
export async function openChunk(
  provider: CryptoProvider,
  key: Uint8Array,
  shape: AttachmentShape,
  index: number,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  if (index < 0 || index >= shape.chunks || sealed.length !== plainBytes(shape, index) + tagBytes) {
    throw new CryptoError("decryption_failed", "the chunk has a wrong length");
  }
  const plain = await provider.aesGcmOpen(key, nonceOf(shape, index), sealed, aad);
  const content = contentBytes(shape, index);
  if (plain.subarray(content).some((byte) => byte !== 0)) {
    throw new CryptoError("decryption_failed", "the padding is not zeros");
  }
  return plain.subarray(0, content);
}

/** The chunk's place in 11 bytes, and whether it is the last in one. */
function nonceOf({ chunks }: AttachmentShape, index: number): Uint8Array {
  const nonce = new Uint8Array(counterBytes + 1);
  new DataView(nonce.buffer).setBigUint64(counterBytes - 8, BigInt(index));
  nonce[counterBytes] = index === chunks - 1 ? 1 : 0;
  return nonce;
}

/** The digest before the first chunk, 32 bytes. */
export async function beginDigest(provider: CryptoProvider, shape: AttachmentShape): Promise<Uint8Array> {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(shape.sealedBytes));
  return provider.sha256(labelled(LABELS.attachment, length));
}

/** The digest after one more sealed chunk, 32 bytes. That after the last is the attachment's. */
export async function extendDigest(
  provider: CryptoProvider,
  digest: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  return provider.sha256(concatBytes(digest, await provider.sha256(sealed)));
}
