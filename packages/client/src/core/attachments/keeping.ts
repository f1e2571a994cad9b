/**
 * Bytes of small files, kept in the vault until they are uploaded: a picture whose metadata were taken out, or a recording, lies
 * nowhere else, and a message that was stored for sending must survive the end of the process.
 */
import { UsageError } from "@sotto/protocol";
import type { FileSource } from "../../attachment-api.ts";
import { nextOrder, type Step } from "../step.ts";
import type { View } from "../vault-store.ts";
import { attachmentNames, type KeptFile } from "./records.ts";

/** Files up to this many bytes are kept; larger ones are read where they are. */
export const MOST_KEPT_BYTES = 8 * 1_048_576;

const pieceBytes = 262_144;

/** Stores the bytes of a file. */
export function keepFile(step: Step, id: string, bytes: Uint8Array): void {
  step.draft.putItem(attachmentNames.keptFiles, nextOrder(step), { id, size: bytes.length });
  for (let at = 0, piece = 0; at < bytes.length; at += pieceBytes, piece++) {
    step.draft.putItem(attachmentNames.bytes(id), piece, bytes.slice(at, at + pieceBytes));
  }
}

/** A file that was kept. */
export function keptSource(view: View, { id, size }: KeptFile): FileSource {
  return {
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      for (let at = offset; at < offset + length;) {
        const index = Math.floor(at / pieceBytes);
        const begin = index * pieceBytes;
        const piece = await view.item(attachmentNames.bytes(id), index);
        const part = piece?.subarray(at - begin, offset + length - begin) ?? new Uint8Array();
        if (part.length === 0) throw new UsageError("file_changed", "the bytes of the file are gone");
        bytes.set(part, at - offset);
        at += part.length;
      }
      return bytes;
    },
  };
}

/** Forgets kept files; those that are not there are passed over. */
export async function dropKept(step: Step, isDropped: (file: KeptFile) => boolean): Promise<void> {
  for (const { order, value } of await step.draft.page(attachmentNames.keptFiles)) {
    if (!isDropped(value)) continue;
    step.draft.deleteItem(attachmentNames.keptFiles, order);
    for (let piece = 0; piece * pieceBytes < value.size; piece++) {
      step.draft.deleteItem(attachmentNames.bytes(value.id), piece);
    }
  }
}
