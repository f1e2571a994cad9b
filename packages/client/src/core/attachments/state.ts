/** Where uploads and deletions of blobs stand in memory; all of it can be found out again. */
import type { View } from "../vault-store.ts";
import { attachmentNames } from "./records.ts";

/** An upload under way. */
export interface ActiveUpload {
  /** Something is under way, or a timer waits. */
  busy: boolean;
  /** Its bytes are nowhere to be had: whoever sent it must give them again. */
  waitsForFile: boolean;
  /** Tries that failed in a row. */
  failures: number;
  ticket: Uint8Array | undefined;
  /** How much of the blob the server has; undefined: ask. */
  offset: number | undefined;
  /** The sealed window that is being sent. */
  window: Uint8Array | undefined;
  /** How much of it is sent at once. */
  partBytes: number;
  /** Ends what is under way. */
  readonly abort: AbortController;
}

/** What lives in memory. */
export interface TransferState {
  /** Orders of uploads, the oldest first. */
  readonly uploads: number[];
  readonly active: Map<number, ActiveUpload>;
  /** Orders of blobs that are to be deleted. */
  readonly deletions: number[];
  deleting: boolean;
  deletionFailures: number;
  /** Size of the largest blob that the server takes; undefined: it never said. */
  maxBlobBytes: number | undefined;
  /** Kept files may be left that no upload needs. */
  mayHaveLeftovers: boolean;
}

/** Reads what is left to do. */
export async function loadTransfers(view: View): Promise<TransferState> {
  return {
    uploads: (await view.page(attachmentNames.uploads)).map(({ order }) => order),
    active: new Map(),
    deletions: (await view.page(attachmentNames.deletions)).map(({ order }) => order),
    deleting: false,
    deletionFailures: 0,
    maxBlobBytes: await view.get(attachmentNames.maxBlobBytes),
    mayHaveLeftovers: true,
  };
}

/** A part of this size is sent at first; larger ones while it goes quickly, smaller ones after a break. */
const firstPartBytes = 262_144;
const leastPartBytes = 32_768;

/** An upload that nothing is known of yet. @param offset what the server is known to have. */
export const newActive = (offset: number | undefined): ActiveUpload => ({
  busy: false,
  waitsForFile: false,
  failures: 0,
  ticket: undefined,
  offset,
  window: undefined,
  partBytes: firstPartBytes,
  abort: new AbortController(),
});

/** After a part that went through. */
export function growPart(active: ActiveUpload): void {
  active.partBytes *= 2;
}

/** After a break. */
export function shrinkPart(active: ActiveUpload): void {
  active.partBytes = Math.max(leastPartBytes, Math.floor(active.partBytes / 2));
}

/** Whether nothing is under way but files that somebody must give again, and deletions that the server did not take just now. */
export const isTransferred = ({
  uploads,
  active,
  deletions,
  deletionFailures,
}: Pick<TransferState, "uploads" | "active" | "deletions" | "deletionFailures">): boolean =>
  uploads.every((order) => active.get(order)?.waitsForFile === true) &&
  (deletions.length === 0 || deletionFailures > 0);
