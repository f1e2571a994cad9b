/** Attachments as they travel, read and written. What others sent is held against every limit here. Pure. */
import { ATTACHMENT_DIGEST_BYTES, ATTACHMENT_KEY_BYTES, attachmentShape } from "@sotto/crypto";
import {
  BLOB_TOKEN_BYTES,
  LIMITS,
  ValidationError,
  utf8,
  type Attachment as WireAttachment,
} from "@sotto/protocol";
import { isMediaType } from "./media-type.ts";
import type { AttachmentRecord } from "./records.ts";

/** An attachment with its small picture, which is kept apart. */
export interface CarriedAttachment extends Omit<AttachmentRecord, "thumbnail"> {
  readonly thumbnailBytes?: Uint8Array;
}

/** Attachments for their way. */
export function wireAttachments(attachments: readonly CarriedAttachment[]) {
  return attachments.map((attachment) => {
    const { readToken, key, size, digest, mediaType, name } = attachment;
    const {
      width = 0,
      height = 0,
      durationMs = 0,
      preview,
      thumbnailBytes,
      voice = false,
      waveform,
    } = attachment;
    return {
      readToken,
      key,
      size: BigInt(size),
      digest,
      mediaType,
      name,
      width,
      height,
      durationMs,
      voice,
      ...(thumbnailBytes !== undefined && { thumbnail: thumbnailBytes }),
      ...(preview !== undefined && { preview }),
      ...(waveform !== undefined && { waveform }),
    };
  });
}

/** Reads what came. @throws ValidationError `message_refused` (SOTTO-FILE-1). */
export function checkedAttachments(items: readonly WireAttachment[]): readonly CarriedAttachment[] {
  if (items.length < 1 || items.length > LIMITS.maxAttachments) throw refused("have a wrong number");
  return items.map(checked);
}

function checked(item: WireAttachment): CarriedAttachment {
  const { readToken, key, digest, mediaType, name } = item;
  exact(readToken, BLOB_TOKEN_BYTES);
  exact(key, ATTACHMENT_KEY_BYTES);
  exact(digest, ATTACHMENT_DIGEST_BYTES);
  if (!isMediaType(mediaType)) throw refused("name no media type");
  if (utf8(name).length > LIMITS.maxFileNameBytes) throw refused("have too long a name");
  atMost(item.thumbnail, LIMITS.maxThumbnailBytes);
  atMost(item.preview, LIMITS.maxPreviewBytes);
  atMost(item.waveform, LIMITS.maxWaveformBytes);
  return {
    readToken: readToken.slice(),
    key: key.slice(),
    digest: digest.slice(),
    size: checkedSize(item.size),
    mediaType,
    name,
    ...(item.width > 0 && item.height > 0 && { width: item.width, height: item.height }),
    ...(item.durationMs > 0 && { durationMs: item.durationMs }),
    ...(item.preview.length > 0 && { preview: item.preview.slice() }),
    ...(item.voice && { voice: true as const }),
    ...(item.waveform.length > 0 && { waveform: item.waveform.slice() }),
    ...(item.thumbnail.length > 0 && { thumbnailBytes: item.thumbnail.slice() }),
  };
}

function checkedSize(size: bigint): number {
  try {
    return attachmentShape(Number(size)).size;
  } catch (cause) {
    throw refused("have an impossible size", cause);
  }
}

function exact(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw refused("have a malformed token, key or digest");
}

function atMost(bytes: Uint8Array, length: number): void {
  if (bytes.length > length) throw refused("have too large a preview");
}

function refused(what: string, cause?: unknown): ValidationError {
  return new ValidationError("message_refused", `SOTTO-FILE-1: the message's attachments ${what}`, { cause });
}
