/** What callers want to send, made ready before anything is stored: checked, stripped of metadata, small files kept. */
import { attachmentShape, largestAttachment } from "@sotto/crypto";
import { LIMITS, UsageError, utf8 } from "@sotto/protocol";
import type { AttachmentInput, SharedAttachment } from "../../api.ts";
import type { Engine } from "../engine.ts";
import { freshId } from "../groups/queue.ts";
import { stripPicture } from "../media/picture.ts";
import type { FileSource } from "../../attachment-api.ts";
import type { MessagePlace } from "../records.ts";
import { nextOrder, type Step } from "../step.ts";
import { findAttachment } from "./finding.ts";
import { safeFileName } from "./file-name.ts";
import { MOST_KEPT_BYTES, keepFile } from "./keeping.ts";
import { OCTETS, isMediaType, typeOfName } from "./media-type.ts";
import { attachmentNames, type AttachmentRecord } from "./records.ts";
import { readExactly } from "./sealing.ts";
import { newActive } from "./state.ts";
import { isThumbnail } from "./thumbnails.ts";

/** A file that is ready to be sent. */
export interface PreparedFile {
  readonly record: AttachmentRecord;
  readonly thumbnail: Uint8Array | undefined;
  /** undefined: it is with the server already. */
  readonly upload: PreparedUpload | undefined;
}

interface PreparedUpload {
  readonly id: string;
  readonly source: FileSource;
  readonly kept: boolean;
  readonly reference: string | undefined;
  readonly stripped: boolean;
}

/**
 * Makes files ready; those that are small enough are kept in the vault.
 * @throws UsageError `usage`, `too_large`, `picture_unreadable`, `file_changed`; and what the sources throw.
 */
export async function prepareFiles(
  engine: Engine,
  inputs: readonly (AttachmentInput | SharedAttachment)[],
): Promise<readonly PreparedFile[]> {
  if (inputs.length > LIMITS.maxAttachments) {
    throw new UsageError("usage", `a message may have ${LIMITS.maxAttachments} attachments at most`);
  }
  const prepared: PreparedFile[] = [];
  try {
    for (const input of inputs) {
      prepared.push("source" in input ? await prepare(engine, input) : await passOn(engine, input));
    }
    return prepared;
  } catch (cause) {
    await releaseFiles(engine, prepared);
    throw cause;
  }
}

/** The files' message was stored, or never will be: what is kept without one goes. */
export function releaseFiles(engine: Engine, prepared: readonly PreparedFile[]): Promise<void> {
  return engine.run(async (step) => {
    for (const { upload } of prepared) if (upload !== undefined) step.files.sending.delete(upload.id);
    step.live.transfers.mayHaveLeftovers = true;
  });
}

/** A file of another message. */
async function passOn(engine: Engine, { conversation, id, index }: SharedAttachment): Promise<PreparedFile> {
  return engine.run(async (step) => {
    const { place, attachment } = await findAttachment(step, conversation, id, index);
    const thumbnail = attachment.thumbnail && (await step.draft.get(attachmentNames.thumbnail(place, index)));
    return { record: { ...attachment, shared: true }, thumbnail, upload: undefined };
  });
}

/** Of several files, the error says which. */
async function prepare(engine: Engine, input: AttachmentInput): Promise<PreparedFile> {
  try {
    return await prepareOne(engine, input);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw new UsageError(cause.code, `${safeFileName(input.name)}: ${cause.message}`, { cause });
  }
}

async function prepareOne(engine: Engine, input: AttachmentInput): Promise<PreparedFile> {
  const picture = input.keepMetadata === true ? undefined : await stripPicture(input.source);
  const source = picture?.source ?? input.source;
  const shape = attachmentShape(source.size);
  checkFits(engine, shape.sealedBytes);
  const name = safeFileName(input.name);
  const mediaType = input.type ?? picture?.type ?? typeOfName(name);
  const { width = picture?.width, height = picture?.height } = input;
  const { durationMs, preview, waveform, thumbnail } = input;
  bounded(preview, LIMITS.maxPreviewBytes);
  bounded(waveform, LIMITS.maxWaveformBytes);
  if (thumbnail !== undefined && !(await isThumbnail(thumbnail))) {
    throw new UsageError("usage", "a thumbnail is a JPEG or WebP of few bytes and pixels");
  }
  const kept = source.size <= MOST_KEPT_BYTES;
  const bytes = kept ? await readExactly(source, 0, source.size) : undefined;
  return engine.run(async (step) => {
    const id = freshId(step);
    if (bytes !== undefined) {
      step.files.sending.add(id);
      keepFile(step, id, bytes);
    }
    const record: AttachmentRecord = {
      readToken: step.env.crypto.randomBytes(32),
      key: step.env.crypto.randomBytes(32),
      size: source.size,
      digest: new Uint8Array(),
      mediaType: isMediaType(mediaType) ? mediaType : OCTETS,
      name: utf8(name).length <= LIMITS.maxFileNameBytes ? name : "file",
      ...(isPixels(width) && isPixels(height) && { width, height }),
      ...(durationMs !== undefined &&
        durationMs > 0 && { durationMs: Math.min(Math.round(durationMs), mostMs) }),
      ...(preview !== undefined && { preview }),
      ...(input.voice === true && { voice: true as const }),
      ...(waveform !== undefined && { waveform }),
      ...(thumbnail !== undefined && { thumbnail: true as const }),
    };
    const { reference } = input;
    const upload = { id, source, kept, reference, stripped: picture !== undefined };
    return { record, thumbnail, upload };
  });
}

const mostMs = 0xffff_ffff;
const isPixels = (value: number | undefined): value is number =>
  value !== undefined && Number.isInteger(value) && value > 0 && value <= 0xffff_ffff;

function checkFits(engine: Engine, sealedBytes: number): void {
  const { maxBlobBytes } = engine.live.transfers;
  if (maxBlobBytes === undefined || sealedBytes <= maxBlobBytes) return;
  const largest = largestAttachment(maxBlobBytes);
  throw new UsageError(
    "too_large",
    largest === undefined
      ? "this server takes no attachments"
      : `this server takes files of ${largest} bytes at most`,
  );
}

function bounded(bytes: Uint8Array | undefined, most: number): void {
  if (bytes !== undefined && bytes.length > most) throw new UsageError("usage", "a preview is too long");
}

/** Begins the uploads of a message that was stored now. False when it needs none. */
export function beginUploads(step: Step, place: MessagePlace, prepared: readonly PreparedFile[]): boolean {
  const { transfers } = step.live;
  let begun = false;
  for (const [index, { record, thumbnail, upload }] of prepared.entries()) {
    if (thumbnail !== undefined) step.draft.put(attachmentNames.thumbnail(place, index), thumbnail);
    if (upload === undefined) continue;
    const { id, source, kept, reference, stripped } = upload;
    const { size, readToken, key } = record;
    const order = nextOrder(step);
    step.draft.putItem(attachmentNames.uploads, order, {
      id,
      place,
      index,
      size,
      readToken,
      key,
      kept,
      ...(reference !== undefined && { reference }),
      strip: stripped,
      chunk: 0,
      digest: new Uint8Array(),
      restarts: 0,
    });
    if (!kept) step.files.sources.set(id, source);
    transfers.uploads.push(order);
    transfers.active.set(order, newActive(0));
    begun = true;
  }
  return begun;
}
