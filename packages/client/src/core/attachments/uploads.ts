/**
 * Uploading what messages bring along: sealed window by window, each noted in the vault before any of it leaves, so that a process that
 * ends in the middle goes on where it was, and sends the same bytes under the same key or none.
 *
 * A few files go up at once, the oldest first. A message goes out when all of its files are with the server.
 */
import { attachmentShape, type AttachmentShape } from "@sotto/crypto";
import {
  InternalError,
  LIMITS,
  SottoError,
  TransportError,
  equalBytes,
  type ErrorCode,
} from "@sotto/protocol";
import { messageAt } from "../conversations.ts";
import { stripPicture } from "../media/picture.ts";
import type { FileSource } from "../../attachment-api.ts";
import { pauseMs } from "../reconnect.ts";
import { isReady, request, type Answer } from "../session.ts";
import { notify, type Step, type StepFunction } from "../step.ts";
import type { Transport } from "../transport.ts";
import { deleteBlob } from "./blob-deletions.ts";
import type { Files } from "./files.ts";
import { dropKept, keptSource } from "./keeping.ts";
import { attachmentNames, type UploadRecord } from "./records.ts";
import { changed, sealWindow, windowEnd, windowPlace } from "./sealing.ts";
import { growPart, newActive, shrinkPart, type ActiveUpload } from "./state.ts";
import { blobIdOf, writeTokenOf } from "./tokens.ts";
import { changeAttachment, dropUploads, failUploads, finishUpload } from "./upload-ends.ts";

const mostAtOnce = 2;
const mostRestarts = 5;
/** A part that takes longer is tried again, and smaller. */
const partPatienceMs = 70_000;
/** Refusals that cost nothing to answer at once; after more the pauses grow. */
const mostQuickRetries = 3;

/** Goes on with whatever can. */
export async function pumpUploads(step: Step): Promise<void> {
  const { transfers } = step.live;
  await dropLeftovers(step);
  if (!isReady(step)) return;
  let running = 0;
  for (const order of transfers.uploads.slice()) {
    const active = transfers.active.get(order) ?? newActive(undefined);
    transfers.active.set(order, active);
    if (active.waitsForFile) continue;
    running += 1;
    if (!active.busy) await goOn(step, order, active);
    if (running >= mostAtOnce) return;
  }
}

/** Bytes that were kept for a message which never came to be. */
async function dropLeftovers(step: Step): Promise<void> {
  const { transfers } = step.live;
  if (!transfers.mayHaveLeftovers) return;
  transfers.mayHaveLeftovers = false;
  const needed = new Set((await step.draft.page(attachmentNames.uploads)).map(({ value }) => value.id));
  await dropKept(step, ({ id }) => !needed.has(id) && !step.files.sending.has(id));
}

async function goOn(step: Step, order: number, active: ActiveUpload): Promise<void> {
  const upload = await step.draft.item(attachmentNames.uploads, order);
  if (upload === undefined) return;
  const message = await messageAt(step.draft, upload.place);
  if (message?.status !== "queued" || message.deleted === true) {
    await dropUploads(step, upload.place);
    return;
  }
  const shape = attachmentShape(upload.size);
  const { maxBlobBytes } = step.live.transfers;
  if (maxBlobBytes !== undefined && shape.sealedBytes > maxBlobBytes) {
    return failUploads(step, upload.place, "too_large");
  }
  if (active.window === undefined) return sealNext(step, order, upload, shape, active);
  if (active.offset === undefined) return askOffset(step, order, upload, active);
  const { window } = upload;
  if (window === undefined) throw new InternalError("internal", "a window was not noted");
  const place = windowPlace(shape, upload.chunk, window.end);
  // What the server has must lie within what is being sent: otherwise it lost some, or is not what we sent.
  if (active.offset < place.from || active.offset > place.to) return beginAnew(step, order, upload);
  if (active.offset === place.to) return finishWindow(step, order, upload, shape, active);
  if (active.offset === 0 && active.ticket === undefined) return askTicket(step, order, shape, active);
  sendPart(step, order, upload, shape, active, place.from);
}

// Sealing

async function sealNext(
  step: Step,
  order: number,
  upload: UploadRecord,
  shape: AttachmentShape,
  active: ActiveUpload,
): Promise<void> {
  const { env, files } = step;
  const end = upload.window?.end ?? windowEnd(shape, upload.chunk);
  work(step, order, active, async () => {
    const source = await sourceOf(files, upload);
    if (source === undefined) {
      return async (later) => {
        active.waitsForFile = true;
        notify(later, { type: "file_needed", ...(await whose(later, upload)) });
      };
    }
    const sealed = await sealWindow(env.crypto, upload, shape, source, upload.chunk, end);
    return async (later) => {
      // The bytes are not those that were sealed before: sending these too would give both away.
      if (upload.window !== undefined && !equalBytes(upload.window.digest, sealed.digest)) throw changed();
      active.window = sealed.bytes;
      const noted = { ...upload, window: { end, digest: sealed.digest } };
      later.draft.putItem(attachmentNames.uploads, order, noted);
    };
  });
}

async function sourceOf(files: Files, upload: UploadRecord): Promise<FileSource | undefined> {
  const { id, size, kept, reference, strip } = upload;
  const given = files.sources.get(id);
  if (given !== undefined) return given;
  if (kept) return keptSource(files.view, { id, size });
  const found = reference === undefined ? undefined : await files.open?.(reference);
  if (found === undefined) return undefined;
  const source = strip ? ((await stripPicture(found))?.source ?? found) : found;
  files.sources.set(id, source);
  return source;
}

// Talking to the server

function askTicket(step: Step, order: number, shape: AttachmentShape, active: ActiveUpload): void {
  active.busy = true;
  const onAnswer = async (later: Step, answer: Answer): Promise<void> => {
    if (later.live.transfers.active.get(order) !== active) return;
    active.busy = false;
    if (answer.type === "ticket") active.ticket = answer.ticket;
    else if (answer.type === "refused" || answer.type === "lost")
      await setback(later, order, active, answer.error);
  };
  request(
    step,
    (number) => ({
      case: "askBlobTicket",
      value: { $typeName: "sotto.v1.AskBlobTicket", request: number, size: BigInt(shape.sealedBytes) },
    }),
    onAnswer,
  );
}

function askOffset(step: Step, order: number, upload: UploadRecord, active: ActiveUpload): void {
  const { env } = step;
  const { own } = step.live;
  work(step, order, active, async (transport, signal) => {
    const { readToken } = upload;
    const id = await blobIdOf(env.crypto, readToken);
    const writeToken = await writeTokenOf(env.crypto, own, readToken);
    let offset = 0;
    try {
      offset = await transport.blobs.progress(id, writeToken, signal);
    } catch (cause) {
      // It was never begun; or it is gone, which shows by where it stands then.
      if (!(cause instanceof SottoError) || cause.code !== "blob_unknown") throw cause;
    }
    return async () => {
      active.offset = offset;
    };
  });
}

function sendPart(
  step: Step,
  order: number,
  upload: UploadRecord,
  shape: AttachmentShape,
  active: ActiveUpload,
  windowFrom: number,
): void {
  const { env } = step;
  const { own } = step.live;
  const { readToken } = upload;
  const { offset = 0, ticket, window = new Uint8Array() } = active;
  const bytes = window.subarray(offset - windowFrom, offset - windowFrom + active.partBytes);
  work(step, order, active, async (transport, signal) => {
    const id = await blobIdOf(env.crypto, readToken);
    const writeToken = await writeTokenOf(env.crypto, own, readToken);
    const part = {
      id,
      writeToken,
      ticket: offset === 0 ? ticket : undefined,
      size: shape.sealedBytes,
      offset,
      bytes,
    };
    const after = await transport.blobs.put(part, signal);
    return async () => {
      active.offset = after;
      active.ticket = undefined;
      active.failures = 0;
      if (after >= offset + bytes.length) growPart(active);
    };
  });
}

async function finishWindow(
  step: Step,
  order: number,
  upload: UploadRecord,
  shape: AttachmentShape,
  active: ActiveUpload,
): Promise<void> {
  const { window: sent, ...rest } = upload;
  const after: UploadRecord = {
    ...rest,
    chunk: sent?.end ?? rest.chunk,
    digest: sent?.digest ?? rest.digest,
  };
  active.window = undefined;
  step.draft.putItem(attachmentNames.uploads, order, after);
  const done = Math.min(upload.size, after.chunk * LIMITS.attachmentChunkBytes);
  notify(step, { type: "upload", ...(await whose(step, upload)), done, total: upload.size });
  if (after.chunk === shape.chunks) return finishUpload(step, order, after);
  return sealNext(step, order, after, shape, active);
}

// When it does not work

/** With another key and other tokens: what the server has of it is not what we sent. */
async function beginAnew(step: Step, order: number, upload: UploadRecord): Promise<void> {
  if (upload.restarts >= mostRestarts) return failUploads(step, upload.place, "blob_unknown");
  const { window: _, ...rest } = upload;
  const [readToken, key] = [step.env.crypto.randomBytes(32), step.env.crypto.randomBytes(32)];
  const fresh = {
    ...rest,
    readToken,
    key,
    chunk: 0,
    digest: new Uint8Array(),
    restarts: upload.restarts + 1,
  };
  deleteBlob(step, upload.readToken);
  step.draft.putItem(attachmentNames.uploads, order, fresh);
  await changeAttachment(step, upload, { readToken, key });
  const active = newActive(0);
  step.live.transfers.active.set(order, active);
  await goOn(step, order, active);
}

/** Does something outside of the machine; its failures are setbacks. */
function work(
  step: Step,
  order: number,
  active: ActiveUpload,
  run: (transport: Transport, signal: AbortSignal) => Promise<StepFunction>,
): void {
  active.busy = true;
  const { env } = step;
  // Whoever cancelled the upload, or began it anew, has no use for what comes.
  const ifPresent =
    (then: StepFunction): StepFunction =>
    async (later) => {
      if (later.live.transfers.active.get(order) !== active) return;
      active.busy = false;
      try {
        await then(later);
      } catch (cause) {
        await setback(later, order, active, cause);
      }
    };
  step.effects.push({
    type: "work",
    run: async (transport, signal) => {
      const slow = new AbortController();
      const stop = env.setTimer(partPatienceMs, () => slow.abort());
      try {
        return ifPresent(await run(transport, AbortSignal.any([signal, slow.signal, active.abort.signal])));
      } catch (cause) {
        return ifPresent(async () => {
          throw cause;
        });
      } finally {
        stop();
      }
    },
  });
}

const permanent = new Set<ErrorCode>(["too_large", "malformed", "file_changed", "picture_unreadable"]);

async function setback(step: Step, order: number, active: ActiveUpload, cause: unknown): Promise<void> {
  const upload = await step.draft.item(attachmentNames.uploads, order);
  if (upload === undefined) return;
  const error =
    cause instanceof SottoError
      ? cause
      : new TransportError("connection_lost", "an upload broke off", { cause });
  if (permanent.has(error.code)) return failUploads(step, upload.place, error.code);
  active.failures += 1;
  if (error.code === "blob_conflict" && error.current !== undefined) active.offset = error.current;
  else active.offset = undefined;
  if (error.code === "ticket_refused") active.ticket = undefined;
  const isQuick = ["blob_conflict", "ticket_refused", "blob_unknown"].includes(error.code);
  if (isQuick && active.failures <= mostQuickRetries) return undefined;
  if (error instanceof TransportError) shrinkPart(active);
  active.busy = true;
  step.effects.push({
    type: "timer",
    name: `upload ${order}`,
    delayMs: pauseMs(active.failures, error.retryAfterMs, step.env.random()),
    run: async () => {
      active.busy = false;
    },
  });
  return undefined;
}

/** Which attachment of which message an upload is. */
async function whose(step: Step, { place, index }: UploadRecord): Promise<{ id: string; index: number }> {
  return { id: (await messageAt(step.draft, place))?.id ?? "", index };
}
