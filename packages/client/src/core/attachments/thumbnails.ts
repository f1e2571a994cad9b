/** Small pictures that came inside messages: kept only when they are what they should be, so that showing one is harmless. */
import { LIMITS } from "@sotto/protocol";
import { bytesSource } from "../media/file-source.ts";
import { stripPicture } from "../media/picture.ts";
import type { MessagePlace, MessageRecord } from "../records.ts";
import type { Step } from "../step.ts";
import type { View } from "../vault-store.ts";
import { attachmentNames, type AttachmentRecord } from "./records.ts";
import type { CarriedAttachment } from "./wire.ts";

/** Whether bytes are a small JPEG or WebP: few in number can still say that they are 65,535 pixels wide, which fills a memory. */
export async function isThumbnail(bytes: Uint8Array): Promise<boolean> {
  if (bytes.length > LIMITS.maxThumbnailBytes) return false;
  try {
    const picture = await stripPicture(bytesSource(bytes));
    const side = Math.max(picture?.width ?? 0, picture?.height ?? 0);
    return (
      picture !== undefined && picture.type !== "image/png" && side >= 1 && side <= LIMITS.maxThumbnailPixels
    );
  } catch {
    return false;
  }
}

/** Attachments as their message keeps them; those of their small pictures that are any are for keepThumbnails(). */
export async function withThumbnails(carried: readonly CarriedAttachment[]): Promise<{
  readonly records: readonly AttachmentRecord[];
  readonly thumbnails: readonly (Uint8Array | undefined)[];
}> {
  const records: AttachmentRecord[] = [];
  const thumbnails: (Uint8Array | undefined)[] = [];
  for (const { thumbnailBytes, ...attachment } of carried) {
    const fits = thumbnailBytes !== undefined && (await isThumbnail(thumbnailBytes));
    records.push(fits ? { ...attachment, thumbnail: true } : attachment);
    thumbnails.push(fits ? thumbnailBytes : undefined);
  }
  return { records, thumbnails };
}

/** Stores the small pictures of a message. */
export function keepThumbnails(
  step: Step,
  place: MessagePlace,
  thumbnails: readonly (Uint8Array | undefined)[],
): void {
  for (const [index, bytes] of thumbnails.entries()) {
    if (bytes !== undefined) step.draft.put(attachmentNames.thumbnail(place, index), bytes);
  }
}

/** The attachments of a message with their small pictures, for their way. */
export async function carriedOf(
  view: View,
  place: MessagePlace,
  attachments: readonly AttachmentRecord[],
): Promise<readonly CarriedAttachment[]> {
  return Promise.all(
    attachments.map(async ({ thumbnail, ...attachment }, index) => {
      const bytes = thumbnail && (await view.get(attachmentNames.thumbnail(place, index)));
      return bytes === undefined ? attachment : { ...attachment, thumbnailBytes: bytes };
    }),
  );
}

/** Deletes the small pictures of a message. */
export function dropThumbnails(
  step: Step,
  place: MessagePlace,
  { attachments = [] }: Pick<MessageRecord, "attachments">,
): void {
  for (const [index, { thumbnail }] of attachments.entries()) {
    if (thumbnail === true) step.draft.delete(attachmentNames.thumbnail(place, index));
  }
}
