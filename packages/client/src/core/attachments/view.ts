/** What the SDK tells of a message's files. */
import type { Attachment } from "../../api.ts";
import { safeFileName } from "./file-name.ts";
import type { AttachmentRecord } from "./records.ts";

/** An attachment as the SDK gives it out: without what opens it, and under a harmless name. */
export function toAttachment(record: AttachmentRecord): Attachment {
  const {
    name,
    mediaType: type,
    size,
    width,
    height,
    durationMs,
    preview,
    voice,
    waveform,
    thumbnail,
  } = record;
  return {
    name: safeFileName(name),
    type,
    size,
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(durationMs !== undefined && { durationMs }),
    ...(preview !== undefined && { preview }),
    ...(voice !== undefined && { voice }),
    ...(waveform !== undefined && { waveform }),
    thumbnail: thumbnail === true,
  };
}
