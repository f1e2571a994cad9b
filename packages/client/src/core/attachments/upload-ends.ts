/** How uploads end: a message whose files are all with the server goes out; one that cannot be sent is told, and leaves nothing behind. */
import { UsageError, type ErrorCode } from "@sotto/protocol";
import { advanceStatus, messageAt } from "../conversations.ts";
import { enqueueMls } from "../groups/queue.ts";
import { sentGroup } from "../outbox.ts";
import { names, type MessagePlace } from "../records.ts";
import type { Step } from "../step.ts";
import { deleteBlob, deleteBlobsOf } from "./blob-deletions.ts";
import { dropKept } from "./keeping.ts";
import { attachmentNames, type AttachmentRecord, type UploadRecord } from "./records.ts";

/** Changes what a message says of one of its attachments. */
export async function changeAttachment(
  step: Step,
  { place, index }: Pick<UploadRecord, "place" | "index">,
  changes: Partial<AttachmentRecord>,
): Promise<void> {
  const message = await messageAt(step.draft, place);
  const attachments = message?.attachments?.map((one, at) => (at === index ? { ...one, ...changes } : one));
  if (message === undefined || attachments === undefined) return;
  step.draft.putItem(names.messages(place.conversation), place.order, { ...message, attachments });
}

/** All of a file is with the server. */
export async function finishUpload(step: Step, order: number, upload: UploadRecord): Promise<void> {
  await changeAttachment(step, upload, { digest: upload.digest });
  await forgetUpload(step, order, upload);
  const message = await messageAt(step.draft, upload.place);
  if (message === undefined || (await uploadsOf(step, upload.place)).length > 0) return;
  const { conversation } = upload.place;
  const sentAtMs = step.env.nowMs();
  await enqueueMls(step, conversation, { type: "text", id: message.id, place: upload.place, sentAtMs });
}

/** A message cannot be sent because of one of its files. */
export async function failUploads(step: Step, place: MessagePlace, code: ErrorCode): Promise<void> {
  const message = await messageAt(step.draft, place);
  await dropUploads(step, place);
  if (message === undefined) return;
  await advanceStatus(step, place, "failed", code);
  const error = new UsageError(code, "the message could not be sent");
  step.effects.push({
    type: "settle",
    settle: () => step.waiters.reject(sentGroup(message.id), error),
  });
}

/** Ends the uploads of a message, and has what the server got of its files deleted. False when it has none under way. */
export async function dropUploads(step: Step, place: MessagePlace): Promise<boolean> {
  const uploads = await uploadsOf(step, place);
  if (uploads.length === 0) return false;
  const message = await messageAt(step.draft, place);
  for (const { order, upload } of uploads) await forgetUpload(step, order, upload);
  if (message !== undefined) deleteBlobsOf(step, message);
  else for (const { upload } of uploads) deleteBlob(step, upload.readToken);
  return true;
}

async function uploadsOf(
  step: Step,
  { conversation, order: at }: MessagePlace,
): Promise<readonly { readonly order: number; readonly upload: UploadRecord }[]> {
  const found: { readonly order: number; readonly upload: UploadRecord }[] = [];
  for (const order of step.live.transfers.uploads) {
    const upload = await step.draft.item(attachmentNames.uploads, order);
    if (upload?.place.conversation === conversation && upload.place.order === at)
      found.push({ order, upload });
  }
  return found;
}

async function forgetUpload(step: Step, order: number, { id, kept }: UploadRecord): Promise<void> {
  const { transfers } = step.live;
  step.draft.deleteItem(attachmentNames.uploads, order);
  const at = transfers.uploads.indexOf(order);
  if (at >= 0) transfers.uploads.splice(at, 1);
  transfers.active.get(order)?.abort.abort();
  transfers.active.delete(order);
  step.files.sources.delete(id);
  if (kept) await dropKept(step, (file) => file.id === id);
}
