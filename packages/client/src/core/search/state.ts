/**
 * Where the index stands. What is stored of it: segments, by the order of their first message; places of messages that are in none yet, one
 * item for each change set; and a record that says that all of it is whole. Without that record the index is made anew.
 */
import { names, type MessagePlace, type MessageRecord } from "../records.ts";
import { safeFileName } from "../attachments/file-name.ts";
import type { View } from "../vault-store.ts";
import type { Doc, SearchSegment } from "./segment.ts";
import { wordsOf } from "./words.ts";

/** Raised when words are folded, or segments made, in another way. */
export const SEARCH_VERSION = 1;

/** A message that is in no segment yet. */
export interface PendingDoc extends Omit<Doc, "words"> {
  readonly text: string;
  words?: readonly string[];
}

/** The index while it is made. */
export interface Build {
  /** Lists of messages that are to be read, and from which order on the first of them. */
  readonly conversations: string[];
  from: number;
  readonly docs: Doc[];
  /** Places of what changed since: whatever was read of them is not to be believed. */
  readonly changed: Set<string>;
  /** What is to be written; undefined: not everything was read yet. */
  segments: (readonly Doc[])[] | undefined;
}

/** What lives in memory. */
export interface SearchState {
  /** Whether all messages are in the index. */
  ready: boolean;
  /** That is not stored yet. */
  unwritten: boolean;
  /** What an unfinished index left behind is gone. */
  cleared: boolean;
  /** The index is being made. */
  build: Build | undefined;
  /** A message that does not open stands in the way of making it. */
  failed: boolean;
  armed: boolean;
  /** Messages above this order are new. */
  newest: number;
  /** By place, those that were looked at whole; undefined: not read yet. */
  pending: Map<string, PendingDoc | MessagePlace> | undefined;
  /** The order of the next item of the list of places. */
  nextPending: number;
  /** Segments that were read, by the order that they are kept under: all from `readFrom` on. */
  readonly segments: Map<number, SearchSegment>;
  readFrom: number;
}

/** Reads where the index stands. A vault in which nothing ever was has a whole one. */
export async function loadSearch(view: View, lastOrder: number): Promise<SearchState> {
  const ready = (await view.get(names.searchState))?.version === SEARCH_VERSION;
  return {
    ready: ready || lastOrder === 0,
    unwritten: !ready && lastOrder === 0,
    cleared: ready || lastOrder === 0,
    build: undefined,
    failed: false,
    armed: false,
    newest: lastOrder,
    pending: undefined,
    nextPending: 0,
    segments: new Map(),
    readFrom: Infinity,
  };
}

/** Stands for the own account in the index. */
export const OWN = "self";

/** What names a place in memory. */
export const placeKey = ({ conversation, order }: MessagePlace): string => `${order} ${conversation}`;

/** What is found of a message; undefined: nothing, as of those that were taken back. */
export function searchable({ conversation, order }: MessagePlace, record: MessageRecord | undefined) {
  if (record === undefined || record.kind !== undefined || record.deleted === true) return undefined;
  const { body, sender = "", sentAt, direction, attachments = [] } = record;
  if (body === "" && attachments.length === 0) return undefined;
  const text = [body, ...attachments.map(({ name }) => safeFileName(name))].join("\n");
  const by = direction === "out" ? OWN : sender;
  return { conversation, order, sender: by, sentAt, files: attachments.length > 0, text };
}

/** A message with its words. */
export function docOf(pending: PendingDoc): Doc {
  const { text, ...doc } = pending;
  return { ...doc, words: (pending.words ??= wordsOf(text)) };
}
